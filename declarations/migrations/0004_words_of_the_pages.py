from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("declarations", "0003_outcome_of_provider"),
    ]

    operations = [
        migrations.AlterField(
            model_name="declaration",
            name="declaration_date",
            field=models.DateTimeField(verbose_name="declared for"),
        ),
        migrations.AlterField(
            model_name="declaration",
            name="has_passed",
            field=models.BooleanField(blank=True, null=True, verbose_name="passed, as posted"),
        ),
        migrations.AlterField(
            model_name="declaration",
            name="ineligible_reason",
            field=models.CharField(
                blank=True,
                choices=[("duplicate_declaration", "Another person with the same TRN holds this declaration")],
                null=True,
                verbose_name="why ineligible",
            ),
        ),
    ]
