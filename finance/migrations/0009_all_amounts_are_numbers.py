"""The amounts that were there before 0008 are numbers too. Looked at in a transaction of its own: nobody has to wait."""

from django.db import migrations

CONSTRAINTS = {
    "finance_contractterms": "contract_terms_amounts_are_numbers",
    "finance_lineitem": "line_amounts_are_numbers",
    "finance_adjustment": "adjustment_is_a_number",
    "finance_paymentrequest": "payment_request_total_is_a_number",
}


class Migration(migrations.Migration):
    dependencies = [("finance", "0008_amounts_are_numbers")]

    operations = [
        migrations.RunSQL(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", migrations.RunSQL.noop)
        for table, name in CONSTRAINTS.items()
    ]
