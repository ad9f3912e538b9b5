"""A database of believable size, filled by SQL: triggers and foreign keys are off while it is filled.

One provider holds 100,000 of the applications, so that its pages are deep; the other providers share the rest.
Six applications in ten are accepted; each enrolment has one to three declarations.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from npq.core.audit import Actor
from npq.core.choices import TokenScope
from npq.core.models import Cohort, Course, LeadProvider
from npq.core.tokens import create_api_token

MEASURED_PROVIDER = "ambition"
BY = Actor.system("benchmark")

_TABLES = (
    "participants_participant",
    "applications_application",
    "participants_enrolment",
    "participants_trainingstatuschange",
    "declarations_declaration",
    "declarations_outcome",
    "finance_contractterms",
    "finance_statement",
    "finance_lineitem",
)

# Applications 1 to N: the first tenth belongs to the measured provider; every fifth person applies twice.
_PARTICIPANTS = """
INSERT INTO participants_participant (id, public_id, created_at, updated_at, full_name, previous_names,
    teacher_reference_number, teacher_reference_number_verified, date_of_birth)
SELECT n, gen_random_uuid(), at, at,
    first[1 + n %% cardinality(first)] || ' ' || beginning[1 + n / 7 %% cardinality(beginning)]
      || ending[1 + n / 101 %% cardinality(ending)], '{}',
    lpad((9000000 + n %% 1000000)::text, 7, '0'), n <= 1000000 AND n %% 10 < 8, date '1970-01-01' + (n %% 9000)::int
FROM (SELECT n, timestamptz '2023-01-01' + n * interval '30 seconds' AS at FROM generate_series(1, %(people)s) AS n) s
CROSS JOIN (SELECT
  string_to_array('Ada Amara Ben Bronwen Callum Chidi Dara Elin Farah Hana Ifor Jamal Kezia Leila Maeve', ' ') AS first,
  string_to_array('Ash Bar Brad Cart Clay Cran Dal Ed East Fair Ford Gar Hal Har Hazel Hol Kel Kirk Lang Lin Mar Mil '
    'Nor Oak Pen Pres Rad Ros Sand Shel Stan Stock Sut Thorn Wal War Wes Whit Win Wood', ' ') AS beginning,
  string_to_array('bourne bridge burn bury by combe cott dale den field ford ham hurst ley man mere more ridge son',
    ' ') AS ending) AS names
"""

_APPLICATIONS = """
INSERT INTO applications_application (id, public_id, created_at, updated_at, participant_id, course_id, cohort_id,
    lead_provider_id, status, reason_for_rejection, decided_at, enrolment_id, eligible_for_funding, funded_place,
    funding_choice, targeted_delivery_funding_eligibility, email, email_validated, headteacher_status, school_urn,
    school_ukprn, private_childcare_provider_urn, works_in_school, employer_name, employment_role, itt_provider,
    lead_mentor, teacher_catchment,
    teacher_catchment_country, teacher_catchment_iso_country_code, submission)
SELECT n, gen_random_uuid(), at, at,
    CASE WHEN n <= %(people)s THEN n ELSE (n - %(people)s) * 4 END,
    course_id, cohort_id,
    CASE WHEN n <= %(measured)s THEN %(provider)s
         ELSE (%(others)s::bigint[])[1 + n %% cardinality(%(others)s::bigint[])] END,
    CASE WHEN accepted THEN 'accepted' WHEN n %% 10 < 8 THEN 'pending' ELSE 'rejected' END,
    CASE WHEN accepted OR n %% 10 < 8 THEN NULL ELSE 'rejected_by_provider' END,
    CASE WHEN accepted OR n %% 10 >= 8 THEN at + interval '3 days' END,
    CASE WHEN accepted THEN n END,
    n %% 7 <> 0, NULL, CASE WHEN n %% 7 = 0 THEN 'trust' END, n %% 11 = 0,
    'person.' || n || '@example.org', true, 'no', (100000 + n %% 50000)::text, (10000000 + n %% 50000)::text,
    CASE WHEN n %% 20 = 1 THEN 'EY' || 100000 + n %% 400000 END,
    true, NULL, NULL, NULL, false, 'england', 'United Kingdom of Great Britain and Northern Ireland', 'GBR', '{}'
