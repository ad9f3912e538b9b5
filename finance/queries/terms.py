"""Which contract terms hold: one set for each provider, cohort, course and statement month (decisions.md §3.5)."""

from datetime import date

from django.db.models import DateField, Exists, F, Func, OuterRef, Q, QuerySet, Value

from finance.models import ContractTerms


def terms_up_to(month: date | Func) -> Q:
    """The condition for terms that have begun by a statement month: its first day, or an expression for it."""
    return Q(effective_month__isnull=True) | Q(effective_month__lte=month)


def has_terms(lead_provider_id: int, cohort_id: int, course_id: int, month: date | None = None) -> bool:
    """Whether a provider has contract terms for a course in a cohort: at all, or by a statement month.

    `month` is the first day of the month of the statement that would carry the declaration; terms that begin
    later than it do not count (finance.md hazard 4).
    """
    terms = ContractTerms.objects.filter(lead_provider_id=lead_provider_id, cohort_id=cohort_id, course_id=course_id)
    if month is not None:
        terms = terms.filter(terms_up_to(month))
    return terms.exists()


def terms_on_statement(lead_provider_id: int, cohort_id: int, course_id: int) -> Exists:
    """The same about the statement of a row, by its own month: for a query of statements."""
    terms = ContractTerms.objects.filter(lead_provider_id=lead_provider_id, cohort_id=cohort_id, course_id=course_id)
    return Exists(terms.filter(terms_up_to(_month_of_row("year", "month"))))


def terms_of_line() -> QuerySet[ContractTerms]:
    """The terms that a line's statement rests on: for a query of lines."""
    same = {name: OuterRef(name) for name in ("lead_provider", "cohort", "course")}
    begun = terms_up_to(_month_of_row("statement__year", "statement__month"))
    latest = F("effective_month").desc(nulls_last=True)
    return ContractTerms.objects.filter(begun, **same).order_by(latest)[:1]


def _month_of_row(year: str, month: str) -> Func:
    return Func(OuterRef(year), OuterRef(month), Value(1), function="make_date", output_field=DateField())


def terms_in_month(month: date) -> QuerySet[ContractTerms]:
    """Everybody's terms for a statement month, one row per provider, cohort and course: the latest that has begun.

    Filter the result no further than by provider, cohort or course; anything else would pick other terms.
    """
    return (
        ContractTerms.objects.filter(terms_up_to(month))
        .order_by("lead_provider_id", "cohort_id", "course_id", F("effective_month").desc(nulls_last=True))
        .distinct("lead_provider_id", "cohort_id", "course_id")
    )


def terms_of_month(lead_provider_id: int, cohort_id: int, month: date) -> dict[int, ContractTerms]:
    """The terms a statement of `month` (its first day) rests on, by course id; course and cohort come loaded."""
    found = terms_in_month(month).filter(lead_provider_id=lead_provider_id, cohort_id=cohort_id)
    return {terms.course_id: terms for terms in found.select_related("course", "cohort")}
