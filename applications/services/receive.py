"""Receiving applications from the registration service (decisions.md §5; §8, Intake)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models.functions import Coalesce

from applications.errors import ApplicationContradicted, VerifiedTrnContradicted
from applications.models import Application
from applications.services.submission import Reference, Submission, read_submission
from npq.core.audit import Actor, acting_as
from npq.core.bulk import insert_rows
from npq.core.choices import CohortFunding
from npq.core.constraints import violated_constraint
from npq.core.errors import Refused, TooMuchContention
from participants.models import Participant, ParticipantIdChange
from participants.queries import lock_people

MOST_ATTEMPTS = 10

# Stored as they come, under the same name.
AS_SENT = (
    "email",
    "email_validated",
    "eligible_for_funding",
    "funding_eligibility_status_code",
    "funding_choice",
    "targeted_delivery_funding_eligibility",
    "headteacher_status",
    "school_urn",
    "school_ukprn",
    "private_childcare_provider_urn",
    "works_in_school",
    "employer_name",
    "employment_role",
    "employment_type",
    "itt_provider",
    "lead_mentor",
    "teacher_catchment",
    "teacher_catchment_country",
    "teacher_catchment_iso_country_code",
    "works_as_senco",
    "senco_start_date",
)
OF_THE_PERSON = (
    "full_name",
    "previous_names",
    "date_of_birth",
    "teacher_reference_number",
    "teacher_reference_number_verified",
)


@dataclass(frozen=True)
class Receipt:
    """What became of a delivered application: its public id, its person's (the survivor's, where the id that was
    sent is retired), where it stands, whether this delivery created it, and what was read in it."""

    id: UUID
    participant_id: UUID
    status: str
    created: bool
    content: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


class _MergedInBetween(Exception):
    """One of the people was merged into another after they were looked up: look again."""


def receive_application(*, content: Mapping[str, object], by: Actor, now: datetime) -> Receipt:
    """Stores one application as the registration service sent it, and its person (decisions.md §5, §8).

    The same id with the same content changes nothing. A known person gets the newer name and TRN; a retired
    participant id stands for the survivor. Refuses each field that cannot be taken (`WrongField`), a verified TRN
    other than the person's verified one, and other content under a known id (`ApplicationContradicted`).
    """
    [found] = receive_applications(contents=[content], by=by, now=now)
    if isinstance(found, Refused):
        raise found
    return found


def receive_applications(
    *, contents: Sequence[Mapping[str, object]], by: Actor, now: datetime, reference: Reference | None = None
) -> list[Receipt | Refused]:
    """Receives many applications in one transaction: for each, in order, its receipt or why it was refused.

    A refused one leaves no trace and does not touch the others. `reference` saves loading it for every batch.
    """
    reference = reference or Reference()
    found: dict[int, Receipt | Refused] = {}
    waiting: dict[int, Submission] = {}
    for position, content in enumerate(contents):
        try:
            waiting[position] = read_submission(content, reference=reference, now=now)
        except Refused as refusal:
            found[position] = refusal
    while waiting:
        # Each id once in a transaction: what comes again is compared with what was stored then.
        once = {submission.id: position for position, submission in reversed(waiting.items())}
        batch = {position: waiting.pop(position) for position in sorted(once.values())}
        found.update(zip(batch, _store(list(batch.values()), by), strict=True))
    return [found[position] for position in range(len(contents))]


def _store(submissions: list[Submission], by: Actor) -> list[Receipt | Refused]:
    for _ in range(MOST_ATTEMPTS):
        try:
            with acting_as(by, "receive_application"):
                return _Batch(submissions).store()
        except _MergedInBetween:
            continue
        except IntegrityError as error:
            # Somebody else has stored one of the applications since: it is known the next time.
            if violated_constraint(error) != "applications_application_public_id_key":
                raise
    raise TooMuchContention


class _Batch:
    """Submissions of different ids, stored in one transaction.

    New people are stored first, in the order of their public ids, then all people are locked in the order of
    their ids, then applications are stored: whoever waits for an insert of somebody else holds no row lock yet.
    """

    def __init__(self, submissions: list[Submission]) -> None:
        self.submissions = submissions
        self.known = self._known()
        self.new: list[Application] = []
        self.changed: set[int] = set()

    def store(self) -> list[Receipt | Refused]:
        self.people = self._lock_people([each for each in self.submissions if each.id not in self.known])
        found = [self._take(submission) for submission in self.submissions]
        changed = [person for person in self.people.values() if person.id in self.changed]
        for person in changed:
            person.save(update_fields=OF_THE_PERSON)
        Application.objects.filter(participant__in=changed).touch()
        insert_rows(self.new)
        return found

    def _known(self) -> dict[UUID, Application]:
        found = Application.objects.filter(public_id__in=[each.id for each in self.submissions])
        shown = ("public_id", "status", "submission", "participant__public_id")
        return {row.public_id: row for row in found.select_related("participant").only(*shown)}

    def _lock_people(self, submissions: list[Submission]) -> dict[UUID, Participant]:
        """The people of submissions by the public id that was sent; whoever is new is stored first."""
        if not submissions:
            return {}
        first = {each.participant_id: each for each in reversed(submissions)}
        retired = ParticipantIdChange.objects.filter(from_participant_id__in=first)
        ids = dict(retired.values_list("from_participant_id", "participant_id"))
        new = [_new_person(first[public_id]) for public_id in sorted(first.keys() - ids.keys())]
        insert_rows(new, skip_known=True)
        there = Participant.objects.filter(public_id__in=[person.public_id for person in new])
        ids |= dict(there.values_list("public_id", Coalesce("merged_into", "id")))
        locked = lock_people(ids.values(), trns=[trn for each in submissions if (trn := each.verified_trn)])
        people = {public_id: locked[identifier] for public_id, identifier in ids.items()}
        if any(person.merged_into_id is not None for person in people.values()):
            raise _MergedInBetween
        return people

    def _take(self, submission: Submission) -> Receipt | Refused:
        before = self.known.get(submission.id)
        if before is not None:
            differences = submission.differences(before.submission)
            if differences:
                return ApplicationContradicted("id", fields=", ".join(differences))
            return _receipt(before, created=False)
        person = self.people[submission.participant_id]
        verified = submission.verified_trn
        if verified and person.verified_trn not in (None, verified):
            return VerifiedTrnContradicted("teacher_reference_number", participant=person.public_id)
        if _update(person, submission):
            self.changed.add(person.id)
        application = _new_application(submission, person)
        self.new.append(application)
        return _receipt(application, created=True)


def _receipt(application: Application, *, created: bool) -> Receipt:
    return Receipt(
        application.public_id, application.participant.public_id, application.status, created, application.submission
    )


def _new_person(submission: Submission) -> Participant:
    person = Participant(public_id=submission.participant_id, full_name=submission.values["full_name"])
    _update(person, submission)
    return person


def _update(person: Participant, submission: Submission) -> bool:
    """Brings a person up to what was sent; says whether anything changed. What is absent stays as it was."""
    sent = submission.values
    before = [getattr(person, name) for name in OF_THE_PERSON]
    names = [*person.previous_names, *sent["previous_names"], person.full_name]
    person.full_name = sent["full_name"]
    person.previous_names = [name for name in dict.fromkeys(names) if name != person.full_name]
    person.date_of_birth = sent["date_of_birth"] or person.date_of_birth
    trn = sent["teacher_reference_number"]
    if trn and (submission.verified_trn or not person.verified_trn):
        person.teacher_reference_number = trn
        person.teacher_reference_number_verified = bool(submission.verified_trn)
    return before != [getattr(person, name) for name in OF_THE_PERSON]


def _new_application(submission: Submission, person: Participant) -> Application:
    sent = submission.values
    unfunded = submission.cohort.funding == CohortFunding.UNFUNDED
    values: dict[str, Any] = {name: sent[name] for name in AS_SENT}
    if sent["created_at"]:
        values["created_at"] = sent["created_at"]
    return Application(
        public_id=submission.id,
        participant=person,
        course=submission.course,
        cohort=submission.cohort,
        lead_provider=submission.lead_provider,
        funded_place=False if unfunded else None,
        submission=submission.content,
        **values,
    )
