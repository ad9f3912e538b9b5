"""`correct_application`: every correction from the command line (decisions.md §6, §8)."""

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from applications.management.corrections import CORRECTIONS
from applications.models import Application, PlannedTransfer
from npq.core.clock import today
from npq.core.errors import TooMuchContention
from npq.core.models import Change, Message
from npq.management.commands.check_invariants import every_invariant
from participants.models import Enrolment, Participant
from tests.applications.services.casework import changing_nothing, claim
from tests.commands import CommandRun, run_command
from tests.declarations.conftest import trainee
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    LeadProviderFactory,
    ParticipantFactory,
    ScheduleFactory,
)

pytestmark = pytest.mark.django_db
WHO = ("--apply", "--actor", "Sam Reyes", "--reason", "NPQ-101: asked for by the provider")


def correct(*arguments: object) -> CommandRun:
    return run_command("correct_application", *arguments, "--format", "json")


@pytest.fixture
def accepted(provider: Any) -> Application:
    """A capped place that is not funded, accepted by ambition, which has contracts for whatever it may become."""
    application = ApplicationFactory(
        lead_provider=provider,
        cohort=CohortFactory(capped=True),
        funded_place=False,
        email="priya@example.org",
        accepted=True,
    )
    rival = LeadProviderFactory(code="ucl", name="UCL Institute of Education")
    later = CohortFactory(start_year=2025, funding="capped")
    other = CourseFactory(identifier="npq-executive-leadership")
    ScheduleFactory(cohort=application.cohort, identifier="npq-leadership-spring")
    ScheduleFactory(cohort=later)
    for lead_provider, cohort, course in (
        (provider, application.cohort, application.course),
        (rival, application.cohort, application.course),
        (provider, later, application.course),
        (provider, application.cohort, other),
    ):
        ContractTermsFactory(lead_provider=lead_provider, cohort=cohort, course=course)
    ParticipantFactory(public_id="5b1f7f2e-98a4-4a7e-8a36-6a2b4b6d1c11")
    return application


# action -> its value, and a field of the application, or below it, that has another value afterwards
CASES: dict[str, tuple[tuple[str, ...], Callable[[Application], Any], Any]] = {
    "undo-acceptance": ((), lambda it: it.status, "pending"),
    "lead-provider": (("ucl",), lambda it: it.lead_provider.code, "ucl"),
    "course": (("npq-executive-leadership",), lambda it: it.course.identifier, "npq-executive-leadership"),
    "cohort": (("2025",), lambda it: it.enrolment.cohort.identifier, "2025a"),
    "schedule": (("npq-leadership-spring",), lambda it: it.enrolment.schedule.identifier, "npq-leadership-spring"),
    "funding-choice": (("trust",), lambda it: it.funding_choice, "trust"),
    "funding-eligibility": (("no",), lambda it: it.eligible_for_funding, False),
    "funded-place": (("true",), lambda it: it.funded_place, True),
    "training-status": (("withdrawn:started-in-error",), lambda it: it.enrolment.training_status, "withdrawn"),
    "participant": (
        ("5b1f7f2e-98a4-4a7e-8a36-6a2b4b6d1c11",),
        lambda it: str(it.participant),
        "5b1f7f2e-98a4-4a7e-8a36-6a2b4b6d1c11",
    ),
    "email": (("priya@new.example.org",), lambda it: it.email, "priya@new.example.org"),
    "email-validated": (("false",), lambda it: it.email_validated, False),
}


def test_every_action_that_changes_an_accepted_application_has_a_case() -> None:
    assert set(CORRECTIONS) - set(CASES) == {"undo-rejection", "cancel-transfer"}


@pytest.mark.parametrize("action", CASES)
def test_without_apply_it_says_what_would_change_and_changes_nothing(accepted: Application, action: str) -> None:
    value, _, _ = CASES[action]

    with changing_nothing():
        run = correct(action, accepted.public_id, *value)

    (row,) = run.json["rows"]
    assert (run.code, run.json["applied"], row["id"], row["result"]) == (
        0,
        False,
        str(accepted.public_id),
        "corrected",
    )
    assert row["changes"]


@pytest.mark.parametrize("action", CASES)
def test_with_apply_it_is_corrected_by_whom_and_why_and_every_invariant_holds(
    accepted: Application, action: str
) -> None:
    value, field, after = CASES[action]
    assert field(accepted) != after

    run = correct(action, accepted.public_id, *value, *WHO)

    corrected = Application.objects.get(id=accepted.id)
    assert (run.code, run.json["counts"], field(corrected)) == (0, {"corrected": 1}, after)
    change = Change.objects.latest("id")
    assert (change.actor_kind, change.actor_name, change.reason) == (
        "command",
        "Sam Reyes",
        "NPQ-101: asked for by the provider",
    )
    assert [breach for each in every_invariant() for breach in each.breaches()] == []


