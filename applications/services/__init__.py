"""What can be done to an application. Each verb locks, checks, writes and tells, in one transaction."""

from applications.services.accept import accept_application
from applications.services.change_funded_place import change_funded_place
from applications.services.receive import receive_application, receive_applications
from applications.services.reject import reject_application

__all__ = [
    "accept_application",
    "change_funded_place",
    "receive_application",
    "receive_applications",
    "reject_application",
]
