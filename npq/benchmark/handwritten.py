"""The same documents as the API's pages, as one statement each, written by hand for speed.

Each yields the whole JSON document for a provider's first page. They are the yardstick: what PostgreSQL needs
when nothing stands between it and the reader.
"""


def _with_times(sql: str) -> str:
    """Fills in how the API writes a time."""
    return sql.replace("{time}", """'YYYY-MM-DD"T"HH24:MI:SS"Z"'""")


APPLICATIONS = _with_times(
    """
SELECT json_build_object('data', coalesce(json_agg(json_build_object(
    'id', a.public_id, 'type', 'npq_application', 'attributes', json_build_object(
    'course_identifier', c.identifier, 'email', a.email, 'email_validated', a.email_validated,
    'employer_name', a.employer_name, 'employment_role', a.employment_role, 'full_name', p.full_name,
    'funding_choice', a.funding_choice, 'headteacher_status', a.headteacher_status,
    'ineligible_for_funding_reason',
        CASE WHEN a.funding_eligibility_status_code = 'marked_funded_by_policy' THEN NULL
             WHEN f.previously THEN 'previously-funded'
             WHEN NOT a.eligible_for_funding THEN 'establishment-ineligible' END,
    'participant_id', p.public_id, 'private_childcare_provider_urn', a.private_childcare_provider_urn,
    'teacher_reference_number', p.teacher_reference_number,
    'teacher_reference_number_validated', p.teacher_reference_number_verified,
    'school_urn', a.school_urn, 'school_ukprn', a.school_ukprn, 'status', a.status,
    'works_in_school', a.works_in_school, 'cohort', k.start_year::text,
    'eligible_for_funding', a.funding_eligibility_status_code IS NOT DISTINCT FROM 'marked_funded_by_policy'
        OR (a.eligible_for_funding AND NOT f.previously),
    'targeted_delivery_funding_eligibility', a.targeted_delivery_funding_eligibility,
    'teacher_catchment', CASE WHEN a.teacher_catchment IS NOT NULL THEN a.teacher_catchment <> 'another' END,
    'teacher_catchment_country', a.teacher_catchment_country,
    'teacher_catchment_iso_country_code', a.teacher_catchment_iso_country_code,
    'itt_provider', a.itt_provider, 'lead_mentor', a.lead_mentor, 'funded_place', a.funded_place,
    'reason_for_rejection', a.reason_for_rejection,
    'created_at', to_char(a.created_at, {time}), 'updated_at', to_char(a.updated_at, {time}),
    'schedule_identifier', s.identifier, 'works_as_senco', a.works_as_senco,
    'senco_start_date', to_char(a.senco_start_date, 'YYYY-MM-DD'), 'cohort_suffix', k.suffix
    )) ORDER BY a.created_at, a.id), '[]'))::text
FROM (
    SELECT * FROM applications_application WHERE lead_provider_id = %(provider)s
    ORDER BY created_at, id LIMIT %(limit)s
) a
JOIN participants_participant p ON p.id = a.participant_id
JOIN core_course c ON c.id = a.course_id
JOIN core_cohort k ON k.id = a.cohort_id
LEFT JOIN participants_enrolment e ON e.id = a.enrolment_id
LEFT JOIN participants_schedule s ON s.id = e.schedule_id
CROSS JOIN LATERAL (SELECT EXISTS (
    SELECT 1 FROM participants_enrolment o JOIN applications_application b ON b.id = o.application_id
    WHERE o.participant_id = a.participant_id AND o.course_family = c.family AND o.undone_at IS NULL
      AND b.id <> a.id AND b.eligible_for_funding AND coalesce(b.funded_place, true)
      AND o.accepted_at < coalesce(e.accepted_at, 'infinity')
) AS previously) f
"""
)

