"""Where contract terms and statements do not cover what is going on: the completeness check (decisions.md §3.5).

Each gap is money that could not be paid, would be paid for nothing, or would be forgotten.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from django.db.models import Count, Exists, F, Func, OuterRef, Q, Value
from django.db.models.fields import DateField

from applications.choices import ApplicationStatus
from applications.models import Application
from declarations.choices import BILLABLE_STATES, DeclarationType
from declarations.models import Declaration
from finance.choices import LineState, StatementState
from finance.models import ContractTerms, LineItem, Statement
from finance.queries.worth import service_fee
from npq.core.models import Cohort, Course, LeadProvider
from npq.core.money import in_pounds
from participants.models import Enrolment


@dataclass(frozen=True)
class Gap:
    """One gap: a stable code, whose it is, and a sentence with what closes it."""

    code: str
    lead_provider: LeadProvider
    cohort: Cohort
    course: Course | None
    detail: str


Place = tuple[int, int]
Contract = tuple[int, int, int]


class Books:
    """What the check looks at, read once: the terms and statements of some cohorts, and the names of everything."""

    def __init__(self, cohorts: Iterable[Cohort], day: date, lead_provider: LeadProvider | None = None) -> None:
        self.day = day
        self.of_provider = Q(lead_provider=lead_provider) if lead_provider else Q()
        self.cohorts = {cohort.id: cohort for cohort in cohorts}
        self.lead_providers = {lead_provider.id: lead_provider} if lead_provider else LeadProvider.objects.in_bulk()
        self.courses = Course.objects.in_bulk()
        self.terms: dict[Contract, list[ContractTerms]] = {}
        first = F("effective_month").asc(nulls_first=True)
        for terms in ContractTerms.objects.filter(self.of_provider, cohort__in=self.cohorts).order_by(first):
            self.terms.setdefault((terms.lead_provider_id, terms.cohort_id, terms.course_id), []).append(terms)
        self.statements: dict[Place, list[Statement]] = {}
        for statement in Statement.objects.filter(cohort__in=self.cohorts).order_by("year", "month").defer("payment"):
            self.statements.setdefault((statement.lead_provider_id, statement.cohort_id), []).append(statement)

    def gap(self, code: str, contract: Place | Contract, detail: str) -> Gap:
        """A gap of a provider and cohort, and of a course where the contract names one."""
        course = self.courses[contract[2]] if len(contract) == 3 else None
        return Gap(code, self.lead_providers[contract[0]], self.cohorts[contract[1]], course, detail)

    def terms_in(self, contract: Contract, month: date) -> ContractTerms | None:
        """The terms that hold in a month."""
        begun = [terms for terms in self.terms[contract] if (terms.effective_month or date.min) <= month]
        return begun[-1] if begun else None

    def begins(self, place: Place) -> date | None:
        """The month in which a provider's first terms in a cohort begin; None when they always held."""
        months = [terms[0].effective_month for contract, terms in self.terms.items() if contract[:2] == place]
        return None if None in months else min(month for month in months if month)

    def accepts(self, statement: Statement) -> bool:
        """Whether a statement still takes declarations today."""
        return statement.state == StatementState.OPEN and statement.output_fee and statement.deadline_date >= self.day

    def in_order(self, contract: Place | Contract) -> tuple[object, ...]:
        """By provider, cohort and course."""
        cohort = self.cohorts[contract[1]]
        course = self.courses[contract[2]].position if len(contract) == 3 else 0
        return self.lead_providers[contract[0]].code, cohort.start_year, cohort.suffix, course, contract


def gaps(cohorts: Iterable[Cohort], *, day: date, lead_provider: LeadProvider | None = None) -> list[Gap]:
    """Every gap in some cohorts, of one provider or of all; `day` is today's UK date."""
    books = Books(cohorts, day, lead_provider)
    return [gap for check in CHECKS for gap in check(books)]


def _without_terms(books: Books) -> Iterator[Gap]:
    """Applications or enrolments on a course for which the provider has no terms, or not early enough."""
    wanted = (
        Application.objects.filter(books.of_provider, cohort__in=books.cohorts)
        .exclude(status=ApplicationStatus.REJECTED)
        .values_list("lead_provider_id", "cohort_id", "course_id")
        .annotate(
            pending=Count("id", filter=Q(status=ApplicationStatus.PENDING)),
            accepted=Count("id", filter=Q(status=ApplicationStatus.ACCEPTED)),
        )
        .order_by("lead_provider__code", "cohort__start_year", "cohort__suffix", "course__position", "course_id")
    )
    for lead_provider_id, cohort_id, course_id, pending, accepted in wanted:
        contract = (lead_provider_id, cohort_id, course_id)
        people = f"{_number(accepted, 'enrolment')} and {_number(pending, 'pending application')}"
        if contract not in books.terms:
            yield books.gap("no_terms", contract, f"{people}, and no contract terms; load them (load_contracts)")
            continue
        months = [
            statement.first_day
            for statement in books.statements.get(contract[:2], [])
            if statement.state == StatementState.OPEN and books.terms_in(contract, statement.first_day) is None
        ]
        if months:
            detail = f"{people}, and no terms yet on the open statements of {_listed(months)}; load earlier terms"
            yield books.gap("terms_begin_late", contract, detail)


