"""What can be done with money. Each verb locks, checks and writes, in one transaction.

`lines` and `promote` are steps of other apps' verbs: they run in the caller's transaction.
"""

from finance.services.adjust import add_adjustment, change_adjustment, remove_adjustment
from finance.services.authorise import authorise_statement
from finance.services.change_contract import change_contract
from finance.services.lines import claw_back, place_on_statement, take_off_statement
from finance.services.load_contracts import load_contracts
from finance.services.load_statements import load_statements
from finance.services.mark_payable import mark_statement_payable, mark_statements_payable
from finance.services.move_declarations import move_declarations
from finance.services.promote import promote_fundable
from finance.services.record_export import record_export
from finance.services.set_statement import set_statement
from finance.services.two_people import approve_payment, request_payment, withdraw_payment_request

__all__ = [
    "add_adjustment",
    "approve_payment",
    "authorise_statement",
    "change_adjustment",
    "change_contract",
    "claw_back",
    "load_contracts",
    "load_statements",
    "mark_statement_payable",
    "mark_statements_payable",
    "move_declarations",
    "place_on_statement",
    "promote_fundable",
    "record_export",
    "remove_adjustment",
    "request_payment",
    "set_statement",
    "take_off_statement",
    "withdraw_payment_request",
]
