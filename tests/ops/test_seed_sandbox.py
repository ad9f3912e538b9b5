"""`seed_sandbox`: demo data made by the services, the same every time, once."""

import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connections, transaction
from django.http import HttpRequest

from applications.models import Application
from applications.services import accept_application, send_message_again
from declarations.models import Declaration
from finance.models import Statement
from npq.backoffice.bulk.choices import JobState, RowState
from npq.backoffice.bulk.models import BulkJob
from npq.backoffice.checks import run_checks
from npq.backoffice.look_alikes import look_alikes
from npq.backoffice.today import waiting
from npq.core.audit import Actor
from npq.core.clock import wall_clock
from npq.core.models import ApiToken, Change, Message, RefusedRequest
from npq.core.token_use import warnings_about, with_use
from npq.management.commands.seed_sandbox import ids_of
from npq.sandbox.crowd import add_crowd
from npq.sandbox.plan import Plan
from npq.sandbox.practice import COLLEAGUE, LABEL
from npq.sandbox.scenarios import SCENARIOS, tell_all
from npq.sandbox.seeding import PROVIDERS, seed_demo_data
from participants.models import Enrolment, Participant, ParticipantIdChange
from participants.services import load_reference_data
from tests.commands import CommandRun, run_command
from tests.conftest import ApiClient
from tests.factories import StaffFactory

# Each test undoes what it does to the data of the module's fixture.
pytestmark = pytest.mark.django_db

NUMBER = 40


@pytest.fixture(scope="module")
def seeded(django_db_setup: Any, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[CommandRun]:
    """The demo data, made once for all tests of this module."""
    directory = tmp_path_factory.mktemp("sandbox")
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setenv("NPQ_POSTGRES_DIRECTORY", str(directory / "data"))
        with undone_afterwards():
            load_reference_data(by=Actor.system("a test"))
            yield seed(NUMBER)
        connections.close_all()


class undone_afterwards:  # noqa: N801  a context manager, used like a function
    """A transaction that services may run in, as in Django's own test cases, and that is rolled back."""

    def __enter__(self) -> None:
        self._atomic = transaction.atomic()
        self._atomic._from_testcase = True
        self._atomic.__enter__()

    def __exit__(self, *_: Any) -> None:
        transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)


def seed(number: int, *more: str) -> CommandRun:
    return run_command("seed_sandbox", "--applications", number, "--format", "json", *more)


def everything() -> dict[str, Any]:
    """Every row of every table of ours."""
    ours = [model for model in apps.get_models() if model.__module__.partition(".")[0] not in ("django", "axes")]
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in ours}


def scenario(run: CommandRun, provider: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in run.json["providers"] if each["code"] == provider]
    return found["scenarios"][name]


def test_the_published_form(seeded: CommandRun) -> None:
    assert seeded.code == 0, seeded.err
    assert set(seeded.json) == {"providers"}
    assert [provider["code"] for provider in seeded.json["providers"]] == ["ambition", "teach-first", "ucl"]
    for provider in seeded.json["providers"]:
        assert set(provider) == {"code", "token", "scenarios"}
        assert set(provider["scenarios"]) == set(SCENARIOS)
        for ids in provider["scenarios"].values():
            assert set(ids) == {"application_id", "participant_id", "declaration_ids"}


def test_a_second_run_changes_nothing_at_all(seeded: CommandRun) -> None:
    before = everything()

    again = seed(NUMBER)

    assert again.out == seeded.out
    assert everything() == before


def test_no_deed_of_a_scenario_is_refused(seeded: CommandRun) -> None:
    """On a fresh database only the crowd may be refused something: people who apply twice."""
    left = seed_demo_data(applications=NUMBER, number=1, progress=lambda items, **_: items)

    assert (left.received, left.done) == (0, 0)
    assert [deed.name for deed, _ in left.refused if deed.name != "crowd"] == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_scenario_is_what_its_name_says(seeded: CommandRun, provider: str) -> None:
    found = {name: situation(scenario(seeded, provider, name)) for name in SCENARIOS}

    assert found == EXPECTED


def situation(ids: dict[str, Any]) -> tuple[Any, ...]:
    application = Application.objects.select_related("enrolment").get(public_id=ids["application_id"])
    declarations = Declaration.objects.in_bulk(
        [uuid.UUID(str(each)) for each in ids["declaration_ids"]], field_name="public_id"
    )
    training = application.enrolment.training_status if application.enrolment else None
    states = [f"{each.declaration_type} {each.state}" for each in sorted(declarations.values(), key=lambda d: d.id)]
    return application.status, application.funded_place, training, *states


