"""export_statement and export_contracts: columns, order, escaping, and the trail of who took them out."""

import csv
import io
import uuid
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from finance.choices import LineState
from finance.models import Export, Statement
from finance.queries.exports import CONTRACT_COLUMNS
from npq.core.models import Change
from participants.models import Enrolment
from tests.commands import CommandRun, run_command
from tests.factories import AdjustmentFactory, CohortFactory, ParticipantFactory, TrainingStatusChangeFactory
from tests.finance.books import Books

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(provider) -> Books:
    books = Books(provider)
    books.terms("npq-headship", per_participant=Decimal("1237.00"))
    return books


@pytest.fixture
def january(books: Books) -> Statement:
    return books.statement(2025, 1)


def export(statement: Statement, kind: str, *arguments: object) -> CommandRun:
    run = run_command("export_statement", statement.public_id, "--kind", kind, *arguments)
    assert run.code == 0, run.err
    return run


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_twenty_columns_in_order(books: Books, january: Statement) -> None:
    declaration = books.declare(
        january,
        "npq-headship",
        participant=ParticipantFactory(full_name="Priya Okafor", teacher_reference_number="9000123"),
        school_urn="140233",
        targeted_delivery_funding_eligibility=True,
    )

    text = export(january, "assurance").out

    assert text.splitlines()[0] == (
        "Participant ID,Participant Name,TRN,Course Identifier,Schedule,Eligible For Funding,Funded place,"
        "Lead Provider Name,School Urn,School Name,Training Status,Training Status Reason,Declaration ID,"
        "Declaration Status,Declaration Type,Declaration Date,Declaration Created At,Statement Name,Statement ID,"
        "Targeted Delivery Funding"
    )
    assert rows(text) == [
        {
            "Participant ID": str(declaration.enrolment.participant.public_id),
            "Participant Name": "Priya Okafor",
            "TRN": "9000123",
            "Course Identifier": "npq-headship",
            "Schedule": "npq-leadership-autumn",
            "Eligible For Funding": "true",
            "Funded place": "",
            "Lead Provider Name": "Ambition Institute",
            "School Urn": "140233",
            "School Name": "",
            "Training Status": "active",
            "Training Status Reason": "",
            "Declaration ID": str(declaration.public_id),
            "Declaration Status": "eligible",
            "Declaration Type": "started",
            "Declaration Date": "2024-10-17T09:00:00Z",
            "Declaration Created At": f"{declaration.created_at:%Y-%m-%dT%H:%M:%SZ}",
            "Statement Name": "January 2025",
            "Statement ID": str(january.public_id),
            "Targeted Delivery Funding": "true",
        }
    ]


def test_a_row_for_every_line_whatever_its_state(books: Books, january: Statement) -> None:
    february = books.statement(2025, 2)
    taken_back = books.declare(january, "npq-headship", participant=ParticipantFactory(full_name="A"))
    books.pay(january)
    books.void(taken_back, on=february.deadline_date)
    books.declare(february, "npq-headship", participant=ParticipantFactory(full_name="B"))
    books.declare(february, "npq-headship", participant=ParticipantFactory(full_name="C"), state=LineState.INELIGIBLE)
    books.void(
        books.declare(february, "npq-headship", participant=ParticipantFactory(full_name="D")),
        on=february.deadline_date,
    )

    found = [(row["Participant Name"], row["Declaration Status"]) for row in rows(export(february, "assurance").out)]

    assert found == [("A", "awaiting-clawback"), ("B", "eligible"), ("C", "ineligible"), ("D", "voided")]
    assert [row["Declaration Status"] for row in rows(export(january, "assurance").out)] == ["paid"]


def test_by_name_and_then_always_the_same(books: Books, january: Statement) -> None:
    made = [books.declare(january, "npq-headship", participant=ParticipantFactory(full_name="Sam")) for _ in range(4)]
    first = books.declare(january, "npq-headship", participant=ParticipantFactory(full_name="Ade"))

    found = [row["Declaration ID"] for row in rows(export(january, "assurance").out)]

    assert found == [str(declaration.public_id) for declaration in (first, *made)]


def test_the_reason_is_that_of_a_withdrawal_only(books: Books, january: Statement) -> None:
    withdrawn = books.declare(january, "npq-headship", participant=ParticipantFactory(full_name="A")).enrolment
    deferred = books.declare(january, "npq-headship", participant=ParticipantFactory(full_name="B")).enrolment
    TrainingStatusChangeFactory(enrolment=withdrawn, status="withdrawn", reason="started-in-error")
    TrainingStatusChangeFactory(enrolment=deferred, status="deferred", reason="bereavement")
    Enrolment.objects.filter(id=withdrawn.id).update(training_status="withdrawn")
    Enrolment.objects.filter(id=deferred.id).update(training_status="deferred")

    found = [(row["Training Status"], row["Training Status Reason"]) for row in rows(export(january, "assurance").out)]

    assert found == [("withdrawn", "started-in-error"), ("deferred", "")]


def test_a_name_is_never_a_formula(books: Books, january: Statement) -> None:
    name = '=HYPERLINK("http://evil.example","x")'
    books.declare(january, "npq-headship", participant=ParticipantFactory(full_name=name))

    assert rows(export(january, "assurance").out)[0]["Participant Name"] == f"'{name}"


def test_queries_do_not_grow_with_the_statement(books: Books, january: Statement) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            export(january, "assurance")
        return len(captured)

    books.declare(january, "npq-headship")
    few = queries()
    books.declare_many(5, january, "npq-headship")
    assert queries() == few


