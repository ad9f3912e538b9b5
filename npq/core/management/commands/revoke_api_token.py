"""`manage.py revoke_api_token`."""

import uuid
from typing import Any

from django.core.management.base import CommandParser

from npq.core.commands import BadInput, Fault, Mode, OpsCommand
from npq.core.errors import TokenRevoked
from npq.core.models import ApiToken
from npq.core.parsing import argument, public_id
from npq.core.tokens import revoke_api_token


class Command(OpsCommand):
    """Ends a token at once."""

    help = "Revokes an API token: from now on it opens nothing."
    mode = Mode.ACTS

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=argument(public_id), help="the token's ID, from list_api_tokens")

    def run(self, *, id: uuid.UUID, **_: Any) -> None:  # noqa: A002  the argument's name
        try:
            revoke_api_token(public_id=id, by=self.actor)
        except TokenRevoked:
            self.report.row(id=id, result="revoked before")
            return
        except ApiToken.DoesNotExist as problem:
            raise BadInput(Fault("id", "token_unknown", f"no token has the ID {id}; see list_api_tokens")) from problem
        self.report.row(id=id, result="revoked")
