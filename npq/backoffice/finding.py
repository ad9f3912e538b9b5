"""Finding records by what staff have in hand: a public id, a TRN, an email, a name or a URN.

Each kind of term is looked up in its own index, and at most 200 records of a kind are taken: a term that fits
more is too short to find anything by. Terms are read as people paste them: an id out of a line of JSON or an address,
`TRN 90/12345`, `O’Connell, Niamh`.
"""

import re
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Func, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Lower

from applications.models import Application
from declarations.models import Declaration, DeliveryPartner, Outcome
from finance.models import Adjustment, ContractTerms, LineItem, Statement
from npq.backoffice.bulk.models import BulkJob
from npq.backoffice.refused import NEWEST_OF_FEW
from npq.core.models import ApiToken, Cohort, Course, LeadProvider, Message, RefusedRequest
from npq.core.texts import is_readable
from participants.models import Enrolment, Participant, ParticipantIdChange, Schedule

MOST = 200
SHORTEST = 3
TRN = re.compile(r"\d{7}", re.ASCII)
URN = re.compile(r"\d{6}|[A-Z]{2}\d{5,6}", re.ASCII)
ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])", re.ASCII)
WORD = re.compile(r"\w+")

# Where a public id may belong: the record whose page shows it, and the table, its column and the page's key there.
# The first line that has the id wins.
Holder = tuple[type[Model], type[Model], str, str]
HOLDERS: tuple[Holder, ...] = (
    (Application, Application, "public_id", "id"),
    (Participant, Participant, "public_id", "id"),
    (Declaration, Declaration, "public_id", "id"),
    (Statement, Statement, "public_id", "id"),
    (ApiToken, ApiToken, "public_id", "id"),
    (Message, Message, "public_id", "id"),
    (LeadProvider, LeadProvider, "public_id", "id"),
    (RefusedRequest, RefusedRequest, "public_id", "id"),
    (ContractTerms, ContractTerms, "public_id", "id"),
    (Adjustment, Adjustment, "public_id", "id"),
    (DeliveryPartner, DeliveryPartner, "public_id", "id"),
    (Schedule, Schedule, "public_id", "id"),
    (Cohort, Cohort, "public_id", "id"),
    (Course, Course, "public_id", "id"),
    (BulkJob, BulkJob, "public_id", "id"),
    (Participant, ParticipantIdChange, "from_participant_id", "participant_id"),
    (Application, Enrolment, "public_id", "application_id"),
    (Declaration, Outcome, "public_id", "declaration_id"),
    (Declaration, LineItem, "public_id", "declaration_id"),
)


def readable_term(term: str) -> str:
    """The term without blanks around it; empty for what cannot be looked up."""
    term = term.strip()
    return term if is_readable(term) else ""


def public_id_in(term: str) -> UUID | None:
    """The one public id in what was typed or pasted; None where there is none, or more than one."""
    found = {UUID(each) for each in ID.findall(term.lower())}
    return found.pop() if len(found) == 1 else None


def _trn_in(term: str) -> str | None:
    bare = re.sub(r"[\s/:]", "", term).upper().removeprefix("TRN").removeprefix("RP")
    return bare if TRN.fullmatch(bare) else None


def _urn_in(term: str) -> str | None:
    bare = re.sub(r"[\s:]", "", term).upper().removeprefix("URN")
    return bare if URN.fullmatch(bare) else None


def people_matching(term: str) -> list[int]:
    """The internal ids of the people of a TRN, an email or a name; retired ones lead to who they are now."""
    trn = _trn_in(term)
    if trn is None and "@" in term:
        return list(_applications_by_email(term).values_list("participant_id", flat=True)[:MOST])
    found = Participant.objects.filter(teacher_reference_number=trn) if trn else people_named(term)
    both = found.values_list("id", "merged_into_id")[:MOST]
    return list(dict.fromkeys(person for each in both for person in each if person is not None))


def people_named(term: str) -> QuerySet[Participant]:
    """People whose name, or a former one, has every word in it, in any order; else those of a similar name."""
    words = WORD.findall(term.lower())
    if max(map(len, words), default=0) < SHORTEST:
        return Participant.objects.none()
    now = Lower("full_name")
    before = Lower(Func("previous_names", Value(" "), function="array_to_string", output_field=TextField()))
    fits = [Q(_name__contains=word) for word in words]
    named = Participant.objects.alias(_name=now).filter(*fits).order_by("-id")
    # Few have another name than at first, and an index holds those.
    renamed = Participant.objects.exclude(previous_names=[]).alias(_name=before).filter(*fits)
    either = named.values_list("id", flat=True)[:MOST].union(renamed.values_list("id", flat=True)[:MOST])
    found = list(either) or list(_alike(" ".join(words)))
    return Participant.objects.filter(id__in=found).order_by("-id")


def _alike(name: str) -> QuerySet[Participant, int]:
    alike = Participant.objects.alias(_name=Lower("full_name")).filter(_name__trigram_word_similar=name)
    return alike.values_list("id", flat=True)[:MOST]


