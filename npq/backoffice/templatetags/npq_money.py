"""`{{ amount|pounds }}`: money in templates, as everywhere."""

from decimal import Decimal
from fractions import Fraction

from django import template

from npq.core.money import in_pounds

register = template.Library()


@register.filter
def pounds(amount: Fraction | Decimal | int | None) -> str:
    """`£1,234.50`, `-£125.40`; nothing for None."""
    return "" if amount is None else in_pounds(amount)
