"""What must always be true of money (finance.md §7, decisions.md §2, §3.9).

Most of it the database refuses already; here it is proved, and what a constraint cannot say is checked.
"""

from collections.abc import Iterator

from finance.choices import StatementState
from finance.models import Statement
from finance.queries.calculation import figures_of
from finance.queries.drift import drift_of
from npq.core.invariants import Breach, Invariant, sql_invariant


def _frozen_payments_that_drifted() -> Iterator[Breach]:
    for statement in Statement.objects.filter(state=StatementState.PAID).order_by("id").iterator():
        difference = drift_of(statement, figures_of(statement))
        if difference:
            yield Breach(str(statement.public_id), f"frozen and calculated differ: {difference}")


INVARIANTS = [
    Invariant(
        "frozen_payment_is_sum_of_lines",
        "A paid statement's frozen payment is what its lines, service fees and adjustments come to.",
        _frozen_payments_that_drifted,
    ),
    sql_invariant(
        "line_state_fits_statement",
        "No eligible line is on a payable or paid statement, no payable line on an open or paid one.",
        """
        SELECT line.public_id, format('a line that is %s on a statement that is %s', line.state, statement.state)
        FROM finance_lineitem line JOIN finance_statement statement ON statement.id = line.statement_id
        WHERE NOT finance_line_fits(statement.state, line.state)
        """,
    ),
    sql_invariant(
        "line_state_fits_declaration",
        "A declaration is in the state of its line: of the one that takes back where there is one, else of the one "
        "that pays; with neither it is submitted, voided or ineligible.",
        """
        SELECT declaration.public_id,
               format('state %s, pays %s, takes back %s', declaration.state, coalesce(lines.pays, 'nothing'),
                      coalesce(lines.takes_back, 'nothing'))
        FROM declarations_declaration declaration
        LEFT JOIN (
            SELECT declaration_id,
                   max(state) FILTER (WHERE state IN ('eligible', 'payable', 'paid')) AS pays,
                   max(state) FILTER (WHERE state IN ('awaiting-clawback', 'clawed-back')) AS takes_back
            FROM finance_lineitem GROUP BY declaration_id
        ) lines ON lines.declaration_id = declaration.id
        WHERE CASE
            WHEN coalesce(lines.takes_back, lines.pays) IS NULL
            THEN declaration.state NOT IN ('submitted', 'voided', 'ineligible')
            ELSE declaration.state <> coalesce(lines.takes_back, lines.pays)
                 OR lines.takes_back IS NOT NULL AND lines.pays IS DISTINCT FROM 'paid'
        END
        """,
    ),
    sql_invariant(
        "clawback_is_what_was_paid",
        "What is taken back is one paid line of the same declaration, at its terms and exact amounts.",
        """
        SELECT line.public_id, format('takes back %s and %s, paid %s and %s', line.output_payment,
                                      line.targeted_delivery_funding, paid.output_payment,
                                      paid.targeted_delivery_funding)
        FROM finance_lineitem line LEFT JOIN finance_lineitem paid ON paid.id = line.paid_line_id
        WHERE line.state IN ('awaiting-clawback', 'clawed-back')
          AND ((line.declaration_id, line.terms_id, line.output_payment, line.targeted_delivery_funding)
               IS DISTINCT FROM
               (paid.declaration_id, paid.terms_id, -paid.output_payment, -paid.targeted_delivery_funding)
               OR paid.state <> 'paid')
        """,
    ),
    sql_invariant(
        "line_has_terms",
        "Every line that pays has contract terms: an open one by its statement's month, a closed one stored.",
        """
        SELECT line.public_id, format('no terms for %s on the statement of %s-%s', course.identifier, statement.year,
                                      to_char(statement.month, 'FM00'))
        FROM finance_lineitem line
        JOIN finance_statement statement ON statement.id = line.statement_id
        JOIN core_course course ON course.id = line.course_id
        WHERE line.state = 'eligible' AND NOT EXISTS (
            SELECT FROM finance_contractterms terms
            WHERE terms.lead_provider_id = line.lead_provider_id AND terms.cohort_id = line.cohort_id
              AND terms.course_id = line.course_id
              AND (terms.effective_month IS NULL
                   OR terms.effective_month <= make_date(statement.year, statement.month, 1)))
           OR line.state IN ('payable', 'paid') AND line.terms_id IS NULL
        """,
    ),
    sql_invariant(
        "line_agrees_with_declaration",
        "A line repeats its declaration's provider, cohort, course and type, and its statement's provider and cohort.",
        """
        SELECT line.public_id, 'its provider, cohort, course or type is another than its declaration or statement has'
        FROM finance_lineitem line
        JOIN declarations_declaration declaration ON declaration.id = line.declaration_id
        JOIN finance_statement statement ON statement.id = line.statement_id
        WHERE (line.lead_provider_id, line.cohort_id, line.course_id, line.declaration_type)
           <> (declaration.lead_provider_id, declaration.cohort_id, declaration.course_id,
               declaration.declaration_type)
           OR (line.lead_provider_id, line.cohort_id) <> (statement.lead_provider_id, statement.cohort_id)
        """,
    ),
    sql_invariant(
        "one_line_of_a_kind_per_declaration",
        "A declaration has at most one line that pays and one that takes back.",
        """
        SELECT declaration.public_id, format('%s lines that pay, %s that take back', lines.pay, lines.take_back)
        FROM (
            SELECT declaration_id,
                   count(*) FILTER (WHERE state IN ('eligible', 'payable', 'paid')) AS pay,
                   count(*) FILTER (WHERE state IN ('awaiting-clawback', 'clawed-back')) AS take_back
            FROM finance_lineitem GROUP BY declaration_id
        ) lines
        JOIN declarations_declaration declaration ON declaration.id = lines.declaration_id
        WHERE lines.pay > 1 OR lines.take_back > 1
        """,
    ),
    sql_invariant(
        "nobody_paid_twice",
        "A person, by participant or verified TRN, is paid once for a declaration type on a course family, except "
        "where policy marked an application as funded.",
        """
        SELECT max(person.public_id::text),
               format('%s declarations of %s on %s are paid: %s', count(*), line.declaration_type, course.family,
                      string_agg(declaration.public_id::text, ', ' ORDER BY line.id))
        FROM finance_lineitem line
        JOIN declarations_declaration declaration ON declaration.id = line.declaration_id
        JOIN participants_enrolment enrolment ON enrolment.id = declaration.enrolment_id
        JOIN participants_participant person ON person.id = enrolment.participant_id
        JOIN applications_application application ON application.id = enrolment.application_id
        JOIN core_course course ON course.id = line.course_id
        WHERE line.state IN ('eligible', 'payable', 'paid')
          AND line.output_payment IS DISTINCT FROM 0
          AND application.funding_eligibility_status_code IS DISTINCT FROM 'marked_funded_by_policy'
          AND NOT EXISTS (SELECT FROM finance_lineitem clawback WHERE clawback.paid_line_id = line.id)
        GROUP BY course.family, line.declaration_type,
                 CASE WHEN person.teacher_reference_number_verified
                      THEN person.teacher_reference_number ELSE 'participant ' || person.id END
        HAVING count(*) > 1
        """,
    ),
    sql_invariant(
        "statement_dates_in_order",
        "A statement's deadline is not after its payment date.",
        """
        SELECT public_id, format('deadline %s, payment %s', deadline_date, payment_date)
        FROM finance_statement WHERE deadline_date > payment_date
        """,
    ),
]
