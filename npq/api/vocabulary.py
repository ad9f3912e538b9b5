"""The words that are data rather than code, for the documentation: those the project is shipped with.

The database decides what is a course or a schedule; a word added there belongs in the shipped files too.
"""

import csv
from pathlib import Path

from django.conf import settings


def _column(file: str, column: str) -> tuple[str, ...]:
    path = Path(settings.ROOT) / "npq" / "reference_data" / file
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return tuple(dict.fromkeys(row[column] for row in csv.DictReader(lines)))


COURSES = _column("courses.csv", "identifier")
SCHEDULES = _column("schedules.csv", "identifier")
LEAD_PROVIDERS = _column("lead_providers.csv", "code")
