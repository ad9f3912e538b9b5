"""What every endpoint answers in every version, byte for byte as far as the world is fixed.

`NPQ_WRITE_GOLDEN=1` writes the files anew; read what changed before committing it, because providers' systems
were written against the old ones. Ids made during the request and the real time are replaced by a word.
"""

import json
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from npq.api.requests import timestamp_or_none
from npq.api.schema import DOCUMENTS
from npq.core.clock import wall_clock
from tests.contract.cases import SUCCESS, Operation, operations
from tests.contract.world import World

GOLDEN = Path(__file__).parent / "golden"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FIXED = re.compile(r"[a-f]0000000-0000-4000-8000-\d{12}")
STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


def names(text: str) -> set[str]:
    """The words of a text."""
    return set(text.split())


# The attributes of every resource and version, from what DfE published (api.md §2) and decisions.md §1 and §3.9.
APPLICATION = names("""
    course_identifier email email_validated employer_name employment_role full_name funding_choice headteacher_status
    ineligible_for_funding_reason participant_id private_childcare_provider_urn teacher_reference_number
    teacher_reference_number_validated school_urn school_ukprn status works_in_school cohort eligible_for_funding
    targeted_delivery_funding_eligibility teacher_catchment teacher_catchment_country
    teacher_catchment_iso_country_code itt_provider lead_mentor funded_place reason_for_rejection created_at
    updated_at""")
DECLARATION = names("participant_id declaration_type declaration_date course_identifier state has_passed updated_at")
OUTCOME = {"state", "completion_date", "course_identifier", "participant_id", "created_at"}
ENROLMENT = names("""
    course_identifier schedule_identifier cohort npq_application_id eligible_for_funding training_status school_urn
    targeted_delivery_funding_eligibility funded_place""")
ATTRIBUTES: dict[tuple[str, str], set[str]] = {
    ("show_application", "v1"): APPLICATION,
    ("show_application", "v2"): APPLICATION,
    ("show_application", "v3"): APPLICATION
    | {"schedule_identifier", "works_as_senco", "senco_start_date", "cohort_suffix"},
    ("show_participant", "v1"): names(
        "participant_id full_name email npq_courses funded_places teacher_reference_number updated_at"
    ),
    ("show_participant", "v2"): {"full_name", "email", "teacher_reference_number", "updated_at", "npq_enrolments"},
    ("show_participant", "v3"): names(
        "full_name teacher_reference_number updated_at npq_enrolments participant_id_changes previous_names"
    ),
    ("show_declaration", "v1"): DECLARATION | {"eligible_for_payment", "voided"},
    ("show_declaration", "v2"): DECLARATION,
    ("show_declaration", "v3"): DECLARATION
    | names("""
        created_at statement_id clawback_statement_id uplift_paid ineligible_for_funding_reason lead_provider_name
        delivery_partner_id delivery_partner_name secondary_delivery_partner_id secondary_delivery_partner_name
        application_id"""),
    ("submit_outcome", "v1"): OUTCOME,
    ("submit_outcome", "v2"): OUTCOME,
    ("submit_outcome", "v3"): OUTCOME | {"updated_at"},
    ("show_statement", "v3"): names("month year cohort cut_off_date payment_date paid created_at updated_at"),
    ("show_delivery_partner", "v3"): {"name", "cohort", "created_at", "updated_at"},
    (
        "show_statement_payment",
        "v3",
    ): names("""state frozen output_payment service_fee targeted_delivery_funding clawback adjustment total courses
        adjustments"""),
    ("list_statement_declarations", "v3"): names(
        "participant_id course_identifier declaration_type state kind amount targeted_delivery_funding"
    ),
    ("show_declaration_payment", "v3"): names(
        "payable amount targeted_delivery_funding statement_id clawback_statement_id reasons"
    ),
}
NESTED: dict[tuple[str, str, str], set[str]] = {
    ("show_participant", "v1", "funded_places"): {"npq_course", "funded_place", "npq_application_id"},
    ("show_participant", "v2", "npq_enrolments"): ENROLMENT,
    ("show_participant", "v3", "npq_enrolments"): ENROLMENT
    | {"email", "withdrawal", "deferral", "created_at", "cohort_suffix"},
    ("show_participant", "v3", "participant_id_changes"): {"from_participant_id", "to_participant_id", "changed_at"},
    (
        "show_statement_payment",
        "v3",
        "courses",
    ): names("""course_identifier special_course price output_payment_per_participant recruitment_target output_payment
        service_fee targeted_delivery_funding clawback total declarations"""),
    ("show_statement_payment", "v3", "adjustments"): {"description", "amount"},
}


def answer_of(operation: Operation, world: World) -> bytes:
    """The body of the endpoint's success; the world is as before afterwards."""
    undo = transaction.savepoint()
    response = SUCCESS[operation.name].ask(operation, world)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    transaction.savepoint_rollback(undo)
    assert response.status_code in (200, 201), content
    return content


def golden(content: bytes, *, is_json: bool) -> str:
    """The body with new ids and the real time replaced, indented when it is JSON."""
    text = json.dumps(json.loads(content), indent=2) + "\n" if is_json else content.decode()
    text = UUID.sub(lambda found: found[0] if FIXED.fullmatch(found[0]) else "a new id", text)
    return STAMP.sub(lambda found: "the real time" if _is_now(found[0]) else found[0], text)


def _is_now(stamp: str) -> bool:
    instant = timestamp_or_none(stamp)
    return instant is not None and abs(wall_clock() - instant) < timedelta(hours=1)


@pytest.mark.parametrize("document", list(DOCUMENTS))
def test_answers_are_as_they_were(document: str, world: World, subtests: Any) -> None:
    here = [operation for operation in operations() if operation.document == document]
    directory = GOLDEN / document.replace("/", "-")
    files = set()
    for operation in here:
        with subtests.test(operation=str(operation)):
            is_csv = operation.template.endswith(".csv")
            file = directory / f"{operation.name}.{'csv' if is_csv else 'json'}"
            files.add(file)
            text = golden(answer_of(operation, world), is_json=not is_csv)
            if os.environ.get("NPQ_WRITE_GOLDEN"):
                directory.mkdir(exist_ok=True)
                file.write_text(text)
            assert text == file.read_text(), f"{file.name} is not what it was"

    assert set(directory.glob("*")) == files, "a file that no endpoint answers to"


@pytest.mark.parametrize(("name", "document"), list(ATTRIBUTES))
def test_attributes_are_those_that_were_published(name: str, document: str, world: World) -> None:
    (operation,) = [one for one in operations() if one.name == name and one.document == document]

    data = json.loads(answer_of(operation, world))["data"]
    record = data[0] if isinstance(data, list) else data

    assert set(record) == {"id", "type", "attributes"}
    assert set(record["attributes"]) == ATTRIBUTES[name, document]
    for (nested_name, nested_document, attribute), keys in NESTED.items():
        if (nested_name, nested_document) == (name, document):
            assert record["attributes"][attribute], attribute
            assert set(record["attributes"][attribute][0]) == keys
