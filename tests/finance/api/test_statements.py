"""GET /statements, /statements/{id} and what hangs below: shapes, filters, who sees what, how many queries."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from finance.choices import LineState
from finance.models import Statement
from npq.core.clock import wall_clock
from tests.conftest import ApiClient, errors_of
from tests.factories import AdjustmentFactory, CohortFactory, StatementFactory
from tests.finance.books import Books

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(provider) -> Books:
    books = Books(provider)
    books.terms("npq-headship", per_participant=Decimal("1237.00"))
    return books


def ids(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [record["id"] for record in response.json()["data"]]


def names(*statements: Statement) -> list[str]:
    return [str(statement.public_id) for statement in statements]


def test_a_statement_as_published(api: ApiClient, provider) -> None:
    statement = StatementFactory(
        lead_provider=provider,
        cohort=CohortFactory(start_year=2025, suffix="b"),
        year=2026,
        month=5,
        deadline_date=date(2026, 4, 25),
        payment_date=date(2026, 5, 25),
    )

    response = api.get("v3", f"/statements/{statement.public_id}")

    assert response.json() == {
        "data": {
            "id": str(statement.public_id),
            "type": "statement",
            "attributes": {
                "month": "May",
                "year": "2026",
                "cohort": "2025",
                "cut_off_date": "2026-04-25",
                "payment_date": "2026-05-25",
                "paid": False,
                "created_at": f"{statement.created_at:%Y-%m-%dT%H:%M:%SZ}",
                "updated_at": f"{statement.updated_at:%Y-%m-%dT%H:%M:%SZ}",
            },
        }
    }


def test_only_a_paid_statement_is_paid(api: ApiClient, books: Books) -> None:
    january, february = books.statement(2025, 1), books.statement(2025, 2)
    books.pay(january)
    books.mark_payable(february)

    records = api.get("v3", "/statements").json()["data"]

    assert [record["attributes"]["paid"] for record in records] == [True, False]


def test_months_in_english(api: ApiClient, books: Books) -> None:
    for month in range(1, 13):
        books.statement(2025, month)

    records = api.get("v3", "/statements").json()["data"]

    assert [record["attributes"]["month"] for record in records] == (
        [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ]
    )


def test_by_payment_date_and_then_by_id(api: ApiClient, provider) -> None:
    cohorts = [CohortFactory(start_year=year) for year in (2023, 2022, 2021)]
    later = StatementFactory(lead_provider=provider, cohort=cohorts[0], month=2)
    same_day = [StatementFactory(lead_provider=provider, cohort=cohort, month=1) for cohort in cohorts]
    # What is written last lies last in the table, and would come last without the id.
    Statement.objects.filter(id=same_day[0].id).touch()

    assert ids(api.get("v3", "/statements")) == names(*same_day, later)
    pages = [ids(api.get("v3", "/statements", {"page[per_page]": "1", "page[page]": str(n)})) for n in range(1, 6)]
    assert pages == [[name] for name in names(*same_day, later)] + [[]]


@pytest.mark.parametrize(
    ("kind", "expected"), [(None, [0]), ("", [0]), ("output", [0]), ("service_fee", [1]), ("all", [0, 1])]
)
def test_the_kind_of_statement(api: ApiClient, books: Books, kind: str | None, expected: list[int]) -> None:
    made = names(books.statement(2025, 1), books.statement(2025, 2, output_fee=False))
    query = {} if kind is None else {"filter[kind]": kind}

    assert ids(api.get("v3", "/statements", query)) == [made[position] for position in expected]
    found = [api.get("v3", f"/statements/{name}", query).status_code for name in made]
    assert found == [200 if position in expected else 404 for position in (0, 1)]


def test_an_unknown_kind_is_a_bad_request(api: ApiClient) -> None:
    response = api.get("v3", "/statements", {"filter[kind]": "service-fee"})

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "bad_filter")]


def test_by_cohort_year_whatever_the_suffix(api: ApiClient, provider) -> None:
    made = {
        cohort: StatementFactory(
            lead_provider=provider, cohort=CohortFactory(start_year=int(cohort[:4]), suffix=cohort[4])
        )
        for cohort in ("2025a", "2025b", "2024a", "2023a")
    }

    assert ids(api.get("v3", "/statements", {"filter[cohort]": "2025"})) == names(made["2025a"], made["2025b"])
    assert len(ids(api.get("v3", "/statements", {"filter[cohort]": "2025,2023"}))) == 3
    assert ids(api.get("v3", "/statements", {"filter[cohort]": "1999"})) == []


def test_updated_since_sees_what_changes_in_a_statement(api: ApiClient, books: Books) -> None:
    january, february = books.statement(2025, 1), books.statement(2025, 2)
    moment = wall_clock()
    since = {"filter[updated_since]": moment.isoformat().replace("+00:00", "Z")}
    assert ids(api.get("v3", "/statements", since)) == []

    books.mark_payable(february)
    Statement.objects.filter(id=january.id).update(payment_date=date(2025, 1, 27))

    assert ids(api.get("v3", "/statements", since)) == names(january, february)


@pytest.mark.parametrize("query", [{"filter[updated_since]": "yesterday"}, {"page[page]": "0"}, {"filter": "x"}])
def test_what_cannot_be_read_is_a_bad_request(api: ApiClient, query: dict[str, str]) -> None:
    assert api.get("v3", "/statements", query).status_code == 400


@pytest.mark.parametrize("below", ["", "/payment", "/declarations", "/declarations.csv"])
def test_only_the_provider_itself_and_only_v3(
    api: ApiClient, rival_api: ApiClient, stranger: ApiClient, books: Books, below: str
) -> None:
    path = f"/statements/{books.statement().public_id}{below}"

    assert api.get("v3", path).status_code == 200
    assert rival_api.get("v3", path).status_code == 404
    assert stranger.get("v3", path).status_code == 401
    assert [api.get(version, path).status_code for version in ("v1", "v2")] == [404, 404]
    assert api.get("v3", f"/statements/not-an-id{below}").status_code == 404
    assert api.post("v3", path).status_code == 405


def test_another_providers_statements_are_not_listed(rival_api: ApiClient, books: Books) -> None:
    books.statement()

    assert ids(rival_api.get("v3", "/statements")) == []


def payment(api: ApiClient, statement: Statement) -> dict:
    response = api.get("v3", f"/statements/{statement.public_id}/payment")
    assert response.status_code == 200
    data = response.json()["data"]
    assert (data["id"], data["type"]) == (str(statement.public_id), "statement-payment")
    return data["attributes"]


def test_the_payment_of_an_open_statement(api: ApiClient, books: Books) -> None:
    january = books.statement(2025, 1)
    books.declare_many(12, january, "npq-headship")
    books.declare_many(7, january, "npq-headship", "retained-1")
    books.declare_many(3, january, "npq-headship", "retained-2")
    AdjustmentFactory(statement=january, description="Agreed in March", amount=Decimal("-25.60"))

    # finance.md §2.7, E1, with an adjustment.
    assert payment(api, january) == {
        "state": "open",
        "frozen": False,
        "output_payment": "4082.10",
        "service_fee": "618.50",
        "targeted_delivery_funding": "0.00",
        "clawback": "0.00",
        "adjustment": "-25.60",
        "total": "4675.00",
        "courses": [
            {
                "course_identifier": "npq-headship",
                "special_course": False,
                "price": "1237.00",
                "output_payment_per_participant": "185.55",
                "recruitment_target": 30,
                "output_payment": "4082.10",
                "service_fee": "618.50",
                "targeted_delivery_funding": "0.00",
                "clawback": "0.00",
                "total": "4700.60",
                "declarations": [
                    {
                        "declaration_type": kind,
                        "count": count,
                        "refunded": 0,
                        "output_payment": amount,
                        "clawback": "0.00",
                    }
                    for kind, count, amount in [
                        ("started", 12, "2226.60"),
                        ("retained-1", 7, "1298.85"),
                        ("retained-2", 3, "556.65"),
                        ("completed", 0, "0.00"),
                    ]
                ],
            }
        ],
        "adjustments": [{"description": "Agreed in March", "amount": "-25.60"}],
    }


def test_the_payment_of_a_paid_statement_never_changes(api: ApiClient, books: Books, provider) -> None:
    january = books.statement(2025, 1)
    declaration = books.declare(january, "npq-headship")
    books.statement(2025, 2)
    books.pay(january)
    before = payment(api, january)
    assert (before["state"], before["frozen"], before["total"]) == ("paid", True, "804.05")

    books.void(declaration, on=date(2025, 1, 20))
    books.terms("npq-leading-teaching", effective_month=date(2025, 2, 1))

    assert payment(api, january) == before


def test_what_is_taken_back_is_negative(api: ApiClient, books: Books) -> None:
    january, february = books.statement(2025, 1), books.statement(2025, 2)
    declaration = books.declare(january, "npq-headship")
    books.pay(january)
    books.void(declaration, on=february.deadline_date)

    attributes = payment(api, february)

    assert (attributes["clawback"], attributes["total"]) == ("-185.55", "432.95")
    started = attributes["courses"][0]["declarations"][0]
    assert (started["count"], started["refunded"], started["clawback"]) == (0, 1, "-185.55")


def test_special_courses_are_listed_and_enter_no_figure(api: ApiClient, books: Books) -> None:
    books.terms("npq-leading-teaching", special_course=True, monthly_service_fee=Decimal("50.00"))
    january = books.statement(2025, 1)
    books.declare(january, "npq-leading-teaching")

    attributes = payment(api, january)

    assert [course["special_course"] for course in attributes["courses"]] == [False, True]
    assert (attributes["output_payment"], attributes["service_fee"]) == ("0.00", "618.50")
    assert attributes["courses"][1]["output_payment"] == "247.40"


def test_a_service_fee_month_has_a_payment(api: ApiClient, books: Books) -> None:
    assert payment(api, books.statement(2025, 2, output_fee=False))["total"] == "618.50"


def test_a_frozen_payment_is_one_indexed_read(api: ApiClient, books: Books) -> None:
    january = books.statement(2025, 1)
    books.declare_many(5, january, "npq-headship")
    books.pay(january)
    payment(api, january)

    with CaptureQueriesContext(connection) as captured:
        payment(api, january)

    reads = [query["sql"] for query in captured if "finance_" in query["sql"]]
    assert len(reads) == 1
    assert "finance_lineitem" not in reads[0]


def declarations(api: ApiClient, statement: Statement, query: dict[str, str] | None = None) -> list[dict]:
    response = api.get("v3", f"/statements/{statement.public_id}/declarations", query)
    assert response.status_code == 200
    return response.json()["data"]


def test_the_declarations_of_a_statement_in_each_state(api: ApiClient, provider) -> None:
    books = Books(provider)
    books.terms("npq-headship", per_participant=Decimal("1237.00"))
    books.terms("npq-leading-teaching", per_participant=Decimal("756.00"))
    january, february = books.statement(2025, 1), books.statement(2025, 2)
    funded = {"targeted_delivery_funding_eligibility": True}
    paid_then_voided = books.declare(january, "npq-headship", **funded)
    books.pay(january)
    books.void(paid_then_voided, on=february.deadline_date)
    made = [
        books.declare(february, "npq-headship", **funded),
        books.declare(february, "npq-leading-teaching", "retained-1", **funded),
        books.void(books.declare(february, "npq-headship"), on=february.deadline_date),
        books.declare(february, "npq-headship", state=LineState.INELIGIBLE),
    ]

    records = declarations(api, february)

    assert [
        (
            record["id"],
            record["attributes"]["course_identifier"],
            record["attributes"]["declaration_type"],
            record["attributes"]["state"],
            record["attributes"]["kind"],
            record["attributes"]["amount"],
            record["attributes"]["targeted_delivery_funding"],
        )
        for record in records
    ] == [
        (
            str(paid_then_voided.public_id),
            "npq-headship",
            "started",
            "awaiting-clawback",
            "clawback",
            "-185.55",
            "-100.00",
        ),
        (str(made[0].public_id), "npq-headship", "started", "eligible", "payment", "185.55", "100.00"),
        (str(made[1].public_id), "npq-leading-teaching", "retained-1", "eligible", "payment", "151.20", "0.00"),
        (str(made[2].public_id), "npq-headship", "started", "voided", "none", "0.00", "0.00"),
        (str(made[3].public_id), "npq-headship", "started", "ineligible", "none", "0.00", "0.00"),
    ]
    assert {record["type"] for record in records} == {"statement-declaration"}
    participant = paid_then_voided.enrolment.participant
    assert records[0]["attributes"]["participant_id"] == str(participant.public_id)
    assert [record["attributes"]["state"] for record in declarations(api, january)] == ["paid"]

    before = declarations(api, february)
    books.mark_payable(february)
    payable = declarations(api, february)
    assert [record["attributes"]["amount"] for record in payable] == [
        record["attributes"]["amount"] for record in before
    ]
    assert payable[1]["attributes"]["state"] == "payable"


def test_lines_add_up_to_the_statement(api: ApiClient, books: Books) -> None:
    january = books.statement(2025, 1)
    books.declare_many(3, january, "npq-headship", targeted_delivery_funding_eligibility=True)

    records = declarations(api, january)

    attributes = payment(api, january)
    assert sum(Decimal(record["attributes"]["amount"]) for record in records) == Decimal(attributes["output_payment"])
    funding = sum(Decimal(record["attributes"]["targeted_delivery_funding"]) for record in records)
    assert funding == Decimal(attributes["targeted_delivery_funding"]) == 300


def test_a_person_counts_once_for_a_type_on_a_course(api: ApiClient, books: Books) -> None:
    january = books.statement(2025, 1)
    first = books.declare(january, "npq-headship")
    person = first.enrolment.participant
    type(first.enrolment).objects.filter(id=first.enrolment_id).update(training_status="withdrawn")
    again = books.enrol("npq-headship", participant=person, targeted_delivery_funding_eligibility=True)
    books.declare(january, "npq-headship", enrolment=again)

    amounts = [
        (record["attributes"]["amount"], record["attributes"]["targeted_delivery_funding"])
        for record in declarations(api, january)
    ]

    assert amounts == [("0.00", "0.00"), ("185.55", "100.00")]
    assert payment(api, january)["output_payment"] == "185.55"
    books.mark_payable(january)
    assert [record["attributes"]["amount"] for record in declarations(api, january)] == ["0.00", "185.55"]


def test_a_line_whose_course_has_no_terms_has_no_amount(api: ApiClient, books: Books) -> None:
    january = books.statement(2025, 1)
    declaration = books.declare(january, "npq-headship")
    terms = books.terms("npq-leading-teaching")
    books.declare(january, "npq-leading-teaching", enrolment=books.enrol("npq-leading-teaching"))
    terms.effective_month = date(2026, 1, 1)
    terms.save()

    amounts = [record["attributes"]["amount"] for record in declarations(api, january)]

    assert amounts == ["185.55", None]
    assert declaration.state == "eligible"


def test_pages_of_declarations(api: ApiClient, books: Books) -> None:
    january = books.statement(2025, 1)
    made = [str(declaration.public_id) for declaration in books.declare_many(5, january, "npq-headship")]

    pages = [
        [record["id"] for record in declarations(api, january, {"page[per_page]": "2", "page[page]": str(page)})]
        for page in (1, 2, 3, 4)
    ]

    assert pages == [made[:2], made[2:4], made[4:], []]


def test_the_declarations_as_csv(api: ApiClient, books: Books) -> None:
    january = books.statement(2025, 1)
    books.declare_many(2, january, "npq-headship")
    (record, _) = declarations(api, january)

    response = api.get("v3", f"/statements/{january.public_id}/declarations.csv", {"page[per_page]": "1"})

    assert response["Content-Type"] == "text/csv"
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert len(rows) == 2
    assert rows[0] == {"id": record["id"], **record["attributes"]}


def test_an_empty_statement_has_a_header(api: ApiClient, books: Books) -> None:
    january = books.statement(2025, 1)

    response = api.get("v3", f"/statements/{january.public_id}/declarations.csv")

    assert b"".join(response.streaming_content) == (
        b"id,participant_id,course_identifier,declaration_type,state,kind,amount,targeted_delivery_funding\n"
    )
    assert declarations(api, january) == []


@pytest.mark.parametrize("below", ["", "/payment", "/declarations", "/declarations.csv"])
def test_queries_do_not_grow_with_the_statement(api: ApiClient, books: Books, below: str) -> None:
    books.terms("npq-leading-teaching")
    small, large = books.statement(2025, 1), books.statement(2025, 2)
    books.declare_many(2, small, "npq-headship")
    books.pay(small)
    books.declare_many(15, large, "npq-headship")
    books.declare_many(5, large, "npq-leading-teaching")
    books.mark_payable(large)
    books.pay(large)

    def queries(statement: Statement) -> int:
        with CaptureQueriesContext(connection) as captured:
            response = api.get("v3", f"/statements/{statement.public_id}{below}")
            b"".join(getattr(response, "streaming_content", []))
        return len(captured)

    queries(small)
    assert queries(small) == queries(large)


def test_queries_do_not_grow_with_the_list(api: ApiClient, provider) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            api.get("v3", "/statements")
        return len(captured)

    for month in (1, 2):
        StatementFactory(lead_provider=provider, month=month)
    queries()
    few = queries()
    for month in range(3, 13):
        StatementFactory(lead_provider=provider, month=month, deadline_date=date(2025, month, 1) - timedelta(days=9))
    assert queries() == few
