"""The enrolments that were there before 0006 have their course's family too. In a transaction of its own: nobody waits."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("participants", "0008_people_found_by_former_names")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE participants_enrolment VALIDATE CONSTRAINT enrolment_family_of_course",
            migrations.RunSQL.noop,
        ),
    ]
