"""Which cohort training may move to (api.md §5.3, decisions.md §1.17)."""

from npq.core.choices import CohortFunding
from npq.core.errors import Refused
from npq.core.models import Cohort
from participants.errors import CohortFunded, CohortWithoutCap


def funding_refusals(current: Cohort, target: Cohort) -> list[Refused]:
    """Why the funding of two cohorts keeps a place from moving between them."""
    if current.capped and target.funding == CohortFunding.FULL:
        return [CohortWithoutCap(current=current, cohort=target)]
    if current.funding == CohortFunding.UNFUNDED and target.funding != CohortFunding.UNFUNDED:
        return [CohortFunded(current=current, cohort=target)]
    return []