@pytest.mark.parametrize("action", CASES)
def test_a_second_run_changes_nothing(accepted: Application, action: str) -> None:
    value, _, _ = CASES[action]
    correct(action, accepted.public_id, *value, *WHO)

    with changing_nothing():
        again = correct(action, accepted.public_id, *value, *WHO)

    assert (again.code, again.json["counts"]) == (0, {"unchanged": 1})


def test_before_and_after_are_shown_by_names_and_codes(accepted: Application) -> None:
    run = correct("lead-provider", accepted.public_id, "ucl")

    (row,) = run.json["rows"]
    changes = {change["record"]: change["fields"] for change in row["changes"]}
    assert changes["application"] == {"lead_provider": {"before": "ambition", "after": "ucl"}}
    assert changes["enrolment"]["lead_provider"] == {"before": "ambition", "after": "ucl"}
    assert {"record": "participant", "id": str(accepted.participant.public_id)} in row["touched"]


def test_the_table_shows_the_same_for_people(accepted: Application) -> None:
    run = run_command("correct_application", "lead-provider", accepted.public_id, "ucl")

    assert (
        f"application {accepted.public_id}: lead provider: Ambition Institute → UCL Institute of Education" in run.out
    )
    assert f"participant {accepted.participant.public_id}: shown as changed" in run.out
    assert "Nothing was written. Run it again with --apply to do this." in run.out


def test_the_messages_that_go_out_are_named_and_sent_once(accepted: Application) -> None:
    rehearsed = correct("training-status", accepted.public_id, "deferred:other")
    assert not Message.objects.exists()

    applied = correct("training-status", accepted.public_id, "deferred:other", *WHO)

    for run in (rehearsed, applied):
        assert run.json["rows"][0]["messages"] == [
            {"kind": "training_deferred", "to": "priya@example.org", "application_id": str(accepted.public_id)}
        ]
    assert Message.objects.count() == 1


def test_the_pounds_are_shown(provider: Any) -> None:
    enrolment = trainee(provider, eligible_for_funding=False)
    claim(enrolment)
    provider.statement_set.update(deadline_date=today(), payment_date=today())

    for more in ((), WHO):
        run = correct("funding-eligibility", enrolment.application.public_id, "true", *more)

        (pounds,) = run.json["rows"][0]["pounds"]
        assert (pounds["difference"], pounds["name"]) == (
            "185.55",
            "statement of Ambition Institute for January 2025, cohort 2023a",
        )


def test_siblings_are_named_and_restored_when_asked(accepted: Application) -> None:
    sibling = ApplicationFactory(
        participant=accepted.participant,
        cohort=accepted.cohort,
        rejected=True,
        reason_for_rejection="other_application_in_this_cohort_accepted",
        decided_at=accepted.enrolment.accepted_at,
    )

    named = correct("undo-acceptance", accepted.public_id)
    restored = correct("undo-acceptance", accepted.public_id, "--restore-siblings", *WHO)

    assert str(sibling.public_id) in named.json["rows"][0]["notes"][0]
    assert restored.json["rows"][0]["notes"] == []
    sibling.refresh_from_db()
    assert sibling.status == "pending"


def test_undo_rejection() -> None:
    application = ApplicationFactory(rejected=True)

    first, again = (correct("undo-rejection", application.public_id, *WHO) for _ in range(2))

    assert (first.json["counts"], again.json["counts"], again.code) == ({"corrected": 1}, {"unchanged": 1}, 0)


def test_the_schedule_can_be_named(accepted: Application) -> None:
    ScheduleFactory(cohort=CohortFactory(start_year=2025), identifier="npq-leadership-spring")

    run = correct("cohort", accepted.public_id, "2025", "--schedule", "npq-leadership-spring", *WHO)

    assert run.code == 0
    assert Enrolment.objects.get().schedule.identifier == "npq-leadership-spring"


def test_a_transfer_can_be_planned_and_cancelled(accepted: Application) -> None:
    day = today() + timedelta(days=3)

    planned = correct("lead-provider", accepted.public_id, "ucl", "--on", day, *WHO)
    transfer = PlannedTransfer.objects.get()
    cancelled = correct("cancel-transfer", accepted.public_id, *WHO)

    assert (planned.json["counts"], cancelled.json["counts"]) == ({"corrected": 1}, {"corrected": 1})
    assert (transfer.lead_provider.code, transfer.due_on, transfer.state) == ("ucl", day, "waiting")
    assert Application.objects.get(id=accepted.id).lead_provider.code == "ambition"
    transfer.refresh_from_db()
    assert transfer.state == "cancelled"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("active", "deferred:career-break"),
        ("active", "withdrawn:other"),
        ("deferred:other", "active"),
        ("deferred:other", "withdrawn:other"),
        ("withdrawn:other", "active"),
    ],
)
def test_staff_set_the_training_status(accepted: Application, before: str, after: str) -> None:
    correct("training-status", accepted.public_id, before, *WHO)

    run = correct("training-status", accepted.public_id, after, *WHO)

    assert (run.code, run.json["counts"]) == (0, {"corrected": 1})
    assert Enrolment.objects.get().training_status == after.partition(":")[0]


