"""The provider's door to money."""

from typing import Any

from django.http import HttpResponseBase
from rest_framework.request import Request

from finance.api.inputs import ONE_STATEMENT, STATEMENTS
from finance.api.outputs import (
    DECLARATION_PAYMENT,
    STATEMENT,
    STATEMENT_DECLARATION,
    STATEMENT_PAYMENT,
    declaration_payment,
    statement_payment,
)
from finance.models import Statement
from finance.queries.explanation import declaration_for_payment, explain_payment
from finance.queries.for_providers import line_amounts, lines_for_api, statement_for_payment, statements_for_api
from npq.api.documentation import documented
from npq.api.errors import answer
from npq.api.requests import uuid_or_404
from npq.api.views import ApiViewSet
from npq.core import clock


class StatementViewSet(ApiViewSet):
    """A provider's statements: when they are paid, what they come to, and every declaration on them."""

    tag = "Statements"
    noun = "statement"

    @documented("list_statements", "List statements", many=STATEMENT, query=STATEMENTS)
    def list(self, request: Request, **_: Any) -> HttpResponseBase:
        """Your statements by payment date. Months that have service fees only are left out unless asked for."""
        query = STATEMENTS[self.version].arguments(self.filters, request)
        found = statements_for_api(lead_provider_id=self.caller.provider_id, **query)
        return self.answer_page(STATEMENT[self.version], found)

    @documented("show_statement", "Show a statement", one=STATEMENT, query=ONE_STATEMENT)
    def retrieve(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """One of your statements. A month that has service fees only is found with `filter[kind]`, as in the list."""
        query = ONE_STATEMENT[self.version].arguments(self.filters, request)
        found = statements_for_api(lead_provider_id=self.caller.provider_id, **query)
        return self.answer_one(STATEMENT[self.version], found.filter(public_id=uuid_or_404(public_id)))

    @documented("show_statement_payment", "Show what a statement comes to", one=STATEMENT_PAYMENT)
    def payment(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """What a statement comes to, by course and declaration type, in pounds net of VAT.

        An open statement is calculated as it stands now. Once authorised (`frozen`) it never changes. Every total
        is the sum of its exact parts, rounded once, so rounded parts may differ from it by pence.
        """
        return answer(statement_payment(self.version, self._statement(public_id)))

    @documented("list_statement_declarations", "List a statement's declarations", many=STATEMENT_DECLARATION)
    def declarations(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Every declaration on a statement with what is paid or taken back for it, in the order they came."""
        statement = self._statement(public_id)
        shape = STATEMENT_DECLARATION[self.version]
        return self.answer_page(shape, lines_for_api(statement), seen=line_amounts(statement))

    @documented("export_statement_declarations", "Export a statement's declarations", csv=STATEMENT_DECLARATION)
    def declarations_csv(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """The same as the list, as a file."""
        statement = self._statement(public_id)
        shape = STATEMENT_DECLARATION[self.version]
        return self.answer_csv(shape.csv(lines_for_api(statement), line_amounts(statement)))

    def _statement(self, public_id: str) -> Statement:
        return statement_for_payment(lead_provider_id=self.caller.provider_id, public_id=uuid_or_404(public_id))


class DeclarationPaymentViewSet(ApiViewSet):
    """The payment of a declaration."""

    tag = "Statements"
    noun = "declaration"

    @documented("show_declaration_payment", "Show what a declaration is paid, or why not", one=DECLARATION_PAYMENT)
    def retrieve(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """What one of your declarations is paid and on which statement, or everything that stands in the way."""
        declaration = declaration_for_payment(
            lead_provider_id=self.caller.provider_id, public_id=uuid_or_404(public_id)
        )
        explanation = explain_payment(declaration, day=clock.today())
        return answer(declaration_payment(self.version, declaration, explanation))
