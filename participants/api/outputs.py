"""What people and their enrolments look like on the wire, per version (api.md §2.2)."""

from django.db.models import Case, F, OuterRef, QuerySet, Subquery, Value, When

from npq.api.output import (
    Attribute,
    JsonArray,
    Shape,
    array_of,
    boolean,
    identifier,
    listing,
    object_of,
    object_schema,
    text,
    timestamp,
    year,
)
from npq.api.vocabulary import COURSES, SCHEDULES
from participants.choices import DeferralReason, TrainingStatus, WithdrawalReason
from participants.models import Enrolment, ParticipantIdChange, TrainingStatusChange
from participants.queries.people import Viewpoint, enrolments_seen, id_changes_seen


def _enrolments(seen: Viewpoint) -> QuerySet[Enrolment]:
    return enrolments_seen(seen).filter(participant=OuterRef("pk")).order_by("accepted_at", "id")


def _newest_email(seen: Viewpoint) -> Subquery:
    newest_first = _enrolments(seen).order_by("-accepted_at", "-id")
    return Subquery(newest_first.values("application__email")[:1])


def _id_changes(seen: Viewpoint) -> QuerySet[ParticipantIdChange]:
    return id_changes_seen(seen).filter(participant=OuterRef("pk")).order_by("-created_at", "-id")


def _recorded(status: TrainingStatus, reasons: list[str], description: str) -> Attribute:
    """The reason and date of a deferral or a withdrawal.

    Shown while the enrolment is in that status, and to the provider that recorded it only (decisions.md §1.7).
    """
    attributes = {
        "reason": text("reason", "The reason you gave.", enum=reasons, example=reasons[0]),
        "date": timestamp("changed_at", "When it was recorded."),
    }

    def source(seen: Viewpoint) -> Case:
        newest_first = TrainingStatusChange.objects.filter(enrolment=OuterRef("pk"), status=status).order_by("-id")
        block = Case(When(lead_provider=seen.lead_provider_id, then=object_of(attributes)), default=Value(None))
        newest = Subquery(newest_first.annotate(_block=block).values("_block")[:1])
        return Case(When(training_status=status, then=newest), default=Value(None))

    return Attribute(source, object_schema(attributes), True, description)


_FUNDED_PLACE = boolean("application__funded_place", "null where the cohort is fully funded.", null=True)

_ENROLMENT_V2 = {
    "course_identifier": text("course__identifier", "The course.", enum=COURSES, example="npq-headship"),
    "schedule_identifier": text(
        "schedule__identifier", "The schedule.", enum=SCHEDULES, example="npq-leadership-autumn"
    ),
    "cohort": year("cohort__start_year", "The contract year that funds the training."),
    "npq_application_id": identifier("application__public_id", "The accepted application."),
    "eligible_for_funding": boolean("application__eligible_for_funding", "As registered."),
    "training_status": text(
        "training_status", "Where the training stands.", enum=TrainingStatus.values, example=TrainingStatus.ACTIVE.value
    ),
    "school_urn": text("application__school_urn", "The school's URN.", null=True, example="140233"),
    "targeted_delivery_funding_eligibility": boolean(
        "application__targeted_delivery_funding_eligibility",
        "Whether a started declaration is paid targeted delivery funding too.",
    ),
    "funded_place": _FUNDED_PLACE,
}

_ENROLMENT_V3 = {
    "email": text("application__email", "The address used for this application.", example="p.okafor@example.org"),
    **_ENROLMENT_V2,
    "withdrawal": _recorded(
        TrainingStatus.WITHDRAWN, WithdrawalReason.values, "While withdrawn, if you recorded the withdrawal."
    ),
    "deferral": _recorded(TrainingStatus.DEFERRED, DeferralReason.values, "While deferred, if you recorded it."),
    "created_at": timestamp("accepted_at", "When the application was accepted."),
    "cohort_suffix": text("cohort__suffix", "Tells apart the cohorts of one year.", example="a"),
}

_FUNDED_PLACES = {
    "npq_course": text("course__identifier", "The course.", enum=COURSES, example="npq-headship"),
    "funded_place": _FUNDED_PLACE,
    "npq_application_id": identifier("application__public_id", "The accepted application."),
}

_ID_CHANGE = {
    "from_participant_id": identifier("from_participant_id", "The retired id."),
    "to_participant_id": identifier("to_participant_id", "The id that stands for it now."),
    "changed_at": timestamp("created_at", "When the id was retired."),
}

_EMAIL = text(_newest_email, "The address of your newest accepted application.", null=True)

_EVERY_VERSION = Shape(
    type="npq-participant",
    name="Participant",
    attributes={
        "full_name": text("full_name", "The participant's name.", example="Priya Okafor"),
        "teacher_reference_number": text(
            Case(
                When(teacher_reference_number_verified=True, then=F("teacher_reference_number")),
                default=Value(None),
            ),
            "The TRN, once it is verified.",
            null=True,
            example="9000001",
        ),
        "updated_at": timestamp("updated_at", "When anything shown here last changed."),
    },
)

_V1 = _EVERY_VERSION.plus(
    "ParticipantV1",
    participant_id=identifier("public_id", "The same as the id."),
    email=_EMAIL,
    npq_courses=listing(
        lambda seen: JsonArray(_enrolments(seen).values("course__identifier")),
        {"type": "string", "enum": list(COURSES)},
        "The course of each enrolment.",
        example=["npq-headship"],
    ),
    funded_places=array_of(_enrolments, _FUNDED_PLACES, "The funded place of each enrolment."),
)

_V2 = _EVERY_VERSION.plus(
    "ParticipantV2",
    email=_EMAIL,
    npq_enrolments=array_of(_enrolments, _ENROLMENT_V2, "The training you accepted the participant for."),
)

_V3 = _EVERY_VERSION.plus(
    "ParticipantV3",
    npq_enrolments=array_of(_enrolments, _ENROLMENT_V3, "The training you accepted the participant for."),
    participant_id_changes=array_of(_id_changes, _ID_CHANGE, "Ids that were retired in favour of this one."),
    previous_names=listing("previous_names", {"type": "string"}, "Names used before.", example=[]),
)

PARTICIPANT = {"v1": _V1, "v2": _V2, "v3": _V3}

ENROLMENT = {
    "v2": Shape(
        type="npq-enrolment",
        name="EnrolmentV2",
        attributes={"participant_id": identifier("participant__public_id"), **_ENROLMENT_V2},
        csv_columns=(
            "participant_id",
            "course_identifier",
            "schedule_identifier",
            "cohort",
            "npq_application_id",
            "eligible_for_funding",
            "training_status",
            "school_urn",
            "funded_place",
        ),
    ),
}