def test_who_took_it_out_is_in_the_trail(books: Books, january: Statement) -> None:
    books.declare(january, "npq-headship")

    export(january, "assurance", "--actor", "Jo Baker", "--reason", "audit of January")

    made = Export.objects.get()
    assert (made.kind, made.statement, made.rows) == ("assurance", january, 1)
    change = Change.objects.get(table="finance_export")
    assert (change.actor_kind, change.actor_name, change.action) == ("command", "Jo Baker", "export_assurance")
    assert change.reason == "audit of January"


def test_a_file_that_only_the_owner_may_read(books: Books, january: Statement, tmp_path: Path) -> None:
    books.declare(january, "npq-headship", participant=ParticipantFactory(full_name="Zoë Šimić"))
    out = tmp_path / "january.csv"
    out.write_text("what was here before")

    run = export(january, "assurance", "--out", out, "--format", "json")

    assert out.stat().st_mode & 0o777 == 0o600
    assert rows(out.read_text(encoding="utf-8"))[0]["Participant Name"] == "Zoë Šimić"
    assert list(tmp_path.iterdir()) == [out]
    (row,) = run.json["rows"]
    assert (row["id"], row["result"], row["rows"]) == (str(january.public_id), "exported", 1)


def test_a_run_that_breaks_off_leaves_the_old_file(
    books: Books, january: Statement, tmp_path: Path, monkeypatch
) -> None:
    def breaks_off(statement: Statement):
        yield from ()
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("finance.queries.exports.assurance_rows", breaks_off)
    out = tmp_path / "january.csv"
    out.write_text("what was here before")

    with pytest.raises(RuntimeError):
        run_command("export_statement", january.public_id, "--kind", "assurance", "--out", out)

    assert out.read_text() == "what was here before"
    assert list(tmp_path.iterdir()) == [out]


def test_the_payment_as_rows_that_add_up(books: Books, january: Statement) -> None:
    books.declare_many(2, january, "npq-headship")
    AdjustmentFactory(statement=january, description="+Correction", amount=Decimal("-25.60"))

    found = rows(export(january, "payment").out)

    assert {row["statement"] for row in found} == {"2025-01"}
    amounts = {(row["course_identifier"], row["item"], row["declaration_type"]): row["amount"] for row in found}
    assert amounts["npq-headship", "output_payment", "started"] == "371.10"
    assert amounts["npq-headship", "service_fee", ""] == "618.50"
    assert amounts["", "adjustment: +Correction", ""] == "-25.60"
    assert amounts["", "total", ""] == "964.00"
    assert Export.objects.get().rows == len(found)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--kind", "assurance"],
        [uuid.uuid4(), "--kind", "assurance"],
        ["not-an-id", "--kind", "payment"],
        [uuid.uuid4()],
        [uuid.uuid4(), "--kind", "contracts"],
    ],
)
def test_wrong_arguments(db, arguments: list[object]) -> None:
    assert run_command("export_statement", *arguments).code == 2


def test_a_file_that_cannot_be_written(january: Statement, tmp_path: Path) -> None:
    arguments = ["export_statement", january.public_id, "--kind", "payment"]

    assert run_command(*arguments, "--out", tmp_path / "nowhere" / "x.csv").code == 2
    assert run_command(*arguments, "--out", tmp_path).code == 2
    assert run_command(*arguments, "--format", "json").code == 2
    assert Export.objects.count() == 0


def test_contracts_as_the_loader_reads_them(books: Books, tmp_path: Path, rival_provider) -> None:
    books.terms("npq-headship", effective_month=date(2025, 9, 1), per_participant=Decimal("1300.50"))
    books.terms("npq-leading-teaching", special_course=True, monthly_service_fee=Decimal("0.00"))
    Books(rival_provider, CohortFactory(start_year=2025, suffix="b")).terms("npq-headship")
    out = tmp_path / "contracts.csv"

    run = run_command("export_contracts", "--out", out, "--actor", "Jo Baker")

    assert run.code == 0, run.err
    assert out.read_text().splitlines() == [
        ",".join(CONTRACT_COLUMNS),
        "ambition,2023a,npq-headship,30,1237.00,24,false,,",
        "ambition,2023a,npq-headship,30,1300.50,24,false,,2025-09",
        "ambition,2023a,npq-leading-teaching,30,1237.00,24,true,0.00,",
        "ucl,2025b,npq-headship,30,1237.00,24,false,,",
    ]
    again = run_command("load_contracts", out, "--format", "json")
    assert again.json["counts"] == {"unchanged": 4}
    assert Change.objects.get(table="finance_export").actor_name == "Jo Baker"


def test_contracts_of_one_cohort_or_provider(books: Books, rival_provider) -> None:
    Books(rival_provider, CohortFactory(start_year=2025, suffix="b")).terms("npq-headship")

    by_cohort = run_command("export_contracts", "--cohort", "2025b").out
    by_provider = run_command("export_contracts", "--lead-provider", "ambition").out

    assert [row["lead_provider"] for row in rows(by_cohort)] == ["ucl"]
    assert [row["lead_provider"] for row in rows(by_provider)] == ["ambition"]
    assert run_command("export_contracts", "--cohort", "1066").code == 2


def test_an_export_is_never_edited(january: Statement) -> None:
    export(january, "payment")

    with pytest.raises(Exception, match="append-only"):
        Export.objects.update(rows=0)
