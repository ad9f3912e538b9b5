"""What an acceptance rests on is kept by the database, whoever writes (decisions.md §2).

One enrolment per person and course family is a unique index on a copy of the course's family, so the copy has to be
right. An enrolment that was undone is outside that index, so no accepted application may rest on one. Enrolments that
are there are looked at by `0009_families_of_all_enrolments`, which stops nobody from writing.
"""

from django.db import migrations

FAMILY_OF_COURSE = """
ALTER TABLE participants_enrolment
  ADD CONSTRAINT enrolment_family_of_course
  FOREIGN KEY (course_id, course_family) REFERENCES core_course (id, family)
  DEFERRABLE INITIALLY DEFERRED NOT VALID;
"""

# Looked at when the transaction commits, so that undoing may change both sides in any order. The argument of the
# trigger is the column that holds the application.
ACCEPTANCE_STANDS = """
CREATE FUNCTION participants_check_acceptance() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  wrong record;
BEGIN
  SELECT application.public_id INTO wrong
    FROM applications_application AS application
    JOIN participants_enrolment AS enrolment ON enrolment.id = application.enrolment_id
    WHERE application.id = (to_jsonb(new) ->> tg_argv[0])::bigint AND enrolment.undone_at IS NOT NULL;
  IF found THEN
    RAISE EXCEPTION 'application % is accepted, but its acceptance is undone', wrong.public_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'application_acceptance_stands';
  END IF;
  RETURN NULL;
END $function$;

CREATE CONSTRAINT TRIGGER participants_enrolment_undone AFTER INSERT OR UPDATE OF undone_at ON participants_enrolment
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.undone_at IS NOT NULL)
  EXECUTE FUNCTION participants_check_acceptance('application_id');
CREATE CONSTRAINT TRIGGER applications_application_enrolled
  AFTER INSERT OR UPDATE OF enrolment_id ON applications_application
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.enrolment_id IS NOT NULL)
  EXECUTE FUNCTION participants_check_acceptance('id');
"""

UNDO = """
DROP TRIGGER applications_application_enrolled ON applications_application;
DROP TRIGGER participants_enrolment_undone ON participants_enrolment;
DROP FUNCTION participants_check_acceptance();
ALTER TABLE participants_enrolment DROP CONSTRAINT enrolment_family_of_course;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("participants", "0005_people_who_look_alike"),
        ("applications", "0006_people_who_look_alike"),
        ("core", "0007_course_with_family"),
    ]

    operations = [migrations.RunSQL(FAMILY_OF_COURSE + ACCEPTANCE_STANDS, UNDO)]
