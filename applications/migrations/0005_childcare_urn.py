from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built beside the writing of applications, which no lock then stops.
    atomic = False

    dependencies = [("applications", "0004_planned_transfers")]

    operations = [
        AddIndexConcurrently(
            model_name="application",
            index=models.Index(
                name="application_childcare",
                fields=["private_childcare_provider_urn"],
                condition=models.Q(("private_childcare_provider_urn__isnull", False)),
            ),
        ),
    ]
