"""Pounds: exact until they are shown, and then rounded once, half up (decisions.md §3.1).

Sums are fractions, so that a third of a price stays a third of a price. A figure becomes pence where it is shown
and nowhere else.
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

PENCE = 2
LINE_DECIMALS = 10
EXACT_DECIMALS = 4


def rounded(amount: Fraction | Decimal | int, decimals: int) -> Decimal:
    """An exact amount to so many decimals, halves away from zero; never a minus before zero."""
    exact = Fraction(amount)
    scaled = abs(exact) * 10**decimals
    units = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(f"{units if exact >= 0 else -units}e-{decimals}")


def shown(amount: Fraction | Decimal | int) -> Decimal:
    """A figure as it is shown: pounds with two decimals."""
    return rounded(amount, PENCE)


def line_amount(amount: Fraction | Decimal | int) -> Decimal:
    """The worth of one line as it is stored: pounds with ten decimals (decisions.md §3.9)."""
    return rounded(amount, LINE_DECIMALS)


def in_pounds(amount: Fraction | Decimal | int) -> str:
    """A figure for people: `£1,234.50`, `-£125.40`."""
    pounds = shown(amount)
    return f"{'-' if pounds < 0 else ''}£{abs(pounds):,}"


def difference_in_pounds(amount: Fraction | Decimal | int) -> str:
    """How much more or less something comes to: `+£185.55`, `-£125.40`, `£0.00`."""
    return f"{'+' if shown(amount) > 0 else ''}{in_pounds(amount)}"


def in_exact_pounds(amount: Fraction | Decimal | int) -> str:
    """A figure to recalculate with: `£277.6125`, `£185.55`, `£85.7142…` where four decimals do not say it all."""
    exact = Fraction(amount)
    if exact == Fraction(shown(exact)):
        return in_pounds(exact)
    units, rest = divmod(abs(exact) * 10**EXACT_DECIMALS, 1)
    pounds = f"{Decimal(f'{units}e-{EXACT_DECIMALS}'):,}"
    return f"{'-' if exact < 0 else ''}£{f'{pounds}…' if rest else pounds.rstrip('0')}"


def sum_in_pounds(amounts: Iterable[Fraction | Decimal | int]) -> str:
    """A sum written out: `£371.10 − £1,669.95 + £200.00`."""
    first, *others = amounts
    return in_pounds(first) + "".join(
        f" {'−' if shown(each) < 0 else '+'} {in_pounds(abs(Fraction(each)))}" for each in others
    )
