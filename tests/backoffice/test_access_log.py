"""The access log: every sign-in, download and change of access, with who, when and which request."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from npq.backoffice.access_log import record_download
from npq.backoffice.access_models import AccessEvent
from npq.backoffice.housekeeping import remove_old_access_log
from npq.backoffice.pages import address_of
from npq.core.audit import Actor, acting_as, request_id_is
from npq.core.clock import wall_clock
from tests.factories import AccessEventFactory, StaffFactory, StatementFactory

APPS = ("applications", "participants", "declarations", "finance")
LOG = "/admin/backoffice/accessevent/"


def newest() -> AccessEvent:
    return AccessEvent.objects.latest("id")


def told(event: AccessEvent) -> tuple[str, str, str, str]:
    return event.kind, event.username, event.by, event.detail


def test_signing_in_and_out_is_recorded_with_the_request(client: Client, db: Any) -> None:
    sam = StaffFactory(username="sam")
    client.force_login(sam)
    signed_in = told(newest())
    client.post("/admin/logout/", headers={"X-Request-Id": "from-a-proxy-7"})
    event = newest()

    assert signed_in == ("signed_in", "sam", "sam", "")
    assert told(event) == ("signed_out", "sam", "sam", "")
    assert (event.request_id, event.address) == ("from-a-proxy-7", "127.0.0.1")


def test_a_download_is_recorded(rf: Any, db: Any) -> None:
    request = rf.get("/")
    request.user = StaffFactory(username="sam")
    with request_id_is("abc"):
        record_download(request, "Statement 1, assurance CSV", rows=12)

    assert told(newest()) == ("downloaded", "sam", "sam", "Statement 1, assurance CSV (12 rows)")
    assert newest().request_id == "abc"


@pytest.mark.usefixtures("no_declared_actor")
def test_access_that_changes_without_a_declared_actor_is_recorded_as_that() -> None:
    call_command("createsuperuser", "--noinput", username="root", email="root@example.org", verbosity=0)
    made = told(newest())
    root = User.objects.get()
    root.groups.add(Group.objects.get(name="viewer"))
    role = told(newest())
    root.user_permissions.add(Permission.objects.get(codename="view_course"))
    permission = told(newest())
    root.user_permissions.clear()
    taken = told(newest())
    Group.objects.get(name="viewer").permissions.add(Permission.objects.get(codename="add_user"))
    of_role = told(newest())

    by = "system: not declared"
    assert made == ("account_made", "root", by, "superuser")
    assert role == ("role_given", "root", by, "viewer")
    assert permission == ("permission_given", "root", by, "view_course")
    assert taken == ("permission_taken", "root", by, "view_course")
    assert of_role == ("permission_given", "", by, "add_user, role viewer")


@pytest.mark.django_db
def test_a_change_says_what_changed_and_who_did_it_and_why() -> None:
    boss, sam = StaffFactory(username="boss"), StaffFactory(username="sam", first_name="Sam")
    by = Actor.staff("Bo Boss", identifier=str(boss.pk), reason="left")
    with request_id_is("abc"), acting_as(by, "change_staff_account", durable=False):
        User.objects.filter(pk=sam.pk).update(is_active=False, first_name="")
    event = newest()

    assert told(event) == ("account_changed", "sam", "boss", "first_name Sam → not set; is_active true → false")
    assert (event.reason, event.request_id) == ("left", "abc")


@pytest.mark.django_db
def test_signing_in_is_no_change_of_the_account_and_no_hash_is_ever_copied(client: Client) -> None:
    sam = User.objects.create_user("sam", password="before", is_staff=True)
    number = AccessEvent.objects.count()
    client.force_login(sam)
    after = AccessEvent.objects.count()
    sam.set_password("afterwards")
    sam.save()

    assert after == number + 1
    assert told(newest())[3] == "password changed"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM backoffice_accessevent AS e WHERE e::text LIKE %s", ["%md5$%"])
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT count(*) FROM backoffice_accessevent AS e WHERE e::text LIKE %s", ["%sam%"])
        assert cursor.fetchone() != (0,)


@pytest.mark.django_db
def test_deleting_an_account_is_recorded_too() -> None:
    sam = StaffFactory(username="sam")
    sam.groups.add(Group.objects.get(name="viewer"))
    sam.delete()

    assert told(newest())[:2] == ("account_deleted", "sam")


@pytest.mark.django_db
def test_nobody_edits_the_log() -> None:
    event = AccessEventFactory()

    for spoil in (lambda: AccessEvent.objects.update(by="x"), lambda: event.delete()):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            spoil()


@pytest.mark.django_db
def test_the_log_is_kept_for_two_years() -> None:
    for days in (700, 730, 732, 5000):
        AccessEventFactory(username=f"{days} days ago", created_at=wall_clock() - timedelta(days=days))

    removed = remove_old_access_log(by=Actor.system("a test"))

    assert removed == 2
    assert set(AccessEvent.objects.filter(username__endswith="ago").values_list("username", flat=True)) == {
        "700 days ago",
        "730 days ago",
    }


@pytest.mark.django_db
def test_nothing_removes_or_changes_an_entry_of_the_last_year(settings: Any) -> None:
    settings.NPQ_ACCESS_LOG_KEPT_DAYS = 30
    AccessEventFactory(created_at=wall_clock() - timedelta(days=360))
    old = AccessEventFactory(created_at=wall_clock() - timedelta(days=400))

    with pytest.raises(IntegrityError, match="append-only"):
        remove_old_access_log(by=Actor.system("a test"))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AccessEvent.objects.filter(pk=old.pk).update(by="x")
    old.delete()


# The list ---------------------------------------------------------------------------------------------


def test_the_log_is_read_searched_and_filtered(as_role: Callable[[str], Client]) -> None:
    client = as_role("access manager")
    AccessEventFactory(username="sam", kind="downloaded", detail="the file of Sam", request_id="req-1")
    AccessEventFactory(username="kim", kind="signed_in", detail="the sign-in of Kim")
    pages = {
        query: client.get(f"{LOG}?{query}").content.decode()
        for query in ("", "q=sam", "q=req-1", "kind=signed_in", "q=sa")
    }

    seen = {query: ("the file of Sam" in page, "the sign-in of Kim" in page) for query, page in pages.items()}
    assert seen == {
        "": (True, True),
        "q=sam": (True, False),
        "q=req-1": (True, False),
        "kind=signed_in": (False, True),
        "q=sa": (False, False),
    }


@pytest.mark.django_db
def test_changes_of_an_account_are_told_in_words() -> None:
    sam = StaffFactory(first_name="Sam", is_active=True)
    with acting_as(Actor.system("a test"), "change"):
        User.objects.filter(pk=sam.pk).update(is_active=False, first_name="is_active true", is_superuser=True)

    assert newest().detail_in_words == ("first name: Sam → is_active true; may sign in: yes → no; superuser: no → yes")
    assert AccessEventFactory(kind="downloaded", detail="email of x").detail_in_words == "email of x"


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("view_participant, role viewer", "look at participants, role viewer"),
        ("change_trn, role caseworker", "Change TRN, role caseworker"),
        ("bulk_change_trn", "In bulk: Change TRNs"),
        ("of_the_past, role viewer", "of the past, role viewer"),
    ],
)
def test_permissions_are_told_in_words(as_role: Callable[[str], Client], detail: str, words: str) -> None:
    event = AccessEventFactory(kind="permission_given", detail=detail)
    client = as_role("access manager")

    for address in (f"{LOG}?kind=permission_given", f"{LOG}{event.public_id}/"):
        page = client.get(address).content.decode()
        assert words in page
        assert detail not in page


def test_an_entry_has_a_page(as_role: Callable[[str], Client]) -> None:
    event = AccessEventFactory(detail="told in full", reason="because")

    page = as_role("access manager").get(f"{LOG}{event.public_id}/").content.decode()

    assert "told in full" in page
    assert "because" in page
    assert as_role("viewer").get(f"{LOG}{event.public_id}/").status_code == 403


def test_a_print_is_recorded_like_a_file(as_role: Callable[[str], Client]) -> None:
    statement = StatementFactory()
    as_role("finance").get(f"{address_of(statement, statement.public_id)}print/provider/")

    assert told(newest())[0] == "downloaded"
    assert newest().detail == f"Statement {statement.public_id}, print for the lead provider"


def test_no_file_leaves_the_back_office_unrecorded() -> None:
    doors = [configured.ROOT / "npq" / "backoffice", *(configured.ROOT / app / "admin" for app in APPS)]
    giving = [
        path for door in doors for path in door.rglob("*.py") if re.search(r"attachment|FileResponse", path.read_text())
    ]

    assert giving
    assert [path.name for path in giving if "record_download(" not in path.read_text()] == []
