"""What can be done about declarations. Each verb locks, checks, writes and tells, in one transaction."""

from declarations.services.change_delivery_partner import change_delivery_partner, fill_delivery_partner
from declarations.services.pair_delivery_partner import pair_delivery_partner
from declarations.services.record_outcome import correct_outcome, record_outcome
from declarations.services.rename_delivery_partner import rename_delivery_partner
from declarations.services.submit import submit_declaration
from declarations.services.void import void_declaration

__all__ = [
    "change_delivery_partner",
    "correct_outcome",
    "fill_delivery_partner",
    "pair_delivery_partner",
    "record_outcome",
    "rename_delivery_partner",
    "submit_declaration",
    "void_declaration",
]
