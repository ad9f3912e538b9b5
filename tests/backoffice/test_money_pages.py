"""The statement's page and all that hangs on it: the figures of the payment resource, prints, files, people."""

import html
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from finance.admin import lists
from finance.models import Export, Statement
from finance.queries.calculation import payment_document
from finance.services import add_adjustment, approve_payment, move_declarations, request_payment
from finance.services.move_declarations import Move
from npq.backoffice.models import AccessEvent
from npq.backoffice.pages import address_of
from npq.core.audit import Actor
from npq.core.clock import today
from npq.core.models import Change, Course
from npq.core.money import in_pounds
from tests.backoffice.conftest import ROLE_NAMES
from tests.backoffice.test_pages import MOST_QUERIES, looked_at
from tests.commands import run_command
from tests.factories import LeadProviderFactory, PaymentRequestFactory, StatementFactory
from tests.finance.books import Books, at

pytestmark = pytest.mark.django_db

HEADSHIP, TEACHING, MATHS = "npq-headship", "npq-leading-teaching", "npq-leading-primary-mathematics"
SAM = Actor.staff("Sam Reyes", identifier="1", reason="Agreed on the telephone")
SEES_PEOPLE = {"viewer", "caseworker", "finance", "finance approver"}
SEES_MONEY = SEES_PEOPLE | {"configuration"}


@pytest.fixture
def books(provider: Any) -> Books:
    """A provider with two ordinary courses and a special one."""
    books = Books(provider)
    books.terms(HEADSHIP)
    books.terms(TEACHING, per_participant=Decimal("947.50"), recruitment_target=60)
    books.terms(MATHS, per_participant=Decimal("1234.56"), special_course=True, monthly_service_fee=Decimal(0))
    return books


@pytest.fixture
def april(books: Books) -> Statement:
    """Open, with everything a statement can hold: payments, funding, clawbacks, adjustments, a special course."""
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    paid = books.declare(january, HEADSHIP, targeted_delivery_funding_eligibility=True)
    books.pay(january)
    books.void(paid, on=april.deadline_date)
    books.declare_many(3, april, HEADSHIP)
    books.declare(april, TEACHING, targeted_delivery_funding_eligibility=True)
    books.declare(april, MATHS)
    books.void(books.declare(april, TEACHING), on=april.deadline_date)
    add_adjustment(statement_id=april.id, amount=Decimal("-125.40"), description="Agreed in March", by=SAM)
    return april


