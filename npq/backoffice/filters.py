"""The filters of the lists: drop-downs, each under one plain parameter.

Their choices come from the words in the code or from small reference tables, never from the listed records; what is
in an address are codes, identifiers and months, never ids from inside. A value nobody offered finds nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from finance.models import Statement
from npq.backoffice.catalogue.fields import DayField, course_words
from npq.core import clock
from npq.core.models import Cohort, Course, LeadProvider

ALL = "all"
# Both ends of a range of dates, and how far the instant that bounds it lies after the beginning of that day.
ENDS = {"from": timedelta(), "to": timedelta(days=1)}
# A day is typed into a list's filters as it is into a correction.
DAY = DayField("Day")
Conditions = list[tuple[str, str, Q]]


class OfferedFilters(admin.ModelAdmin):
    """Lists are narrowed down by their own filters and by nothing else.

    Django would filter by any column that an address names, and so tell a password's hash, letter by letter.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Whether it is a parameter of one of the list's filters; anything else is a bad request."""
        filters: Any = self.get_list_filter(request) if request else self.list_filter
        return any(lookup in (ENDS if issubclass(each, DateRange) else {each.parameter_name}) for each in filters)


class Choice(admin.SimpleListFilter):
    """One of several conditions, or all records. Made by `choice`."""

    template = "backoffice/filter.html"
    conditions: Callable[[], Conditions]

    def __init__(self, request: HttpRequest, params: Any, model: type[Model], model_admin: Any) -> None:
        self.searching = bool(request.GET.get("q", "").strip())
        self._conditions = type(self).conditions()
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(value, words) for value, words, _ in self._conditions]

    def chosen(self) -> str:
        """The value that counts; ALL for none."""
        return self.value() or ALL

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.chosen() == ALL:
            return queryset
        found = next((condition for value, _, condition in self._conditions if value == self.chosen()), None)
        return queryset.none() if found is None else queryset.filter(found)

    @property
    def in_use(self) -> str:
        """What it narrows the list to, in words; empty when it does not."""
        words = next((words for value, words, _ in self._conditions if value == self.chosen()), self.chosen())
        return "" if self.chosen() == ALL else f"{self.title}: {words}"

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield ALL, "All", self.chosen() == ALL
        for value, words, _ in self._conditions:
            yield value, words, self.chosen() == value


class CurrentCohort(Choice):
    """Of the current cohort unless another is chosen, or something is searched for."""

    def chosen(self) -> str:
        if self.value() or self.searching:
            return self.value() or ALL
        return self.current

    @cached_property
    def current(self) -> str:
        """The current cohort, looked up once: it is asked for at every choice that is shown."""
        return current_cohort(value for value, _, _ in self._conditions) or ALL


def current_cohort(offered: Iterable[str]) -> str | None:
    """The newest cohort whose registration has begun, among those offered."""
    begun = Cohort.objects.filter(registration_start_date__lte=clock.today()).order_by("-start_year", "-suffix")
    newest = next((str(cohort) for cohort in begun[:1]), None)
    return newest if newest in set(offered) else None


def choice(
    parameter: str, title: str, conditions: Callable[[], Conditions], base: type[Choice] = Choice
) -> type[Choice]:
    """A filter: its name in the address, its label, and (value, words, condition) of each choice."""
    return type(
        f"{parameter.title().replace('_', '')}Filter",
        (base,),
        {"parameter_name": parameter, "title": title, "conditions": staticmethod(conditions)},
    )


def by_words(parameter: str, title: str, words: Iterable[tuple[Any, Any]], field: str = "") -> type[Choice]:
    """By a field that takes one of some words (an enum's `choices`)."""
    listed = [(str(value), str(text), Q(**{field or parameter: value})) for value, text in words]
    return choice(parameter, title, lambda: listed)


def by_truth(parameter: str, title: str, field: str = "", *, unset: str = "") -> type[Choice]:
    """By yes and no; with `unset` also by neither, under that word."""
    name = field or parameter
    listed = [("yes", "Yes", Q(**{name: True})), ("no", "No", Q(**{name: False}))]
    if unset:
        listed.append(("unset", unset, Q(**{f"{name}__isnull": True})))
    return choice(parameter, title, lambda: listed)


def by_presence(parameter: str, title: str, field: str) -> type[Choice]:
    """By whether a field is set."""
    listed = [("yes", "Yes", Q(**{f"{field}__isnull": False})), ("no", "No", Q(**{f"{field}__isnull": True}))]
    return choice(parameter, title, lambda: listed)


def by_lead_provider() -> type[Choice]:
    """By lead provider, under its short code."""
    return choice(
        "lead_provider",
        "lead provider",
        lambda: [(each.code, each.name, Q(lead_provider=each)) for each in LeadProvider.objects.order_by("name")],
    )


def by_course() -> type[Choice]:
    """By course, under its identifier."""
    return choice(
        "course",
        "course",
        lambda: [
            (each.identifier, course_words(each), Q(course=each)) for each in Course.objects.order_by("position", "id")
        ],
    )


def by_cohort(base: type[Choice] = Choice) -> type[Choice]:
    """By cohort, under its identifier (`2024a`)."""
    return choice("cohort", "cohort", _cohorts, base)


def _cohorts() -> Conditions:
    return [(str(each), str(each), Q(cohort=each)) for each in Cohort.objects.order_by("-start_year", "-suffix")]


def by_month(parameter: str, title: str, condition: Callable[[int, int], Q]) -> type[Choice]:
    """By a month that there are statements of (`2025-01`), the latest first; the condition is given year and month."""

    def months() -> Conditions:
        found = Statement.objects.order_by("-year", "-month").values_list("year", "month").distinct()
        return [
            (f"{year}-{month:02d}", f"{date(year, month, 1):%B %Y}", condition(year, month)) for year, month in found
        ]

    return choice(parameter, title, months)


class DateRange(admin.ListFilter):
    """From one UK date to another, both included; `field` holds an instant. Made by `by_dates`."""

    template = "backoffice/filter_dates.html"
    field = ""

    def __init__(self, request: HttpRequest, params: Any, model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.given: dict[str, str] = {name: params.pop(name)[-1].strip() for name in ENDS if name in params}
        given = {name: text for name, text in self.given.items() if text}
        self.used_parameters.update(given)
        self.instants: dict[str, datetime] = {}
        self.problems: dict[str, str] = {}
        for name, text in given.items():
            try:
                # The first and the last day of the calendar have no day beside them.
                self.instants[name] = clock.start_of_uk_day(DAY.clean(text) + ENDS[name])
            except (ValidationError, ValueError, OverflowError):
                self.problems[name] = str(DAY.error_messages["invalid"])

    def expected_parameters(self) -> list[str | None]:
        return list(ENDS)

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.problems:
            return queryset.none()
        if "from" in self.instants:
            queryset = queryset.filter(**{f"{self.field}__gte": self.instants["from"]})
        if "to" in self.instants:
            queryset = queryset.filter(**{f"{self.field}__lt": self.instants["to"]})
        return queryset

    @property
    def in_use(self) -> str:
        """What it narrows the list to, in words; empty when it does not."""
        given = [f"{name} {text}" for name, text in self.given.items() if text]
        return f"{self.title} {' '.join(given)}" if given else ""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for name in ENDS:
            yield {
                "name": name,
                "label": f"{str(self.title).capitalize()} {name}",
                "value": self.given.get(name, ""),
                "hint": DAY.help_text,
                "problem": self.problems.get(name, ""),
            }


def by_dates(field: str, title: str) -> type[DateRange]:
    """By the UK date of an instant, from and to."""
    return type("DatesFilter", (DateRange,), {"field": field, "title": title})
