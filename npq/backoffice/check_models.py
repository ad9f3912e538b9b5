"""What the last run of each check of the data found, for the first page: the checks themselves read every record."""

from django.db import models

from npq.core.clock import wall_clock


class CheckKind(models.TextChoices):
    """What a check is about, which decides who sees it and where it leads."""

    RULE = "rule", "A rule that must always hold"
    CONTRACTS = "contracts", "Gaps between contract terms, statements and what is going on"
    DUPLICATES = "duplicates", "People who are probably one"


class CheckResult(models.Model):
    """The newest result of one check: how much it found (`at_least` where it stopped counting), and the first ones.

    `first` holds [identifier or empty, words] of each.
    """

    code = models.CharField(primary_key=True)
    kind = models.CharField(choices=CheckKind)
    sentence = models.CharField()
    found = models.PositiveIntegerField()
    at_least = models.BooleanField(default=False)
    first = models.JSONField(default=list)
    checked_at = models.DateTimeField(default=wall_clock, editable=False)

    class Meta:
        verbose_name = "check of the data"
        verbose_name_plural = "checks of the data"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.code
