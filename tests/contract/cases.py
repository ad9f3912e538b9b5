"""What is asked of every endpoint: how each succeeds, and one request for each status it refuses with.

Statuses that every endpoint shares (400, 401, 404, 405, 411, 413, 429, 503) need no case: they are asked of all.
"""

from dataclasses import dataclass, field
from typing import Any

from npq.api.schema import DOCUMENTS, document_of, openapi
from tests.contract.world import CLOCK, World

EVERY_VERSION = tuple(DOCUMENTS)


@dataclass(frozen=True)
class Operation:
    """A documented endpoint of one version."""

    document: str
    method: str
    template: str
    name: str
    statuses: tuple[str, ...]
    takes_body: bool

    def __str__(self) -> str:
        return f"{self.document} {self.name}"

    def path(self, identifier: str = "") -> str:
        """The path below /api/, with an id in its place."""
        return self.template.replace("{id}", identifier)

    def ask(self, client: Any, identifier: str = "", **request: Any) -> Any:
        """Sends a request to it; `request` as `ApiClient.request` takes it."""
        _, _, version, below = self.path(identifier).split("/", 3)
        headers = {**CLOCK, **request.pop("headers", {})}
        return client.request(self.method, version, f"/{below}", headers=headers, **request)


def operations() -> list[Operation]:
    """Every documented endpoint of every version."""
    return [
        Operation(
            document_of(path).name,
            method.upper(),
            path,
            operation["operationId"],
            tuple(operation["responses"]),
            "requestBody" in operation,
        )
        for name in DOCUMENTS
        for path, methods in openapi(name)["paths"].items()
        for method, operation in methods.items()
    ]


@dataclass(frozen=True)
class Case:
    """A request: about which record of the world, with which attributes or query."""

    subject: str = ""
    attributes: dict[str, Any] | None = None
    query: dict[str, str] | None = None
    versions: tuple[str, ...] = EVERY_VERSION
    first: tuple[str, "Case"] | None = field(default=None)

    def ask(self, operation: Operation, world: World) -> Any:
        """Sends it, after the request that must come `first`, if any."""
        if self.first is not None:
            name, case = self.first
            (before,) = [one for one in operations() if one.name == name and one.document == operation.document]
            case.ask(before, world)
        is_intake = operation.document.startswith("registration")
        client = world.registration if is_intake else world.owner
        identifier = world.ids.get(self.subject, "")
        return operation.ask(client, identifier, body=self.body(world, flat=is_intake), query=self.query)

    def body(self, world: World, *, flat: bool = False) -> dict[str, Any] | None:
        """What it sends, with the world's ids in it; the intake takes attributes without an envelope."""
        if self.attributes is None:
            return None
        attributes = {
            name: world.ids.get(value.removeprefix("id of "), value) if isinstance(value, str) else value
            for name, value in self.attributes.items()
        }
        return attributes if flat else {"data": {"type": "contract", "attributes": attributes}}


HEADSHIP = {"course_identifier": "npq-headship"}
DECLARATION = {
    **HEADSHIP,
    "participant_id": "id of fresh participant",
    "declaration_type": "started",
    "declaration_date": "2024-11-05T10:00:00Z",
    "delivery_partner_id": "id of partner 1",
}
OUTCOME = {**HEADSHIP, "state": "failed", "completion_date": "2025-03-01"}
DELIVERY = {
    "id": "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90",
    "participant_id": "id of finished participant",
    "full_name": "Finished Okafor",
    "email": "finished@example.org",
    "course_identifier": "npq-headship",
    "lead_provider": "ambition",
    "cohort": 2024,
    "eligible_for_funding": True,
}

SUCCESS: dict[str, Case] = {
    "deliver_application": Case(attributes=DELIVERY),
    "list_applications": Case(),
    "export_applications": Case(),
    "show_application": Case("pending application"),
    "accept_application": Case("pending application"),
    "reject_application": Case("pending application"),
    "change_funded_place": Case("fresh application", {"funded_place": False}),
    "list_participants": Case(),
    "export_enrolments": Case(),
    "show_participant": Case("finished participant"),
    "withdraw_participant": Case("finished participant", {**HEADSHIP, "reason": "other"}),
    "defer_participant": Case("fresh participant", {**HEADSHIP, "reason": "bereavement"}),
    "resume_participant": Case("deferred participant", HEADSHIP),
    "change_schedule": Case("fresh participant", {**HEADSHIP, "schedule_identifier": "npq-leadership-spring"}),
    "list_declarations": Case(),
    "export_declarations": Case(),
    "show_declaration": Case("started declaration"),
    "submit_declaration": Case(attributes=DECLARATION),
    "void_declaration": Case("completed declaration"),
    "change_delivery_partner": Case("completed declaration", {"delivery_partner_id": "id of partner 2"}),
    "list_outcomes": Case(),
    "list_participant_outcomes": Case("finished participant"),
    "submit_outcome": Case("finished participant", OUTCOME),
    "list_delivery_partners": Case(),
    "show_delivery_partner": Case("partner 1"),
    "list_statements": Case(),
    "show_statement": Case("closed statement"),
    "show_statement_payment": Case("closed statement"),
    "list_statement_declarations": Case("closed statement"),
    "export_statement_declarations": Case("closed statement"),
    "show_declaration_payment": Case("started declaration"),
}

REFUSED: dict[tuple[str, int], Case] = {
    ("deliver_application", 409): Case(attributes={**DELIVERY, "id": "id of pending application"}),
    ("deliver_application", 422): Case(attributes={**DELIVERY, "cohort": 1999}),
    ("accept_application", 422): Case("rejected application"),
    ("reject_application", 422): Case("fresh application"),
    ("change_funded_place", 422): Case("fresh application", {"funded_place": "true"}),
    ("list_participants", 422): Case(query={"filter[training_status]": "gone"}),
    ("show_participant", 410): Case("retired participant"),
    ("withdraw_participant", 410): Case("retired participant", {**HEADSHIP, "reason": "other"}),
    ("withdraw_participant", 422): Case("fresh participant", {"course_identifier": "npq-headship", "reason": "none"}),
    ("defer_participant", 410): Case("retired participant", {**HEADSHIP, "reason": "other"}),
    ("defer_participant", 422): Case("deferred participant", {**HEADSHIP, "reason": "bereavement"}),
    ("resume_participant", 410): Case("retired participant", HEADSHIP),
    ("resume_participant", 422): Case("fresh participant", HEADSHIP),
    ("change_schedule", 410): Case("retired participant", {**HEADSHIP, "schedule_identifier": "npq-leadership-spring"}),
    ("change_schedule", 422): Case("fresh participant", {**HEADSHIP, "schedule_identifier": "npq-ehco-june"}),
    ("submit_declaration", 422): Case(attributes={**DECLARATION, "participant_id": "id of retired participant"}),
    ("void_declaration", 403): Case("foreign declaration"),
    ("void_declaration", 422): Case("voided declaration"),
    ("change_delivery_partner", 403): Case("foreign declaration", {"delivery_partner_id": "id of partner 2"}),
    ("change_delivery_partner", 422): Case("completed declaration", {"secondary_delivery_partner_id": "x"}),
    ("list_participant_outcomes", 410): Case("retired participant"),
    ("submit_outcome", 410): Case("retired participant", OUTCOME),
    ("submit_outcome", 422): Case("fresh participant", {**OUTCOME, "state": "voided"}),
}

# Where the id in a path points, for the questions asked of every endpoint.
SUBJECTS = {operation: case.subject for operation, case in SUCCESS.items() if case.subject}
