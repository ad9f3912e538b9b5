"""What staff decided about people who look alike."""

from django.db import models

from npq.core.models import Record
from participants.models import Participant


class NotTheSamePerson(Record):
    """Staff's decision that two participants who look alike are two people; `first` was added before `second`."""

    first = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    decided_by = models.CharField()
    reason = models.TextField()

    class Meta:
        app_label = "backoffice"
        verbose_name = "decision about two people"
        constraints = [
            models.UniqueConstraint(name="not_the_same_once", fields=["first", "second"]),
            models.CheckConstraint(name="not_the_same_in_order", condition=models.Q(first__lt=models.F("second"))),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} is not {self.second_id}"
