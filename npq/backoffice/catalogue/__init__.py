"""Every correction of the back office: whose button it is, what it asks for and the service it calls."""

from npq.backoffice.catalogue.applications import APPLICATIONS
from npq.backoffice.catalogue.contracts import CONTRACTS
from npq.backoffice.catalogue.declarations import DECLARATIONS
from npq.backoffice.catalogue.messages import MESSAGES
from npq.backoffice.catalogue.money import MONEY
from npq.backoffice.catalogue.participants import PARTICIPANTS
from npq.backoffice.catalogue.partners import PARTNERS
from npq.backoffice.catalogue.tokens import TOKENS
from npq.backoffice.corrections import Correction

CORRECTIONS: tuple[Correction, ...] = (
    *APPLICATIONS,
    *PARTICIPANTS,
    *DECLARATIONS,
    *MESSAGES,
    *MONEY,
    *CONTRACTS,
    *PARTNERS,
    *TOKENS,
)


def corrections_of(model: str) -> list[Correction]:
    """The corrections of one kind of record (`applications.application`)."""
    return [each for each in CORRECTIONS if each.model == model]
