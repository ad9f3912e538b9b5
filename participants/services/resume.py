"""Resuming a participant's training."""

from datetime import datetime

from npq.core.audit import Actor, acting_as
from npq.core.choices import MessageKind
from npq.core.constraints import violation_means
from participants.choices import TrainingStatus
from participants.errors import AlreadyActive, CourseHeldElsewhere
from participants.queries import enrolment_in_the_way
from participants.services.training import LockedTraining, Training, lock, record_status


def resume_participant(*, training: Training, by: Actor, now: datetime) -> None:
    """Makes deferred or withdrawn training active again, on the newest enrolment (decisions.md §1.7).

    Refuses with CourseNotRecognised, NotAcceptedOnCourse, AlreadyActive, and with CourseHeldElsewhere while the
    person holds another enrolment in the course's family.
    """
    with acting_as(by, "resume_participant"):
        locked = lock(training, newest=True)
        _check(locked)
        enrolment = locked.agreed()
        in_the_way = CourseHeldElsewhere(course=enrolment.course)
        with violation_means("enrolment_one_per_person_and_course_family", in_the_way):
            record_status(
                enrolment, TrainingStatus.ACTIVE, MessageKind.TRAINING_RESUMED, training=training, by=by, now=now
            )


def _check(locked: LockedTraining) -> None:
    enrolment = locked.enrolment
    if enrolment is None:
        return
    if not enrolment.may_move_to(TrainingStatus.ACTIVE):
        locked.refusals.append(AlreadyActive(course=enrolment.course))
    elif enrolment_in_the_way(locked.people, enrolment.course, besides=enrolment.application_id):
        locked.refusals.append(CourseHeldElsewhere(course=enrolment.course))