# What is refused -----------------------------------------------------------------------------------


def test_a_refusal_is_a_failed_row_in_the_rules_own_words(accepted: Application) -> None:
    pending = ApplicationFactory()

    for more in ((), WHO):
        with changing_nothing():
            run = correct("undo-acceptance", pending.public_id, *more)

        assert run.code == 1
        (row,) = run.json["rows"]
        assert row["result"] == "refused"
        assert row["errors"][0]["code"] == "no_acceptance_to_undo"
        assert "The application is pending" in row["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("action", "value"), [("schedule", "npq-leadership-spring"), ("training-status", "withdrawn:other")]
)
def test_what_is_not_accepted_has_no_training_to_change(accepted: Application, action: str, value: str) -> None:
    pending = ApplicationFactory()

    run = correct(action, pending.public_id, value, *WHO)

    assert (run.code, run.errors) == (1, [(str(pending.public_id), "application", "no_training_to_change")])


def test_what_the_status_forbids_is_refused_and_what_it_is_already_is_not(accepted: Application) -> None:
    correct("training-status", accepted.public_id, "withdrawn:other", *WHO)

    deferred = correct("training-status", accepted.public_id, "deferred:other", *WHO)
    withdrawn = correct("training-status", accepted.public_id, "withdrawn:other", *WHO)

    assert (deferred.code, deferred.errors[0][2]) == (1, "already_withdrawn")
    assert (withdrawn.code, withdrawn.json["counts"]) == (0, {"unchanged": 1})


def test_an_unknown_reason_is_refused(accepted: Application) -> None:
    run = correct("training-status", accepted.public_id, "withdrawn:bored", *WHO)

    assert (run.code, run.errors[0][2]) == (1, "reason_not_recognised")