def _lines_without_terms(books: Books) -> Iterator[Gap]:
    """Declarations on open statements whose course has no terms in the statement's month: nobody would be paid."""
    month = Func(F("statement__year"), F("statement__month"), Value(1), function="make_date", output_field=DateField())
    same_contract = {name: OuterRef(name) for name in ("lead_provider", "cohort", "course")}
    begun = ContractTerms.objects.filter(
        Q(effective_month__isnull=True) | Q(effective_month__lte=OuterRef("first_day")), **same_contract
    )
    lines = (
        LineItem.objects.filter(books.of_provider, state=LineState.ELIGIBLE, cohort__in=books.cohorts)
        .annotate(first_day=month)
        .filter(~Exists(begun))
        .values_list("lead_provider_id", "cohort_id", "course_id", "first_day")
        .annotate(number=Count("id"))
        .order_by("lead_provider__code", "cohort__start_year", "cohort__suffix", "course_id", "first_day")
    )
    for lead_provider_id, cohort_id, course_id, first_day, number in lines:
        detail = f"{_number(number, 'declaration')} on the statement of {first_day:%B %Y}, and no terms that pay for it"
        yield books.gap("lines_without_terms", (lead_provider_id, cohort_id, course_id), detail)


def _months_without_statement(books: Books) -> Iterator[Gap]:
    """Months with terms between a provider's first month and the cohort's last statement, without a statement."""
    for place in sorted({contract[:2] for contract in books.terms}, key=books.in_order):
        months_of_cohort = [
            statement.first_day
            for (_, cohort_id), statements in books.statements.items()
            for statement in statements
            if cohort_id == place[1]
        ]
        held = {statement.first_day for statement in books.statements.get(place, [])}
        if not months_of_cohort:
            yield books.gap(
                "no_statements", place, "contract terms and no statement at all; load them (load_statements)"
            )
            continue
        first = books.begins(place) or min(held or months_of_cohort)
        missing = [month for month in _months(first, max(months_of_cohort)) if month not in held]
        if missing:
            detail = f"contract terms and no statement in {_listed(missing)}; load them (load_statements)"
            yield books.gap("months_without_statement", place, detail)


def _installments_used_up(books: Books) -> Iterator[Gap]:
    """Contracts whose service fee is charged on more statements than they have instalments."""
    for contract in sorted(books.terms, key=books.in_order):
        charged, beyond, pounds = 0, [], Fraction(0)
        installments = 0
        for statement in books.statements.get(contract[:2], []):
            terms = books.terms_in(contract, statement.first_day)
            fee = service_fee(terms) if terms else Fraction(0)
            if terms is None or not fee:
                continue
            charged, installments = charged + 1, terms.service_fee_installments
            if 0 < installments < charged:
                beyond.append(statement.first_day)
                pounds += fee
        if beyond:
            yield books.gap(
                "installments_used_up",
                contract,
                f"{_number(installments, 'instalment')}, and the service fee is charged on "
                f"{_number(charged, 'statement')}: beyond them {_listed(beyond)}, {in_pounds(pounds)} in all; "
                "end it with change_contract --monthly-service-fee 0",
            )


def _no_future_statement(books: Books) -> Iterator[Gap]:
    """Enrolments that may still be declared for, in a cohort whose last output statement has closed."""
    accepting = {place for place, statements in books.statements.items() if any(map(books.accepts, statements))}
    # Where a statement is left there is nothing to count: that is most places, and counting reads every enrolment.
    cohorts = [each for each in books.cohorts if any((it, each) not in accepting for it in books.lead_providers)]
    done = Declaration.objects.filter(
        enrolment=OuterRef("pk"), declaration_type=DeclarationType.COMPLETED, state__in=BILLABLE_STATES
    )
    enrolments = (
        Enrolment.objects.holding_the_course()
        .filter(books.of_provider, ~Exists(done), cohort__in=cohorts)
        .values_list("lead_provider_id", "cohort_id")
        .annotate(number=Count("id"))
        .order_by("lead_provider__code", "cohort__start_year", "cohort__suffix")
    )
    for lead_provider_id, cohort_id, number in enrolments:
        place = (lead_provider_id, cohort_id)
        if place not in accepting:
            detail = f"{_number(number, 'enrolment')} not completed, and no open output statement left to pay them on"
            yield books.gap("no_future_statement", place, detail)


CHECKS: tuple[Callable[[Books], Iterator[Gap]], ...] = (
    _without_terms,
    _lines_without_terms,
    _months_without_statement,
    _installments_used_up,
    _no_future_statement,
)


def _months(first: date, last: date) -> Iterator[date]:
    month = first
    while month <= last:
        yield month
        month = _after(month)


def _after(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _listed(months: list[date]) -> str:
    """Months for people, runs of them together: `2025-01, 2025-04 to 2025-06`."""
    runs: list[list[date]] = []
    for month in months:
        if runs and month == _after(runs[-1][-1]):
            runs[-1].append(month)
        else:
            runs.append([month])
    return ", ".join(
        f"{run[0]:%Y-%m} to {run[-1]:%Y-%m}" if len(run) > 2 else ", ".join(f"{each:%Y-%m}" for each in run)
        for run in runs
    )


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
