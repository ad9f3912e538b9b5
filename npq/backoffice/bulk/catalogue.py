"""Every kind of bulk change."""

from npq.backoffice.bulk import casework, configuration, payments
from npq.backoffice.bulk.choices import BulkKind
from npq.backoffice.bulk.kinds import Kind

# What it takes to see that there are bulk changes; which of them, each kind's own permission decides.
SEE = "backoffice.view_bulkjob"
KINDS: dict[str, Kind] = {kind.name: kind for kind in (*casework.KINDS, *payments.KINDS, *configuration.KINDS)}


def kind_of(name: str) -> Kind:
    """The kind of a job."""
    return KINDS[BulkKind(name)]


def permissions_in_bulk(role: str) -> set[str]:
    """What a role needs for its kinds: to see bulk changes, and each kind."""
    kinds = {kind.permission for kind in KINDS.values() if kind.role == role}
    return kinds | {SEE} if kinds else set()
