"""Something to practise on in the back office: each kind of work on the first page, for each role that acts on it.

People who look alike and a gap in the contracts come with the plan. What the service itself would bring about only by
accident (a refused request, a message that fails, a token that ends soon) is left here, when the rest is done.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from applications.errors import AlreadyAccepted, FundedPlaceRequired
from declarations.errors import ParticipantNotRecognised
from finance.choices import StatementState
from finance.models import PaymentRequest, Statement
from finance.services import request_payment
from npq.backoffice.bulk.catalogue import KINDS
from npq.backoffice.bulk.choices import BulkKind
from npq.backoffice.bulk.jobs import upload
from npq.backoffice.bulk.models import BulkJob
from npq.backoffice.bulk.work import work_on
from npq.core.audit import Actor
from npq.core.choices import MessageState, TokenScope
from npq.core.clock import uk_date, wall_clock
from npq.core.errors import Refused
from npq.core.models import ApiToken, Message, RefusedRequest
from npq.core.tokens import create_api_token, end_of
from npq.sandbox.access import SANDBOX_LABEL
from npq.sandbox.money import GAP
from npq.sandbox.people import identifier
from npq.sandbox.plan import Applied, Plan
from npq.sandbox.scenarios import Story, partner_of

# The colleague who has left things half done: whoever practises is always somebody else.
COLLEAGUE = Actor.staff("Jo Demo", identifier="demo", reason="demo data")
# Behind the scenarios' people and before the crowd's.
FIRST_NUMBER = 225
LABEL = "practice: ends soon"
LASTS = timedelta(days=10)
NO_MAILBOX = "the mail server refuses {to}: 550 no such mailbox"


@dataclass(frozen=True)
class Practice:
    """The applications of a provider that something is left about."""

    waits: Applied
    unreachable: Applied
    mistaken: Applied


def add_practice(plan: Plan, providers: list[str], *, seed: int) -> dict[str, Practice]:
    """Adds the people to practise on to the plan; returns, by provider, those that something is left about."""
    found = {}
    for place, provider in enumerate(providers):
        rival = providers[(place + 1) % len(providers)]
        story = Story(plan, seed=seed, name="practice", provider=provider, rival=rival, number=FIRST_NUMBER + 3 * place)
        # They come back without their TRN, and have a second ID: to be merged.
        once, again = story.somebody(), story.somebody(with_trn=False)
        known: dict[str, Any] = {"full_name": once.name, "date_of_birth": once.born.isoformat()}
        waits = story.applies(once, cohort="2024a")
        story.applies(again, cohort="2025a", course="npq-senior-leadership", to=rival, **known)
        # They share the address of their school's office: to be kept apart.
        for course in ("npq-leading-literacy", "npq-leading-teaching"):
            story.applies(cohort="2025a", course=course, email=f"office.{provider}.{seed}@example.org")
        found[provider] = Practice(
            waits=waits,
            # They mistyped their address: to be put right, and told again.
            unreachable=story.accepted(
                cohort="2025a", funded_place=True, email=f"misspelt.{provider}.{seed}@example.org"
            ),
            # Accepted by mistake; the colleague has uploaded a file that says so.
            mistaken=story.accepted(cohort="2025a", course="npq-leading-behaviour-culture", funded_place=True),
        )
        if provider == GAP[0]:
            story.applies(cohort=GAP[1], course=GAP[2])
    return found


def leave_work(practice: dict[str, Practice], *, seed: int) -> None:
    """Leaves what waits for staff, once the plan is carried out; what was left before is not left again."""
    _let_messages_fail([each.unreachable.id for each in practice.values()])
    _ask_for_payments(list(practice))
    _upload_files(list(practice.values()), seed=seed)


def _let_messages_fail(applications: list[uuid.UUID]) -> None:
    new = Message.objects.filter(
        application_public_id__in=applications, state=MessageState.PENDING, attempts=0, decisions__isnull=True
    )
    for message in new:
        message.state, message.attempts, message.last_error = MessageState.FAILED, 1, NO_MAILBOX.format(to=message.to)
        message.save(update_fields=["state", "attempts", "last_error"])


def _ask_for_payments(providers: list[str]) -> None:
    """One payment of each provider is asked for: a second person may authorise it."""
    payable = Statement.objects.filter(lead_provider__code__in=providers, state=StatementState.PAYABLE)
    asked = PaymentRequest.objects.filter(requester=COLLEAGUE.identifier).values("statement__lead_provider")
    first = payable.exclude(lead_provider__in=asked).order_by("lead_provider_id", "deadline_date", "id")
    for statement in first.distinct("lead_provider_id"):
        request_payment(statement_id=statement.id, by=COLLEAGUE)


def _upload_files(practice: list[Practice], *, seed: int) -> None:
    """A checked file for each role that makes bulk changes; not every row of it can be done."""
    mistaken = [each.mistaken for each in practice]
    declared = [
        f"{each.participant_id},started,2025-11-17,{each.course},{each.lead_provider},{partner_of(each.lead_provider)}"
        for each in mistaken
    ]
    files = {
        BulkKind.UNDO_ACCEPTANCE: [
            "id,restore_siblings",
            *(f"{each.id},no" for each in (*mistaken, practice[0].waits)),
        ],
        BulkKind.SUBMIT_DECLARATION: [
            "participant_id,declaration_type,declaration_date,course_identifier,lead_provider,delivery_partner_id",
            *declared,
            f"{identifier('nobody')},started,2025-11-17,npq-headship,{mistaken[0].lead_provider},",
        ],
        BulkKind.PAIR_DELIVERY_PARTNER: [
            "name,lead_provider,cohort",
            *(f"Riverside Training Partnership,{each.lead_provider},2026b" for each in mistaken),
            "Riverside Training Partnership,nobody,2026b",
        ],
    }
    for kind, lines in files.items():
        name = f"practice-{seed}-{kind.replace('_', '-')}.csv"
        if not BulkJob.objects.filter(kind=kind, file_name=name).exists():
            content = "\n".join(lines).encode()
            job = upload(kind=KINDS[kind], file_name=name, size=len(content), chunks=[content], by=COLLEAGUE)
            work_on(job.id)


def leave_traces_of_calls(practice: dict[str, Practice]) -> None:
    """Leaves requests of each provider that were refused lately, and a token that ends soon; unless there are some.

    The providers of the demo data have their tokens by now.
    """
    tokens = {}
    for code, its in practice.items():
        ours = ApiToken.objects.filter(lead_provider__code=code, label=SANDBOX_LABEL)
        token = tokens[code] = ours.select_related("lead_provider").latest("id")
        if not RefusedRequest.objects.filter(token=token).exists():
            for number, refusal in enumerate(_refusals(its), 1):
                refusal.token, refusal.lead_provider = token, token.lead_provider
                refusal.at = wall_clock() - timedelta(hours=5 * number)
                refusal.request_id = f"practice-{code}-{number}"
                refusal.save()
    token = next(iter(tokens.values()))
    if not ApiToken.objects.filter(label=LABEL).exists():
        ends = wall_clock() + LASTS
        create_api_token(
            by=COLLEAGUE,
            scope=TokenScope.LEAD_PROVIDER,
            lead_provider=token.lead_provider,
            label=LABEL,
            expires_at=end_of(uk_date(ends)),
        )


def _refusals(its: Practice) -> Iterator[RefusedRequest]:
    """What a provider tried: an acceptance a second time, one without the funded place, a declaration of nobody."""
    yield _refused(f"/api/v3/npq-applications/{its.mistaken.id}/accept", AlreadyAccepted, its.mistaken.id)
    yield _refused(f"/api/v3/npq-applications/{its.waits.id}/accept", FundedPlaceRequired, its.waits.id)
    yield _refused("/api/v3/participant-declarations", ParticipantNotRecognised, identifier("nobody"))


def _refused(path: str, error: type[Refused], about: uuid.UUID) -> RefusedRequest:
    return RefusedRequest(
        method="POST",
        path=path,
        status=error.status,
        codes=[error.code],
        titles=[error.title],
        record_ids=[about],
        milliseconds=12,
    )
