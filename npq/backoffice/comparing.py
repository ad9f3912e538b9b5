"""Two people side by side: what staff look at before they say that the two are one, or are not."""

from typing import Any

from django.utils.html import format_html, format_html_join

from npq.backoffice.pages import Table, link, shown
from participants.models import Participant
from participants.queries.identity import Belongings, belongings_of


def side_by_side(first: Participant, second: Participant, heads: tuple[str, str]) -> Table:
    """Both people under their heads: ids, names, TRN, addresses, applications, and who can see them."""
    sides = [belongings_of(each) for each in (first, second)]
    rows = [[name, *(value(side) for side in sides)] for name, value in ROWS]
    rows.insert(BORN, ["Date of birth", *_born(first, second)])
    return Table("Both side by side", ["What", *heads], rows)


def _trn(it: Belongings) -> str:
    person = it.participant
    if person.teacher_reference_number is None:
        return "None"
    verified = "verified" if person.teacher_reference_number_verified else "not verified"
    return f"{person.teacher_reference_number} ({verified})"


def _born(first: Participant, second: Participant) -> list[str]:
    """Enough to compare by; the dates themselves are nobody's business here."""
    if first.date_of_birth is None or second.date_of_birth is None:
        return ["Known" if each.date_of_birth else "Not known" for each in (first, second)]
    same = first.date_of_birth == second.date_of_birth
    return ["Known, and the same" if same else "Known, and different"] * 2


def _emails(it: Belongings) -> Any:
    found = {each.email: each.email_validated for each in it.applications}
    return _lines(f"{email} ({'validated' if valid else 'not validated'})" for email, valid in found.items())


def _applications(it: Belongings) -> Any:
    return (
        format_html_join(
            "",
            "<div>{}: {}, {}, {}{}</div>",
            (
                (
                    link(each, f"{each.course.name}, {each.cohort}"),
                    each.lead_provider.name,
                    each.get_status_display().lower(),
                    _training(each),
                    _declared(it.declarations.get(each.id, 0)),
                )
                for each in it.applications
            ),
        )
        or "None"
    )


def _training(application: Any) -> str:
    enrolment = application.enrolment
    return enrolment.get_training_status_display().lower() if enrolment else "not enrolled"


def _declared(number: int) -> str:
    return {0: "", 1: ", 1 declaration"}.get(number, f", {number} declarations")


def _seen_by(it: Belongings) -> Any:
    return _lines(sorted({each.lead_provider.name for each in it.applications}))


def _lines(texts: Any) -> Any:
    return format_html_join("", "<div>{}</div>", ((each,) for each in texts)) or "None"


# Where the dates of birth stand among the rows.
BORN = 4
ROWS = (
    ("Participant ID", lambda it: link(it.participant)),
    ("Name", lambda it: it.participant.full_name),
    ("Previous names", lambda it: ", ".join(it.participant.previous_names) or "None"),
    ("TRN", _trn),
    ("Email addresses", _emails),
    ("Applications", _applications),
    ("Lead providers that see them", _seen_by),
    ("IDs retired before", lambda it: it.retired_ids),
    ("Added", lambda it: shown(it.participant.created_at)),
    (
        "Merged",
        lambda it: format_html("Into {}", link(it.participant.merged_into)) if it.participant.merged_into else "No",
    ),
)
