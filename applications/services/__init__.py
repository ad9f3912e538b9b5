"""What can be done to an application. Each verb locks, checks, writes and tells, in one transaction."""

from applications.services.accept import accept_application

__all__ = ["accept_application"]
