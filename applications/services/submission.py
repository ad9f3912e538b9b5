"""What the registration service sends about one application, read by one table for every door (decisions.md §5)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from applications.choices import (
    EmploymentType,
    FundingChoice,
    FundingEligibilityStatusCode,
    HeadteacherStatus,
    TeacherCatchment,
    WorksAsSenco,
)
from applications.errors import (
    CohortNotYear,
    CohortSuffixNotLetter,
    CountryCodeMalformed,
    EmailMalformed,
    FieldMissing,
    FieldNotBoolean,
    FieldNotDate,
    FieldNotKnown,
    FieldNotList,
    FieldNotText,
    FieldNotTimestamp,
    FieldNotUuid,
    FieldOutOfTime,
    FieldTooLong,
    FieldUnreadable,
    TrnNotSevenDigits,
    TrnValidatedWithoutTrn,
    UnknownCohort,
    UnknownCourse,
    UnknownLeadProvider,
    WrongField,
)
from npq.core.clock import uk_date
from npq.core.errors import refuse_if_any
from npq.core.models import Cohort, Course, LeadProvider, by_identifier
from npq.core.texts import is_readable, timestamp_or_none, uuid_or_none

LONGEST_TEXT = 255
MOST_NAMES = 20
NOBODYS_TRN = "0000000"
EARLIEST_BIRTH = date(1900, 1, 1)
EARLIEST_APPLICATION = datetime(2017, 1, 1, tzinfo=UTC)
# The sender's clock may be a little ahead of ours.
CLOCK_TOLERANCE = timedelta(minutes=5)

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_TRN = re.compile(r"[0-9]{7}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEAR = re.compile(r"[0-9]{4}")
_LETTER = re.compile(r"[a-z]")
_COUNTRY = re.compile(r"[A-Za-z]{3}")

Read = Callable[[str, Any], Any]


@dataclass(frozen=True)
class Field:
    """How one field is read; `absent` is what an absent, null or blank one stands for."""

    read: Read
    required: bool = False
    absent: Any = None

    def take(self, name: str, value: object) -> Any:
        """The value; raises a WrongField when it cannot be taken."""
        if value is None or (isinstance(value, str) and not value.strip()):
            if self.required:
                raise FieldMissing(name)
            return self.absent
        return self.read(name, value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise FieldNotText(name)
    if not is_readable(value):
        raise FieldUnreadable(name)
    value = value.strip()
    if len(value) > LONGEST_TEXT:
        raise FieldTooLong(name, length=len(value), most=LONGEST_TEXT)
    return value


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise FieldNotBoolean(name)
    return value


def _uuid(name: str, value: Any) -> UUID:
    found = uuid_or_none(value.strip() if isinstance(value, str) else value)
    if found is None:
        raise FieldNotUuid(name)
    return found


def _day(name: str, value: Any) -> date:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value.strip()):
            return date.fromisoformat(value.strip())
    except ValueError:
        pass
    raise FieldNotDate(name)


def _instant(name: str, value: Any) -> datetime:
    found = timestamp_or_none(value.strip() if isinstance(value, str) else value)
    if found is None:
        raise FieldNotTimestamp(name)
    return found


def _one_of(words: list[str]) -> Read:
    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or value.strip() not in words:
            raise FieldNotKnown(name, words=", ".join(words))
        return value.strip()

    return read


def _matching(pattern: re.Pattern[str], refusal: type[WrongField]) -> Read:
    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value.strip()):
            raise refusal(name)
        return value.strip()

    return read


def email_address(name: str, value: Any) -> str:
    """An email address as applications hold it, from the registration service or from staff; raises a WrongField."""
    return _matching(_EMAIL, EmailMalformed)(name, _text(name, value))


def _year(name: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return int(_matching(_YEAR, CohortNotYear)(name, value))


def _letter(name: str, value: Any) -> str:
    return _matching(_LETTER, CohortSuffixNotLetter)(name, value.lower() if isinstance(value, str) else value)


def _country(name: str, value: Any) -> str:
    return str(_matching(_COUNTRY, CountryCodeMalformed)(name, value)).upper()


def _names(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MOST_NAMES:
        raise FieldNotList(name, most=MOST_NAMES)
    return [text for each in value if (text := _text(name, each))]


REQUIRED_TEXT = Field(_text, required=True)
TEXT = Field(_text)
BOOLEAN = Field(_boolean)
BOOLEAN_OR_FALSE = Field(_boolean, absent=False)
NAMES = Field(_names, absent=[])

FIELDS = {
    "id": Field(_uuid, required=True),
    "participant_id": Field(_uuid, required=True),
    "full_name": REQUIRED_TEXT,
    "email": Field(email_address, required=True),
    "course_identifier": REQUIRED_TEXT,
    "lead_provider": REQUIRED_TEXT,
    "cohort": Field(_year, required=True),
    "eligible_for_funding": Field(_boolean, required=True),
    "email_validated": BOOLEAN_OR_FALSE,
    "teacher_reference_number": Field(_matching(_TRN, TrnNotSevenDigits)),
    "teacher_reference_number_validated": BOOLEAN_OR_FALSE,
    "date_of_birth": Field(_day),
    "funding_choice": Field(_one_of(FundingChoice.values)),
    "headteacher_status": Field(_one_of(HeadteacherStatus.values)),
    "school_urn": TEXT,
    "school_ukprn": TEXT,
    "private_childcare_provider_urn": TEXT,
    "works_in_school": BOOLEAN,
    "employer_name": TEXT,
    "employment_role": TEXT,
    "employment_type": Field(_one_of(EmploymentType.values)),
    "itt_provider": TEXT,
    "lead_mentor": BOOLEAN,
    "teacher_catchment": Field(_one_of(TeacherCatchment.values)),
    "teacher_catchment_country": TEXT,
    "teacher_catchment_iso_country_code": Field(_country),
    "targeted_delivery_funding_eligibility": BOOLEAN_OR_FALSE,
    "works_as_senco": Field(_one_of(WorksAsSenco.values)),
    "senco_start_date": Field(_day),
    "cohort_suffix": Field(_letter, absent="a"),
    "funding_eligibility_status_code": Field(_one_of(FundingEligibilityStatusCode.values)),
    "previous_names": NAMES,
    "created_at": Field(_instant),
}
REQUIRED = tuple(name for name, given in FIELDS.items() if given.required)
BOOLEANS = tuple(name for name, given in FIELDS.items() if given.read is _boolean)
LISTS = tuple(name for name, given in FIELDS.items() if given.read is _names)


@dataclass(frozen=True)
class Reference:
    """The courses, cohorts and lead providers that submissions name, loaded once for many."""

    courses: Mapping[str, Course] = field(default_factory=lambda: by_identifier(Course, "identifier"))
    cohorts: Mapping[str, Cohort] = field(default_factory=lambda: by_identifier(Cohort, "identifier"))
    lead_providers: Mapping[str, LeadProvider] = field(default_factory=lambda: by_identifier(LeadProvider, "code"))


@dataclass(frozen=True)
class Submission:
    """One application as it was sent: checked, typed, and with the rows it names."""

    values: Mapping[str, Any]
    course: Course
    cohort: Cohort
    lead_provider: LeadProvider

    @property
    def id(self) -> UUID:
        """The application's public id."""
        return self.values["id"]

    @property
    def participant_id(self) -> UUID:
        """The person's public id as sent; it may be retired."""
        return self.values["participant_id"]

    @property
    def verified_trn(self) -> str | None:
        """The TRN when it is sent as validated."""
        return self.values["teacher_reference_number"] if self.values["teacher_reference_number_validated"] else None

    @property
    def content(self) -> dict[str, Any]:
        """The values as JSON, every field present: what is stored to know a repeat by."""
        return {name: _plain(value) for name, value in self.values.items()}

    def differences(self, stored: Mapping[str, Any]) -> list[str]:
        """The fields in which this differs from the content of another; one it lacks counts as absent there."""
        return [name for name, value in self.content.items() if value != stored.get(name, _plain(FIELDS[name].absent))]


