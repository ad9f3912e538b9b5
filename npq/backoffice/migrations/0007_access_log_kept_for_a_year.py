from django.db import migrations

from npq.backoffice.database import keep_for_a_year


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0006_what_bulk_rows_ask_for"),
    ]

    operations = [
        keep_for_a_year("backoffice_accessevent"),
    ]