STARTED_PAID = "started paid"
RETAINED_PAID = ("retained-1 paid", "retained-2 paid")
ALL_PAID = (STARTED_PAID, *RETAINED_PAID, "completed paid")
PENDING = ("pending", None, None)
ACTIVE = ("accepted", None, "active")
FUNDED = ("accepted", True, "active")

EXPECTED = {
    **{name: PENDING for name in SCENARIOS if name.startswith("pending")},
    "pending_unfunded": ("pending", False, None),
    "accepted": ACTIVE,
    "accepted_funded_place": FUNDED,
    "accepted_without_funded_place": ("accepted", False, "active"),
    "accepted_unfunded": ("accepted", False, "active"),
    "accepted_support_offer": ACTIVE,
    "accepted_under_new_name": ACTIVE,
    "accepted_participant_merged": ACTIVE,
    "rejected": ("rejected", None, None),
    "rejected_automatically": ("rejected", None, None),
    "started": (*FUNDED, "started eligible"),
    "started_paid": (*ACTIVE, STARTED_PAID),
    "started_with_targeted_funding": (*ACTIVE, STARTED_PAID),
    "started_not_funded": ("accepted", False, "active", "started submitted"),
    "started_duplicate": (*ACTIVE, "started ineligible"),
    "started_voided": (*FUNDED, "started voided"),
    "started_clawed_back": (*ACTIVE, "started clawed-back"),
    "started_awaiting_clawback": (*ACTIVE, "started awaiting-clawback"),
    "retained": (*FUNDED, STARTED_PAID, "retained-1 paid"),
    "deferred": ("accepted", None, "deferred", STARTED_PAID),
    "resumed": (*ACTIVE, STARTED_PAID),
    "withdrawn": ("accepted", None, "withdrawn", STARTED_PAID),
    "schedule_changed": ACTIVE,
    "completed_passed": (*ACTIVE, *ALL_PAID),
    "completed_failed": (*ACTIVE, *ALL_PAID),
    "completed_coaching_offer": (*ACTIVE, *ALL_PAID),
    "outcome_corrected": (*ACTIVE, *ALL_PAID),
    "outcome_retracted": (*ACTIVE, *ALL_PAID[:-1], "completed awaiting-clawback"),
}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("pending_held_elsewhere", "participant_already_accepted_on_course"),
        ("pending_held_under_same_trn", "participant_already_accepted_on_course"),
        ("pending_capped_eligible", "funded_place_required"),
        ("pending_unfunded", "funded_place_must_be_false"),
    ],
)
def test_what_accepting_answers(seeded: CommandRun, name: str, code: str) -> None:
    (provider,) = [each for each in seeded.json["providers"] if each["code"] == "ucl"]

    response = ApiClient(provider["token"]).post(
        "v3", f"/npq-applications/{provider['scenarios'][name]['application_id']}/accept"
    )

    assert [error["code"] for error in response.json()["errors"]] == [code]


def test_accepting_the_one_with_siblings_rejects_them(seeded: CommandRun) -> None:
    (provider,) = [each for each in seeded.json["providers"] if each["code"] == "teach-first"]
    ids = provider["scenarios"]["pending_with_siblings"]

    response = ApiClient(provider["token"]).post("v3", f"/npq-applications/{ids['application_id']}/accept")

    assert response.status_code == 200
    statuses = Application.objects.filter(participant__public_id=ids["participant_id"]).values_list("status", flat=True)
    assert sorted(statuses) == ["accepted", "rejected", "rejected"]


def test_who_was_funded_before_is_not_eligible(seeded: CommandRun) -> None:
    (provider,) = [each for each in seeded.json["providers"] if each["code"] == "ambition"]
    ids = provider["scenarios"]["pending_previously_funded"]

    response = ApiClient(provider["token"]).get("v3", f"/npq-applications/{ids['application_id']}")

    attributes = response.json()["data"]["attributes"]
    assert (attributes["eligible_for_funding"], attributes["ineligible_for_funding_reason"]) == (
        False,
        "previously-funded",
    )


def test_merged_and_renamed_people(seeded: CommandRun) -> None:
    merged = scenario(seeded, "ucl", "accepted_participant_merged")
    renamed = scenario(seeded, "ucl", "accepted_under_new_name")

    change = ParticipantIdChange.objects.get(participant__public_id=merged["participant_id"])
    person = Participant.objects.get(public_id=renamed["participant_id"])
    assert str(change.to_participant_id) == merged["participant_id"]
    assert person.full_name.endswith("Thornbury")
    assert len(person.previous_names) == 1


