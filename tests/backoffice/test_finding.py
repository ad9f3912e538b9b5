"""One search box: whatever staff have in hand leads to the record, and to nothing a role may not see."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Lower
from django.test import Client

from applications.models import Application
from npq.backoffice.finding import ids_matching
from npq.backoffice.pages import address_of
from npq.core.choices import MessageState
from npq.core.clock import wall_clock
from participants.models import Participant
from tests.factories import (
    AdjustmentFactory,
    ApiTokenFactory,
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    DeclarationFactory,
    DeliveryPartnerFactory,
    LeadProviderFactory,
    LineItemFactory,
    MessageFactory,
    OutcomeFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
    RefusedRequestFactory,
    ScheduleFactory,
    StatementFactory,
)


def find(client: Client, term: str) -> Any:
    return client.get("/admin/find/", {"q": term})


@pytest.mark.parametrize(
    ("make", "shown_by", "role"),
    [
        (ApplicationFactory, lambda it: it, "caseworker"),
        (ParticipantFactory, lambda it: it, "caseworker"),
        (DeclarationFactory, lambda it: it, "caseworker"),
        (StatementFactory, lambda it: it, "finance"),
        (MessageFactory, lambda it: it, "caseworker"),
        (ApiTokenFactory, lambda it: it, "access manager"),
        (AdjustmentFactory, lambda it: it, "finance"),
        (ContractTermsFactory, lambda it: it, "configuration"),
        (DeliveryPartnerFactory, lambda it: it, "configuration"),
        (ScheduleFactory, lambda it: it, "viewer"),
        (CohortFactory, lambda it: it, "viewer"),
        (CourseFactory, lambda it: it, "viewer"),
        (OutcomeFactory, lambda it: it.declaration, "caseworker"),
        (LineItemFactory, lambda it: it.declaration, "caseworker"),
        (lambda: ApplicationFactory(accepted=True).enrolment, lambda it: it.application, "caseworker"),
    ],
    ids=[
        "application",
        "participant",
        "declaration",
        "statement",
        "message",
        "token",
        "adjustment",
        "terms",
        "partner",
        "schedule",
        "cohort",
        "course",
        "outcome",
        "line",
        "enrolment",
    ],
)
def test_any_public_id_leads_to_its_page(
    as_role: Callable[[str], Client], make: Any, shown_by: Callable[[Any], Any], role: str
) -> None:
    record = make()
    page = shown_by(record)

    response = find(as_role(role), f"  {str(record.public_id).upper()} ")

    assert response.status_code == 302
    assert response["Location"] == address_of(page, page.public_id)


def test_a_retired_participant_id_leads_to_who_it_is_now(as_role: Callable[[str], Client]) -> None:
    change = ParticipantIdChangeFactory()

    response = find(as_role("caseworker"), str(change.from_participant_id))

    assert response["Location"] == address_of(change.participant, change.participant.public_id)


@pytest.mark.parametrize(
    "term", ["9000017", " 900 0017 ", "o'hara", "MAEVE", "maeve.ohara@example.org", "EY944860", "140555"]
)
def test_a_trn_an_email_a_name_or_a_urn_finds_the_person(as_role: Callable[[str], Client], term: str) -> None:
    ApplicationFactory(school_urn="140000")
    person = ParticipantFactory(full_name="Maeve O'Hara", teacher_reference_number="9000017")
    application = ApplicationFactory(
        participant=person,
        email="Maeve.OHara@example.org",
        school_urn="140555",
        private_childcare_provider_urn="EY944860",
    )

    page = find(as_role("caseworker"), term).content.decode()
    listed = as_role_list(as_role, term)

    assert address_of(person, person.public_id) in page
    assert address_of(application, application.public_id) in page
    assert page.count("<tr>") == 3
    assert str(application.public_id) in listed


def as_role_list(as_role: Callable[[str], Client], term: str) -> str:
    """The applications' own list, searched."""
    return as_role("viewer").get("/admin/applications/application/", {"q": term}).content.decode()