FROM (
    SELECT n, n %% 10 < 6 AS accepted, timestamptz '2023-01-01' + n * interval '30 seconds' AS at,
        (%(courses)s::bigint[])[1 + n %% cardinality(%(courses)s::bigint[])] AS course_id,
        (%(cohorts)s::bigint[])[1 + (n / 7) %% cardinality(%(cohorts)s::bigint[])] AS cohort_id
    FROM generate_series(1, %(applications)s) AS n
) s
"""

# The second application of a person is for the next course, so it never breaks the rule of one per family.
_ENROLMENTS = """
INSERT INTO participants_enrolment (id, public_id, created_at, updated_at, application_id, participant_id,
    lead_provider_id, course_id, course_family, cohort_id, schedule_id, accepted_at, training_status)
SELECT a.id, gen_random_uuid(), a.decided_at, a.decided_at, a.id, a.participant_id, a.lead_provider_id, a.course_id,
    c.family, a.cohort_id, s.id, a.decided_at, CASE WHEN a.id %% 40 = 1 THEN 'deferred' ELSE 'active' END
FROM applications_application a
JOIN core_course c ON c.id = a.course_id
JOIN LATERAL (
    SELECT id FROM participants_schedule s WHERE s.cohort_id = a.cohort_id AND s.course_group = c."group"
    ORDER BY starts_on, id LIMIT 1
) s ON true
WHERE a.status = 'accepted'
ON CONFLICT DO NOTHING
"""

_NOT_ENROLLED = """
UPDATE applications_application a SET status = 'pending', decided_at = NULL, enrolment_id = NULL
WHERE status = 'accepted' AND NOT EXISTS (SELECT 1 FROM participants_enrolment e WHERE e.id = a.id)
"""

_STATUS_CHANGES = """
INSERT INTO participants_trainingstatuschange (public_id, created_at, updated_at, enrolment_id, status, reason,
    lead_provider_id, recorded_by, changed_at)
SELECT gen_random_uuid(), accepted_at, accepted_at, id, training_status,
    CASE WHEN training_status = 'deferred' THEN 'career-break' END, lead_provider_id, 'benchmark', accepted_at
FROM participants_enrolment
"""

_DECLARATIONS = """
INSERT INTO declarations_declaration (id, public_id, created_at, updated_at, enrolment_id, lead_provider_id,
    cohort_id, course_id, declaration_type, declaration_date, has_passed, state)
SELECT row_number() OVER (ORDER BY e.id, t.position), gen_random_uuid(),
    e.accepted_at + t.position * interval '60 days',
    e.accepted_at + t.position * interval '60 days', e.id, e.lead_provider_id, e.cohort_id, e.course_id, t.kind,
    e.accepted_at + t.position * interval '59 days',
    CASE WHEN t.kind = 'completed' THEN e.id %% 9 <> 0 END,
    CASE WHEN e.id %% 7 = 0 THEN 'submitted' ELSE 'eligible' END
FROM participants_enrolment e
JOIN core_course c ON c.id = e.course_id
CROSS JOIN LATERAL (VALUES (1, 'started'), (2, 'retained-1'), (3, 'completed')) AS t (position, kind)
WHERE t.position <= 1 + e.id %% 3 AND (t.kind <> 'completed' OR c."group" IN ('leadership', 'specialist'))
"""

_OUTCOMES = """
INSERT INTO declarations_outcome (public_id, created_at, updated_at, declaration_id, declaration_type, lead_provider_id,
    state, completion_date)
SELECT gen_random_uuid(), created_at, created_at, id, 'completed', lead_provider_id,
    CASE WHEN has_passed THEN 'passed' ELSE 'failed' END, declaration_date::date
FROM declarations_declaration WHERE declaration_type = 'completed'
"""

_TERMS = """
INSERT INTO finance_contractterms (public_id, created_at, updated_at, lead_provider_id, cohort_id, course_id,
    recruitment_target, per_participant, output_payment_percentage, number_of_payment_periods, service_fee_percentage,
    service_fee_installments, targeted_delivery_funding_per_participant, special_course)
SELECT gen_random_uuid(), now(), now(), p.id, k.id, c.id, 100, 700 + c.id * 37.25,
    CASE WHEN c."group" IN ('leadership', 'specialist') THEN 60 ELSE 100 END,
    CASE WHEN c."group" = 'specialist' THEN 3 ELSE 4 END,
    CASE WHEN c."group" IN ('leadership', 'specialist') THEN 40 ELSE 0 END, 24, 100, false
