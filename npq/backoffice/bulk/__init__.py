"""Bulk changes: a CSV file, checked, confirmed, carried out and accounted for (docs/decisions/10-bulk.md)."""
