"""How many SQL statements a submit takes, through the whole stack (issue: at most 6 beyond locks and inserts)."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import ApiClient
from tests.declarations.conftest import declare, every_version, trainee
from tests.factories import CohortFactory, DeliveryPartnershipFactory

pytestmark = pytest.mark.django_db

TRANSACTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")


def kind_of(sql: str) -> str:
    """transaction, insert, lock, or other."""
    if sql.startswith(TRANSACTION):
        return "transaction"
    if sql.startswith("INSERT"):
        return "insert"
    return "lock" if " FOR NO KEY UPDATE" in sql else "other"


def sent_by(request: Any) -> dict[str, int]:
    with CaptureQueriesContext(connection) as captured:
        response = request()
    assert response.status_code == 200
    kinds = [kind_of(query["sql"]) for query in captured]
    return {kind: kinds.count(kind) for kind in ("lock", "insert", "other")}


@every_version
@pytest.mark.parametrize("kind", ["started", "completed"])
def test_a_submit_takes_six_beyond_locks_and_inserts(version: str, kind: str, api: ApiClient, provider: Any) -> None:
    """The other six: token, actor, participant with copy, their records again, all facts at once, the answer."""
    enrolment = trainee(provider, cohort=CohortFactory(capped=True))
    pairing = DeliveryPartnershipFactory(lead_provider=provider, cohort=enrolment.cohort)
    api.get(version, "/participant-declarations")
    partner = str(pairing.delivery_partner.public_id)

    sent = sent_by(lambda: declare(api, version, enrolment, kind, delivery_partner_id=partner))

    # Inserted: the request's count, the declaration, its line; with an outcome also that and the message.
    assert sent == {"lock": 3, "insert": 3 if kind == "started" else 5, "other": 6}


@every_version
def test_a_replay_takes_four(version: str, api: ApiClient, enrolment: Any) -> None:
    declare(api, version, enrolment)

    assert sent_by(lambda: declare(api, version, enrolment)) == {"lock": 0, "insert": 1, "other": 4}
