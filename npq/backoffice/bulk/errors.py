"""Why a bulk change does not go on."""

from npq.core.errors import Refused


class FileUploadedBefore(Refused):
    """A file that asks for the same is under way, or everything in it has been done."""

    title = "file"
    code = "bulk_file_uploaded_before"
    detail = "{uploaded_by} uploaded a file with the same rows, {file_name}, on {day}. It was not uploaded again."


class TooManyRows(Refused):
    """The file has more rows than one job may have."""

    title = "file"
    code = "bulk_too_many_rows"
    detail = "The file has {rows} rows. Upload at most {most} in one file."


class FileTooLarge(Refused):
    """The file is larger than what is read."""

    title = "file"
    code = "bulk_file_too_large"
    detail = "The file is larger than {most} KB. Split it into smaller files."


class JobNotThere(Refused):
    """The job is no longer where this could be done."""

    title = "job"
    code = "bulk_job_moved_on"
    detail = "This is no longer possible: the job is {state}. Look at where it stands now."


class NothingToDo(Refused):
    """No row can be done, or, where it is all or nothing, not all can."""

    title = "job"
    code = "bulk_nothing_to_do"
    detail = "There is nothing that can be done. Put the rows with errors right and upload the file again."


class CheckedAgain(Refused):
    """The file was checked anew after somebody looked at it."""

    title = "job"
    code = "bulk_checked_again"
    detail = "The file has been checked again since you looked. Look at what it says now, then confirm."
