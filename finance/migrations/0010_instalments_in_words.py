from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("finance", "0009_all_amounts_are_numbers"),
    ]

    operations = [
        migrations.AlterField(
            model_name="contractterms",
            name="service_fee_installments",
            field=models.PositiveSmallIntegerField(verbose_name="service fee instalments"),
        ),
    ]
