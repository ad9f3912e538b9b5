"""What can be done to people and their training. Each verb locks, checks, writes and tells, in one transaction."""

from participants.services.append_note import append_note_to_application, append_note_to_participant
from participants.services.change_schedule import change_schedule
from participants.services.change_trn import change_trn, remove_trn, unverify_trn, verify_trn
from participants.services.defer import defer_participant
from participants.services.load_reference_data import load_reference_data
from participants.services.merge import merge_participants
from participants.services.resume import resume_participant
from participants.services.training import ProviderTraining, StaffTraining
from participants.services.withdraw import withdraw_participant

__all__ = [
    "ProviderTraining",
    "StaffTraining",
    "append_note_to_application",
    "append_note_to_participant",
    "change_schedule",
    "change_trn",
    "defer_participant",
    "load_reference_data",
    "merge_participants",
    "remove_trn",
    "resume_participant",
    "unverify_trn",
    "verify_trn",
    "withdraw_participant",
]
