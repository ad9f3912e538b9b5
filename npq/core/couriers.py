"""Who carries messages out of the building: GOV.UK Notify when there is a key, else Django's e-mail backend.

The reference of a message is its public id. Notify keeps it, so a delivery in doubt can be looked up there
before it is repeated; Notify has no other guard against sending twice. E-mail has no memory: after a crash in
mid-delivery the same message goes out again, under the same Message-ID.
"""

import smtplib
from collections.abc import Iterable
from typing import Any, Protocol, TextIO

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from notifications_python_client.errors import APIError
from notifications_python_client.notifications import NotificationsAPIClient

from npq.core.wording import Letter

TIMEOUT_SECONDS = 30
WRONG_KEY = (401, 403)
TOO_MANY = 429


class Undeliverable(Exception):
    """This message can never be delivered as it is."""


class NotNow(Exception):
    """This message could not be delivered now, and perhaps it was: look it up, then try again later."""


class CourierDown(Exception):
    """No message can be delivered now. `certain` when this one was surely not delivered either."""

    def __init__(self, sentence: str, *, certain: bool) -> None:
        self.certain = certain
        super().__init__(sentence)


class Courier(Protocol):
    """Delivers letters. Both methods raise Undeliverable, NotNow or CourierDown."""

    def find(self, reference: str, *, to: str) -> str | None:
        """The courier's own id of the delivery with this reference to an address, or None when it knows of none."""

    def send(self, *, to: str, letter: Letter, reference: str) -> str:
        """Delivers, and returns the courier's own id of the delivery (blank when it gives none)."""


class NotifyCourier:
    """GOV.UK Notify, with one template whose subject is `((subject))` and whose text is `((body))`."""

    def __init__(self) -> None:
        base_url = {"base_url": settings.NOTIFY_BASE_URL} if settings.NOTIFY_BASE_URL else {}
        try:
            self._client = NotificationsAPIClient(settings.NOTIFY_API_KEY, timeout=TIMEOUT_SECONDS, **base_url)
        except AssertionError as problem:
            raise CourierDown(f"NOTIFY_API_KEY is not a key of GOV.UK Notify: {problem}", certain=True) from problem

    def find(self, reference: str, *, to: str) -> str | None:
        answer = self._ask(lambda: self._client.get_all_notifications(reference=reference))
        found: Iterable[dict[str, Any]] = answer["notifications"]
        # A message that is sent again may have another address by now: what went to the old one is not it.
        return next((str(each["id"]) for each in found if each["email_address"].lower() == to.lower()), None)

    def send(self, *, to: str, letter: Letter, reference: str) -> str:
        answer = self._ask(
            lambda: self._client.send_email_notification(
                email_address=to,
                template_id=settings.NOTIFY_TEMPLATE_ID,
                personalisation={"subject": letter.subject, "body": letter.body},
                reference=reference,
            )
        )
        return str(answer["id"])

    def _ask(self, request: Any) -> Any:
        try:
            return request()
        except APIError as problem:
            raise _in_our_words(problem) from problem


def _in_our_words(problem: APIError) -> Exception:
    sentence = f"GOV.UK Notify: {problem}"
    if problem.response is None:
        return CourierDown(f"GOV.UK Notify cannot be reached: {problem.__cause__ or problem}", certain=False)
    if problem.status_code in WRONG_KEY or problem.status_code == TOO_MANY:
        return CourierDown(sentence, certain=True)
    if 400 <= problem.status_code < 500:
        return Undeliverable(sentence)
    return NotNow(sentence)


class EmailCourier:
    """Django's e-mail backend. `stream` is where the console backend writes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def find(self, reference: str, *, to: str) -> str | None:
        return None

    def send(self, *, to: str, letter: Letter, reference: str) -> str:
        identifier = f"<{reference}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2].rstrip('>') or 'localhost'}>"
        try:
            EmailMessage(
                subject=letter.subject,
                body=letter.body,
                to=[to],
                headers={"Message-ID": identifier},
                connection=get_connection(stream=self._stream) if self._stream else get_connection(),
            ).send()
        except smtplib.SMTPRecipientsRefused as problem:
            code, reason = next(iter(problem.recipients.values()))
            kind = NotNow if code < 500 else Undeliverable
            raise kind(f"the mail server refuses {to}: {code} {reason!r}") from problem
        except smtplib.SMTPDataError as problem:
            kind = NotNow if problem.smtp_code < 500 else Undeliverable
            raise kind(f"the mail server refuses the message: {problem}") from problem
        except OSError as problem:  # smtplib's other errors are OSErrors too
            raise CourierDown(f"the mail server cannot be used: {problem}", certain=False) from problem
        except ValueError as problem:  # an address or a header that cannot be written
            raise Undeliverable(f"the message cannot be written as an e-mail: {problem}") from problem
        return ""


def courier(stream: TextIO | None = None) -> Courier:
    """The courier that the settings name; `stream` is where the console backend writes."""
    return NotifyCourier() if settings.NOTIFY_API_KEY else EmailCourier(stream)