def page_of(client: Client, statement: Statement, way: str = "") -> str:
    """A page of a statement as plain text with one blank between any two words."""
    response = client.get(f"{address_of(statement, statement.public_id)}{way}")
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def words_of(page: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def amount_beside(page: str, heading: str) -> str:
    """The first amount of the row with a heading."""
    row = re.search(rf'<th scope="row">{re.escape(heading)}</th>\s*<td class="numeric">([^<]*)</td>', page)
    assert row, heading
    return row[1]


def in_state(books: Books, statement: Statement, state: str) -> Statement:
    if state == "payable":
        books.mark_payable(statement)
    elif state == "paid":
        books.pay(statement)
    return Statement.objects.get(id=statement.id)


FIGURES = {
    "Output payment": "output_payment",
    "Targeted delivery funding": "targeted_delivery_funding",
    "Clawbacks": "clawback",
    "Adjustments": "adjustment",
    "Service fee": "service_fee",
    "Total, net of VAT": "total",
}


@pytest.mark.parametrize("way", ["", "print/provider/", "print/dfe/"])
@pytest.mark.parametrize("state", ["open", "payable", "paid"])
def test_every_figure_is_that_of_the_payment_resource_to_the_penny(
    as_role: Callable[[str], Client], books: Books, april: Statement, state: str, way: str
) -> None:
    document = payment_document(in_state(books, april, state))

    page = page_of(as_role("finance"), april, way)

    assert {title: amount_beside(page, title) for title in FIGURES} == {
        title: in_pounds(Decimal(document[name])) for title, name in FIGURES.items()
    }
    totals = re.findall(r'Course total</th><td></td><td></td><td class="numeric">([^<]*)</td>', page)
    assert sorted(totals) == sorted(in_pounds(Decimal(course["total"])) for course in document["courses"])


def test_figures_are_explained_with_their_numbers(as_role: Callable[[str], Client], april: Statement) -> None:
    page = page_of(as_role("finance"), april)
    headship = Course.objects.get(identifier=HEADSHIP).name

    for working in (
        f"{headship}: 3 × £185.55 = £556.65",
        f"{headship}: 30 × £1,237.00 × 40% ÷ 24 = £618.50",
        "Output payment for one declaration: £947.50 × 60% ÷ 3 = £189.50",
        "Agreed in March: -£125.40",
        f"{headship}: 1 taken back, exactly as paid, -£285.55",
    ):
        assert working in page


def test_a_special_course_stands_apart(as_role: Callable[[str], Client], april: Statement) -> None:
    page = page_of(as_role("finance"), april)

    assert page.index('id="standalone"') > page.index('id="courses"')
    assert "Special courses, paid apart: <strong>£246.91</strong>" in page


def test_an_adjustment_says_who_made_it_when_and_why(as_role: Callable[[str], Client], april: Statement) -> None:
    page = page_of(as_role("finance"), april)

    assert re.search(r"Sam Reyes \(staff\), \d+ \w+ \d{4}, \d\d:\d\d: Agreed on the telephone", page)
    assert "/change_adjustment/" in page


@pytest.mark.parametrize("role", sorted(SEES_MONEY - {"finance"}))
def test_only_finance_is_offered_to_change_adjustments(
    as_role: Callable[[str], Client], april: Statement, role: str
) -> None:
    page = page_of(as_role(role), april)

    assert "Agreed in March" in page
    assert "/change_adjustment/" not in page


def test_where_it_stands_is_said_plainly(as_role: Callable[[str], Client], books: Books, april: Statement) -> None:
    client = as_role("finance")

    said = [words_of(page_of(client, april))]
    books.mark_payable(april)
    said.append(words_of(page_of(client, april)))
    request_payment(statement_id=april.id, by=SAM)
    said.append(words_of(page_of(client, april)))
    books.pay(april)
    said.append(words_of(page_of(client, april)))

    for words, page in zip(
        (
            "Provisional. The deadline, 26 March 2025, has passed",
            "Nobody has asked for payment yet.",
            "Waiting for a second person. Sam Reyes asked on",
            "Frozen.",
        ),
        said,
        strict=True,
    ):
        assert words in page


def test_what_has_moved_since_payment_was_asked_for_is_listed(
    as_role: Callable[[str], Client], books: Books, april: Statement
) -> None:
    books.mark_payable(april)
    request_payment(statement_id=april.id, by=SAM)
    add_adjustment(statement_id=april.id, amount=Decimal("10.00"), description="Late", by=SAM)

    page = words_of(page_of(as_role("finance approver"), april))

    assert "Adjustment added: Late, £10.00" in page
    assert "has to be asked for again" in page


def test_a_paid_statement_that_no_longer_adds_up_says_so(as_role: Callable[[str], Client]) -> None:
    statement = StatementFactory(paid=True, payment={})

    assert "no longer come to what was authorised" in page_of(as_role("finance"), statement)


def test_declarations_without_terms_are_named(as_role: Callable[[str], Client], books: Books) -> None:
    statement = books.statement()
    terms = books.terms("npq-senior-leadership")
    books.declare(statement, "npq-senior-leadership")
    terms.delete()

    assert "npq-senior-leadership: 1 declaration" in words_of(page_of(as_role("finance"), statement))


def test_an_empty_statement_and_one_of_service_fees_alone_have_a_page(
    as_role: Callable[[str], Client], provider: Any
) -> None:
    client = as_role("viewer")
    empty = StatementFactory(lead_provider=provider)
    fees = StatementFactory(lead_provider=provider, month=2, output_fee=False)

    assert "No contract terms hold in this month" in page_of(client, empty)
    assert "Service fees only" in page_of(client, fees)
    for way in ("lines/", "expected/", "print/dfe/"):
        page_of(client, empty, way)
        page_of(client, fees, way)


# Prints ---------------------------------------------------------------------------------------------


def test_the_providers_print_says_nothing_of_how_dfe_pays(as_role: Callable[[str], Client], april: Statement) -> None:
    client = as_role("finance")

    provider, dfe = (page_of(client, april, f"print/{each}/") for each in ("provider", "dfe"))

    for internal in ("Payment run", "Fully funded", "Sam Reyes", "Agreed on the telephone"):
        assert internal.lower() not in provider.lower()
        assert internal.lower() in dfe.lower()
    assert ">2023<" in provider
    assert "2023a" not in provider


def test_the_print_for_dfe_names_both_who_paid(
    as_role: Callable[[str], Client], books: Books, april: Statement
) -> None:
    books.mark_payable(april)
    request_payment(statement_id=april.id, by=SAM)
    approve_payment(statement_id=april.id, by=Actor.staff("Kim Osei", identifier="2"), now=at(april.payment_date))
    client = as_role("viewer")

    provider, dfe = (words_of(page_of(client, april, f"print/{each}/")) for each in ("provider", "dfe"))

    assert "Payment asked for by Sam Reyes (staff" in dfe
    assert "Authorised by Kim Osei" in dfe
    assert "Kim Osei" not in provider


@pytest.mark.parametrize("audience", ["provider", "dfe"])
def test_a_print_has_nothing_to_press(as_role: Callable[[str], Client], april: Statement, audience: str) -> None:
    page = page_of(as_role("finance"), april, f"print/{audience}/")
    main = page[page.index("<main>") :]

    assert not re.search(r"<(a|button|form|details|header|footer|nav|input)\b", main)
    assert "How" in main
    assert "print.css" in page


def test_there_are_two_prints(as_role: Callable[[str], Client], april: Statement) -> None:
    assert as_role("finance").get(f"{address_of(april, april.public_id)}print/press/").status_code == 404


# Files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["assurance", "payment"])
def test_a_file_has_the_bytes_of_the_command_and_is_recorded(
    as_role: Callable[[str], Client], april: Statement, kind: str
) -> None:
    expected = run_command("export_statement", april.public_id, "--kind", kind).out
    before = Export.objects.count()

    response = as_role("finance").post(f"{address_of(april, april.public_id)}download/{kind}/")
    content = b"".join(response.streaming_content)

    assert content.decode() == expected
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in response["Cache-Control"]
    assert Export.objects.count() == before + 1
    change = Change.objects.latest("id")
    assert (change.action, change.actor_name) == (f"export_{kind}", "Sam Reyes")
    assert str(april.public_id) in AccessEvent.objects.latest("id").detail


def test_files_taken_out_are_listed(as_role: Callable[[str], Client], april: Statement) -> None:
    client = as_role("finance")
    assert b"".join(client.post(f"{address_of(april, april.public_id)}download/payment/").streaming_content)

    assert "Payment: a statement's figures" in page_of(client, april)


def test_a_file_is_neither_fetched_by_looking_nor_of_another_kind(
    as_role: Callable[[str], Client], april: Statement
) -> None:
    client, address = as_role("finance"), address_of(april, april.public_id)

    assert client.get(f"{address}download/payment/").status_code == 405
    assert client.post(f"{address}download/contracts/").status_code == 404
    assert not Export.objects.exists()


# Who may --------------------------------------------------------------------------------------------

WAYS = {
    "": SEES_MONEY,
    "lines/": SEES_PEOPLE,
    "expected/": SEES_PEOPLE,
    "print/provider/": SEES_MONEY,
    "print/dfe/": SEES_MONEY,
    "download/assurance/": SEES_PEOPLE,
    "download/payment/": SEES_MONEY,
}


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_each_page_opens_for_the_roles_that_need_it(
    as_role: Callable[[str], Client], april: Statement, role: str
) -> None:
    client, address = as_role(role), address_of(april, april.public_id)

    answers = {}
    for way in WAYS:
        response = client.post(address + way) if way.startswith("download") else client.get(address + way)
        answers[way] = response.status_code
        if response.streaming:
            assert b"".join(response.streaming_content)

    assert answers == {way: 200 if role in allowed else 403 for way, allowed in WAYS.items()}


@pytest.mark.parametrize("role", sorted(SEES_MONEY - SEES_PEOPLE))
def test_whoever_may_not_see_people_sees_none(as_role: Callable[[str], Client], april: Statement, role: str) -> None:
    page = page_of(as_role(role), april)

    assert "Priya" not in page
    assert "/lines/" not in page
    assert "download/assurance" not in page


# However much there is ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["", "lines/", "expected/", "print/provider/", "print/dfe/"])
def test_a_page_costs_the_same_however_much_there_is(
    as_role: Callable[[str], Client], books: Books, april: Statement, way: str
) -> None:
    client, address = as_role("finance"), f"{address_of(april, april.public_id)}{way}"
    few = looked_at(client, address)
    books.declare_many(20, april, HEADSHIP)
    for number in range(10):
        add_adjustment(statement_id=april.id, amount=Decimal(number + 1), description="More", by=SAM)

    assert looked_at(client, address) == few <= MOST_QUERIES


def test_a_page_of_declarations_is_bounded(
    as_role: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch, april: Statement
) -> None:
    monkeypatch.setattr(lists, "PER_PAGE", 2)
    client = as_role("finance")

    first, last = page_of(client, april, "lines/"), page_of(client, april, "lines/?page=4")
    taken_back = page_of(client, april, "lines/?show=taken-back")

    assert "Page 1 of 4" in words_of(first)
    assert first.count("Priya") == 2
    assert last.count("Priya") == 1
    assert taken_back.count("Priya") == 1
    assert "-£185.55" in taken_back


def test_what_is_taken_back_names_the_statement_that_paid_it(
    as_role: Callable[[str], Client], april: Statement
) -> None:
    page = page_of(as_role("finance"), april, "lines/?show=taken-back")

    january = Statement.objects.get(month=1)
    assert f'<a href="{address_of(january, january.public_id)}">January 2025</a>' in page


def test_a_negative_total_is_explained_on_page_and_print(as_role: Callable[[str], Client], april: Statement) -> None:
    client = as_role("finance")
    pages = ("", "print/provider/", "print/dfe/")
    said = "The total is negative: this statement takes back more than it pays."
    before = [said in page_of(client, april, each) for each in pages]

    add_adjustment(statement_id=april.id, amount=Decimal("-9000.00"), description="Paid in error", by=SAM)

    assert before == [False, False, False]
    assert [said in page_of(client, april, each) for each in pages] == [True, True, True]


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("1,200.50", "in plain digits, like 1200.50, without £ and commas"),
        ("£5", "in plain digits, like 1200.50, without £ and commas"),
        ("12.345", "in plain digits, like 1200.50, without £ and commas"),
        ("99999999999", "Enter an amount up to £9,999,999,999.99"),
        ("1e99", "Enter an amount up to £9,999,999,999.99"),
        ("0", "The amount is 0, which would change nothing."),
    ],
)
def test_an_amount_that_cannot_be_is_said_in_words(
    as_role: Callable[[str], Client], april: Statement, amount: str, said: str
) -> None:
    page = press(as_role("finance"), april, "add_adjustment", amount=amount, description="Late")

    assert said in words_of(html.unescape(page.content.decode()))
    assert april.adjustments.count() == 1


