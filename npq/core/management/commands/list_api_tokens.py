"""`manage.py list_api_tokens`."""

from typing import Any

from npq.core.clock import wall_clock
from npq.core.commands import OpsCommand
from npq.core.token_use import PERIODS, calls_of, state_of, with_use
from npq.core.tokens import api_tokens


class Command(OpsCommand):
    """Lists tokens without their secrets."""

    help = "Lists every API token, what it opens and when it was last used."

    def run(self, **_: Any) -> None:
        instant = wall_clock()
        for token in with_use(api_tokens(), at=instant):
            numbers = {
                f"{name}_{period.name}": getattr(calls_of(token, period), name)
                for period in PERIODS
                for name in ("requests", "refused")
            }
            self.report.row(
                id=token.public_id,
                result=state_of(token, at=instant),
                provider=token.lead_provider and token.lead_provider.code,
                scope=token.scope,
                label=token.label,
                created_at=token.created_at,
                expires_at=token.expires_at,
                revoked_at=token.revoked_at,
                last_used_at=token.last_used,
                **numbers,
            )
