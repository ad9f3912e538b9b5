"""Bulk changes of those who set the service up."""

from collections.abc import Iterable, Sequence
from typing import Any

from declarations.models import Declaration
from declarations.queries.given import GivenPartners
from declarations.services import fill_delivery_partner, pair_delivery_partner
from finance.queries.moved import in_full
from finance.services.effects import Effect
from finance.services.load_contracts import load_contracts
from finance.services.load_statements import load_statements
from finance.services.reading import changes_in_words, month_of
from npq.backoffice.bulk.choices import BulkKind
from npq.backoffice.bulk.kinds import Column, FileKind, Loaded, LoadedRow, Order, RowKind
from npq.backoffice.bulk.reading import named
from npq.core.audit import Actor
from npq.core.csv_files import CsvRow
from npq.core.effects import Pounds
from npq.core.parsing import cohort, lead_provider, public_id, text

PROVIDER = Column("lead_provider", "The provider’s short code, not its name.", "ambition")
COHORT = Column("cohort", "The start year, with its letter where a year has several.", "2025a")


def _pair_delivery_partner(row: CsvRow) -> Order | None:
    name = row.read("name", text)
    provider = row.read("lead_provider", lead_provider)
    its_cohort = row.read("cohort", cohort)
    identifier = row.read("id", public_id, None)
    if row.faults:
        return None

    def carry_out(by: Actor) -> Any:
        return pair_delivery_partner(
            name=" ".join(name.split()),
            public_id=identifier,
            lead_provider_id=provider.id,
            cohort_id=its_cohort.id,
            by=by,
        )

    return Order(identifier, f"{name}, {provider.code}, {its_cohort}", carry_out)


PAIR_DELIVERY_PARTNER = RowKind(
    BulkKind.PAIR_DELIVERY_PARTNER,
    "configuration",
    "Puts delivery partners on lead providers’ lists, cohort by cohort.",
    (
        Column("name", "The delivery partner’s name.", "Harbour Teaching School Hub"),
        PROVIDER,
        COHORT,
        Column("id", "The delivery partner’s ID, where it has one already. Leave it blank otherwise.", "", False),
    ),
    (
        "A delivery partner that nobody has heard of is made. Names are compared without regard to capitals.",
        "A name and an ID that belong to two different delivery partners are refused.",
    ),
    read=_pair_delivery_partner,
    keys=(("name", "lead_provider", "cohort"),),
)


def _identifier(row: CsvRow, column: str, **blank: Any) -> Any:
    # What a spreadsheet's look-up leaves where it found nothing.
    if row.cells.get(column) == "#N/A":
        row.cells[column] = ""
    return row.read(column, public_id, **blank)


def _fill_delivery_partner(row: CsvRow) -> Order | None:
    declarations = Declaration.objects.select_related("enrolment__participant")
    declaration: Declaration | None = row.read("declaration_id", named(declarations, "declaration"))
    given = GivenPartners(
        _identifier(row, "delivery_partner_id"), _identifier(row, "secondary_delivery_partner_id", blank=None)
    )
    if declaration is None:
        return None

    def carry_out(by: Actor) -> Any:
        return fill_delivery_partner(declaration_id=declaration.id, given=given, by=by)

    person = declaration.enrolment.participant
    # Without a name: those who set the service up see nobody.
    return Order(declaration.public_id, "", carry_out, person.public_id)


FILL_DELIVERY_PARTNER = RowKind(
    BulkKind.FILL_DELIVERY_PARTNER,
    "configuration",
    "Names the delivery partners of declarations that were made without.",
    (
        Column("declaration_id", "The declaration’s ID.", "4f1c9e6a-0a58-4c3e-9a0b-6f0f6d9a8c11"),
        Column(
            "delivery_partner_id",
            "The delivery partner’s ID. It must be on the provider’s list for the cohort.",
            "b2e7d7c4-33a1-4d0b-8d29-7f1f0a5c6e02",
        ),
        Column("secondary_delivery_partner_id", "A second delivery partner, if there was one.", "", False),
    ),
    ("A delivery partner that is named already is never replaced.", "#N/A counts as blank."),
    read=_fill_delivery_partner,
    keys=(("declaration_id",),),
    model="declarations.declaration",
)


def _load_contracts(rows: Sequence[CsvRow], by: Actor) -> Loaded:
    loaded = load_contracts(rows=rows, by=by)
    return Loaded(
        [
            LoadedRow(
                each.line or 0,
                f"{each.lead_provider.code}, {each.cohort}, {each.course} from {month_of(each.effective_month)}: "
                + _result(each.result, changes_in_words(each.changes, new=each.result == "created")),
                each.result != "unchanged",
            )
            for each in loaded.proposals
        ],
        _pounds(loaded.effects),
    )


def _load_statements(rows: Sequence[CsvRow], by: Actor) -> Loaded:
    loaded = load_statements(rows=rows, by=by)
    return Loaded(
        [
            LoadedRow(
                each.row.line,
                f"{each.statement.lead_provider.code}, {each.statement.cohort}, {each.statement.name}: "
                + _result(each.result, changes_in_words(each.changes)),
                each.result != "unchanged",
            )
            for each in loaded.entries
        ],
        _pounds(loaded.effects),
    )


def _result(result: str, changes: str) -> str:
    if result == "unchanged":
        return "nothing, it is so already"
    return {"created": "new", "updated": "changed"}[result] + (f", {changes}" if changes else "")


def _pounds(effects: Iterable[Effect]) -> list[Pounds]:
    return [
        Pounds(each.statement.public_id, in_full(each.statement), each.after - each.difference, each.after)
        for each in effects
    ]


LOAD_CONTRACTS = FileKind(
    BulkKind.LOAD_CONTRACTS,
    "configuration",
    "Adds contract terms, or changes those that no payable or paid statement rests on.",
    (
        PROVIDER,
        COHORT,
        Column("course_identifier", "The course.", "npq-headship"),
        Column("recruitment_target", "How many participants: a whole number from 1.", "30"),
        Column("per_participant", "The price for each, in pounds.", "1237.00"),
        Column("service_fee_installments", "How many times the service fee is charged.", "24"),
        Column("special_course", "yes or no. Blank means no.", "no"),
        Column("monthly_service_fee", "Pounds a month. Blank: it follows from the price. 0: there is none.", ""),
        Column("effective_month", "From which statement on, like 2026-03. Blank: from the first.", ""),
    ),
    (
        "Every column is needed in the header; cells of the last three may be blank.",
        "Terms equal to those that are stored change nothing.",
    ),
    load=_load_contracts,
)

LOAD_STATEMENTS = FileKind(
    BulkKind.LOAD_STATEMENTS,
    "configuration",
    "Adds statements, or changes the dates of open ones.",
    (
        Column(
            "lead_provider", "The provider’s short code. Blank: every provider with terms in the cohort.", "ambition"
        ),
        COHORT,
        Column("year", "The statement’s year.", "2026"),
        Column("month", "The statement’s month, from 1 to 12.", "3"),
        Column("deadline_date", "The last day for declarations.", "2026-02-25"),
        Column("payment_date", "When it is paid.", "2026-03-25"),
        Column("output_fee", "yes for a statement that takes declarations, no for service fees only.", "yes"),
    ),
    (
        "Load the contract terms first.",
        "Payable and paid statements are never changed: a row that would is an error.",
    ),
    load=_load_statements,
)

KINDS = (PAIR_DELIVERY_PARTNER, FILL_DELIVERY_PARTNER, LOAD_CONTRACTS, LOAD_STATEMENTS)
