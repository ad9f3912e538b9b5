"""What every OpenAPI document holds, whatever its endpoints: error bodies, shared answers, shared parameters."""

from npq.api.errors import ACCESS_DENIED, METHOD_NOT_ALLOWED, NOT_FOUND, RECORDS_BUSY, TOO_MANY_REQUESTS
from npq.api.output import Schema
from npq.api.pagination import DEFAULT_PER_PAGE, MOST_PER_PAGE

# The headings endpoints stand under, in the order in which a provider meets them.
TAGS = {
    "Applications": "People who applied to train with you, and your decision on each.",
    "Participants": "People you accepted, and their training.",
    "Declarations": "What participants have reached, which is what you are paid for.",
    "Outcomes": "Whether participants passed: a log in which the last entry counts.",
    "Delivery partners": "The organisations that may deliver training for you.",
    "Statements": "What you are paid, when and why.",
}

STATUS_MEANINGS = {
    400: "The request cannot be read. Nothing was changed.",
    403: "The record is visible to you but not yours to change. Nothing was changed.",
    409: "What is stored under this id contradicts the request. Nothing was changed.",
    410: "The participant id was retired when two records of one person were merged; the error names the new id.",
    411: "The request body has no Content-Length. Nothing was changed.",
    413: "The request body is too large. Nothing was changed.",
    422: "A rule stands in the way. Nothing was changed.",
}

SHORT_ERROR: Schema = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}

ERRORS: Schema = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["title", "detail", "code"],
                "properties": {
                    "title": {"type": "string", "description": "What the error is about: often the attribute."},
                    "detail": {"type": "string", "description": "What is wrong and what to do next, for people."},
                    "code": {"type": "string", "description": "What is wrong, for programs. Codes never change."},
                    "participant_id_changes": {
                        "type": "array",
                        "description": "With 410 only: which id was retired, and which stands for it now.",
                        "items": {
                            "type": "object",
                            "required": ["from_participant_id", "to_participant_id", "changed_at"],
                            "properties": {
                                "from_participant_id": {"type": "string", "format": "uuid"},
                                "to_participant_id": {"type": "string", "format": "uuid"},
                                "changed_at": {"type": "string", "format": "date-time"},
                            },
                        },
                    },
                },
            },
        }
    },
}

PARAMETERS: dict[str, Schema] = {
    "Page": {
        "name": "page[page]",
        "in": "query",
        "description": "The number of the page, from 1. A page past the end is empty.",
        "schema": {"type": "integer", "minimum": 1, "default": 1},
    },
    "PerPage": {
        "name": "page[per_page]",
        "in": "query",
        "description": f"Records on a page; more than {MOST_PER_PAGE} are cut to {MOST_PER_PAGE}.",
        "schema": {"type": "integer", "minimum": 1, "default": DEFAULT_PER_PAGE},
    },
    "ServerDate": {
        "name": "X-With-Server-Date",
        "in": "header",
        "description": "Sandbox only: the date and time the rules of this request shall see. Ignored in production.",
        "schema": {"type": "string", "format": "date-time"},
    },
}


def _short(description: str, message: str, headers: Schema | None = None) -> Schema:
    response: Schema = {
        "description": description,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/ShortError"},
                "example": {"error": message},
            }
        },
    }
    if headers:
        response["headers"] = headers
    return response


_RETRY_AFTER: Schema = {
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 1}}
}

SHORT_RESPONSES: dict[str, tuple[str, Schema]] = {
    "401": (
        "AccessDenied",
        _short(
            "The token is missing, unknown, revoked, expired or for another API.",
            ACCESS_DENIED,
            {"WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}}},
        ),
    ),
    "404": ("NotFound", _short("No such record, or it is another provider's.", NOT_FOUND)),
    "405": (
        "MethodNotAllowed",
        _short(
            "This path does not know the method that was sent.",
            METHOD_NOT_ALLOWED,
            {"Allow": {"description": "The methods it knows.", "schema": {"type": "string"}}},
        ),
    ),
    "429": ("TooManyRequests", _short("The token's rate limit is used up.", TOO_MANY_REQUESTS, _RETRY_AFTER)),
    "503": (
        "RecordsBusy",
        _short("Others kept changing the same records. Nothing was changed; try again.", RECORDS_BUSY, _RETRY_AFTER),
    ),
}
