"""Several drainers at once, and one that is killed: every message leaves exactly once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.db import connection

from npq.core.clock import wall_clock
from npq.core.couriers import NotifyCourier
from npq.core.delivery import deliver_due
from npq.core.models import Message
from tests.factories import MessageFactory
from tests.notify_stub import API_KEY, NotifyStub, notify_stub
from tests.races.racing import meet_after, race, without_locks

pytestmark = pytest.mark.django_db(transaction=True)

VALUES = {"full_name": "Priya", "course_name": "Headship", "lead_provider": "Ambition", "application_id": "1"}
TEMPLATE_ID = "33333333-3333-4333-8333-333333333333"


@pytest.fixture
def notify(settings: Any) -> Iterator[NotifyStub]:
    with notify_stub() as stub:
        settings.NOTIFY_API_KEY = API_KEY
        settings.NOTIFY_TEMPLATE_ID = TEMPLATE_ID
        settings.NOTIFY_BASE_URL = stub.url
        yield stub


def drain() -> int:
    return sum(1 for _ in deliver_due(NotifyCourier()))


def queue(number: int) -> list[Message]:
    return [MessageFactory(to=f"person-{n}@example.org", personalisation=VALUES) for n in range(number)]


def every_message_left_once(notify: NotifyStub, messages: list[Message]) -> bool:
    return notify.times_sent == {str(message.public_id): 1 for message in messages}


def test_drainers_share_the_work(notify: NotifyStub, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = queue(12)
    meet_after(monkeypatch, "npq.core.delivery._next_due", racers=3)

    ends = race(drain, drain, drain)

    assert [end.error for end in ends] == [None] * 3
    assert sum(end.value for end in ends) == 12
    assert every_message_left_once(notify, messages)
    assert set(Message.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_without_the_lock_a_message_leaves_twice(notify: NotifyStub, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = queue(12)
    without_locks(monkeypatch)
    meet_after(monkeypatch, "npq.core.delivery._next_due", racers=3)

    race(drain, drain, drain)

    assert max(notify.times_sent.values()) > 1
    assert not every_message_left_once(notify, messages)


@pytest.fixture
def killed_in_mid_delivery(notify: NotifyStub) -> Callable[[list[Message]], None]:
    """Starts `manage.py send_messages` and kills it -9 when Notify has taken a message and not yet answered."""

    def run(messages: list[Message]) -> None:
        notify.hang_on = messages[4].to
        environment = os.environ | {
            "NPQ_ENVIRONMENT": "test",
            "DATABASE_URL": address_of_the_test_database(),
            "NOTIFY_API_KEY": API_KEY,
            "NOTIFY_TEMPLATE_ID": TEMPLATE_ID,
            "NOTIFY_BASE_URL": notify.url,
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "send_messages"],
            cwd=Path(django_settings.ROOT),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            assert notify.hanging.wait(60), process.communicate(timeout=5)
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        notify.hang_on = ""
        assert Message.objects.filter(state="sending").count() == 1
        Message.objects.filter(state="sending").update(due_at=wall_clock() - timedelta(seconds=1))

    return run


def address_of_the_test_database() -> str:
    config = connection.settings_dict
    user, password, host = (quote(str(config[name]), safe="") for name in ("USER", "PASSWORD", "HOST"))
    port = f":{config['PORT']}" if config["PORT"] else ""
    return f"postgres://{user}{':' + password if password else ''}@{host}{port}/{config['NAME']}"


def test_a_drainer_killed_in_mid_delivery_loses_and_repeats_nothing(
    notify: NotifyStub, killed_in_mid_delivery: Callable[[list[Message]], None]
) -> None:
    messages = queue(10)
    killed_in_mid_delivery(messages)

    drain()

    assert every_message_left_once(notify, messages)
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}
    assert notify.look_ups == [str(messages[4].public_id)]


def test_without_the_look_up_the_message_in_doubt_leaves_twice(
    notify: NotifyStub,
    killed_in_mid_delivery: Callable[[list[Message]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages = queue(10)
    killed_in_mid_delivery(messages)
    monkeypatch.setattr(NotifyCourier, "find", lambda *_, **__: None)

    drain()

    assert notify.times_sent[str(messages[4].public_id)] == 2
