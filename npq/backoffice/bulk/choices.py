"""The words of bulk changes."""

from django.db.models import TextChoices


class BulkKind(TextChoices):
    """What a file changes; each is a permission of its own."""

    UNDO_ACCEPTANCE = "undo_acceptance", "Undo acceptances"
    REJECT_APPLICATION = "reject_application", "Reject applications"
    CHANGE_TRN = "change_trn", "Change TRNs"
    SUBMIT_DECLARATION = "submit_declaration", "Submit declarations for providers"
    PAIR_DELIVERY_PARTNER = "pair_delivery_partner", "Add delivery partners to providers"
    FILL_DELIVERY_PARTNER = "fill_delivery_partner", "Fill in delivery partners of declarations"
    LOAD_CONTRACTS = "load_contracts", "Load contract terms"
    LOAD_STATEMENTS = "load_statements", "Load statements"


class JobState(TextChoices):
    """From the upload to the result."""

    CHECKING = "checking", "Being checked"
    CHECKED = "checked", "Checked, not confirmed"
    CONFIRMED = "confirmed", "Confirmed, waiting to start"
    RUNNING = "running", "Being carried out"
    FINISHED = "finished", "Finished"
    CANCELLED = "cancelled", "Cancelled"
    STOPPED = "stopped", "Stopped"


# A worker has something to do.
DUE = (JobState.CHECKING, JobState.CONFIRMED, JobState.RUNNING)
UNDER_WAY = (JobState.CHECKING, JobState.CHECKED, JobState.CONFIRMED, JobState.RUNNING)
# Nothing has been changed yet.
CANCELLABLE = (JobState.CHECKING, JobState.CHECKED, JobState.CONFIRMED)


class RowState(TextChoices):
    """What has become of a row; `refused` when it was checked, `failed` when it was to be done."""

    WAITING = "waiting", "Not checked yet"
    READY = "ready", "Can be done"
    REFUSED = "refused", "Cannot be done"
    DONE = "done", "Done"
    UNCHANGED = "unchanged", "Nothing to do"
    FAILED = "failed", "Could not be done"


# What somebody has to look at again.
WITHOUT_SUCCESS = (RowState.REFUSED, RowState.FAILED)
