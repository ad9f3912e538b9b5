"""What may come in about participants, per version."""

import uuid
from typing import Any

from npq.api.inputs import UPDATED_SINCE, Body, Filter, ListQuery, start_year, words
from npq.api.requests import Filters, uuid_or_none
from npq.api.vocabulary import COURSES, SCHEDULES
from participants.choices import DeferralReason, TrainingStatus, WithdrawalReason
from participants.errors import UnknownTrainingStatus

# The id of nobody: what is not a UUID finds nobody, as an unknown id does (api.md §6.3).
NOBODY = uuid.UUID(int=0)


def _training_status(filters: Filters, name: str) -> str | None:
    value = filters.text(name)
    if value is not None and value not in TrainingStatus.values:
        listed = ", ".join(f'"{status}"' for status in TrainingStatus.values)
        raise UnknownTrainingStatus(statuses=f"[{listed}]")
    return value


def _retired_id(filters: Filters, name: str) -> uuid.UUID | None:
    value = filters.text(name)
    return None if value is None else uuid_or_none(value) or NOBODY


_TRAINING_STATUS = Filter(
    "training_status",
    "training_status",
    _training_status,
    {"type": "string", "enum": TrainingStatus.values},
    "Only people with an enrolment in this training status, showing those enrolments only.",
    "deferred",
    (UnknownTrainingStatus,),
)
_FROM_PARTICIPANT_ID = Filter(
    "from_participant_id",
    "from_participant_id",
    _retired_id,
    {"type": "string", "format": "uuid"},
    "Only the person that a retired participant id stands for now.",
    "5b7f3a10-0c61-4a4d-9f3e-77c1d2a8e601",
)

_LIST_V1 = ListQuery((UPDATED_SINCE,))
PARTICIPANTS = {
    "v1": _LIST_V1,
    "v2": _LIST_V1,
    "v3": ListQuery((UPDATED_SINCE, _TRAINING_STATUS, _FROM_PARTICIPANT_ID), sort=("created_at", "updated_at")),
}
ENROLMENTS = {"v2": ListQuery((UPDATED_SINCE,))}


def _every_version(body: Body) -> dict[str, Body]:
    return {"v1": body, "v2": body, "v3": body}


_COURSE = words(COURSES, "The course whose training it is, exactly.", required=True, example="npq-headship")

WITHDRAW = _every_version(
    Body(
        name="WithdrawParticipant",
        type="participant-withdraw",
        attributes={
            "course_identifier": _COURSE,
            "reason": words(
                WithdrawalReason.values, "Why.", required=True, example=WithdrawalReason.QUALITY_OTHER.value
            ),
        },
    )
)
DEFER = _every_version(
    Body(
        name="DeferParticipant",
        type="participant-defer",
        attributes={
            "course_identifier": _COURSE,
            "reason": words(DeferralReason.values, "Why.", required=True, example=DeferralReason.PARENTAL_LEAVE.value),
        },
    )
)
RESUME = _every_version(
    Body(name="ResumeParticipant", type="participant-resume", attributes={"course_identifier": _COURSE})
)
CHANGE_SCHEDULE = _every_version(
    Body(
        name="ChangeSchedule",
        type="participant-change-schedule",
        attributes={
            "course_identifier": _COURSE,
            "schedule_identifier": words(
                SCHEDULES, "The new schedule.", required=True, example="npq-leadership-spring"
            ),
            "cohort": start_year(
                "The cohort of the new schedule, where it changes. A year without a suffix means the participant's own "
                "cohort when it is of that year, else the year's latest cohort with that schedule.",
            ),
        },
    )
)


def cohort_text(value: Any) -> str | None:
    """The cohort of a body as text: a number and a text are the same, blank and null count as not given."""
    return None if value is None else str(value).strip() or None
