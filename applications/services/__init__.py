"""What can be done to an application. Each verb locks, checks, writes and tells, in one transaction."""

from applications.services.accept import accept_application
from applications.services.change_cohort import change_cohort
from applications.services.change_course import change_course
from applications.services.change_email import change_email
from applications.services.change_funded_place import change_funded_place
from applications.services.change_funding_choice import change_funding_choice
from applications.services.change_funding_eligibility import change_funding_eligibility
from applications.services.change_lead_provider import change_lead_provider
from applications.services.planned_transfers import cancel_transfer, carry_out_transfers, plan_transfer
from applications.services.reassign import reassign_application
from applications.services.receive import receive_application, receive_applications
from applications.services.reject import reject_application
from applications.services.send_again import send_message_again
from applications.services.undo_acceptance import undo_acceptance
from applications.services.undo_rejection import undo_rejection

__all__ = [
    "accept_application",
    "cancel_transfer",
    "carry_out_transfers",
    "change_cohort",
    "change_course",
    "change_email",
    "change_funded_place",
    "change_funding_choice",
    "change_funding_eligibility",
    "change_lead_provider",
    "plan_transfer",
    "reassign_application",
    "receive_application",
    "receive_applications",
    "reject_application",
    "send_message_again",
    "undo_acceptance",
    "undo_rejection",
]
