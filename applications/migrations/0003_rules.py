from django.db import migrations

from npq.core.database import keep_trail


class Migration(migrations.Migration):
    dependencies = [("applications", "0002_initial"), ("core", "0002_triggers")]

    operations = [keep_trail("applications_application")]
