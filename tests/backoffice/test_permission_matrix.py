"""Who may open and do what: every role and every route of the back office, allowed and denied.

The tables are written by hand, from what each role is for (backoffice.md §1.3); the routes and the corrections are
walked. A new one fails here until somebody says who may.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from npq.backoffice.catalogue import CORRECTIONS
from npq.backoffice.pages import address_of
from npq.core.models import Change
from tests.backoffice.conftest import ROLE_NAMES
from tests.backoffice.test_corrections import HAPPY, REASON
from tests.backoffice.walking import NO_PAGES, Route, address, routes
from tests.backoffice.world import world

CASEWORKER, FINANCE, APPROVER = {"caseworker"}, {"finance"}, {"finance approver"}
CONFIGURATION, ACCESS = {"configuration"}, {"access manager"}
# Who reads cases, money and reference data; the last is no secret to anybody with a role but access managers.
CASES = {"viewer"} | CASEWORKER | FINANCE | APPROVER
MONEY = REFERENCE = CASES | CONFIGURATION
EVERYBODY = {*ROLE_NAMES, ""}

# The routes of the door: they belong to whoever is not signed in, and let everybody through to where they were going.
DOOR = {"login", "oidc_start", "oidc_callback", "sign_in_code", "second_factor", "set_password"}

# Who may open what. Lists and pages of records are named by the record, bulk changes by their kind.
RECORDS = {
    "applications_application": CASES,
    "participants_participant": CASES,
    "declarations_declaration": CASES,
    "core_message": CASES,
    "finance_statement": MONEY,
    "finance_adjustment": MONEY,
    "finance_contractterms": MONEY,
    "core_course": REFERENCE,
    "core_cohort": REFERENCE,
    "participants_schedule": REFERENCE,
    "declarations_deliverypartner": REFERENCE,
    "core_leadprovider": REFERENCE | ACCESS,
    "core_refusedrequest": {"viewer"} | CASEWORKER | FINANCE | ACCESS,
    "core_apitoken": ACCESS,
    "backoffice_accessevent": ACCESS,
    "auth_user": ACCESS,
    "auth_group": ACCESS,
}
BULK = {
    "undo_acceptance": CASEWORKER,
    "reject_application": CASEWORKER,
    "change_trn": CASEWORKER,
    "submit_declaration": FINANCE,
    "pair_delivery_partner": CONFIGURATION,
    "fill_delivery_partner": CONFIGURATION,
    "load_contracts": CONFIGURATION,
    "load_statements": CONFIGURATION,
}
PAGES = {
    **{f"{name}_{page}": may for name, may in RECORDS.items() for page in ("changelist", "change")},
    **{f"bulk_{kind}": may for kind, may in BULK.items()},
    **{f"bulk_{kind}_template": may for kind, may in BULK.items()},
    "index": EVERYBODY,
    "find": EVERYBODY,
    "help": EVERYBODY,
    "password_change": EVERYBODY,
    "password_change_done": EVERYBODY,
    "app_list": CASES,  # that of applications; whoever sees none of an app's records is told there is no such page
    "bulk": CASEWORKER | FINANCE | CONFIGURATION,
    # Those of a job of undone acceptances.
    "backoffice_bulkjob_change": CASEWORKER,
    "bulk_progress": CASEWORKER,
    "bulk_errors": CASEWORKER,
    "bulk_rows": CASEWORKER,
    "checks": CASES | CONFIGURATION,
    "contract_gaps": MONEY,
    "gaps_of_provider": MONEY,
    "partners_of_provider": REFERENCE,
    "declaration_payment": CASES,
    "own_actions": EVERYBODY,
    "staff_actions": ACCESS,
    "duplicates": CASES,
    "duplicate": CASES,
    "transfers": CASES,
    "move_declarations": FINANCE,
    "finance_statement_lines": CASES,
    "finance_statement_expected": CASES,
    "finance_statement_print": MONEY,
    "issue_token": ACCESS,
    "auth_user_add": ACCESS,
    "auth_user_edit": ACCESS,
    "auth_user_help": ACCESS,
}
# Pages that more people may look at than may send; and what is only sent.
ACTS = {
    "duplicate": CASEWORKER,
    "auth_group_change": set(),
    "finance_statement_download": MONEY,
}
ONLY_SENT = {"finance_statement_download"}

CORRECTING = {
    "undo_acceptance": CASEWORKER,
    "undo_rejection": CASEWORKER,
    "change_course": CASEWORKER,
    "change_cohort": CASEWORKER,
    "change_schedule": CASEWORKER,
    "change_lead_provider": CASEWORKER,
    "cancel_transfer": CASEWORKER,
    "change_training_status": CASEWORKER,
    "change_funding_choice": CASEWORKER,
    "change_funding_eligibility": CASEWORKER,
    "change_funded_place": CASEWORKER,
    "change_email": CASEWORKER,
    "validate_email": CASEWORKER,
    "unvalidate_email": CASEWORKER,
    "reassign_application": CASEWORKER,
    "add_note": CASEWORKER,
    "change_trn": CASEWORKER,
    "verify_trn": CASEWORKER,
    "unverify_trn": CASEWORKER,
    "remove_trn": CASEWORKER,
    "merge_participants": CASEWORKER,
    "add_participant_note": CASEWORKER,
    "correct_outcome": CASEWORKER,
    "change_delivery_partners": CASEWORKER,
    "send_message_again": CASEWORKER,
    "mark_message_as_dealt_with": CASEWORKER,
    "submit_declaration": FINANCE,
    "void_declaration": FINANCE,
    "request_payment": FINANCE,
    "withdraw_payment_request": FINANCE,
    "approve_payment": APPROVER,
    "add_adjustment": FINANCE,
    "change_adjustment": FINANCE,
    "remove_adjustment": FINANCE,
    "move_declarations": FINANCE,
    "set_statement": CONFIGURATION,
    "change_contract": CONFIGURATION,
    "add_delivery_partner": CONFIGURATION,
    "pair_delivery_partner": CONFIGURATION,
    "rename_delivery_partner": CONFIGURATION,
    "change_api_token_label": ACCESS,
    "change_api_token_expiry": ACCESS,
    "revoke_api_token": ACCESS,
}

ROUTES = [each for each in routes() if each.name not in NO_PAGES and each.name not in DOOR and not each.is_correction]
DENIED = {403, 404}


def test_somebody_has_said_of_every_route_who_may() -> None:
    names = {each.name for each in ROUTES}

    assert names == PAGES.keys() | ACTS.keys()
    assert {each.name for each in CORRECTIONS} == CORRECTING.keys()
    assert {each.name for each in routes()} >= DOOR


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_pages_open_for_those_who_may_and_for_nobody_else(as_role: Callable[[str], Client], role: str) -> None:
    records, client = world(), as_role(role)
    opened, expected = {}, {}
    for route in ROUTES:
        if route.name in ONLY_SENT:
            continue
        status = client.get(address(route, records)).status_code
        opened[route.name] = status if status not in DENIED or route.name == "app_list" else 403
        allowed = role in PAGES[route.name]
        expected[route.name] = 200 if allowed else 404 if route.name == "app_list" else 403

    assert opened == expected


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_nothing_is_sent_by_those_who_may_not(as_role: Callable[[str], Client], role: str) -> None:
    records, client = world(), as_role(role)
    before = Change.objects.latest("id").id
    allowed = {route.name for route in ROUTES if role in ACTS.get(route.name, PAGES.get(route.name, set()))}

    sent = {
        route.name: client.post(address(route, records)).status_code
        for route in ROUTES
        # A page that is only read may say so before it asks who is there.
        if (route.name not in allowed and not route.is_file) or route.name in ONLY_SENT
    }

    assert {name for name, status in sent.items() if status not in DENIED} == allowed & ONLY_SENT
    assert not Change.objects.filter(id__gt=before).exclude(table="finance_export").exists()


def test_a_superuser_opens_everything(admin_client: Client) -> None:
    records = world()

    answers = {each.name: admin_client.get(address(each, records)).status_code for each in ROUTES}

    assert {name for name, status in answers.items() if status != 200} == ONLY_SENT


@pytest.mark.django_db
def test_strangers_are_sent_to_the_door(client: Client) -> None:
    records = world()

    answers = {each.name: client.get(address(each, records)) for each in ROUTES}

    assert {name for name, it in answers.items() if not it.get("Location", "").startswith("/admin/login/")} == set()


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_corrections_are_made_by_those_who_may_and_by_nobody_else(as_role: Callable[[str], Client], role: str) -> None:
    client = as_role(role)
    looked_at, sent = {}, {}
    for name in CORRECTING:
        record, answers, _, _ = HAPPY[name]()
        page = f"{address_of(record, record.public_id)}{name}/"
        looked_at[name] = client.get(page).status_code
        sent[name] = client.post(page, {"reason": REASON, **answers}).status_code
        # The button is there for whoever may, and only for them.
        shown = client.get(address_of(record, record.public_id))
        button = f'href="{page}"' in shown.content.decode()
        assert button == (role in CORRECTING[name]), name

    expected = {name: 200 if role in may else 403 for name, may in CORRECTING.items()}
    assert looked_at == expected
    assert sent == expected


def test_a_route_that_nobody_thought_of_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROUTES", [*ROUTES, Route("new_page", "new/")])

    with pytest.raises(AssertionError, match="new_page"):
        test_somebody_has_said_of_every_route_who_may()


def test_what_is_closed_is_closed_to_everybody(admin_client: Client) -> None:
    query = {"app_label": "auth", "model_name": "user", "field_name": "groups", "term": ""}

    assert admin_client.get("/admin/autocomplete/", query).status_code == 404


@pytest.mark.django_db
def test_strangers_send_nothing(client: Client) -> None:
    records = world()
    before = Change.objects.latest("id").id

    answers = {each.name: client.post(address(each, records)) for each in ROUTES}

    assert {name for name, it in answers.items() if not it.get("Location", "").startswith("/admin/login/")} == set()
    assert not Change.objects.filter(id__gt=before).exists()


@pytest.mark.parametrize("name", ["password-link", "reset-second-factor", "remove-lock", "unlink"])
@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_access_managers_alone_help_somebody_back_in(as_role: Callable[[str], Client], role: str, name: str) -> None:
    page = f"/admin/auth/user/account/{world()['auth/user'].username}/{name}/"
    client = as_role(role)

    answers = {client.get(page).status_code, client.post(page, {}).status_code}

    assert answers == ({200} if role in ACCESS else {403})


def test_corrections_of_a_kind_that_is_not_theirs_are_not_found(as_role: Callable[[str], Client]) -> None:
    record: Any = world()["applications/application"]

    assert as_role("caseworker").get(f"{address_of(record, record.public_id)}change_trn/").status_code == 404
