"""What must always be true of declarations and outcomes (decisions.md §2, backoffice.md §7.3).

What is paid for them is finance's: a declaration in the state of its line, and nobody paid twice.
"""

from npq.core.invariants import sql_invariant

INVARIANTS = [
    sql_invariant(
        "one_live_declaration_per_type",
        "An enrolment has at most one submitted, eligible, payable or paid declaration of a type.",
        """
        SELECT max(declaration.public_id::text),
               format('%s live declarations of %s: %s', count(*), declaration_type,
                      string_agg(declaration.public_id::text, ', ' ORDER BY declaration.id))
        FROM declarations_declaration declaration
        WHERE state IN ('submitted', 'eligible', 'payable', 'paid')
        GROUP BY enrolment_id, declaration_type
        HAVING count(*) > 1
        """,
    ),
    sql_invariant(
        "live_declaration_on_standing_acceptance",
        "A live declaration is on an enrolment whose acceptance stands.",
        """
        SELECT declaration.public_id, format('%s, but the acceptance was undone', declaration.state)
        FROM declarations_declaration declaration
        JOIN participants_enrolment enrolment ON enrolment.id = declaration.enrolment_id
        WHERE declaration.state IN ('submitted', 'eligible', 'payable', 'paid') AND enrolment.undone_at IS NOT NULL
        """,
    ),
    sql_invariant(
        "live_declaration_fits_schedule",
        "A live declaration is of a type that its enrolment's schedule has, dated from the schedule's first day on.",
        """
        SELECT declaration.public_id,
               format('%s dated %s does not fit %s', declaration.declaration_type, declaration.declaration_date,
                      schedule.identifier)
        FROM declarations_declaration declaration
        JOIN participants_enrolment enrolment ON enrolment.id = declaration.enrolment_id
        JOIN participants_schedule schedule ON schedule.id = enrolment.schedule_id
        WHERE declaration.state IN ('submitted', 'eligible', 'payable', 'paid')
          AND (declaration.declaration_type <> ALL (schedule.allowed_declaration_types)
               OR declaration.declaration_date < schedule.starts_on::timestamp AT TIME ZONE 'Europe/London')
        """,
    ),
    sql_invariant(
        "ineligible_names_what_supersedes_it",
        "An ineligible declaration says why, and which other person's declaration superseded it.",
        """
        SELECT declaration.public_id,
               format('reason %s, superseded by %s', coalesce(declaration.ineligible_reason, 'missing'),
                      coalesce(original.public_id::text, 'nothing'))
        FROM declarations_declaration declaration
        LEFT JOIN declarations_declaration original ON original.id = declaration.superseded_by_id
        WHERE declaration.state = 'ineligible'
          AND (declaration.ineligible_reason IS NULL OR original.id IS NULL
               OR original.declaration_type <> declaration.declaration_type)
        """,
    ),
    sql_invariant(
        "outcome_on_completed_only",
        "An outcome belongs to a completed declaration for a course that ends in an outcome.",
        """
        SELECT outcome.public_id, format('is on a %s declaration for %s', declaration.declaration_type,
                                         course.identifier)
        FROM declarations_outcome outcome
        JOIN declarations_declaration declaration ON declaration.id = outcome.declaration_id
        JOIN core_course course ON course.id = declaration.course_id
        WHERE declaration.declaration_type <> 'completed' OR course."group" NOT IN ('leadership', 'specialist')
        """,
    ),
    sql_invariant(
        "outcome_stands_with_declaration",
        "The newest outcome of a completed declaration is a pass or a fail while it stands, a retraction afterwards.",
        """
        SELECT declaration.public_id, format('%s, newest outcome %s', declaration.state,
                                             coalesce(newest.state, 'missing'))
        FROM declarations_declaration declaration
        JOIN core_course course ON course.id = declaration.course_id
        LEFT JOIN LATERAL (
            SELECT state FROM declarations_outcome outcome
            WHERE outcome.declaration_id = declaration.id ORDER BY outcome.id DESC LIMIT 1
        ) newest ON true
        WHERE declaration.declaration_type = 'completed' AND course."group" IN ('leadership', 'specialist')
          AND CASE WHEN declaration.state IN ('voided', 'awaiting-clawback', 'clawed-back')
                   THEN newest.state IS DISTINCT FROM 'voided'
                   ELSE newest.state IS NULL OR newest.state = 'voided' END
        """,
    ),
]
