"""Giving an application to the person it belongs to."""

from datetime import datetime

from applications.models import Application
from applications.services.corrections import held_course, one_on_course, promote_in_family
from declarations.choices import DeclarationState
from declarations.models import Declaration
from npq.core.audit import Actor, correcting
from npq.core.effects import Corrected
from npq.core.errors import Refused, refuse_if_any
from participants.choices import TrainingStatus
from participants.errors import BothPaidFor, PersonRetired
from participants.models import Enrolment, Participant
from participants.queries import lock_application, lock_current_enrolment, same_person
from participants.queries.identity import paid_beside


def reassign_application(*, application_id: int, participant_id: int, by: Actor, now: datetime) -> Corrected:
    """Moves an application with its enrolments and declarations to another participant (domain.md §1.2).

    `participant_id` is the internal id. The person who has it already changes nothing. Refuses with PersonRetired;
    with CourseHeldBy when the person holds an enrolment in the course's family; with BothPaidFor when one
    declaration type would be paid twice (decisions.md §2). Raises Participant.DoesNotExist for an unknown id.
    """
    with correcting(by, "reassign_application"):
        application, people = lock_application(application_id, held_by=None, also=[participant_id])
        if participant_id not in people:
            raise Participant.DoesNotExist
        source, target = application.participant, people[participant_id]
        if source.id == target.id:
            return Corrected(changed=False)
        enrolment = lock_current_enrolment(application)
        refuse_if_any(_refusals(application, enrolment, target))
        with one_on_course([target.id], application.course, application):
            application.enrolments.update(participant=target)
        application.participant = target
        application.save(update_fields=["participant"])
        Declaration.objects.filter(enrolment__application=application).touch()
        family = application.course.family
        notes = [note for each in (source, target) for note in promote_in_family(each.id, family, now)]
        notes += _left_ineligible(application)
        Participant.objects.filter(id__in=[source.id, target.id]).touch_all()
        return Corrected(notes=tuple(notes))


def _refusals(application: Application, enrolment: Enrolment | None, target: Participant) -> list[Refused]:
    if target.merged_into is not None:
        return [PersonRetired(retired=target, survivor=target.merged_into)]
    there = same_person([target.id])
    refusals: list[Refused] = []
    if enrolment is not None and enrolment.training_status != TrainingStatus.WITHDRAWN:
        refusals += held_course(there, application.course, application)
    refusals += [
        BothPaidFor(declaration_type=one.declaration_type, course=one.course, first=one, second=other)
        for one, other in paid_beside(application.id, there)
    ]
    return refusals


def _left_ineligible(application: Application) -> list[str]:
    left = Declaration.objects.filter(enrolment__application=application, state=DeclarationState.INELIGIBLE)
    return [
        f"Declaration {each.public_id} ({each.declaration_type}) stays ineligible as a duplicate. "
        "If it is none any more, void it, and the provider may declare again."
        for each in left.order_by("id")
    ]
