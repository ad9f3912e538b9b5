"""The back office's own tables.

Those of the access log and of the identity provider are declared in `access_models`, authenticators in
`authenticator_models`, what staff decided about people in `decision_models`.
"""

from django.db import models

from npq.backoffice.access_models import AccessEvent, AccessKind, StaffIdentity
from npq.backoffice.authenticator_models import Authenticator as Authenticator
from npq.backoffice.bulk.models import BulkJob as BulkJob
from npq.backoffice.bulk.models import BulkRow as BulkRow
from npq.backoffice.check_models import CheckKind, CheckResult
from npq.backoffice.decision_models import NotTheSamePerson
from npq.core.clock import wall_clock

__all__ = ["AccessEvent", "AccessKind", "CheckKind", "CheckResult", "Confirmation", "NotTheSamePerson", "StaffIdentity"]


class Confirmation(models.Model):
    """A correction's page that was confirmed and carried out: written with what it did, so that it is done once."""

    public_id = models.UUIDField("ID", primary_key=True, editable=False)
    confirmed_at = models.DateTimeField(default=wall_clock, editable=False)

    def __str__(self) -> str:
        return str(self.public_id)
