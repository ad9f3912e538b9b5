"""Which terms a statement month resolves to (decisions.md §3.5)."""

from datetime import date
from decimal import Decimal

import pytest

from finance.queries.terms import has_terms, terms_in_month, terms_of_month
from tests.factories import CohortFactory, ContractTermsFactory, CourseFactory, LeadProviderFactory

pytestmark = pytest.mark.django_db


def test_a_month_takes_the_latest_terms_that_have_begun(provider) -> None:
    first = ContractTermsFactory(lead_provider=provider, effective_month=None, per_participant=Decimal("1000.75"))
    later = ContractTermsFactory(lead_provider=provider, effective_month=date(2025, 3, 1))
    ContractTermsFactory(lead_provider=provider, effective_month=date(2025, 9, 1))

    course, cohort = first.course_id, first.cohort_id
    assert terms_of_month(provider.id, cohort, date(2025, 2, 1)) == {course: first}
    assert terms_of_month(provider.id, cohort, date(2025, 3, 1)) == {course: later}
    assert terms_of_month(provider.id, cohort, date(2025, 8, 1)) == {course: later}


def test_terms_of_other_providers_cohorts_and_courses_stay_apart(provider) -> None:
    mine = ContractTermsFactory(lead_provider=provider)
    other_course = ContractTermsFactory(lead_provider=provider, course=CourseFactory(specialist=True))
    ContractTermsFactory(lead_provider=provider, cohort=CohortFactory(start_year=2022))
    ContractTermsFactory(lead_provider=LeadProviderFactory(), effective_month=date(2025, 1, 1))

    found = terms_of_month(provider.id, mine.cohort_id, date(2025, 3, 1))

    assert found == {mine.course_id: mine, other_course.course_id: other_course}
    assert terms_in_month(date(2025, 3, 1)).count() == 4


def test_has_terms_looks_at_the_month_of_the_statement(provider) -> None:
    terms = ContractTermsFactory(lead_provider=provider, effective_month=date(2025, 3, 1))
    place = (provider.id, terms.cohort_id, terms.course_id)

    assert has_terms(*place)
    assert has_terms(*place, date(2025, 3, 1))
    assert not has_terms(*place, date(2025, 2, 1))
    assert not has_terms(provider.id, terms.cohort_id, CourseFactory(specialist=True).id)


def test_one_query_for_all_courses(provider, django_assert_num_queries) -> None:
    terms = ContractTermsFactory(lead_provider=provider)
    ContractTermsFactory(lead_provider=provider, course=CourseFactory(specialist=True))

    with django_assert_num_queries(1):
        found = terms_of_month(provider.id, terms.cohort_id, date(2025, 3, 1))
        assert {row.course.identifier for row in found.values()} == {"npq-headship", "npq-leading-teaching"}