def test_all_walks_of_life(seeded: CommandRun) -> None:
    applications = Application.objects.all()

    assert {each.teacher_catchment for each in applications} == {
        "england",
        "scotland",
        "wales",
        "northern_ireland",
        "jersey_guernsey_isle_of_man",
        "another",
    }
    assert set(applications.values_list("status", flat=True)) == {"pending", "accepted", "rejected"}
    assert set(applications.values_list("cohort__start_year", "cohort__suffix")) == {
        *((year, "a") for year in range(2021, 2027)),
        (2026, "b"),
    }
    assert set(Enrolment.objects.values_list("training_status", flat=True)) == {"active", "deferred", "withdrawn"}
    people = Participant.objects.values_list("teacher_reference_number_verified", "teacher_reference_number")
    assert {(verified, trn is not None) for verified, trn in people} == {(True, True), (False, True), (False, False)}
    assert set(Statement.objects.values_list("state", flat=True)) == {"open", "payable", "paid"}


def test_a_large_crowd_has_every_kind_of_employer() -> None:
    plan = Plan()
    add_crowd(plan, PROVIDERS, seed=1, number=1000)

    types = Counter(content.get("employment_type") for content in plan.applications)
    twice = Counter(content["participant_id"] for content in plan.applications)
    assert set(types) == {
        None,
        "hospital_school",
        "lead_mentor_for_accredited_itt_provider",
        "local_authority_supply_teacher",
        "local_authority_virtual_school",
        "young_offender_institution",
        "other",
    }
    assert 50 < sum(number > 1 for number in twice.values()) < 200


def test_nobody_is_real(seeded: CommandRun) -> None:
    assert all(email.endswith("@example.org") for email in Application.objects.values_list("email", flat=True))
    trns = Participant.objects.exclude(teacher_reference_number=None).values_list("teacher_reference_number", flat=True)
    assert min(trns) >= "9000000"


def test_money_and_rules_hold(seeded: CommandRun) -> None:
    run = run_command("check_invariants", "--format", "json")

    assert [row["id"] for row in run.json["rows"] if row["result"] != "holds"] == []
    assert Statement.objects.filter(state="paid", total__gt=0).exists()


def test_who_did_it_is_in_the_audit_trail(seeded: CommandRun) -> None:
    actors = set(Change.objects.filter(table="applications_application").values_list("actor_name", flat=True))

    assert actors == {"Demo data", *(f"Demo data ({code})" for code in PROVIDERS)}


def test_what_somebody_changed_stays(seeded: CommandRun) -> None:
    pending = Application.objects.get(public_id=scenario(seeded, "ucl", "pending")["application_id"])
    accept_application(application_id=pending.id, held_by=None, by=Actor.system("a test"), now=wall_clock())
    before = everything()

    seed(NUMBER)

    assert everything() == before


