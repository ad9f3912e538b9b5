"""What happened at the door of the back office, and who a colleague is to the identity provider."""

import re

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from npq.core.models import Record


class AccessKind(models.TextChoices):
    """What the access log tells of."""

    SIGNED_IN = "signed_in", "Signed in"
    SIGNED_OUT = "signed_out", "Signed out"
    SIGN_IN_REFUSED = "sign_in_refused", "Sign-in refused"
    LOCKED_OUT = "locked_out", "Locked out"
    UNLOCKED = "unlocked", "Lock removed"
    SESSION_ENDED = "session_ended", "Session ended"
    SECOND_FACTOR_SET_UP = "second_factor_set_up", "Second factor set up"
    SECOND_FACTOR_RESET = "second_factor_reset", "Second factor reset"
    PASSWORD_LINK_MADE = "password_link_made", "Link to set a password made"
    IDENTITY_LINKED = "identity_linked", "Department sign-in linked"
    IDENTITY_UNLINKED = "identity_unlinked", "Department sign-in unlinked"
    DOWNLOADED = "downloaded", "File downloaded"
    ACCOUNT_MADE = "account_made", "Account made"
    ACCOUNT_CHANGED = "account_changed", "Account changed"
    ACCOUNT_DELETED = "account_deleted", "Account deleted"
    ROLE_GIVEN = "role_given", "Role given"
    ROLE_TAKEN = "role_taken", "Role taken away"
    PERMISSION_GIVEN = "permission_given", "Permission given"
    PERMISSION_TAKEN = "permission_taken", "Permission taken away"


COLUMNS = {
    "is_active": "may sign in",
    "is_staff": "member of staff",
    "is_superuser": "superuser",
    "username": "username",
    "first_name": "first name",
    "last_name": "last name",
    "email": "email address",
    "date_joined": "made",
}
_COLUMN = re.compile(rf"(^|; )({'|'.join(COLUMNS)})((?: (?:true|false) → (?:true|false)(?=;|$))?)")


def _yes_or_no(text: str) -> str:
    return text.replace("true", "yes").replace("false", "no")


class AccessEvent(Record):
    """One line of the access log. It names people in plain text, so that it outlives their accounts.

    What concerns accounts, roles and permissions is written by a trigger, whatever way the change came.
    """

    kind = models.CharField("what happened", choices=AccessKind)
    username = models.CharField("account", blank=True, default="")
    by = models.CharField("done by", blank=True, default="")
    detail = models.TextField(blank=True, default="")
    reason = models.TextField(blank=True, default="")
    address = models.CharField("network address", blank=True, default="")
    request_id = models.CharField("request ID", blank=True, default="")

    class Meta:
        verbose_name = "access log entry"
        verbose_name_plural = "access log"
        indexes = [
            models.Index(name="access_event_kind", fields=["kind", "id"]),
            models.Index(name="access_event_username", fields=["username", "id"]),
            models.Index(name="access_event_by", fields=["by", "id"]),
            models.Index(name="access_event_request", fields=["request_id"]),
            models.Index(name="access_event_created", fields=["created_at"]),
        ]
        constraints = [
            models.CheckConstraint(name="access_event_kind_known", condition=Q(kind__in=AccessKind.values)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.username or self.by}"

    @property
    def detail_in_words(self) -> str:
        """The detail as staff read it: the trigger writes of an account's columns by their names."""
        if self.kind != AccessKind.ACCOUNT_CHANGED:
            return self.detail
        return _COLUMN.sub(lambda found: f"{found[1]}{COLUMNS[found[2]]}:{_yes_or_no(found[3])}", self.detail)


class StaffIdentity(Record):
    """Whom the department's identity provider means by a subject: the account it is linked to until it is unlinked."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="identity")
    issuer = models.CharField()
    subject = models.CharField()

    class Meta:
        verbose_name = "staff identity"
        verbose_name_plural = "staff identities"
        constraints = [models.UniqueConstraint(name="staff_identity_unique", fields=["issuer", "subject"])]

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"
