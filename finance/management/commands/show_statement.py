"""`manage.py show_statement ID`."""

from typing import Any
from uuid import UUID

from django.core.management import CommandParser

from finance.management.finding import statement_by_id
from finance.management.showing import named
from finance.models import Statement
from finance.queries.calculation import payment_document
from npq.core.commands import OpsCommand, in_words
from npq.core.parsing import argument, public_id

FIGURES = ("output_payment", "service_fee", "targeted_delivery_funding", "clawback", "adjustment", "total")
TYPE_COLUMNS = {"declaration_type": 16, "count": 8, "refunded": 10, "output_payment": 16, "clawback": 14}


class Command(OpsCommand):
    help = "Shows what a statement comes to: the attributes of the payment resource."

    statement: Statement

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=argument(public_id), help="the statement's ID")

    def run(self, *, id: UUID, **_: Any) -> None:  # noqa: A002  the name of the argument
        self.statement = statement_by_id(id)
        self.report.row(
            id=id,
            result="shown",
            **named(self.statement),
            deadline_date=self.statement.deadline_date,
            payment_date=self.statement.payment_date,
            output_fee=self.statement.output_fee,
            authorised_by=self.statement.authorised_by,
            **payment_document(self.statement),
        )

    def table(self) -> str:
        (row,) = self.report.rows
        statement, shown = self.statement, row.columns
        parts = [
            f"{statement.lead_provider}, {statement.name}, cohort {statement.cohort}: {shown['state']}",
            (
                f"deadline {statement.deadline_date}, payment {statement.payment_date}, "
                f"output statement: {in_words(statement.output_fee)}"
            ),
            "",
            *_aligned([(name.replace("_", " "), shown[name]) for name in FIGURES]),
        ]
        for course in shown["courses"]:
            parts += ["", *_course(course)]
        if shown["adjustments"]:
            parts += ["", "Adjustments", *_aligned([(a["description"], a["amount"]) for a in shown["adjustments"]])]
        return "\n".join(parts)


def _aligned(pairs: list[tuple[str, str]]) -> list[str]:
    names, amounts = (max(len(text) for text in column) for column in zip(*pairs, strict=True))
    return [f"  {name.ljust(names)}  {amount.rjust(amounts)}" for name, amount in pairs]


def _course(course: dict[str, Any]) -> list[str]:
    special = " (special: paid apart, in no figure above)" if course["special_course"] else ""
    return [
        (
            f"{course['course_identifier']}{special}: price {course['price']}, "
            f"{course['output_payment_per_participant']} for a declaration, target {course['recruitment_target']}"
        ),
        "  " + "".join(name.replace("_", " ").rjust(width) for name, width in TYPE_COLUMNS.items()),
        *(
            "  " + "".join(str(each[name]).rjust(width) for name, width in TYPE_COLUMNS.items())
            for each in course["declarations"]
        ),
        *_aligned([(name.replace("_", " "), course[name]) for name in FIGURES if name in course]),
    ]
