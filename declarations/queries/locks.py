"""The locks a write on a declaration takes, after those of the person (docs/decisions/04-locks.md)."""

from declarations.models import Declaration
from npq.core.models import Course
from participants.models import Enrolment
from participants.queries import lock_enrolment


def lock_newest_enrolment(
    *, participant_id: int, lead_provider_id: int, course_identifier: str | None
) -> Enrolment | None:
    """Locks a provider's newest acceptance of a person in a course's family, and its application (decisions.md §1.7).

    The caller has locked the person. The enrolment comes with its application, schedule, course, cohort and
    provider loaded, the application with what messages say; None when there is no such acceptance.
    """
    family = Course.objects.filter(identifier=course_identifier or "").values("family")
    enrolment = (
        Enrolment.objects.standing()
        .filter(participant_id=participant_id, lead_provider_id=lead_provider_id, course_family__in=family)
        .order_by("-accepted_at", "-id")
        .select_related("application__participant", "course", "cohort", "lead_provider", "schedule")
        .select_for_update(of=("self", "application"), no_key=True)
        .first()
    )
    if enrolment is not None:
        enrolment.participant = enrolment.application.participant
        enrolment.application.course = enrolment.course
        enrolment.application.cohort = enrolment.cohort
        enrolment.application.lead_provider = enrolment.lead_provider
    return enrolment


def lock_declaration(declaration_id: int) -> Declaration:
    """Locks a declaration after its person, application and enrolment; returns it with its enrolment loaded.

    Raises Declaration.DoesNotExist for an unknown id.
    """
    enrolment_id = Declaration.objects.values_list("enrolment_id", flat=True).get(id=declaration_id)
    enrolment, _ = lock_enrolment(enrolment_id)
    declaration = (
        Declaration.objects.select_for_update(of=("self",), no_key=True)
        .select_related("cohort", "course")
        .get(id=declaration_id)
    )
    declaration.enrolment = enrolment
    return declaration