def test_what_was_not_finished_is_finished_later(seeded: CommandRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was killed half-way: the next one does what is left, in order, and the money comes out the same."""
    few = ("started_paid", "started_clawed_back", "outcome_retracted", "resumed", "accepted_participant_merged")
    monkeypatch.setattr("npq.sandbox.scenarios.SCENARIOS", {name: SCENARIOS[name] for name in few})
    monkeypatch.setattr("npq.sandbox.seeding.PROVIDERS", ["llse", "church-of-england"])
    # Other people than those whom the providers of the fixture have accepted.
    monkeypatch.setattr("npq.sandbox.practice.FIRST_NUMBER", 150)

    begun = seed_demo_data(applications=0, number=1, progress=until(30))
    finished = seed_demo_data(applications=0, number=1, progress=lambda items, **_: items)

    assert (begun.done, begun.refused, finished.refused) == (30, [], [])
    assert finished.done == len(finished.plan.deeds) - 30
    for scenarios in finished.plan.scenarios.values():
        assert {name: situation(ids_of(applied)) for name, applied in scenarios.items()} == {
            name: EXPECTED[name] for name in few
        }


def until(number: int) -> Any:
    """Breaks off the deeds after so many."""

    def progress(items: Any, *, label: str, **_: Any) -> Any:
        return list(items)[:number] if label == "decisions and declarations" else items

    return progress


def test_another_seed_is_other_people(seeded: CommandRun) -> None:
    first, second = Plan(), Plan()
    tell_all(first, PROVIDERS, seed=1)
    tell_all(second, PROVIDERS, seed=2)

    assert {each["id"] for each in first.applications}.isdisjoint(each["id"] for each in second.applications)
    assert {each["participant_id"] for each in first.applications}.isdisjoint(
        each["participant_id"] for each in second.applications
    )


def test_more_applications_begin_with_the_same_ones() -> None:
    few, many = Plan(), Plan()
    add_crowd(few, PROVIDERS, seed=1, number=10)
    add_crowd(many, PROVIDERS, seed=1, number=30)

    assert many.applications[:10] == few.applications
    assert len({each["id"] for each in many.applications}) == 30


def test_the_tokens_open_and_stay_the_same(seeded: CommandRun) -> None:
    for provider in seeded.json["providers"]:
        assert ApiClient(provider["token"]).get("v3", "/npq-applications").status_code == 200
    assert ApiToken.objects.filter(label="sandbox").count() == 3


def test_the_table_shows_tokens_too(seeded: CommandRun) -> None:
    run = run_command("seed_sandbox", "--applications", NUMBER)

    for provider in seeded.json["providers"]:
        assert f"TOKEN {provider['code']} {provider['token']}" in run.out
    assert "144 ready, 0 applications added, 0 deeds done, 0 deeds refused" in run.out


def test_messages_wait_in_the_outbox(seeded: CommandRun) -> None:
    kinds = set(Message.objects.values_list("kind", flat=True))

    assert {"application_accepted", "outcome_passed", "outcome_failed", "outcome_retracted"} <= kinds


@pytest.mark.parametrize(
    "arguments",
    [
        ("--applications", "-1"),
        ("--applications", "many"),
        ("--applications", "1000001"),
        ("--seed", "x"),
        ("--apply",),
    ],
)
def test_wrong_arguments(arguments: tuple[str, ...]) -> None:
    assert run_command("seed_sandbox", *arguments).code == 2


def test_never_in_production(settings: Any) -> None:
    settings.NPQ_ENVIRONMENT = "production"

    run = run_command("seed_sandbox")

    assert run.code == 2
    assert "production" in run.err


def test_without_reference_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("npq.management.commands.seed_sandbox.PROVIDERS", ["ambition", "nobody"])

    run = run_command("seed_sandbox")

    assert run.code == 2
    assert "load_reference_data" in run.err


WAITS = {
    "Payments that wait for a second person": "finance approver",
    "Statements to check and ask payment for": "finance",
    "Gaps in contracts and statements": "configuration",
    "People who may have two participant IDs": "caseworker",
    "Messages that could not be sent": "caseworker",
    "API tokens that need attention": "access manager",
}
FILES = {"undo_acceptance": "caseworker", "submit_declaration": "finance", "pair_delivery_partner": "configuration"}


def waiting_for(role: str) -> dict[str, int]:
    """How many of each kind the first page shows a role."""
    request = HttpRequest()
    request.user = StaffFactory()
    request.user.groups.add(Group.objects.get(name=role))
    return {each.table.title: each.count for each in waiting(request)}


@pytest.mark.parametrize("title", WAITS)
def test_each_kind_of_the_first_page_has_something_to_practise_on(seeded: CommandRun, title: str) -> None:
    run_checks(by=Actor.system("a test"))

    assert waiting_for(WAITS[title])[title] > 0


@pytest.mark.parametrize("kind", FILES)
def test_a_checked_file_waits_for_each_role_that_makes_bulk_changes(seeded: CommandRun, kind: str) -> None:
    job = BulkJob.objects.get(kind=kind)

    assert job.state == JobState.CHECKED
    assert set(job.rows.values_list("state", flat=True)) == {RowState.READY, RowState.REFUSED}, [
        (row.cells, row.errors) for row in job.rows.all()
    ]
    assert waiting_for(FILES[kind])["Bulk changes to confirm, or that stopped"] == 1


def test_the_pair_of_one_person_and_the_pair_of_two_are_both_found(seeded: CommandRun) -> None:
    signs = [pair.signs for pair in look_alikes(100)]

    assert ("The same name and date of birth",) in signs
    assert any("email" in " ".join(each).lower() for each in signs)


def test_a_failed_message_can_be_sent_again_and_does_not_fail_anew(seeded: CommandRun) -> None:
    message = Message.objects.filter(state="failed").earliest("id")
    send_message_again(message_id=message.id, by=COLLEAGUE)

    seed(NUMBER)

    message.refresh_from_db()
    assert message.state == "pending"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_had_requests_refused(seeded: CommandRun, provider: str) -> None:
    found = RefusedRequest.objects.filter(lead_provider__code=provider)

    assert {code for each in found for code in each.codes} == {
        "application_already_accepted",
        "funded_place_required",
        "participant_not_recognised",
    }


def test_a_token_ends_soon(seeded: CommandRun) -> None:
    token = ApiToken.objects.get(label=LABEL)

    assert warnings_about(with_use(ApiToken.objects.filter(id=token.id), at=wall_clock()).get(), at=wall_clock())
