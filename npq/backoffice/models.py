"""The back office's own tables.

Those of the access log and of the identity provider are declared in `access_models`.
"""

from npq.backoffice.access_models import AccessEvent, AccessKind, StaffIdentity

__all__ = ["AccessEvent", "AccessKind", "StaffIdentity"]
