"""Declarations, voids and outcomes at once, and against whatever else changes what they rest on.

Each race has a control without locks that shows the damage. Unique indexes and triggers keep part of the rules on
their own; there the control shows a server error, or goes without the index as well.
"""

from collections.abc import Callable
from typing import Any

import pytest

from declarations.models import Declaration, Outcome
from finance.models import LineItem, Statement
from npq.core.models import LeadProvider, Message
from npq.management.commands.check_invariants import every_invariant
from participants.models import Enrolment, TrainingStatusChange
from tests.conftest import ApiClient, errors_of
from tests.declarations.conftest import CLOCK, attributes, authorise, close, declared, next_statement, pay, trainee
from tests.factories import ParticipantFactory, ScheduleFactory
from tests.races.racing import intrude_after, meet_after, race, without_index, without_locks

pytestmark = pytest.mark.django_db(transaction=True)
Racer = Callable[[], Any]
Answer = tuple[int, Any]

READ = "declarations.services.submit.facts_about"
ONE_LIVE = "declaration_one_live_per_enrolment_and_type"
JUDGED = "declarations.services.void._check"
# The last look at what has been paid before a void takes its line off.
IN_ORDER = "finance.services.lines._refuse_contradictions"


@pytest.fixture
def enrolment(provider: LeadProvider) -> Enrolment:
    return trainee(provider)


@pytest.fixture
def twin(enrolment: Enrolment) -> Enrolment:
    """The same person, by the verified TRN, under another participant id."""
    trn = enrolment.participant.teacher_reference_number
    return trainee(enrolment.lead_provider, participant=ParticipantFactory(teacher_reference_number=trn))


def answer_of(response: Any) -> Answer:
    """The status, with the codes of a refusal or the id of what is shown."""
    if response.status_code == 200:
        return 200, response.json()["data"]["id"]
    return response.status_code, [code for _, code in errors_of(response)] if response.status_code < 500 else []


def declaring(api: ApiClient, enrolment: Enrolment, kind: str = "started", **more: Any) -> Racer:
    body = attributes(enrolment, kind, **more)
    return lambda: answer_of(api.post("v3", "/participant-declarations", body, headers=CLOCK))


def voiding(api: ApiClient, declaration_id: str) -> Racer:
    return lambda: answer_of(api.put("v3", f"/participant-declarations/{declaration_id}/void", headers=CLOCK))


def acting(api: ApiClient, enrolment: Enrolment, action: str, at: str = "2024-11-20T12:00:00Z", **more: str) -> Racer:
    path = f"/participants/npq/{enrolment.participant.public_id}/{action}"
    body = {"course_identifier": enrolment.course.identifier, **more}
    return lambda: answer_of(api.put("v3", path, body, headers={"X-With-Server-Date": at}))


def answers(*racers: Racer) -> list[Answer]:
    ends = race(*racers)
    for end in ends:
        if end.error:
            raise end.error
    return [end.value for end in ends]


def broken() -> set[str]:
    """The codes of the invariants that do not hold."""
    return {invariant.code for invariant in every_invariant() if list(invariant.breaches())}


def states() -> list[str]:
    return sorted(Declaration.objects.values_list("state", flat=True))


# Identical declarations


