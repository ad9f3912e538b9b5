"""What must always be true of people and enrolments (decisions.md §2, backoffice.md §7.3).

Two live people with one verified TRN are no breach: intake may bring them, and the rules take them for one
person (decisions.md §8).
"""

from npq.core.invariants import sql_invariant

INVARIANTS = [
    sql_invariant(
        "one_enrolment_per_person_and_course",
        "A person, by participant or verified TRN, holds at most one enrolment per course family.",
        """
        SELECT max(application.public_id::text),
               format('%s enrolments on %s: applications %s', count(*), course_family,
                      string_agg(application.public_id::text, ', ' ORDER BY enrolment.id))
        FROM participants_enrolment enrolment
        JOIN participants_participant person ON person.id = enrolment.participant_id
        JOIN applications_application application ON application.id = enrolment.application_id
        WHERE enrolment.undone_at IS NULL AND enrolment.training_status <> 'withdrawn'
        GROUP BY course_family, CASE WHEN person.teacher_reference_number_verified
                                     THEN person.teacher_reference_number ELSE 'participant ' || person.id END
        HAVING count(*) > 1
        """,
    ),
    sql_invariant(
        "accepted_means_enrolled",
        "An application is accepted exactly when it has one standing enrolment, which is its current one.",
        """
        SELECT application.public_id,
               format('status %s, %s standing enrolments', application.status, count(enrolment.id))
        FROM applications_application application
        LEFT JOIN participants_enrolment enrolment
          ON enrolment.application_id = application.id AND enrolment.undone_at IS NULL
        GROUP BY application.id
        HAVING count(enrolment.id) <> CASE WHEN application.status = 'accepted' THEN 1 ELSE 0 END
            OR max(enrolment.id) IS DISTINCT FROM application.enrolment_id
        """,
    ),
    sql_invariant(
        "enrolment_agrees_with_application",
        "An enrolment that stands repeats its application's person, provider, course and cohort.",
        """
        SELECT application.public_id, 'the enrolment has another person, provider, course, family or cohort'
        FROM participants_enrolment enrolment
        JOIN applications_application application ON application.id = enrolment.application_id
        JOIN core_course course ON course.id = application.course_id
        WHERE enrolment.undone_at IS NULL
          AND (enrolment.participant_id, enrolment.lead_provider_id, enrolment.course_id, enrolment.cohort_id,
               enrolment.course_family)
           <> (application.participant_id, application.lead_provider_id, application.course_id, application.cohort_id,
               course.family)
        """,
    ),
    sql_invariant(
        "schedule_fits_enrolment",
        "A schedule is of its enrolment's cohort and of its course's group.",
        """
        SELECT application.public_id, format('schedule %s is of another cohort or course group', schedule.identifier)
        FROM participants_enrolment enrolment
        JOIN applications_application application ON application.id = enrolment.application_id
        JOIN participants_schedule schedule ON schedule.id = enrolment.schedule_id
        JOIN core_course course ON course.id = enrolment.course_id
        WHERE enrolment.undone_at IS NULL
          AND (schedule.cohort_id <> enrolment.cohort_id OR schedule.course_group <> course."group")
        """,
    ),
    sql_invariant(
        "status_is_newest_change",
        "An enrolment's training status is that of the newest row of its history.",
        """
        SELECT application.public_id,
               format('status %s, newest change %s', enrolment.training_status, coalesce(newest.status, 'missing'))
        FROM participants_enrolment enrolment
        JOIN applications_application application ON application.id = enrolment.application_id
        LEFT JOIN LATERAL (
            SELECT status FROM participants_trainingstatuschange change
            WHERE change.enrolment_id = enrolment.id ORDER BY change.id DESC LIMIT 1
        ) newest ON true
        WHERE newest.status IS DISTINCT FROM enrolment.training_status
        """,
    ),
    sql_invariant(
        "retired_id_leads_to_survivor",
        "A retired participant id leads, in one step, to a person who is not retired.",
        """
        SELECT change.from_participant_id,
               format('leads to %s, which is no living participant', change.to_participant_id)
        FROM participants_participantidchange change
        JOIN participants_participant survivor ON survivor.id = change.participant_id
        LEFT JOIN participants_participant retired ON retired.public_id = change.from_participant_id
        WHERE survivor.merged_into_id IS NOT NULL OR survivor.public_id <> change.to_participant_id
           OR (retired.id IS NOT NULL AND retired.merged_into_id IS DISTINCT FROM survivor.id)
        UNION ALL
        SELECT retired.public_id, 'is merged, but no change of its id is recorded'
        FROM participants_participant retired
        WHERE retired.merged_into_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM participants_participantidchange change
            WHERE change.from_participant_id = retired.public_id AND change.participant_id = retired.merged_into_id
        )
        """,
    ),
    sql_invariant(
        "retired_person_has_nothing",
        "Nothing belongs to a retired participant id.",
        """
        SELECT retired.public_id, format('still has application %s', application.public_id)
        FROM participants_participant retired
        JOIN applications_application application ON application.participant_id = retired.id
        WHERE retired.merged_into_id IS NOT NULL
        UNION ALL
        SELECT retired.public_id, format('still has enrolment %s', enrolment.public_id)
        FROM participants_participant retired
        JOIN participants_enrolment enrolment ON enrolment.participant_id = retired.id
        WHERE retired.merged_into_id IS NOT NULL
        """,
    ),
]
