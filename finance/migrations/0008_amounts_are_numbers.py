"""Every amount is a number (decisions.md §2): NaN is above 0 to PostgreSQL, so a range alone lets it in.

A statement's total is the sum of these, written once, by authorising. New rows are held to it from here on; those that
are there are looked at by the next migration, which stops nobody from writing.
"""

from django.db import migrations

AMOUNTS = {
    "finance_contractterms": (
        "contract_terms_amounts_are_numbers",
        "per_participant, monthly_service_fee, targeted_delivery_funding_per_participant",
    ),
    "finance_lineitem": ("line_amounts_are_numbers", "output_payment, targeted_delivery_funding"),
    "finance_adjustment": ("adjustment_is_a_number", "amount"),
    "finance_paymentrequest": ("payment_request_total_is_a_number", "total"),
}


class Migration(migrations.Migration):
    dependencies = [("finance", "0007_deadline_in_providers_words")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ('NaN'::numeric <> ALL (ARRAY[{columns}])) NOT VALID",
            f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        )
        for table, (name, columns) in AMOUNTS.items()
    ]
