"""The lists: what each filter finds, that nothing of the inside shows in an address, and what is refused."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.test import Client

from declarations.choices import DeclarationState
from npq.backoffice.filters import Choice, DateRange
from npq.core.clock import today
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    CourseFactory,
    DeclarationFactory,
    LeadProviderFactory,
    LineItemFactory,
    MessageFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
)


def listed(client: Client, model: str, **query: str) -> list[str]:
    """The public ids of the records a list shows."""
    response = client.get(f"/admin/{model}/", query)
    assert response.status_code == 200, response.get("Location")
    return re.findall(rf'href="/admin/{model}/([0-9a-f-]{{36}})/', response.content.decode())


def ids(*records: Any) -> list[str]:
    """As `listed` gives them, newest first."""
    return [str(record.public_id) for record in records]


Case = tuple[Any, Any, dict[str, str]]


def applications() -> dict[str, Callable[[], Case]]:
    """For each filter of applications: one it finds, one it does not, and the query."""
    one: Callable[..., Any] = ApplicationFactory
    every = {"cohort": "all"}
    return {
        "status": lambda: (one(rejected=True), one(), {"status": "rejected"} | every),
        "training_status": lambda: (
            one(accepted=True, accepted__training_status="deferred"),
            one(accepted=True),
            {"training_status": "deferred"} | every,
        ),
        "lead_provider": lambda: (
            one(lead_provider=LeadProviderFactory(code="ucl")),
            one(),
            {"lead_provider": "ucl"} | every,
        ),
        "cohort": lambda: (one(cohort=CohortFactory(start_year=2022)), one(), {"cohort": "2022a"}),
        "course": lambda: (
            one(course=CourseFactory(specialist=True)),
            one(),
            {"course": "npq-leading-teaching"} | every,
        ),
        "work_setting": lambda: (
            one(works_in_school=False, private_childcare_provider_urn="EY123456"),
            one(),
            {"work_setting": "childcare"} | every,
        ),
        "funding_status": lambda: (
            one(funding_eligibility_status_code="subject_to_review"),
            one(),
            {"funding_status": "subject_to_review"} | every,
        ),
        "eligible": lambda: (one(eligible_for_funding=False), one(), {"eligible": "no"} | every),
        "funded_place": lambda: (
            one(accepted=True, cohort=CohortFactory(capped=True), funded_place=True),
            one(),
            {"funded_place": "yes"} | every,
        ),
    }


def declarations() -> dict[str, Callable[[], Case]]:
    """The same of declarations."""
    one: Callable[..., Any] = DeclarationFactory

    def on_a_statement() -> Case:
        declaration = one(state=DeclarationState.ELIGIBLE)
        LineItemFactory(declaration=declaration, statement__year=2025, statement__month=3)
        return declaration, one(), {"statement_month": "2025-03"}

    def on(day: int, hour: int) -> Any:
        return one(declaration_date=datetime(2024, 7, day, hour, 30, tzinfo=UTC))

    return {
        "type": lambda: (one(completed=True), one(), {"type": "completed"}),
        "state": lambda: (one(voided=True), one(), {"state": "voided"}),
        "ineligible_reason": lambda: (one(ineligible=True), one(), {"ineligible_reason": "duplicate_declaration"}),
        "statement_month": on_a_statement,
        # Half past eleven at night in UTC is the next day in the UK's summer.
        "from": lambda: (on(4, 23), on(4, 22), {"from": "5/7/2024", "cohort": "all"}),
        "to": lambda: (on(4, 22), on(4, 23), {"to": "4 July 2024", "cohort": "all"}),
    }


def participants() -> dict[str, Callable[[], Case]]:
    """The same of participants."""
    return {
        "trn_verified": lambda: (ParticipantFactory(unverified=True), ParticipantFactory(), {"trn_verified": "no"}),
        "trn": lambda: (ParticipantFactory(without_trn=True), ParticipantFactory(), {"trn": "no"}),
    }


CASES = {**applications(), **declarations(), **participants()}


@pytest.mark.parametrize("name", CASES)
def test_a_filter_finds_what_it_says(as_role: Callable[[str], Client], name: str) -> None:
    client = as_role("viewer")
    found, hidden, query = CASES[name]()
    model = f"{found._meta.app_label}/{found._meta.model_name}"

    assert listed(client, model, **query) == ids(found)
    everything = {key: "all" for key in query if key not in {"from", "to"}}
    assert str(hidden.public_id) in listed(client, model, **everything)


def test_applications_are_those_of_the_current_cohort_unless_asked_otherwise(
    as_role: Callable[[str], Client],
) -> None:
    client = as_role("viewer")
    year = today().year
    old = ApplicationFactory(cohort=CohortFactory(start_year=year - 2, registration_start_date=date(year - 2, 1, 1)))
    current = ApplicationFactory(cohort=CohortFactory(start_year=year, registration_start_date=date(year, 1, 1)))
    ApplicationFactory(cohort=CohortFactory(start_year=year + 2, registration_start_date=date(year + 2, 1, 1)))

    assert listed(client, "applications/application") == ids(current)
    assert len(listed(client, "applications/application", cohort="all")) == 3
    assert listed(client, "applications/application", q=old.participant.teacher_reference_number) == ids(old)


@pytest.mark.parametrize(
    "query", [{"status": "nonsense"}, {"from": "yesterday"}, {"to": "30/2/2025"}, {"to": "9999-12-31"}, {"from": "1/2"}]
)
def test_what_nobody_offered_finds_nothing(as_role: Callable[[str], Client], query: dict[str, str]) -> None:
    declaration = DeclarationFactory()
    model = "applications/application" if "status" in query else "declarations/declaration"

    assert declaration.state
    assert listed(as_role("viewer"), model, cohort="all", **query) == []


def test_a_date_that_is_none_is_said_to_be(as_role: Callable[[str], Client]) -> None:
    page = as_role("viewer").get("/admin/declarations/declaration/", {"from": "30/2/2025"}).content.decode()

    assert "Enter a day that exists, such as 27/9/2026." in page
    assert 'aria-describedby="filter-from-hint filter-from-error"' in page


def test_a_list_is_searched_by_the_ids_of_what_belongs_to_its_records(as_role: Callable[[str], Client]) -> None:
    client = as_role("viewer")
    DeclarationFactory()
    declaration = DeclarationFactory()
    application = declaration.enrolment.application
    person = application.participant
    retired = ParticipantIdChangeFactory(participant=person, to_participant_id=person.public_id).from_participant_id
    message = MessageFactory(participant_public_id=person.public_id)
    belonging = {
        "applications/application": application,
        "participants/participant": person,
        "declarations/declaration": declaration,
    }

    for model, record in belonging.items():
        for each in (application.public_id, person.public_id, declaration.public_id, retired):
            assert listed(client, model, q=str(each)) == ids(record), (model, each)
    assert listed(client, "core/message", q=str(person.public_id)) == ids(message)
    assert listed(client, "participants/participant", q=str(uuid4())) == []


def test_what_belongs_to_a_retired_person_is_found_by_their_old_name(as_role: Callable[[str], Client]) -> None:
    application = ApplicationFactory()
    ParticipantFactory(full_name="Ada Okonkwo", merged_into=application.participant)

    assert listed(as_role("viewer"), "applications/application", q="okonkwo") == ids(application)


def test_the_list_of_applications_tells_where_people_work_and_what_they_study(
    as_role: Callable[[str], Client],
) -> None:
    at_school = ApplicationFactory(school_urn="137416", employer_name=None)
    elsewhere = ApplicationFactory(school_urn=None, employer_name="Riverside Trust")

    page = as_role("viewer").get("/admin/applications/application/", {"cohort": "all"}).content.decode()

    assert "URN 137416" in page
    assert "Riverside Trust" in page
    assert at_school.email in page
    assert f">{elsewhere.course.name}</td>" in page


def test_what_a_list_is_narrowed_to_is_said_where_its_filters_are_folded(as_role: Callable[[str], Client]) -> None:
    asked = {"state": "voided", "from": "1/2/2025", "type": "all"}

    client, address = as_role("viewer"), "/admin/declarations/declaration/"
    page = client.get(address, asked).content.decode()
    wrong = client.get(address, {"from": "1/13/2025"}).content.decode()

    assert re.findall(r'<span class="in-use">([^<]*)</span>', page) == ["State: Voided", "Declared from 1/2/2025"]
    assert "<details open>" not in page
    assert "<details open>" in wrong


def test_what_is_typed_into_the_search_of_a_list_is_searched_for(as_role: Callable[[str], Client]) -> None:
    client = as_role("viewer")
    one, _ = ParticipantFactory(full_name="Ada Okonkwo"), ParticipantFactory()
    page = client.get("/admin/participants/participant/", {"q": "Ada Ok"}).content.decode()

    assert re.search(r'type="search" name="q" value="Ada Ok"', page)
    assert listed(client, "participants/participant", q="Ada Ok") == ids(one)


def test_every_filter_of_the_site_is_one_of_ours() -> None:
    """The page draws drop-downs; Django's own filters would show ids from inside, and be no drop-downs."""
    strange = {
        str(model._meta.label): each
        for model, page in admin.site._registry.items()
        for each in page.list_filter
        if not (isinstance(each, type) and issubclass(each, Choice | DateRange))
    }

    assert strange == {}


def test_pages_of_a_list_lead_to_each_other(as_role: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    client = as_role("viewer")
    ParticipantFactory.create_batch(5)
    monkeypatch.setattr(type(admin.site._registry[ParticipantFactory._meta.model]), "list_per_page", 2)

    page = client.get("/admin/participants/participant/", {"p": "2"}).content.decode()

    assert "3 to 4 of 5" in page
    assert re.findall(r'href="(\?p=\d)" rel="(\w+)"', page) == [("?p=1", "prev"), ("?p=3", "next")]


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: str(model._meta.label_lower))
def test_an_address_asks_for_nothing_that_no_filter_offers(admin_client: Client, model: Any) -> None:
    page = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    columns = [field.name for field in model._meta.concrete_fields]

    answers = {name: admin_client.get(page, {f"{name}__gte": "0"}).status_code for name in columns}

    assert admin_client.get(page).status_code == 200
    assert answers == dict.fromkeys(columns, 400)


def test_a_password_cannot_be_asked_for_letter_by_letter(as_role: Callable[[str], Client]) -> None:
    page = as_role("access manager").get("/admin/auth/user/", {"password__startswith": "pbkdf2"})

    assert page.status_code == 400
    assert "Filtering" not in page.content.decode()
