"""What happens to every request before any app sees it."""

import json
import logging

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from npq.core.audit import current_request_id
from npq.logs import JsonFormatter, PlainFormatter
from npq.middleware import limit_body, request_id


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(current_request_id())


def test_a_harmless_request_id_is_kept_and_told() -> None:
    response = request_id(answer)(RequestFactory().get("/", headers={"X-Request-Id": "abc-1.2_3"}))

    assert response["X-Request-Id"] == response.content.decode() == "abc-1.2_3"
    assert current_request_id() == ""


@pytest.mark.parametrize("offered", ["", "a b", "x" * 65, 'a"b', "é", "a\x1b[31m"])
def test_any_other_request_id_is_replaced(offered: str) -> None:
    response = request_id(answer)(RequestFactory().get("/", headers={"X-Request-Id": offered}))

    assert response["X-Request-Id"] == response.content.decode()
    assert response["X-Request-Id"] not in {"", offered}


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("", 200),
        ("0", 200),
        ("2500000", 200),
        ("2500001", 413),
        ("9" * 5000, 413),
        ("-1", 200),
        ("many", 200),
    ],
)
def test_a_body_is_refused_by_its_length_before_it_is_read(length: str, status: int) -> None:
    response = limit_body(answer)(RequestFactory().generic("POST", "/", CONTENT_LENGTH=length))

    assert response.status_code == status
    if status == 413:
        [error] = json.loads(response.content)["errors"]
        assert error["code"] == "body_too_large"
        assert "2.5 MB" in error["detail"]


def test_staff_read_a_sentence_when_a_file_is_too_large() -> None:
    request = RequestFactory().generic("POST", "/admin/bulk/change_trn/", CONTENT_LENGTH="2500001")

    response = limit_body(answer)(request)

    assert (response.status_code, response["Content-Type"]) == (413, "text/plain; charset=utf-8")
    assert response.content.decode() == "What you sent is larger than 2.5 MB. Go back and choose a smaller file."


def test_log_lines_carry_the_request_id() -> None:
    record = logging.makeLogRecord({"name": "npq", "levelname": "INFO", "msg": "two\nlines %s", "args": ("é",)})
    lines: list[str] = []

    def log(request: HttpRequest) -> HttpResponse:
        lines.append(JsonFormatter().format(record))
        lines.append(PlainFormatter("%(request_id)s %(message)s").format(record))
        return HttpResponse()

    request_id(log)(RequestFactory().get("/", headers={"X-Request-Id": "abc"}))

    in_production, elsewhere = lines
    assert "\n" not in in_production
    assert json.loads(in_production)["message"] == "two\nlines é"
    assert json.loads(in_production)["request_id"] == "abc"
    assert elsewhere.startswith("abc two")


def test_an_exception_stays_on_its_log_line() -> None:
    try:
        raise ValueError("no")
    except ValueError as problem:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": (ValueError, problem, problem.__traceback__)})

    line = JsonFormatter().format(record)

    assert "\n" not in line
    assert "ValueError: no" in json.loads(line)["exception"]


def test_a_body_of_unstated_length_is_refused() -> None:
    request = RequestFactory().generic("POST", "/", headers={"Transfer-Encoding": "chunked"})
    request.META.pop("CONTENT_LENGTH", None)

    response = limit_body(answer)(request)

    assert response.status_code == 411
    assert json.loads(response.content)["errors"][0]["code"] == "length_required"