@pytest.mark.parametrize(
    "term",
    [
        "",
        "  ",
        "zz",
        "nobody at all",
        "100%",
        "a\x00b",
        "00000000-0000-4000-8000-000000000000",
        "<b>",
        "'; --",
        "x" * 500,
    ],
)
def test_what_fits_nothing_is_said_to_be_nothing(as_role: Callable[[str], Client], term: str) -> None:
    ApplicationFactory()

    response = find(as_role("caseworker"), term)

    assert response.status_code == 200
    assert "<td>" not in response.content.decode()
    assert "<b>" not in response.content.decode()


def test_a_role_finds_nothing_it_may_not_see_nor_whether_it_is_there(as_role: Callable[[str], Client]) -> None:
    token, application = ApiTokenFactory(), ApplicationFactory()
    caseworker, access_manager = as_role("caseworker"), as_role("access manager")
    name = application.participant.full_name

    found = [
        find(caseworker, str(token.public_id)),
        find(access_manager, str(application.public_id)),
        find(access_manager, name),
    ]
    nobody = find(access_manager, "Nobody of this name")

    assert {each.status_code for each in [*found, nobody]} == {200}
    assert all("Nothing was found for" in each.content.decode() for each in [*found, nobody])
    assert not any("<td>" in each.content.decode() for each in found)


def test_who_may_not_see_a_record_finds_the_refused_requests_that_named_it(as_role: Callable[[str], Client]) -> None:
    application = ApplicationFactory()
    refused = RefusedRequestFactory(record_ids=[application.public_id])

    assert find(as_role("access manager"), str(application.public_id))["Location"] == address_of(
        refused, refused.public_id
    )
    assert find(as_role("configuration"), str(application.public_id)).status_code == 200


@pytest.mark.django_db
def test_names_are_found_through_their_index() -> None:
    ParticipantFactory()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = Participant.objects.alias(_n=Lower("full_name")).filter(_n__contains="priya").explain()

    assert "participant_name_trigram" in plan
    assert Participant.objects.filter(ids_matching(Participant, "pRIYa")).count() == 1


def test_the_first_page_shows_what_needs_a_person_and_no_more(as_role: Callable[[str], Client]) -> None:
    payable = StatementFactory(payable=True)
    opened = StatementFactory(month=2)
    old, fresh = ApplicationFactory(created_at=wall_clock() - timedelta(days=31)), ApplicationFactory()
    failed, waiting = MessageFactory(state=MessageState.FAILED), MessageFactory()

    page = as_role("finance").get("/admin/").content.decode()

    shown = {it for it in (payable, opened, old, fresh, failed, waiting) if address_of(it, it.public_id) in page}
    assert shown == {payable, old, failed}


