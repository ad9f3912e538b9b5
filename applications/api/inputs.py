"""What may come in about applications, per version."""

from npq.api.inputs import COHORT, PARTICIPANT_ID, UPDATED_SINCE, Body, ListQuery, words, yes_or_no
from npq.api.vocabulary import SCHEDULES

_FUNDED_PLACE = yes_or_no("Whether the place is funded. Needed where the cohort's places are capped or unfunded.")

_ACCEPT_V1 = Body(
    name="AcceptApplication",
    type="npq-application-accept",
    attributes={"funded_place": _FUNDED_PLACE},
    optional=True,
)
_ACCEPT_V3 = Body(
    name="AcceptApplication",
    type="npq-application-accept",
    attributes={
        "funded_place": _FUNDED_PLACE,
        "schedule_identifier": words(
            SCHEDULES,
            "The schedule of the training. Leave it out, or empty, for the default of the day.",
            example="npq-leadership-autumn",
        ),
    },
    optional=True,
)
ACCEPT = {"v1": _ACCEPT_V1, "v2": _ACCEPT_V1, "v3": _ACCEPT_V3}

_CHANGE_FUNDED_PLACE = Body(
    name="ChangeFundedPlace",
    type="npq-application-change-funded-place",
    attributes={"funded_place": yes_or_no("Whether the place is funded.", required=True)},
)
CHANGE_FUNDED_PLACE = {"v1": _CHANGE_FUNDED_PLACE, "v2": _CHANGE_FUNDED_PLACE, "v3": _CHANGE_FUNDED_PLACE}

_LIST_V1 = ListQuery((COHORT, UPDATED_SINCE))
# The CSV, which v3 has not.
APPLICATIONS_CSV = {"v1": _LIST_V1, "v2": _LIST_V1}
APPLICATIONS = {
    "v1": _LIST_V1,
    "v2": _LIST_V1,
    "v3": ListQuery((COHORT, UPDATED_SINCE, PARTICIPANT_ID), sort=("created_at", "updated_at")),
}
