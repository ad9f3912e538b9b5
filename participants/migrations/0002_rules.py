from django.db import migrations

from npq.core.database import append_only, keep_trail

# A current enrolment is of its application, person, provider, course and cohort; its schedule is of its cohort.
# Deferred, so that a transfer or a merge may change both sides in one transaction, in any order.
SAME_ON_BOTH_SIDES = """
ALTER TABLE applications_application
  ADD CONSTRAINT application_enrolment_agrees
  FOREIGN KEY (enrolment_id, id, participant_id, lead_provider_id, course_id, cohort_id)
  REFERENCES participants_enrolment (id, application_id, participant_id, lead_provider_id, course_id, cohort_id)
  DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE participants_enrolment
  ADD CONSTRAINT enrolment_schedule_of_cohort
  FOREIGN KEY (schedule_id, cohort_id) REFERENCES participants_schedule (id, cohort_id)
  DEFERRABLE INITIALLY DEFERRED;
"""

UNDO = """
ALTER TABLE applications_application DROP CONSTRAINT application_enrolment_agrees;
ALTER TABLE participants_enrolment DROP CONSTRAINT enrolment_schedule_of_cohort;
"""


class Migration(migrations.Migration):
    dependencies = [("participants", "0001_initial"), ("applications", "0003_rules"), ("core", "0002_triggers")]

    operations = [
        migrations.RunSQL(SAME_ON_BOTH_SIDES, UNDO),
        keep_trail("participants_participant"),
        keep_trail("participants_participantidchange"),
        keep_trail("participants_schedule"),
        keep_trail("participants_schedulewindow"),
        keep_trail("participants_enrolment"),
        keep_trail("participants_trainingstatuschange"),
        append_only("participants_trainingstatuschange"),
    ]