def test_records_that_are_busy_are_a_failed_row(accepted: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise TooMuchContention

    monkeypatch.setattr("participants.queries.lock_people", busy)

    run = correct("undo-acceptance", accepted.public_id, *WHO)

    assert (run.code, run.errors) == (1, [(str(accepted.public_id), "", "busy")])


# Wrong use -----------------------------------------------------------------------------------------

SOMEBODY = "2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11"


@pytest.mark.parametrize(
    ("arguments", "saying"),
    [
        (("undo-acceptance",), "either the ID of one application, or --file"),
        (("undo-acceptance", "{id}", "--file", "x.csv"), "either the ID of one application, or --file"),
        (("undo-acceptance", "{id}", "pending"), "undo-acceptance takes no value"),
        (("undo-acceptance", "12"), "'12' is not an ID"),
        (("undo-acceptance", SOMEBODY), f"no application has the ID {SOMEBODY}"),
        (("lead-provider", "{id}"), "lead-provider needs a value: CODE"),
        (("lead-provider", "{id}", "Ambition Institute"), "is not a lead provider; the codes are ambition"),
        (("course", "{id}", "npq-nothing"), "'npq-nothing' is not a course"),
        (("cohort", "{id}", "2040"), "'2040' is not a cohort"),
        (("funding-choice", "{id}", "bank"), "'bank' is unknown; it must be one of school"),
        (("funding-eligibility", "{id}", "maybe"), "'maybe' is not true or false"),
        (("funded-place", "{id}", "2"), "'2' is not true or false"),
        (("training-status", "{id}", "paused"), "'paused' is unknown; it must be one of active"),
        (("training-status", "{id}", "withdrawn"), "withdrawn needs one of the API's reasons after a colon"),
        (("training-status", "{id}", "deferred:"), "deferred needs one of the API's reasons after a colon"),
        (("training-status", "{id}", "active:other"), "active takes no reason"),
        (("participant", "{id}", SOMEBODY), f"no participant has the ID {SOMEBODY}"),
        (("email-validated", "{id}", "x"), "'x' is not true or false"),
        (("course", "{id}", "npq-headship", "--restore-siblings"), "course does not take --restore-siblings"),
        (("lead-provider", "{id}", "ucl", "--schedule", "x"), "lead-provider does not take --schedule"),
        (("cohort", "{id}", "2025", "--on", "2030-01-01"), "cohort does not take --on"),
    ],
)
def test_input_that_makes_no_sense(accepted: Application, arguments: tuple[str, ...], saying: str) -> None:
    given = [str(accepted.public_id) if each == "{id}" else each for each in arguments]

    with changing_nothing():
        run = correct(*given, *WHO)

    assert run.code == 2
    assert saying in run.json["rows"][0]["errors"][0]["detail"]


@pytest.mark.parametrize("arguments", [(), ("unmake", SOMEBODY), ("lead-provider", SOMEBODY, "ucl", "--on", "soon")])
def test_arguments_that_cannot_be_read(arguments: tuple[str, ...]) -> None:
    assert correct(*arguments).code == 2


def test_apply_needs_an_actor_and_a_reason(accepted: Application) -> None:
    with changing_nothing():
        run = correct("undo-acceptance", accepted.public_id, "--apply")

    assert run.code == 2
    assert [error[1] for error in run.errors] == ["--actor", "--reason"]


def test_the_help_lists_every_action_with_its_value() -> None:
    shown = run_command("correct_application", "--help").out

    for name, correction in CORRECTIONS.items():
        assert re.search(rf"^  {name}( |$)", shown, re.MULTILINE)
        assert correction.value in shown
        assert correction.meaning in shown


# Many at once --------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV file of rows under a header."""

    def write(*rows: tuple[object, ...], header: tuple[str, ...] = ("id", "value")) -> Path:
        path = tmp_path / "corrections.csv"
        with path.open("w", newline="") as handle:
            csv.writer(handle).writerows([header, *rows])
        return path

    return write


def test_good_rows_are_kept_whatever_the_bad_ones_do(accepted: Application, file: Callable[..., Path]) -> None:
    free = ApplicationFactory(lead_provider=accepted.lead_provider, cohort=accepted.cohort)
    without_contract = ApplicationFactory(course=CourseFactory(specialist=True))
    path = file(
        (accepted.public_id, "ucl"),
        (without_contract.public_id, "ucl"),
        ("12", "ucl"),
        (SOMEBODY, "nobody"),
        (free.public_id, ""),
        (free.public_id, "ucl"),
        (free.public_id, "ucl"),
    )

    run = correct("lead-provider", "--file", path, *WHO)

    assert run.code == 1
    assert [(row["line"], row["result"]) for row in run.json["rows"]] == [
        (2, "corrected"),
        (3, "refused"),
        (4, "failed"),
        (5, "failed"),
        (6, "failed"),
        (7, "corrected"),
        (8, "unchanged"),
    ]
    assert [error for error in run.errors if error[0] != 3] == [
        (4, "id", "invalid"),
        (5, "id", "invalid"),
        (5, "value", "invalid"),
        (6, "value", "blank"),
    ]
    assert run.json["rows"][0]["application_id"] == str(accepted.public_id)
    holders = Application.objects.filter(lead_provider__code="ucl")
    assert set(holders) == {accepted, free}


def test_without_apply_a_file_changes_nothing(accepted: Application, file: Callable[..., Path]) -> None:
    path = file((accepted.public_id, "ucl"))

    with changing_nothing():
        run = correct("lead-provider", "--file", path)

    assert (run.code, run.json["counts"]) == (0, {"corrected": 1})


def test_the_same_file_again_changes_nothing(accepted: Application, file: Callable[..., Path]) -> None:
    path = file((accepted.public_id,), header=("id",))
    correct("undo-acceptance", "--file", path, *WHO)

    with changing_nothing():
        again = correct("undo-acceptance", "--file", path, *WHO)

    assert (again.code, again.json["counts"]) == (0, {"unchanged": 1})


@pytest.mark.parametrize("header", [("id",), ("value",), ("application", "value")])
def test_a_file_without_its_columns_is_bad_input(file: Callable[..., Path], header: tuple[str, ...]) -> None:
    run = correct("lead-provider", "--file", file(("x",) * len(header), header=header), *WHO)

    assert (run.code, run.errors[0][2]) == (2, "column_missing")


def test_a_file_without_rows_is_bad_input(file: Callable[..., Path]) -> None:
    assert correct("undo-acceptance", "--file", file(), *WHO).code == 2


def test_a_value_beside_a_file_is_bad_input(file: Callable[..., Path], accepted: Application) -> None:
    path = file((accepted.public_id, "ucl"))

    assert correct("lead-provider", "--file", path, accepted.public_id, "ucl", *WHO).code == 2


def test_nobody_else_moves(accepted: Application) -> None:
    bystander = trainee(accepted.lead_provider)
    before = Participant.objects.filter(id=bystander.participant_id).values().get()

    correct("participant", accepted.public_id, "5b1f7f2e-98a4-4a7e-8a36-6a2b4b6d1c11", *WHO)

    assert Participant.objects.filter(id=bystander.participant_id).values().get() == before
