import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("participants", "0006_acceptances_stand"),
    ]

    operations = [
        migrations.AlterField(
            model_name="enrolment",
            name="accepted_at",
            field=models.DateTimeField(verbose_name="accepted"),
        ),
        migrations.AlterField(
            model_name="enrolment",
            name="transferred_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When staff last moved it to another provider.",
                null=True,
                verbose_name="transferred",
            ),
        ),
        migrations.AlterField(
            model_name="enrolment",
            name="undone_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="acceptance undone"),
        ),
        migrations.AlterField(
            model_name="participant",
            name="full_name",
            field=models.CharField(verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="trainingstatuschange",
            name="changed_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="changed"),
        ),
        migrations.AlterField(
            model_name="trainingstatuschange",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    (
                        "Of a deferral",
                        [
                            ("bereavement", "Bereavement"),
                            ("long-term-sickness", "Long-term sickness"),
                            ("parental-leave", "Parental leave"),
                            ("career-break", "Career break"),
                            ("other", "Other"),
                        ],
                    ),
                    (
                        "Of a withdrawal",
                        [
                            (
                                "insufficient-capacity-to-undertake-programme",
                                "Insufficient capacity to undertake the programme",
                            ),
                            ("personal-reason-health-or-pregnancy-related", "Personal: health or pregnancy"),
                            ("personal-reason-moving-school", "Personal: moving school"),
                            ("personal-reason-other", "Personal: other"),
                            ("insufficient-capacity", "Insufficient capacity"),
                            ("change-in-developmental-or-personal-priorities", "Change in priorities"),
                            ("change-in-school-circumstances", "Change in school circumstances"),
                            ("change-in-school-leadership", "Change in school leadership"),
                            ("quality-of-programme-structure-not-suitable.", "Quality: structure not suitable"),
                            ("quality-of-programme-content-not-suitable", "Quality: content not suitable"),
                            ("quality-of-programme-facilitation-not-effective", "Quality: facilitation not effective"),
                            ("quality-of-programme-accessibility", "Quality: accessibility"),
                            ("quality-of-programme-other", "Quality: other"),
                            ("programme-not-appropriate-for-role-and-cpd-needs", "Not appropriate for the role"),
                            ("started-in-error", "Started in error"),
                            ("expected-commitment-unclear", "Expected commitment unclear"),
                            ("assessment-requirements-not-met", "Assessment requirements not met"),
                            ("change-in-career", "Change in career"),
                            ("disengaged-and-unresponsive", "Disengaged and unresponsive"),
                            ("non-payment-of-invoice", "Invoice not paid"),
                            ("other", "Other"),
                        ],
                    ),
                ],
                null=True,
            ),
        ),
    ]