def _applications_by_email(term: str) -> QuerySet[Application]:
    return Application.objects.alias(_email=Lower("email")).filter(_email__contains=term.lower()).order_by("-id")


# The records of a list that a public id leads to: its own, and those about whom or what has that id.
LED_TO: dict[type[Model], tuple[tuple[type[Model], str, str], ...]] = {
    Application: (
        (Application, "participant__public_id", "id"),
        (ParticipantIdChange, "from_participant_id", "participant__applications__id"),
        (Declaration, "public_id", "enrolment__application_id"),
    ),
    Participant: (
        (ParticipantIdChange, "from_participant_id", "participant_id"),
        (Application, "public_id", "participant_id"),
        (Declaration, "public_id", "enrolment__participant_id"),
    ),
    Declaration: (
        (Declaration, "enrolment__participant__public_id", "id"),
        (ParticipantIdChange, "from_participant_id", "participant__enrolments__declarations__id"),
        (Declaration, "enrolment__application__public_id", "id"),
    ),
    Message: ((Message, "participant_public_id", "id"),),
}


def ids_matching(model: type[Model], term: str) -> Q:
    """The condition under which a record of a list fits a term; by id when it is one, else by whom it is about."""
    term = readable_term(term)
    public_id, urn = public_id_in(term), _urn_in(term)
    if public_id is not None:
        return Q(pk__in=_led_to(model, public_id))
    if model is Application and urn:
        return Q(**{_urn_column(urn): urn})
    if model is Participant and urn:
        return Q(id__in=_people_of_urn(urn))
    if model not in ABOUT_PERSON:
        return Q(pk__in=[])
    return _about(model, people_matching(term))


def _led_to(model: type[Model], public_id: UUID) -> list[int]:
    """The internal ids of the records, each looked up in its own index; one query."""
    own, *others = (
        table._default_manager.filter(**{column: public_id}).order_by().values_list(key, flat=True)[:MOST]
        for table, column, key in ((model, "public_id", "pk"), *LED_TO.get(model, ()))
    )
    return [each for each in own.union(*others) if each is not None]


ABOUT_PERSON = {Application: "participant_id__in", Participant: "id__in", Declaration: "enrolment__participant_id__in"}


def _about(model: type[Model], people: Iterable[int]) -> Q:
    return Q(**{ABOUT_PERSON[model]: list(people)})  # type: ignore[index]


def _urn_column(urn: str) -> str:
    """Ofsted's URNs of childcare providers begin with letters, schools' do not."""
    return "school_urn" if urn.isdigit() else "private_childcare_provider_urn"


def _people_of_urn(urn: str) -> list[int]:
    found = Application.objects.filter(**{_urn_column(urn): urn})
    return list(found.values_list("participant_id", flat=True)[:MOST])


def records_of_id(public_id: UUID, term: str) -> list[Model]:
    """Whatever has the public id in a term, as the record whose page shows it; else refused requests it leads to."""
    first, *others = (
        table._default_manager.filter(**{column: public_id})
        .order_by()
        .annotate(holder=Value(number))
        .values_list("holder", key)
        for number, (_, table, column, key) in enumerate(HOLDERS)
    )
    found = sorted(first.union(*others, all=True))
    if found:
        number, key = found[0]
        return list(HOLDERS[number][0]._default_manager.filter(pk=key))
    return refused_requests_naming(public_id, term)


def refused_requests_naming(public_id: UUID, term: str) -> list[Model]:
    """The newest refused requests that `refusals_naming` finds."""
    return list(RefusedRequest.objects.filter(id__in=refusals_naming(public_id, term)).order_by("-id"))


def refusals_naming(public_id: UUID, term: str) -> list[int]:
    """The internal ids of the newest refused requests that named a record, or have the id or the term as their own.

    A request ID that we make is written without hyphens; a caller's own may hold a public id and more.
    """
    of_request = Q(request_id__in={term, str(public_id), public_id.hex})
    naming = of_request | Q(record_ids__contains=[public_id]) | Q(public_id=public_id)
    found = RefusedRequest.objects.filter(naming).order_by(NEWEST_OF_FEW)
    return list(found.values_list("id", flat=True)[:MOST])


def records_matching(term: str) -> list[Model]:
    """Applications, people, lead providers and refused requests that fit a term which is no public id."""
    if _urn_in(term):
        of_people, of_applications = (ids_matching(model, term) for model in (Participant, Application))
    else:
        found = people_matching(term)
        of_people, of_applications = (_about(model, found) for model in (Participant, Application))
    people = Participant.objects.filter(of_people).order_by("-id")[:MOST]
    applications = Application.objects.filter(of_applications).select_related(
        "participant", "course", "lead_provider", "cohort"
    )
    refused = RefusedRequest.objects.filter(request_id=term).order_by("-id")[:MOST]
    return [*_providers_named(term), *people, *applications.order_by("-id")[:MOST], *refused]


def _providers_named(term: str) -> list[LeadProvider]:
    """There are few: they need no index."""
    if len(term) < SHORTEST:
        return []
    named = Q(name__icontains=term) | Q(code=term.lower())
    return list(LeadProvider.objects.filter(named).order_by("name"))
