"""Staff accounts: made and changed through services, with nobody ever locked out, and nobody above their station."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from npq.backoffice import accounts, sign_in
from npq.backoffice.access_models import AccessEvent, StaffIdentity
from npq.backoffice.accounts import archive_staff_account, change_staff_account, make_password_link
from npq.backoffice.errors import AccountSwitchedOff, LastAccessManager, LastSuperuser, OwnPowers
from npq.core.audit import Actor
from tests.backoffice.conftest import ROLE_NAMES
from tests.commands import run_command
from tests.factories import StaffFactory, StaffIdentityFactory
from tests.races.racing import kinds, meet_after, race

BY = Actor.command("ops", reason="a test")
NEW = {
    "username": "jo.baker",
    "email": "jo.baker@example.org",
    "first_name": "Jo",
    "last_name": "Baker",
}
PASSWORD = "correct horse battery staple"


def role(name: str) -> Group:
    return Group.objects.get(name=name)


def page_of(user: User, name: str = "") -> str:
    return f"/admin/auth/user/account/{user.username}/{name}"


def answers_of(user: User, **changes: Any) -> dict[str, Any]:
    """What the form of an account would send, changed; None leaves a box unticked."""
    now = {
        "email": user.email or f"{user.username}@example.org",
        "first_name": user.first_name or "Sam",
        "last_name": user.last_name or "Reyes",
        "is_active": "on" if user.is_active else None,
        "superuser": "on" if user.is_superuser else None,
        "roles": [group.pk for group in user.groups.all()],
    }
    return {name: value for name, value in {**now, **changes}.items() if value is not None}


def state_of(user: User) -> tuple[bool, bool, list[str]]:
    user = User.objects.get(pk=user.pk)
    return user.is_active, user.is_superuser, sorted(group.name for group in user.groups.all())


def newest(kind: str) -> AccessEvent:
    return AccessEvent.objects.filter(kind=kind).latest("id")


# By an access manager ---------------------------------------------------------------------------------


def test_a_new_colleague_gets_an_account_a_link_and_a_password_of_their_own(
    as_role: Callable[[str], Client], client: Client
) -> None:
    page = as_role("access manager").post("/admin/auth/user/add/", NEW | {"roles": [role("caseworker").pk]})
    jo = User.objects.get(username="jo.baker")
    before = jo.has_usable_password()
    link = re.search(r"http://testserver(/admin/set-password/[^<]+)", page.content.decode())
    assert link
    form = client.get(link[1], follow=True)
    answer = client.post(form.request["PATH_INFO"], {"new_password1": PASSWORD, "new_password2": PASSWORD})
    jo.refresh_from_db()

    assert "no-store" in page["Cache-Control"]
    assert (before, jo.check_password(PASSWORD)) == (False, True)
    assert state_of(jo) == (True, False, ["caseworker"])
    assert answer["Location"] == "/admin/login/"
    assert "_auth_user_id" not in client.session
    assert "has been used" in client.get(link[1], follow=True).content.decode()
    assert (newest("account_made").username, newest("account_made").by) == ("jo.baker", "access-manager")
    assert newest("role_given").detail == "caseworker"
    assert newest("password_link_made").by == "access-manager"
    assert (newest("account_changed").by, newest("account_changed").detail) == (
        "jo.baker",
        "password changed",
    )


def test_a_weak_password_is_refused_at_the_link(as_role: Callable[[str], Client], client: Client) -> None:
    link = make_password_link(user=StaffFactory(), by=BY)
    form = client.get(link, follow=True)

    page = client.post(form.request["PATH_INFO"], {"new_password1": "short", "new_password2": "short"})

    assert "There is a problem" in page.content.decode()
    assert client.get("/admin/set-password/AAAA/none/").status_code == 200


def test_a_link_that_two_open_at_once_works_for_one(client: Client, monkeypatch: pytest.MonkeyPatch, db: Any) -> None:
    jo = StaffFactory()
    form = client.get(make_password_link(user=jo, by=BY), follow=True)

    @contextmanager
    def beaten_to_it(*_: Any) -> Iterator[None]:
        User.objects.filter(pk=jo.pk).update(password="set by whoever was first")
        yield

    monkeypatch.setattr(sign_in, "acting_as", beaten_to_it)
    page = client.post(form.request["PATH_INFO"], {"new_password1": PASSWORD, "new_password2": PASSWORD})
    jo.refresh_from_db()

    assert "has been used" in page.content.decode()
    assert jo.password == "set by whoever was first"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"username": "access-manager"}, "There is an account with the username access-manager already."),
        ({"username": "Access-Manager"}, "There is an account with the username access-manager already."),
        ({"username": "ａccess-manager"}, "There is an account with the username access-manager already."),
        ({"email": "TAKEN@example.org"}, "The account taken has that email address already."),
        ({"email": "nonsense"}, "Enter a valid email address."),
        ({"email": ""}, "Enter the email address."),
        ({"username": "jo baker"}, "Enter a valid username."),
        ({"username": ".."}, "Enter a username with a letter or a digit."),
        ({"first_name": "\x00"}, "Null characters are not allowed."),
        ({"roles": ["0"]}, "Select a valid choice."),
    ],
)
def test_a_wrong_new_account_is_refused_in_words(
    as_role: Callable[[str], Client], wrong: dict[str, Any], said: str
) -> None:
    StaffFactory(username="taken", email="taken@example.org")
    client = as_role("access manager")
    number = User.objects.count()

    page = client.post("/admin/auth/user/add/", NEW | wrong)

    assert page.status_code == 200
    assert said in page.content.decode()
    assert User.objects.count() == number


def test_an_access_manager_gives_roles_but_no_powers(
    as_role: Callable[[str], Client], staff: Callable[[str], User]
) -> None:
    colleague = staff("viewer")

    response = as_role("access manager").post(
        page_of(colleague, "edit/"), answers_of(colleague, superuser="on", roles=[role("finance").pk])
    )

    assert response.status_code == 302
    assert state_of(colleague) == (True, False, ["finance"])
    assert newest("role_taken").detail == "viewer"


def test_a_switched_off_account_is_signed_out_for_good(
    as_role: Callable[[str], Client], staff: Callable[[str], User], client: Client
) -> None:
    colleague = staff("viewer")
    client.force_login(colleague)
    manager = as_role("access manager")
    manager.post(page_of(colleague, "edit/"), answers_of(colleague, is_active=None))
    off = client.get("/admin/").status_code
    colleague.refresh_from_db()
    manager.post(page_of(colleague, "edit/"), answers_of(colleague, is_active="on"))

    assert off == 302
    assert state_of(colleague)[0]
    assert client.get("/admin/").status_code == 302


def test_an_access_manager_changes_neither_a_superuser_nor_themselves(
    as_role: Callable[[str], Client], admin_user: User
) -> None:
    client = as_role("access manager")
    me = User.objects.get(username="access-manager")
    names = ["edit/", "password-link/", "reset-second-factor/", "remove-lock/"]

    answers = {
        client.post(page_of(user, name), answers_of(user, reason="x")).status_code
        for user in (admin_user, me)
        for name in names
    }

    assert answers == {403}
    assert "Change this account" not in client.get(page_of(admin_user)).content.decode()


@pytest.mark.parametrize("name", [*sorted(set(ROLE_NAMES) - {"access manager"}), ""])
def test_nobody_else_sees_or_changes_accounts(
    as_role: Callable[[str], Client], staff: Callable[..., User], name: str
) -> None:
    colleague = staff("access manager", "colleague")
    client = as_role(name)
    paths = ["/admin/auth/user/", "/admin/auth/user/add/", "/admin/backoffice/accessevent/"]
    paths += [page_of(colleague, page) for page in ("", "edit/", "password-link/", "reset-second-factor/")]

    assert {client.get(path).status_code for path in paths} == {403}
    assert {client.post(path, {"reason": "x"}).status_code for path in paths} == {403}


def test_the_log_of_a_name_with_signs_in_it_is_found(as_role: Callable[[str], Client]) -> None:
    manager = as_role("access manager")
    user = StaffFactory(username="jo+temp@dfe")

    page = manager.get(page_of(user)).content.decode()
    log = re.findall(r'href="(/admin/backoffice/accessevent/[^"]+)"', page)

    assert "jo+temp@dfe" in re.findall(r"<td[^>]*>(.*?)</td>", manager.get(log[0]).content.decode())


def test_no_account_and_no_such_help_are_404(as_role: Callable[[str], Client], staff: Callable[[str], User]) -> None:
    client = as_role("access manager")

    assert client.get("/admin/auth/user/account/nobody/").status_code == 404
    assert client.get("/admin/auth/user/account/%00/").status_code == 404
    assert client.get(page_of(staff("viewer"), "delete/")).status_code == 404


def test_pages_take_few_queries_however_many_accounts_there_are(
    as_role: Callable[[str], Client], django_assert_max_num_queries: Any
) -> None:
    client = as_role("access manager")
    numbers = []
    for _ in range(2):
        for user in StaffFactory.create_batch(10):
            user.groups.set(Group.objects.all())
            TOTPDevice.objects.create(user=user, confirmed=True)
        with django_assert_max_num_queries(12) as the_list:
            client.get("/admin/auth/user/")
        with django_assert_max_num_queries(12) as the_page:
            client.get(page_of(user))
        numbers.append((len(the_list), len(the_page)))

    assert numbers[0] == numbers[1]


# Helping back in --------------------------------------------------------------------------------------


def test_resetting_the_second_factor_forgets_it_and_signs_out(
    as_role: Callable[[str], Client], staff: Callable[[str], User], client: Client
) -> None:
    colleague = staff("viewer")
    TOTPDevice.objects.create(user=colleague, confirmed=True)
    client.force_login(colleague)
    manager = as_role("access manager")
    without = manager.post(page_of(colleague, "reset-second-factor/"), {"reason": " "})
    kept = TOTPDevice.objects.count()
    manager.post(page_of(colleague, "reset-second-factor/"), {"reason": "Lost the phone, rang from the office"})

    assert "Enter the reason." in without.content.decode()
    assert (kept, TOTPDevice.objects.count()) == (1, 0)
    assert client.get("/admin/").status_code == 302
    event = newest("second_factor_reset")
    assert (event.username, event.by, event.reason) == (
        "viewer",
        "access-manager",
        "Lost the phone, rang from the office",
    )
    again = manager.post(page_of(colleague, "reset-second-factor/"), {"reason": "again"})
    assert "No second factor has been set up." in again.content.decode()


def test_unlinking_the_departments_sign_in_forgets_whom_it_meant_and_signs_out(
    as_role: Callable[[str], Client], staff: Callable[[str], User], client: Client
) -> None:
    colleague = staff("viewer")
    manager = as_role("access manager")
    unlink = page_of(colleague, "unlink/")
    unlinked = manager.get(page_of(colleague)).content.decode()
    nothing = manager.post(unlink, {"reason": "A new identity"}).content.decode()
    StaffIdentityFactory(user=colleague)
    client.force_login(colleague)
    linked = manager.get(page_of(colleague)).content.decode()
    manager.post(unlink, {"reason": "Left and came back"})

    assert (f'href="{unlink}"' in unlinked, f'href="{unlink}"' in linked) == (False, True)
    assert "The account is not linked to the department" in nothing
    assert not StaffIdentity.objects.exists()
    assert client.get("/admin/").status_code == 302
    event = newest("identity_unlinked")
    assert (event.username, event.by, event.reason) == ("viewer", "access-manager", "Left and came back")


def test_a_lock_is_removed(
    as_role: Callable[[str], Client], staff: Callable[[str], User], settings: Any, client: Client
) -> None:
    settings.AXES_ENABLED = True
    colleague = staff("viewer")
    attempt = {"username": colleague.username, "password": "wrong"}
    before = [client.post("/admin/login/", attempt).status_code for _ in range(6)]
    as_role("access manager").post(page_of(colleague, "remove-lock/"), {"reason": "Forgot it after the holidays"})

    assert before[-1] == 429
    assert client.post("/admin/login/", attempt).status_code == 200
    assert newest("unlocked").username == "viewer"


def test_a_switched_off_account_gets_no_link(as_role: Callable[[str], Client]) -> None:
    off = StaffFactory(is_active=False)

    page = as_role("access manager").post(page_of(off, "password-link/"), {"reason": "asked"})

    assert AccountSwitchedOff().sentence in page.content.decode()


def test_changing_ones_own_password_is_recorded_and_ends_the_other_sessions(db: Any, client: Client) -> None:
    sam = User.objects.create_user("sam", password=PASSWORD, is_staff=True)
    other = Client()
    client.force_login(sam)
    other.force_login(sam)
    new = "another long enough passphrase"

    client.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})

    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302
    assert newest("account_changed").by == "sam"


def test_a_password_is_not_changed_without_the_old_one_and_twice_the_new_one(db: Any, client: Client) -> None:
    sam = User.objects.create_user("sam", password=PASSWORD, is_staff=True)
    client.force_login(sam)
    new = "another long enough passphrase"
    answers = {"old_password": "wrong", "new_password1": new, "new_password2": f"{new}!"}

    empty = client.post("/admin/password_change/").content.decode()
    wrong = client.post("/admin/password_change/", answers).content.decode()

    sam.refresh_from_db()
    assert "Enter the current password." in empty
    assert "Enter the new password again." in empty
    assert "Your current password is wrong." in wrong
    assert "The two new passwords differ." in wrong
    assert "<title>Error: Change your password" in wrong
    assert sam.check_password(PASSWORD)


# Nobody is locked out ---------------------------------------------------------------------------------


@pytest.fixture
def root(db: Any) -> User:
    return StaffFactory(username="root", is_superuser=True)


@pytest.fixture
def manager(db: Any) -> User:
    user = StaffFactory(username="manager")
    user.groups.add(role("access manager"))
    return user


def change(user: User, by: Actor = BY, **changes: Any) -> None:
    facts = {
        "email": user.email,
        "first_name": "Sam",
        "last_name": "Reyes",
        "roles": list(user.groups.all()),
        "is_active": True,
        "superuser": user.is_superuser,
    }
    change_staff_account(user=user, by=by, **(facts | changes))


@pytest.mark.parametrize("changes", [{"is_active": False}, {"superuser": False}])
def test_the_last_superuser_stays_one(root: User, changes: dict[str, Any]) -> None:
    StaffFactory(is_superuser=True, is_active=False)

    with pytest.raises(LastSuperuser):
        change(root, **changes)
    assert state_of(root) == (True, True, [])

    StaffFactory(is_superuser=True)
    change(root, **changes)
    assert state_of(root) != (True, True, [])


@pytest.mark.parametrize("changes", [{"is_active": False}, {"roles": []}])
def test_the_last_access_manager_stays_one(root: User, manager: User, changes: dict[str, Any]) -> None:
    with pytest.raises(LastAccessManager):
        change(manager, **changes)
    assert state_of(manager) == (True, False, ["access manager"])

    StaffFactory().groups.add(role("access manager"))
    change(manager, **changes)
    assert state_of(manager) != (True, False, ["access manager"])


def test_the_last_superuser_is_not_archived(root: User) -> None:
    with pytest.raises(LastSuperuser):
        archive_staff_account(user=root, by=BY)

    assert state_of(root)[0]


@pytest.mark.parametrize("changes", [{"is_active": False}, {"superuser": False}, {"roles": []}])
def test_nobody_removes_their_own_powers(root: User, changes: dict[str, Any]) -> None:
    StaffFactory(is_superuser=True)
    root.groups.add(role("finance"))

    with pytest.raises(OwnPowers):
        change(root, by=Actor.staff("root", identifier=str(root.pk)), **changes)

    assert state_of(root) == (True, True, ["finance"])


def test_the_page_says_why_and_changes_nothing(admin_client: Client, admin_user: User) -> None:
    page = admin_client.post(page_of(admin_user, "edit/"), answers_of(admin_user, superuser=None))

    assert OwnPowers().sentence in page.content.decode()
    assert state_of(admin_user) == (True, True, [])


def two_superusers_demote_each_other() -> list[str]:
    one, other = StaffFactory(username="one", is_superuser=True), StaffFactory(username="other", is_superuser=True)
    ends = race(
        lambda: change(other, by=Actor.staff("one", identifier=str(one.pk)), superuser=False),
        lambda: change(one, by=Actor.staff("other", identifier=str(other.pk)), is_active=False),
    )
    return kinds(ends)


@pytest.mark.django_db(transaction=True)
def test_two_superusers_cannot_demote_each_other_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, "npq.backoffice.accounts.powers")

    assert two_superusers_demote_each_other() == ["LastSuperuser", "done"]
    assert User.objects.filter(is_superuser=True, is_active=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_nobody_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "one_at_a_time", lambda: None)
    meet_after(monkeypatch, "npq.backoffice.accounts.powers")

    assert two_superusers_demote_each_other() == ["done", "done"]
    assert User.objects.filter(is_superuser=True, is_active=True).count() == 0


# By operations ----------------------------------------------------------------------------------------

CREATE = ["create_staff_user", "jo.baker", "--email", "jo.baker@example.org", "--role", "access manager"]
WHY = ["--apply", "--actor", "ops", "--reason", "first account"]


@pytest.mark.django_db
def test_the_command_makes_an_account_and_prints_where_to_set_a_password(client: Client) -> None:
    dry = run_command(*CREATE, "--format", "json")
    made_dry = User.objects.exists()
    done = run_command(*CREATE, "--first-name", "Jo", "--superuser", *WHY, "--format", "json")
    [row] = done.json["rows"]

    assert (dry.code, made_dry, dry.json["rows"][0]["set_password_at"]) == (0, False, "")
    assert done.code == 0
    assert state_of(User.objects.get(username="jo.baker")) == (True, True, ["access manager"])
    assert "new_password1" in client.get(row["set_password_at"], follow=True).content.decode()
    event = newest("account_made")
    assert (event.username, event.by, event.reason, event.detail) == ("jo.baker", "ops", "first account", "superuser")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["jo baker", "--email", "jo@example.org"], 2, "unreadable"),
        (["jo", "--email", "nonsense"], 2, "unreadable"),
        (["taken", "--email", "jo@example.org"], 1, "account_exists"),
        (["jo", "--email", "TAKEN@example.org"], 1, "staff_email_taken"),
    ],
)
def test_the_command_refuses_a_wrong_account(arguments: list[str], code: int, error: str) -> None:
    StaffFactory(username="taken", email="taken@example.org")

    run = run_command("create_staff_user", *arguments, *WHY, "--format", "json")

    assert (run.code, [code for _, _, code in run.errors]) == (code, [error])
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_the_commands_ask_for_an_actor_and_a_reason() -> None:
    assert run_command(*CREATE, "--apply").code == 2
    assert run_command("archive_staff_user", "jo", "--apply").code == 2
    assert not User.objects.exists()


@pytest.mark.django_db
def test_archiving_switches_an_account_off(client: Client) -> None:
    sam = StaffFactory()
    client.force_login(sam)
    dry = run_command("archive_staff_user", sam.username)
    still = state_of(sam)[0]
    done = run_command("archive_staff_user", sam.username, *WHY, "--format", "json")
    again = run_command("archive_staff_user", sam.username, *WHY, "--format", "json")
    unknown = run_command("archive_staff_user", "nobody", *WHY, "--format", "json")

    assert (dry.code, still, state_of(sam)[0]) == (0, True, False)
    assert [run.json["rows"][0]["result"] for run in (done, again)] == ["archived", "archived before"]
    assert client.get("/admin/").status_code == 302
    assert (unknown.code, unknown.errors[0][2]) == (1, "account_unknown")


# Roles ------------------------------------------------------------------------------------------------


def test_a_role_is_told_in_the_words_of_the_help(as_role: Callable[[str], Client]) -> None:
    client = as_role("access manager")
    finance = Group.objects.get(name="finance")
    other = Group.objects.create(name="auditors")
    other.permissions.set(Permission.objects.filter(codename="view_statement"))

    pages = [client.get(f"/admin/auth/group/{group.pk}/change/").content.decode() for group in (finance, other)]
    missing = client.get("/admin/auth/group/999999/change/")

    assert "<h1>Finance</h1>" in pages[0]
    assert "Void declaration" in pages[0]
    assert "Can view" not in pages[0]
    assert "Can view statement" in pages[1]
    assert missing.status_code == 404
    assert as_role("caseworker").get(f"/admin/auth/group/{finance.pk}/change/").status_code == 403