def test_the_declarations_that_remain_are_bounded_and_by_type(
    as_role: Callable[[str], Client], books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_MISSING", 2)
    statement = books.statement(today().year + 1, 4)
    for _ in range(3):
        books.enrol(HEADSHIP)
    client = as_role("finance")

    everybody, started = (page_of(client, statement, f"expected/{each}") for each in ("", "?type=started"))

    assert everybody.count("Priya") == 2
    assert "1 more remain" in words_of(started)
    assert "Nothing remains" in page_of(client, statement, "expected/?type=completed")


# The list -------------------------------------------------------------------------------------------


def listed(client: Client, asked: str = "") -> list[str]:
    """The months that a list of statements shows."""
    page = client.get(f"/admin/finance/statement/{asked}").content.decode()
    return re.findall(r'<th class="field-month_name"><a [^>]*>([^<]*)</a>', page)


def test_the_list_shows_now_and_next_unless_others_are_asked_for(
    as_role: Callable[[str], Client], provider: Any
) -> None:
    this = today().replace(day=1)
    months = [
        date(this.year + (this.month + step - 1) // 12, (this.month + step - 1) % 12 + 1, 1) for step in (-1, 0, 1, 2)
    ]
    names = [StatementFactory(lead_provider=provider, year=month.year, month=month.month).name for month in months]
    client = as_role("viewer")

    assert listed(client) == [names[2], names[1]]
    assert listed(client, "?when=all") == names[::-1]
    assert listed(client, "?when=earlier") == names[:1]
    assert listed(client, "?when=later") == names[3:]
    assert listed(client, f"?lead_provider={LeadProviderFactory(code='other').code}") == []


def test_the_list_says_how_far_payment_is(as_role: Callable[[str], Client]) -> None:
    PaymentRequestFactory(total=Decimal("1200.50"))
    StatementFactory(paid=True, payment={"total": "5.00"}, total=Decimal("5.00"), month=2)

    page = html.unescape(as_role("viewer").get("/admin/finance/statement/?when=all").content.decode())

    assert "£1,200.50 asked for by Sam Reyes" in page
    assert "£5.00 authorised" in page


def test_the_list_finds_what_waits_for_a_second_person(as_role: Callable[[str], Client]) -> None:
    waiting = PaymentRequestFactory().statement
    to_ask = StatementFactory(payable=True, month=2)
    StatementFactory(month=3)
    client = as_role("finance approver")

    assert listed(client, "?payment=second-person") == [waiting.name]
    assert listed(client, "?payment=to-ask") == [to_ask.name]


# Paying, as people do it ----------------------------------------------------------------------------


def press(client: Client, statement: Statement, name: str, **answers: str) -> Any:
    """Fills in a correction, looks, and confirms; the page that follows."""
    address = f"{address_of(statement, statement.public_id)}{name}/"
    data = {"reason": "Checked against the ledger", **answers}
    looked = client.post(address, data).content.decode()
    found = {each: re.search(rf'name="{each}" value="([\w-]+)"', looked) for each in ("seen", "confirmation")}
    hidden = {each: match[1] for each, match in found.items() if match}
    return client.post(address, {**data, **hidden, "confirm": "yes"}, follow=True)


def test_two_people_pay_a_statement(
    staff: Callable[..., User], as_role: Callable[[str], Client], books: Books, april: Statement
) -> None:
    books.mark_payable(april)
    total = in_pounds(Decimal(payment_document(april)["total"]))
    asker, approver = as_role("finance"), as_role("finance approver")
    address = address_of(april, april.public_id)

    form = asker.get(f"{address}request_payment/").content.decode()
    unticked = press(asker, april, "request_payment").content.decode()
    asked = press(asker, april, "request_payment", checked="on").content.decode()
    looked = approver.get(f"{address}approve_payment/").content.decode()
    paid = press(approver, april, "approve_payment").content.decode()

    april.refresh_from_db()
    assert total in html.unescape(form)
    assert "Say that the assurance checks are done" in unticked
    assert "Waiting for a second person" in asked
    assert "Reason given: Checked against the ledger" in asked
    assert "Asked for by" in looked
    assert "Nothing has moved." in looked
    assert "is authorised. The figures are frozen." in paid
    assert april.state == "paid"


def test_the_pages_of_paying_name_the_statement_its_days_and_why_it_was_asked_for(
    as_role: Callable[[str], Client], books: Books, april: Statement
) -> None:
    books.mark_payable(april)
    asking = words_of(page_of(as_role("finance"), april, "request_payment/"))
    request_payment(statement_id=april.id, by=SAM)

    approving = words_of(page_of(as_role("finance approver"), april, "approve_payment/"))

    for page in (asking, approving):
        assert f"{books.lead_provider.name}, April 2025, cohort {books.cohort}" in page
        assert "Declaration deadline" in page
        assert "Payment date" in page
    assert "Reason given Agreed on the telephone" in approving


def test_an_approver_is_told_to_have_another_total_asked_for(
    as_role: Callable[[str], Client], books: Books, april: Statement
) -> None:
    books.mark_payable(april)
    request_payment(statement_id=april.id, by=SAM)
    add_adjustment(statement_id=april.id, amount=Decimal("10.00"), description="Late", by=SAM)

    page = words_of(page_of(as_role("finance approver"), april, "approve_payment/"))

    assert "Somebody in finance has to ask again, for the total it has now" in page
    assert "Confirm: authorise payment" not in page


def test_a_request_is_withdrawn_by_somebody_in_finance(
    as_role: Callable[[str], Client], books: Books, april: Statement
) -> None:
    books.mark_payable(april)
    request_payment(statement_id=april.id, by=SAM)

    page = press(as_role("finance"), april, "withdraw_payment_request").content.decode()

    assert "Nobody has asked for payment yet." in page


def test_authorising_counts_its_records_and_lists_none(
    as_role: Callable[[str], Client], books: Books, april: Statement
) -> None:
    books.mark_payable(april)
    request_payment(statement_id=april.id, by=SAM)

    page = as_role("finance approver").get(f"{address_of(april, april.public_id)}approve_payment/").content.decode()

    # Five lines that pay or take back and their declarations; the one that was taken back comes with them.
    assert "Line items: 6" in page
    assert "Declarations: 6" in page
    assert page.count("<h3>Line item") == 1


def test_moving_off_a_payable_statement_shows_both_totals(
    as_role: Callable[[str], Client], books: Books, april: Statement
) -> None:
    later = books.statement(today().year + 1, 7)
    page = (
        as_role("finance")
        .post(
            f"{address_of(april, april.public_id)}move_declarations/",
            {"reason": "A new timetable", "to_month": f"{later.year}-07"},
        )
        .content.decode()
    )

    moved = move_declarations(
        move=Move(books.lead_provider, books.cohort, april.first_day, later.first_day), by=SAM, day=today()
    )

    assert moved.declarations == 6
    for effect in moved.effects:
        before = effect.after if effect.before is None else effect.before
        assert f"{in_pounds(before)} → {in_pounds(effect.after)}" in html.unescape(page)
