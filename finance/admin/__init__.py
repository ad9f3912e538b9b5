"""What staff see of money: statements, adjustments and contracts (backoffice.md §2.4)."""

from finance.admin.adjustments import AdjustmentAdmin
from finance.admin.contracts import ContractTermsAdmin
from finance.admin.statements import StatementAdmin

__all__ = ["AdjustmentAdmin", "ContractTermsAdmin", "StatementAdmin"]
