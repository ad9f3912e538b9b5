"""Paying a statement takes two people: one asks for it, another authorises what was asked (backoffice.md §1.3)."""

from datetime import datetime

from finance.choices import StatementState
from finance.errors import PaymentNotRequested, SecondPersonNeeded, StatementNotPayable
from finance.models import PaymentRequest, Statement
from finance.queries.calculation import figures_of
from finance.services.authorise import Authorised, authorise_statement
from npq.core.audit import Actor, acting_as


def request_payment(*, statement_id: int, by: Actor) -> PaymentRequest:
    """Records that `by` asks for a payable statement to be paid, with its total; asking again replaces the request.

    Raises StatementNotPayable.
    """
    with acting_as(by, "request_payment"):
        statement = Statement.objects.select_for_update(no_key=True).get(id=statement_id)
        if statement.state != StatementState.PAYABLE:
            raise StatementNotPayable(statement=statement.name, state=statement.state)
        asked = {
            "total": figures_of(statement).shown_total,
            "requested_by": by.name,
            "requester": by.identifier,
        }
        request, _ = PaymentRequest.objects.update_or_create(statement=statement, defaults=asked)
        return request


def approve_payment(*, statement_id: int, by: Actor, now: datetime) -> Authorised:
    """Authorises a statement for the total that somebody else asked for.

    Raises PaymentNotRequested and SecondPersonNeeded, and what `authorise_statement` raises: TotalHasChanged when
    the total is no longer the one that was asked for. A request replaced meanwhile was made by yet another person
    or for another total, so what is paid has been looked at by two people in any case.
    """
    statement = Statement.objects.select_related("payment_request").get(id=statement_id)
    request = getattr(statement, "payment_request", None)
    if request is None:
        raise PaymentNotRequested(statement=statement.name)
    if request.requester == by.identifier:
        raise SecondPersonNeeded(statement=statement.name)
    return authorise_statement(statement_id=statement_id, expect_total=request.total, by=by, now=now)