def read_submission(sent: Mapping[str, object], *, reference: Reference, now: datetime) -> Submission:
    """Checks what was sent about one application; fields of other names are ignored.

    Raises one WrongField for each field that cannot be taken, together when there are several.
    """
    values: dict[str, Any] = {}
    wrong: dict[str, WrongField] = {}
    for name, given in FIELDS.items():
        try:
            values[name] = given.take(name, sent.get(name))
        except WrongField as refusal:
            wrong[name] = refusal
    for contradiction in _contradictions(values, reference, now):
        wrong.setdefault(contradiction.facts["field"], contradiction)
    refuse_if_any(wrong[name] for name in FIELDS if name in wrong)
    return Submission(
        values,
        course=reference.courses[values["course_identifier"]],
        cohort=reference.cohorts[_cohort_of(values)],
        lead_provider=reference.lead_providers[values["lead_provider"]],
    )


def _contradictions(values: Mapping[str, Any], reference: Reference, now: datetime) -> list[WrongField]:
    """What is wrong beyond the form of a single field; fields that could not be read are left alone."""
    found: list[WrongField] = []
    if "course_identifier" in values and values["course_identifier"] not in reference.courses:
        found.append(UnknownCourse("course_identifier", known=", ".join(reference.courses)))
    if "lead_provider" in values and values["lead_provider"] not in reference.lead_providers:
        found.append(UnknownLeadProvider("lead_provider", known=", ".join(reference.lead_providers)))
    if {"cohort", "cohort_suffix"} <= values.keys() and _cohort_of(values) not in reference.cohorts:
        found.append(UnknownCohort("cohort", cohort=_cohort_of(values), known=", ".join(sorted(reference.cohorts))))
    trn = values.get("teacher_reference_number", "unreadable")
    if values.get("teacher_reference_number_validated") and trn in (None, NOBODYS_TRN):
        found.append(TrnValidatedWithoutTrn("teacher_reference_number_validated"))
    found += _out_of_time("date_of_birth", values, EARLIEST_BIRTH, uk_date(now))
    found += _out_of_time("created_at", values, EARLIEST_APPLICATION, now + CLOCK_TOLERANCE)
    return found


def _out_of_time(name: str, values: Mapping[str, Any], earliest: Any, latest: Any) -> list[WrongField]:
    value = values.get(name)
    if value is None or earliest <= value <= latest:
        return []
    return [FieldOutOfTime(name, earliest=_as_sent(earliest), latest=_as_sent(latest))]


def _as_sent(value: date) -> str:
    """A day or an instant as it is written in a delivery."""
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value.isoformat()


def _cohort_of(values: Mapping[str, Any]) -> str:
    return f"{values['cohort']}{values['cohort_suffix']}"


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value
