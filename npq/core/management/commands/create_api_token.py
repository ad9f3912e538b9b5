"""`manage.py create_api_token`."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from npq.core.choices import TokenScope
from npq.core.clock import wall_clock
from npq.core.commands import BadInput, Fault, Mode, OpsCommand
from npq.core.errors import Refused
from npq.core.models import LeadProvider
from npq.core.parsing import argument, iso_date, lead_provider
from npq.core.tokens import NewToken, create_api_token, end_of


class Command(OpsCommand):
    """Makes a token and shows its secret once."""

    help = "Makes an API token and prints its secret, which cannot be read again."
    mode = Mode.ACTS
    made: NewToken

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--provider", type=argument(lead_provider), metavar="CODE", help="whose data it opens")
        parser.add_argument("--scope", choices=TokenScope.values, default=TokenScope.LEAD_PROVIDER)
        parser.add_argument("--label", default="", help="what it is for, in the list of tokens and in the audit trail")
        parser.add_argument(
            "--expires",
            type=argument(lambda text: end_of(iso_date(text))),
            metavar="DATE",
            help="the last day, UK time, on which it works",
        )

    def run(self, *, provider: LeadProvider | None, scope: str, label: str, expires: datetime | None, **_: Any) -> None:
        try:
            self.made = create_api_token(
                by=self.actor, scope=TokenScope(scope), lead_provider=provider, label=label, expires_at=expires
            )
        except Refused as refusal:
            raise BadInput(*(Fault(each.title, each.code, each.detail) for each in refusal.problems)) from refusal
        if not self.made.token.valid_at(wall_clock()):
            self.say("This token has expired already; it opens nothing.")

    def document(self) -> dict[str, Any]:
        token = self.made.token
        return {
            "id": token.public_id,
            "token": self.made.secret,
            "provider": token.lead_provider and token.lead_provider.code,
            "scope": token.scope,
            "expires_at": token.expires_at,
        }

    def table(self) -> str:
        lines = [f"{name:<10}  {value or '-'}" for name, value in self.document().items()]
        return "\n".join([*lines, "Keep the token safe: it is shown this once."])
