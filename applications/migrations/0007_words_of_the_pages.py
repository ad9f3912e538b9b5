from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0006_people_who_look_alike"),
    ]

    operations = [
        migrations.AlterField(
            model_name="application",
            name="decided_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="decided"),
        ),
        migrations.AlterField(
            model_name="application",
            name="eligible_for_funding",
            field=models.BooleanField(verbose_name="eligible as registered"),
        ),
        migrations.AlterField(
            model_name="application",
            name="employer_name",
            field=models.CharField(blank=True, null=True, verbose_name="employer"),
        ),
        migrations.AlterField(
            model_name="application",
            name="employment_role",
            field=models.CharField(blank=True, null=True, verbose_name="role"),
        ),
        migrations.AlterField(
            model_name="application",
            name="employment_type",
            field=models.CharField(
                blank=True,
                choices=[
                    ("hospital_school", "Hospital school"),
                    ("lead_mentor_for_accredited_itt_provider", "Lead mentor for an accredited ITT provider"),
                    ("local_authority_supply_teacher", "Local authority supply teacher"),
                    ("local_authority_virtual_school", "Local authority virtual school"),
                    ("young_offender_institution", "Young offender institution"),
                    ("other", "Other"),
                ],
                null=True,
                verbose_name="employment",
            ),
        ),
        migrations.AlterField(
            model_name="application",
            name="funding_eligibility_status_code",
            field=models.CharField(
                blank=True,
                choices=[
                    ("funded", "Funded"),
                    ("subject_to_review", "Subject to review"),
                    ("unfunded_cohort", "Unfunded cohort"),
                    ("not_in_england", "Not in England"),
                    ("previously_funded", "Previously funded"),
                    ("ineligible_establishment_type", "Ineligible establishment type"),
                    ("ineligible_establishment_not_a_pp50", "Establishment not on the PP50 list"),
                    ("ineligible_institution_type", "Ineligible institution type"),
                    ("early_years_invalid_npq", "Course not funded for early years"),
                    ("not_entitled_childminder", "Childminder not entitled"),
                    ("not_lead_mentor_course", "Course not funded for lead mentors"),
                    ("not_new_headteacher_requesting_ehco", "Not a new headteacher"),
                    ("referred_by_return_to_teaching_adviser", "Referred by a return to teaching adviser"),
                    ("no_institution", "No institution"),
                    ("school_outside_catchment", "School outside the catchment"),
                    ("early_years_outside_catchment", "Early years outside the catchment"),
                    ("not_on_early_years_register", "Not on the early years register"),
                    ("re_register", "Must register again"),
                    ("awaiting_more_information", "Awaiting more information"),
                    ("marked_funded_by_policy", "Marked as funded by policy"),
                    ("marked_ineligible_by_policy", "Marked as ineligible by policy"),
                ],
                null=True,
                verbose_name="funding status",
            ),
        ),
        migrations.AlterField(
            model_name="application",
            name="headteacher_status",
            field=models.CharField(
                blank=True,
                choices=[
                    ("no", "Not a headteacher"),
                    ("yes_when_course_starts", "When the course starts"),
                    ("yes_in_first_two_years", "In the first two years"),
                    ("yes_over_two_years", "For over two years"),
                    ("yes_in_first_five_years", "In the first five years"),
                    ("yes_over_five_years", "For over five years"),
                ],
                null=True,
                verbose_name="headteacher",
            ),
        ),
        migrations.AlterField(
            model_name="application",
            name="private_childcare_provider_urn",
            field=models.CharField(blank=True, null=True, verbose_name="childcare provider URN"),
        ),
        migrations.AlterField(
            model_name="application",
            name="senco_start_date",
            field=models.DateField(blank=True, null=True, verbose_name="SENCO start date"),
        ),
        migrations.AlterField(
            model_name="application",
            name="targeted_delivery_funding_eligibility",
            field=models.BooleanField(default=False, verbose_name="targeted delivery funding"),
        ),
        migrations.AlterField(
            model_name="application",
            name="teacher_catchment",
            field=models.CharField(
                blank=True,
                choices=[
                    ("england", "England"),
                    ("scotland", "Scotland"),
                    ("wales", "Wales"),
                    ("northern_ireland", "Northern Ireland"),
                    ("jersey_guernsey_isle_of_man", "Jersey, Guernsey or the Isle of Man"),
                    ("another", "Another country"),
                ],
                null=True,
                verbose_name="where",
            ),
        ),
        migrations.AlterField(
            model_name="application",
            name="teacher_catchment_country",
            field=models.CharField(blank=True, null=True, verbose_name="country"),
        ),
        migrations.AlterField(
            model_name="application",
            name="teacher_catchment_iso_country_code",
            field=models.CharField(blank=True, null=True, verbose_name="country code"),
        ),
        migrations.AlterField(
            model_name="application",
            name="works_as_senco",
            field=models.CharField(
                blank=True,
                choices=[
                    ("yes", "Yes"),
                    ("no_but_i_plan_to_become_one", "No, but plans to become one"),
                    ("no_i_do_not_plan_to_be_a_SENCO", "No, and does not plan to"),
                ],
                null=True,
                verbose_name="works as SENCO",
            ),
        ),
        migrations.AlterField(
            model_name="application",
            name="works_in_school",
            field=models.BooleanField(blank=True, null=True, verbose_name="works in a school"),
        ),
        migrations.AlterField(
            model_name="plannedtransfer",
            name="refusal",
            field=models.TextField(blank=True, default="", verbose_name="why it was refused"),
        ),
        migrations.AlterField(
            model_name="plannedtransfer",
            name="requested_by",
            field=models.CharField(verbose_name="planned by"),
        ),
        migrations.AlterField(
            model_name="plannedtransfer",
            name="settled_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="settled"),
        ),
    ]