@pytest.mark.parametrize("kind", ["started", "completed"])
def test_identical_declarations_are_one(
    kind: str, api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_after(monkeypatch, READ)

    first, second = answers(declaring(api, enrolment, kind), declaring(api, enrolment, kind))

    assert first == second == (200, str(Declaration.objects.get().public_id))
    outcomes = int(kind == "completed")
    assert (LineItem.objects.count(), Outcome.objects.count(), Message.objects.count()) == (1, outcomes, outcomes)
    assert broken() == set()


def test_without_locks_the_index_refuses_the_copy(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, READ)

    found = answers(declaring(api, enrolment), declaring(api, enrolment))

    assert sorted(status for status, _ in found) == [200, 422]
    assert (422, ["declaration_already_exists"]) in found
    assert LineItem.objects.count() == 1


def test_without_locks_and_index_a_declaration_is_made_twice(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, READ)

    with without_index(ONE_LIVE):
        (_, first), (_, second) = answers(declaring(api, enrolment), declaring(api, enrolment))
        assert first != second
        assert LineItem.objects.filter(state="eligible").count() == 2
        assert {"one_live_declaration_per_type", "nobody_paid_twice"} <= broken()


# Near-identical declarations


def test_one_of_two_dates_wins(api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, READ)

    found = answers(declaring(api, enrolment), declaring(api, enrolment, declaration_date="2024-11-01T09:30:01Z"))

    made = Declaration.objects.get()
    assert sorted(found, key=str) == [(200, str(made.public_id)), (422, ["declaration_already_exists"])]
    assert LineItem.objects.count() == 1
    assert broken() == set()


def test_without_locks_and_index_both_dates_win(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, READ)

    with without_index(ONE_LIVE):
        found = answers(declaring(api, enrolment), declaring(api, enrolment, declaration_date="2024-11-01T09:30:01Z"))
        assert [status for status, _ in found] == [200, 200]
        assert states() == ["eligible", "eligible"]


# Two people with one TRN


def test_one_of_two_records_of_a_person_is_paid(
    api: ApiClient, enrolment: Enrolment, twin: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_after(monkeypatch, READ)

    found = answers(declaring(api, enrolment), declaring(api, twin))

    assert [status for status, _ in found] == [200, 200]
    assert states() == ["eligible", "ineligible"]
    winner, loser = Declaration.objects.get(state="eligible"), Declaration.objects.get(state="ineligible")
    assert loser.superseded_by_id == winner.id
    assert "nobody_paid_twice" not in broken()


def test_without_locks_both_records_are_paid(
    api: ApiClient, enrolment: Enrolment, twin: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, READ)

    answers(declaring(api, enrolment), declaring(api, twin))

    assert states() == ["eligible", "eligible"]
    assert "nobody_paid_twice" in broken()


# Declare against withdraw: the withdrawal lies before the date that is declared

WITHDRAWN_AT = "2024-11-01T08:00:00Z"


def withdrawing(api: ApiClient, enrolment: Enrolment) -> Racer:
    return acting(api, enrolment, "withdraw", at=WITHDRAWN_AT, reason="other")


def test_a_withdrawal_during_a_declaration_comes_after_it(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(api, enrolment, declaration_date="2024-10-15T09:00:00Z")
    withdrawal = intrude_after(monkeypatch, READ, withdrawing(api, enrolment))

    assert declaring(api, enrolment, "retained-1")()[0] == 200
    assert withdrawal().value[0] == 200
    assert came_first(Declaration.objects.get(declaration_type="retained-1"))
    assert broken() == set()


def test_a_declaration_during_a_withdrawal_is_refused(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(api, enrolment, declaration_date="2024-10-15T09:00:00Z")
    declaration = intrude_after(
        monkeypatch, "participants.services.withdraw._check", declaring(api, enrolment, "retained-1")
    )

    assert withdrawing(api, enrolment)()[0] == 200
    assert declaration().value == (422, ["declared_after_withdrawal"])
    assert Declaration.objects.count() == 1


def test_without_locks_somebody_withdrawn_is_declared_for(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(api, enrolment, declaration_date="2024-10-15T09:00:00Z")
    without_locks(monkeypatch)
    withdrawal = intrude_after(monkeypatch, READ, withdrawing(api, enrolment))

    assert declaring(api, enrolment, "retained-1")()[0] == 200
    assert withdrawal().value[0] == 200
    assert not came_first(Declaration.objects.get(declaration_type="retained-1"))


def came_first(declaration: Declaration) -> bool:
    """Whether a declaration was made before the withdrawal was recorded."""
    return declaration.created_at < TrainingStatusChange.objects.get(status="withdrawn").created_at


# Declare against change-schedule: the new schedule begins after the date that is declared


@pytest.fixture
def later_schedule(enrolment: Enrolment) -> str:
    made = ScheduleFactory(cohort=enrolment.cohort, identifier="npq-leadership-spring", starts_on="2024-11-15")
    return made.identifier


def test_a_change_of_schedule_during_a_declaration_is_refused(
    api: ApiClient, enrolment: Enrolment, later_schedule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = intrude_after(
        monkeypatch, READ, acting(api, enrolment, "change-schedule", schedule_identifier=later_schedule)
    )

    assert declaring(api, enrolment)()[0] == 200
    assert change().value == (422, ["schedule_invalidates_declarations"])
    assert broken() == set()


def test_a_declaration_during_a_change_of_schedule_is_refused(
    api: ApiClient, enrolment: Enrolment, later_schedule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaration = intrude_after(monkeypatch, "participants.services.change_schedule._check", declaring(api, enrolment))

    assert acting(api, enrolment, "change-schedule", schedule_identifier=later_schedule)()[0] == 200
    assert declaration().value == (422, ["declaration_date_before_schedule"])
    assert broken() == set()


def test_without_locks_a_declaration_does_not_fit_its_schedule(
    api: ApiClient, enrolment: Enrolment, later_schedule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    change = intrude_after(
        monkeypatch, READ, acting(api, enrolment, "change-schedule", schedule_identifier=later_schedule)
    )

    assert declaring(api, enrolment)()[0] == 200
    assert change().value[0] == 200
    assert broken() == {"live_declaration_fits_schedule"}


# Declare against the statement becoming payable

CHOSEN = "finance.services.lines.lock_next_statement"


def closing(statement: Statement) -> Racer:
    return lambda: close(statement)


def test_a_statement_waits_for_the_declaration_that_lands_on_it(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = intrude_after(monkeypatch, CHOSEN, closing(Statement.objects.get()))

    assert declaring(api, enrolment)()[0] == 200
    assert closed().error is None
    assert states() == ["payable"]
    assert broken() == set()


@pytest.mark.parametrize("another", [True, False], ids=["another is open", "it was the last"])
def test_a_declaration_passes_over_a_statement_that_closes(
    another: bool, api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Statement.objects.get()
    second = next_statement(enrolment) if another else None
    declaration = intrude_after(
        monkeypatch, "finance.services.mark_payable.lock_with_declarations", declaring(api, enrolment)
    )

    close(first)

    if second is not None:
        assert declaration().value[0] == 200
        assert LineItem.objects.get().statement_id == second.id
    else:
        assert declaration().value == (422, ["no_open_statement"])
        assert not Declaration.objects.exists()
    assert broken() == set()


def test_without_locks_a_declaration_meets_a_closed_statement(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trigger on lines keeps the data right; the provider gets an error instead of an answer."""
    without_locks(monkeypatch)
    closed = intrude_after(monkeypatch, CHOSEN, closing(Statement.objects.get()))

    assert declaring(api, enrolment)()[0] == 500
    assert closed().error is None


# Void against void


def test_one_void_wins(api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch) -> None:
    declaration_id = declared(api, enrolment, "completed")["id"]
    meet_after(monkeypatch, JUDGED)

    found = answers(voiding(api, declaration_id), voiding(api, declaration_id))

    assert sorted(found, key=str) == [(200, declaration_id), (422, ["declaration_already_voided"])]
    assert list(Outcome.objects.order_by("id").values_list("state", flat=True)) == ["passed", "voided"]
    assert Message.objects.filter(kind="outcome_retracted").count() == 1
    assert broken() == set()


def test_without_locks_both_voids_win(api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch) -> None:
    declaration_id = declared(api, enrolment, "completed")["id"]
    without_locks(monkeypatch)
    meet_after(monkeypatch, JUDGED)

    assert answers(voiding(api, declaration_id), voiding(api, declaration_id)) == [(200, declaration_id)] * 2


def test_money_is_taken_back_once(api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch) -> None:
    declaration_id = declared(api, enrolment)["id"]
    pay(Statement.objects.get())
    next_statement(enrolment)
    meet_after(monkeypatch, JUDGED)

    found = answers(voiding(api, declaration_id), voiding(api, declaration_id))

    assert sorted(found, key=str) == [(200, declaration_id), (422, ["declaration_already_clawed_back"])]
    assert LineItem.objects.filter(state="awaiting-clawback").count() == 1
    assert broken() == set()


def test_without_locks_the_index_alone_keeps_money_from_being_taken_back_twice(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaration_id = declared(api, enrolment)["id"]
    pay(Statement.objects.get())
    next_statement(enrolment)
    without_locks(monkeypatch)
    meet_after(monkeypatch, JUDGED)

    found = answers(voiding(api, declaration_id), voiding(api, declaration_id))

    assert sorted(status for status, _ in found) == [200, 500]


# Void against pay


def authorising(statement: Statement) -> Racer:
    return lambda: authorise(statement)


def test_a_payment_waits_for_the_void_and_finds_another_total(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaration_id = declared(api, enrolment)["id"]
    statement = Statement.objects.get()
    close(statement)
    payment = intrude_after(monkeypatch, IN_ORDER, authorising(statement))

    assert voiding(api, declaration_id)()[0] == 200
    assert payment().kind == "TotalHasChanged"
    assert states() == ["voided"]
    assert broken() == set()


def test_a_void_waits_for_the_payment_and_takes_the_money_back(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaration_id = declared(api, enrolment)["id"]
    statement = Statement.objects.get()
    close(statement)
    next_statement(enrolment)
    void = intrude_after(monkeypatch, "finance.services.authorise.lock_with_declarations", voiding(api, declaration_id))

    authorise(statement)

    assert void().value[0] == 200
    assert states() == ["awaiting-clawback"]
    assert sorted(LineItem.objects.values_list("state", flat=True)) == ["awaiting-clawback", "paid"]
    assert broken() == set()


def test_without_locks_what_is_paid_is_voided(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaration_id = declared(api, enrolment)["id"]
    statement = Statement.objects.get()
    close(statement)
    without_locks(monkeypatch)
    payment = intrude_after(monkeypatch, IN_ORDER, authorising(statement))

    assert voiding(api, declaration_id)()[0] == 200
    assert payment().error is None
    assert (states(), LineItem.objects.get().state) == (["voided"], "paid")
    assert broken() == {"line_state_fits_declaration"}


# Outcome against outcome

NEWEST = "declarations.models.Declaration.newest_outcome"


def submitting(api: ApiClient, enrolment: Enrolment, state: str) -> Racer:
    path = f"/participants/npq/{enrolment.participant.public_id}/outcomes"
    body = {"course_identifier": "npq-headship", "state": state, "completion_date": "2024-11-05"}
    return lambda: answer_of(api.post("v3", path, body, headers=CLOCK))


def test_identical_outcomes_are_one(api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch) -> None:
    declared(api, enrolment, "completed")
    meet_after(monkeypatch, NEWEST)

    first, second = answers(submitting(api, enrolment, "failed"), submitting(api, enrolment, "failed"))

    assert first == second
    assert list(Outcome.objects.order_by("id").values_list("state", flat=True)) == ["passed", "failed"]
    assert Message.objects.filter(kind="outcome_failed").count() == 1


def test_without_locks_an_outcome_is_recorded_twice(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(api, enrolment, "completed")
    without_locks(monkeypatch)
    meet_after(monkeypatch, NEWEST)

    first, second = answers(submitting(api, enrolment, "failed"), submitting(api, enrolment, "failed"))

    assert first != second
    assert Outcome.objects.count() == 3
    assert Message.objects.filter(kind="outcome_failed").count() == 2


def test_a_void_during_an_outcome_retracts_it(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaration_id = declared(api, enrolment, "completed")["id"]
    void = intrude_after(monkeypatch, NEWEST, voiding(api, declaration_id))

    assert submitting(api, enrolment, "failed")()[0] == 200
    assert void().value[0] == 200
    assert list(Outcome.objects.order_by("id").values_list("state", flat=True)) == ["passed", "failed", "voided"]
    assert broken() == set()


def test_without_locks_a_voided_declaration_has_an_outcome(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaration_id = declared(api, enrolment, "completed")["id"]
    without_locks(monkeypatch)
    void = intrude_after(monkeypatch, NEWEST, voiding(api, declaration_id))

    assert submitting(api, enrolment, "failed")()[0] == 200
    assert void().value[0] == 200
    assert broken() == {"outcome_stands_with_declaration"}