FROM core_leadprovider p CROSS JOIN core_cohort k CROSS JOIN core_course c
"""

_STATEMENTS = """
INSERT INTO finance_statement (public_id, created_at, updated_at, lead_provider_id, cohort_id, year, month,
    deadline_date, payment_date, output_fee, state, authorised_by)
SELECT gen_random_uuid(), now(), now(), p.id, k.id, 2030, m, make_date(2029, 12, 25) + ((m - 1) * 30),
    make_date(2030, 1, 25) + ((m - 1) * 30), true, 'open', ''
FROM core_leadprovider p CROSS JOIN core_cohort k CROSS JOIN generate_series(1, 12) AS m
"""

# The first statement of each provider and cohort takes the declarations of that cohort; the measured provider's
# busiest one ends up with some 20,000 lines over every course.
_LINES = """
INSERT INTO finance_lineitem (public_id, created_at, updated_at, statement_id, declaration_id, lead_provider_id,
    cohort_id, course_id, declaration_type, state)
SELECT gen_random_uuid(), d.created_at, d.created_at, s.id, d.id, d.lead_provider_id, d.cohort_id, d.course_id,
    d.declaration_type, 'eligible'
FROM declarations_declaration d
JOIN finance_statement s ON s.lead_provider_id = d.lead_provider_id AND s.cohort_id = d.cohort_id
    AND s.year = 2030 AND s.month = 1
WHERE d.state = 'eligible'
"""


# A month's worth of what eight busy providers' programs were refused.
_REFUSED = """
INSERT INTO core_refusedrequest (public_id, at, token_id, lead_provider_id, method, path, parameters, status, codes,
    titles, record_ids, request_id, milliseconds)
SELECT gen_random_uuid(), now() - (%(refused)s - n) * interval '8 seconds', t.id, t.lead_provider_id, 'POST',
    '/api/v3/npq-applications/' || a.public_id || '/accept', '{}', 422, '{application_already_accepted}',
    '{application}', ARRAY[a.public_id], md5(n::text), 20
FROM generate_series(1, %(refused)s) AS n
JOIN applications_application a ON a.id = 1 + n * 3 %% %(applications)s
JOIN core_apitoken t ON t.lead_provider_id = a.lead_provider_id
"""

REFUSED_REQUESTS = 300_000


def fill(applications: int, report: Callable[[str], None]) -> None:
    """Fills the empty, migrated database with reference data already in it."""
    provider = LeadProvider.objects.get(code=MEASURED_PROVIDER)
    facts: dict[str, Any] = {
        "applications": applications,
        "people": applications * 4 // 5,
        "measured": applications // 10,
        "provider": provider.id,
        "refused": REFUSED_REQUESTS,
        "others": _ids(LeadProvider.objects.exclude(id=provider.id)),
        "courses": list(
            Course.objects.exclude(family__contains="coaching").order_by("id").values_list("id", flat=True)
        ),
        "cohorts": list(Cohort.objects.filter(start_year__in=(2022, 2023)).order_by("id").values_list("id", flat=True)),
    }
    steps = (
        ("people", _PARTICIPANTS),
        ("applications", _APPLICATIONS),
        ("enrolments", _ENROLMENTS),
        ("applications that could not be enrolled", _NOT_ENROLLED),
        ("training history", _STATUS_CHANGES),
        ("declarations", _DECLARATIONS),
        ("outcomes", _OUTCOMES),
        ("contract terms", _TERMS),
        ("statements", _STATEMENTS),
        ("line items", _LINES),
        ("refused requests", _REFUSED),
    )
    for each in LeadProvider.objects.all():
        create_api_token(by=BY, scope=TokenScope.LEAD_PROVIDER, lead_provider=each, label="benchmark")
    with _without_triggers(), connection.cursor() as cursor:
        for name, sql in steps:
            report(f"  {name} …")
            cursor.execute(sql, facts)
            report(f"  {name}: {cursor.rowcount:,} rows")
        for table in _TABLES:
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), max(id)) FROM " + table, [table])  # noqa: S608 - our own names
    report("  vacuum and analyse …")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _ids(rows: QuerySet[Any]) -> list[int]:
    return list(rows.order_by("id").values_list("id", flat=True))


@contextmanager
def _without_triggers() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")