def test_the_first_page_says_when_there_is_nothing(as_role: Callable[[str], Client]) -> None:
    assert "No statement waits to be checked." in as_role("finance").get("/admin/").content.decode()
    assert "Nothing waits for you." in as_role("").get("/admin/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("term", "index"),
    [("EY123456", "application_childcare"), ("ey123456", "application_childcare"), ("123456", "application_school")],
)
def test_urns_are_found_through_their_indexes(term: str, index: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    assert index in Application.objects.filter(ids_matching(Application, term)).explain()


def test_who_have_the_same_name_are_told_apart_by_their_trns(as_role: Callable[[str], Client]) -> None:
    ParticipantFactory(full_name="Noor Castellane", teacher_reference_number="9000101")
    ParticipantFactory(full_name="Noor Castellane", without_trn=True)

    page = find(as_role("caseworker"), "castellane").content.decode()

    assert "Noor Castellane, TRN 9000101" in page
    assert "Noor Castellane, no TRN" in page


def test_what_is_not_found_is_said_with_what_can_be_typed(as_role: Callable[[str], Client]) -> None:
    page = find(as_role("caseworker"), "9000199").content.decode()

    assert "Nothing was found for <strong>9000199</strong>" in page
    assert "A TRN has 7 digits" in page


@pytest.mark.parametrize(
    "term",
    [
        "Niamh O'Connell",
        "Niamh O’Connell",
        "O'Connell, Niamh",
        "  niamh   O'CONNELL ",
        "connell",
        "Niahm O’Connell",
        "Niamh Brannigan",
        "brannigan",
        "9000555",
        "900 0555",
        "TRN: 9000555",
        "RP90/00555",
    ],
)
def test_people_are_found_as_their_names_and_trns_are_pasted(as_role: Callable[[str], Client], term: str) -> None:
    ParticipantFactory(full_name="Rhys Vaughan")
    person = ParticipantFactory(
        full_name="Niamh O'Connell", previous_names=["Niamh Brannigan"], teacher_reference_number="9000555"
    )

    assert find(as_role("viewer"), term)["Location"] == address_of(person, person.public_id)


@pytest.mark.parametrize("term", ["Rhys Okafor", "ni", "%%%", "___", "’’’"])
def test_people_are_not_found_by_what_is_no_name_of_theirs(as_role: Callable[[str], Client], term: str) -> None:
    for name in ("Niamh Okafor", "Rhys Vaughan"):
        ParticipantFactory(full_name=name)

    assert "Nothing was found" in find(as_role("viewer"), term).content.decode()


def test_a_similar_name_is_found_only_where_nobody_has_that_name(as_role: Callable[[str], Client]) -> None:
    similar = ParticipantFactory(full_name="Jasmine Chaudhury")
    client = as_role("viewer")
    before = find(client, "Jasmine Choudhury")["Location"]
    exact = ParticipantFactory(full_name="Jasmine Choudhury")

    assert before == address_of(similar, similar.public_id)
    assert find(client, "Jasmine Choudhury")["Location"] == address_of(exact, exact.public_id)


@pytest.mark.parametrize(
    "wrapped", ["{}", "“{}”", '"id": "{}",', "https://example.org/api/v3/npq-applications/{}/accept"]
)
@pytest.mark.parametrize("hyphens", [True, False])
def test_an_id_is_found_in_whatever_it_is_pasted_with(
    as_role: Callable[[str], Client], wrapped: str, hyphens: bool
) -> None:
    application = ApplicationFactory()
    written = str(application.public_id) if hyphens else application.public_id.hex

    assert find(as_role("viewer"), wrapped.format(written.upper()))["Location"] == address_of(
        application, application.public_id
    )


def test_of_two_ids_at_once_neither_is_guessed_at(as_role: Callable[[str], Client]) -> None:
    one, other = ApplicationFactory(), ApplicationFactory()

    assert "Nothing was found" in find(as_role("viewer"), f"{one.public_id} {other.public_id}").content.decode()


def test_a_lead_provider_is_found_by_name_and_code(as_role: Callable[[str], Client]) -> None:
    provider = LeadProviderFactory(code="teach-first", name="Teach First")
    client = as_role("viewer")

    for term in ("teach f", "Teach-First"):
        assert find(client, term)["Location"] == address_of(provider, provider.public_id)


def test_a_former_name_is_shown_with_the_present_one(as_role: Callable[[str], Client]) -> None:
    for place in range(2):
        ParticipantFactory(full_name=f"Ada Smith {place}", previous_names=["Ada Okonkwo"])

    assert "Ada Smith 0 (formerly Ada Okonkwo), TRN" in find(as_role("viewer"), "okonkwo").content.decode()


def test_what_was_found_is_followed_by_its_name(as_role: Callable[[str], Client]) -> None:
    application = ApplicationFactory(participant__full_name="Priya Okafor")
    person = application.participant

    page = find(as_role("viewer"), "Okafor").content.decode()

    assert f'{person.public_id}/">Priya Okafor, ' in page
    assert f'{application.public_id}/">Priya Okafor, {application.course.name}, ' in page
    assert f"<td>{application.public_id}</td>" in page
