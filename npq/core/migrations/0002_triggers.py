from django.db import migrations

from npq.core.database import create_functions, keep_trail


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        create_functions(),
        keep_trail("core_leadprovider"),
        keep_trail("core_course"),
        keep_trail("core_cohort"),
        keep_trail("core_apitoken"),
    ]
