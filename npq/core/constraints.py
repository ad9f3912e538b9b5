"""A broken constraint, told as the refusal of the rule it stands for (decisions.md §2)."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from npq.core.errors import Refused


@contextmanager
def violation_means(constraint: str, refusal: Refused) -> Iterator[None]:
    """Within the block a violation of the named constraint raises the refusal; the transaction stays usable.

    Locks make it impossible for services to get this far; it is for a writer that takes none.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if violated_constraint(error) != constraint:
            raise
        raise refusal from error


def violated_constraint(error: IntegrityError) -> str | None:
    """The name of the constraint that an error reports, or None."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