PARTICIPANTS = _with_times(
    """
SELECT json_build_object('data', coalesce(json_agg(json_build_object(
    'id', p.public_id, 'type', 'npq-participant', 'attributes', json_build_object(
    'full_name', p.full_name,
    'teacher_reference_number',
        CASE WHEN p.teacher_reference_number_verified THEN p.teacher_reference_number END,
    'updated_at', to_char(p.updated_at, {time}),
    'npq_enrolments', (
        SELECT coalesce(json_agg(json_build_object(
            'email', a.email, 'course_identifier', c.identifier, 'schedule_identifier', s.identifier,
            'cohort', k.start_year::text, 'npq_application_id', a.public_id,
            'eligible_for_funding', a.eligible_for_funding, 'training_status', e.training_status,
            'school_urn', a.school_urn,
            'targeted_delivery_funding_eligibility', a.targeted_delivery_funding_eligibility,
            'withdrawal', CASE WHEN e.training_status = 'withdrawn' AND h.lead_provider_id = e.lead_provider_id
                THEN json_build_object('reason', h.reason, 'date', to_char(h.changed_at, {time})) END,
            'deferral', CASE WHEN e.training_status = 'deferred' AND h.lead_provider_id = e.lead_provider_id
                THEN json_build_object('reason', h.reason, 'date', to_char(h.changed_at, {time})) END,
            'created_at', to_char(e.accepted_at, {time}), 'funded_place', a.funded_place,
            'cohort_suffix', k.suffix
        ) ORDER BY e.accepted_at, e.id), '[]')
        FROM participants_enrolment e
        JOIN applications_application a ON a.enrolment_id = e.id
        JOIN core_course c ON c.id = e.course_id
        JOIN core_cohort k ON k.id = e.cohort_id
        JOIN participants_schedule s ON s.id = e.schedule_id
        LEFT JOIN LATERAL (
            SELECT * FROM participants_trainingstatuschange h WHERE h.enrolment_id = e.id ORDER BY h.id DESC LIMIT 1
        ) h ON true
        WHERE e.participant_id = p.id AND e.lead_provider_id = %(provider)s AND e.undone_at IS NULL
    ),
    'participant_id_changes', (
        SELECT coalesce(json_agg(json_build_object('from_participant_id', i.from_participant_id,
            'to_participant_id', i.to_participant_id, 'changed_at', to_char(i.created_at, {time}))
            ORDER BY i.created_at DESC, i.id DESC), '[]')
        FROM participants_participantidchange i WHERE i.participant_id = p.id
    ),
    'previous_names', p.previous_names
    )) ORDER BY p.created_at, p.id), '[]'))::text
FROM (
    SELECT * FROM participants_participant p WHERE p.id IN (
        SELECT participant_id FROM participants_enrolment WHERE lead_provider_id = %(provider)s AND undone_at IS NULL
    ) ORDER BY created_at, id LIMIT %(limit)s
) p
"""
)

DECLARATIONS = _with_times(
    """
SELECT json_build_object('data', coalesce(json_agg(json_build_object(
    'id', d.public_id, 'type', 'participant-declaration', 'attributes', json_build_object(
    'participant_id', p.public_id, 'declaration_type', d.declaration_type,
    'declaration_date', to_char(d.declaration_date, {time}), 'course_identifier', c.identifier, 'state', d.state,
    'has_passed', (
        SELECT CASE o.state WHEN 'passed' THEN true WHEN 'failed' THEN false END
        FROM declarations_outcome o WHERE o.declaration_id = d.id ORDER BY o.id DESC LIMIT 1
    ),
    'updated_at', to_char(d.updated_at, {time}), 'created_at', to_char(d.created_at, {time}),
    'statement_id', b.statement, 'clawback_statement_id', r.statement,
    'uplift_paid', coalesce(d.declaration_type = 'started' AND b.state = 'paid' AND b.uplift > 0, false),
    'ineligible_for_funding_reason', CASE WHEN d.state = 'ineligible' THEN d.ineligible_reason END,
    'lead_provider_name', l.name,
    'delivery_partner_id', x.public_id, 'delivery_partner_name', x.name,
    'secondary_delivery_partner_id', y.public_id, 'secondary_delivery_partner_name', y.name,
    'application_id', a.public_id
    )) ORDER BY d.created_at, d.id), '[]'))::text
FROM (
    SELECT * FROM declarations_declaration WHERE lead_provider_id = %(provider)s
    ORDER BY created_at, id LIMIT %(limit)s
) d
JOIN participants_enrolment e ON e.id = d.enrolment_id
JOIN applications_application a ON a.id = e.application_id
JOIN participants_participant p ON p.id = e.participant_id
JOIN core_course c ON c.id = d.course_id
JOIN core_leadprovider l ON l.id = d.lead_provider_id
LEFT JOIN declarations_deliverypartner x ON x.id = d.delivery_partner_id
LEFT JOIN declarations_deliverypartner y ON y.id = d.secondary_delivery_partner_id
LEFT JOIN LATERAL (
    SELECT s.public_id AS statement, i.state, i.targeted_delivery_funding AS uplift
    FROM finance_lineitem i JOIN finance_statement s ON s.id = i.statement_id
    WHERE i.declaration_id = d.id AND i.state IN ('eligible', 'payable', 'paid')
) b ON true
LEFT JOIN LATERAL (
    SELECT s.public_id AS statement
    FROM finance_lineitem i JOIN finance_statement s ON s.id = i.statement_id
    WHERE i.declaration_id = d.id AND i.state IN ('awaiting-clawback', 'clawed-back')
) r ON true
"""
)

OUTCOMES = _with_times(
    """
SELECT json_build_object('data', coalesce(json_agg(json_build_object(
    'id', o.public_id, 'type', 'participant-outcome', 'attributes', json_build_object(
    'state', o.state, 'completion_date', to_char(o.completion_date, 'YYYY-MM-DD"T00:00:00+00:00"'),
    'course_identifier', c.identifier, 'participant_id', p.public_id,
    'created_at', to_char(o.created_at, {time}), 'updated_at', to_char(o.updated_at, {time})
    )) ORDER BY o.created_at, o.id), '[]'))::text
FROM (
    SELECT * FROM declarations_outcome WHERE lead_provider_id = %(provider)s
    ORDER BY created_at, id LIMIT %(limit)s
) o
JOIN declarations_declaration d ON d.id = o.declaration_id
JOIN participants_enrolment e ON e.id = d.enrolment_id
JOIN participants_participant p ON p.id = e.participant_id
JOIN core_course c ON c.id = d.course_id
"""
)
