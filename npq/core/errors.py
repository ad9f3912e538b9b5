"""`Refused`: the one way a rule says no.

Every refusal of the service is a subclass, named by the fact in the way, with a stable machine `code`,
the `title` under which the provider contract reports it and a sentence that says what to do next.
The three doors show the same sentence: the API as a 422, the admin as a message, a command as a
failed row. `catalogue()` is the published table of codes (decisions.md §1.10).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class ErrorCode:
    """A row of the published catalogue."""

    code: str
    title: str
    detail: str
    status: int
    meaning: str


@dataclass(frozen=True)
class Problem:
    """One error as every door shows it."""

    title: str
    code: str
    detail: str


class Refused(Exception):
    """A rule says no. Subclasses give `title`, `code` and `detail` (a format string for the facts).

    `for_staff` says the same to staff, where `detail` advises what only a provider can do; empty where it suits both.
    """

    status: ClassVar[int] = 422
    title: ClassVar[str]
    code: ClassVar[str]
    detail: ClassVar[str]
    for_staff: ClassVar[str] = ""

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The refusal in words, with this case's facts filled in."""
        return self.detail.format(**self.facts)

    @property
    def sentence_for_staff(self) -> str:
        """The same as staff are told it."""
        return (self.for_staff or self.detail).format(**self.facts)

    @property
    def problems(self) -> list[Problem]:
        """What a door shows: one problem, or several for `RefusedTogether`."""
        return [self._problem(self.sentence)]

    @property
    def problems_for_staff(self) -> list[Problem]:
        """What staff are shown."""
        return [self._problem(self.sentence_for_staff)]

    def _problem(self, sentence: str) -> Problem:
        return Problem(self.facts.get("title", self.title), self.code, sentence)


class ReasonMissing(Refused):
    """A correction says why it is made."""

    title = "reason"
    code = "reason_missing"
    detail = "Give the reason for this correction. It is kept in the audit trail."


class ProviderForScope(Refused):
    """An API token of a provider's scope opens one provider's data; any other opens no provider's."""

    title = "provider"
    code = "provider_for_scope"
    detail = "A token of the lead provider scope needs a provider; one of another scope takes none."


class ExpiryPassed(Refused):
    """An API token that has expired already would open nothing."""

    title = "expires_at"
    code = "expiry_passed"
    detail = "That day is over. Give today or a later day; to end a token now, revoke it."


class TokenRevoked(Refused):
    """A revoked API token is revoked for good."""

    title = "id"
    code = "token_revoked"
    detail = "This token was revoked before and stays so. Issue a new one where one is needed."


class TokenIssuedBefore(Refused):
    """The request that issues an API token came a second time."""

    title = "id"
    code = "token_issued_before"
    detail = (
        "This token has been issued and its secret is not shown again. If it is lost, revoke the token and issue "
        "a new one."
    )


class MessageNotFailed(Refused):
    """Only a message that failed for good waits for a person."""

    title = "id"
    code = "message_not_failed"
    detail = "Only a message that failed for good can be sent again or marked as dealt with. This one: {stands}."


class RefusedTogether(Refused):
    """Several refusals of one request, in the order in which the rules were checked."""

    def __init__(self, refusals: Iterable[Refused]) -> None:
        self.refusals = list(refusals)
        self.facts = {}
        Exception.__init__(self, " ".join(refusal.sentence for refusal in self.refusals))

    @property
    def sentence(self) -> str:
        return " ".join(refusal.sentence for refusal in self.refusals)

    @property
    def sentence_for_staff(self) -> str:
        return " ".join(refusal.sentence_for_staff for refusal in self.refusals)

    @property
    def problems(self) -> list[Problem]:
        unique = dict.fromkeys(problem for refusal in self.refusals for problem in refusal.problems)
        return list(unique)

    @property
    def problems_for_staff(self) -> list[Problem]:
        unique = dict.fromkeys(problem for refusal in self.refusals for problem in refusal.problems_for_staff)
        return list(unique)


class TooMuchContention(Exception):
    """The rows to lock kept changing hands; nothing was written and the caller may try again."""


def refuse_if_any(refusals: Iterable[Refused]) -> None:
    """Raises what was collected: nothing when empty, the refusal itself when it is the only one."""
    collected = list(refusals)
    if len(collected) == 1:
        raise collected[0]
    if collected:
        raise RefusedTogether(collected)


def catalogue() -> list[ErrorCode]:
    """Every refusal with a code that has been declared, by code: the table the docs publish."""
    rows: dict[str, ErrorCode] = {}
    pending = list(Refused.__subclasses__())
    while pending:
        kind = pending.pop()
        pending.extend(kind.__subclasses__())
        if "code" in vars(kind):
            if kind.code in rows:
                raise AssertionError(f"two refusals share the code {kind.code}")
            meaning = (kind.__doc__ or "").strip()
            rows[kind.code] = ErrorCode(kind.code, kind.title, kind.detail, kind.status, meaning)
    return [rows[code] for code in sorted(rows)]
