"""Writes invented applications as JSON lines: `make_applications.py NUMBER > applications.jsonl`.

The ids follow from the number, so a second file holds the same applications. Every 2,500th row has a mistake in it.
"""

import json
import sys
import uuid

COURSES = ("npq-headship", "npq-senior-leadership", "npq-leading-teaching", "npq-leading-literacy")
PROVIDERS = ("ambition", "teach-first", "ucl")
HOUSE = uuid.UUID("7b0c7f0e-6d0e-4c0a-9d6b-0c2f1d0e5a11")


def application(number: int) -> dict[str, object]:
    row: dict[str, object] = {
        "id": str(uuid.uuid5(HOUSE, f"application {number}")),
        "participant_id": str(uuid.uuid5(HOUSE, f"participant {number}")),
        "full_name": f"Robin Marlowe {number}",
        "email": f"robin.marlowe.{number}@example.org",
        "email_validated": True,
        "teacher_reference_number": str(9_500_000 + number),
        "teacher_reference_number_validated": True,
        "course_identifier": COURSES[number % len(COURSES)],
        "lead_provider": PROVIDERS[number % len(PROVIDERS)],
        "cohort": 2025,
        "eligible_for_funding": True,
        "teacher_catchment": "england",
        "works_in_school": True,
        "school_urn": "140233",
    }
    if number % 2500 == 0:
        row.update(course_identifier="npq-head", teacher_reference_number="12345")
    return row


for number in range(1, int(sys.argv[1]) + 1):
    sys.stdout.write(json.dumps(application(number)) + "\n")
