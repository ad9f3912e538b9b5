"""Signing in: a password and then a code, each only once, and nobody is signed in before both were right."""

from base64 import b32decode
from collections.abc import Callable
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Group, User
from django.test import Client, override_settings
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from npq.backoffice.access_log import address_of_client
from npq.backoffice.access_models import AccessEvent
from npq.backoffice.sign_in import PENDING
from npq.core.clock import wall_clock

PASSWORD = "correct horse battery staple"
LOGIN, CODE, SET_UP = "/admin/login/", "/admin/login/code/", "/admin/login/second-factor/"


@pytest.fixture
def sam(db: Any) -> User:
    user = User.objects.create_user("sam", "sam@example.org", PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name="viewer"))
    return user


@pytest.fixture
def device(sam: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=sam, name="phone", confirmed=True)


def code_of(device: TOTPDevice, ahead: int = 0) -> str:
    return f"{totp(device.bin_key, drift=ahead):06d}"


def enter_password(client: Client, password: str = PASSWORD, **more: str) -> Any:
    return client.post(LOGIN, {"username": "sam", "password": password, **more})


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def newest(kind: str) -> AccessEvent:
    return AccessEvent.objects.filter(kind=kind).latest("id")


def test_password_and_code_together_sign_in(client: Client, sam: User, device: TOTPDevice) -> None:
    first = enter_password(client, next="/admin/core/course/")
    between = is_signed_in(client)
    second = client.post(CODE, {"code": f" {code_of(device)[:3]} {code_of(device)[3:]} "})

    assert (first.status_code, first["Location"], between) == (302, CODE, False)
    assert (second.status_code, second["Location"]) == (302, "/admin/core/course/")
    assert is_signed_in(client)
    assert PENDING not in client.session
    assert client.get("/admin/").status_code == 200


def test_the_password_alone_opens_nothing(client: Client, device: TOTPDevice) -> None:
    enter_password(client)

    assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"


def test_the_session_id_changes_at_both_steps(client: Client, device: TOTPDevice) -> None:
    planted = client.session
    planted["what"] = "a session that somebody else knows"
    planted.save()
    client.cookies["sessionid"] = planted.session_key
    ids = [planted.session_key]
    enter_password(client)
    ids.append(client.session.session_key)
    client.post(CODE, {"code": code_of(device)})
    ids.append(client.session.session_key)

    assert len(set(ids)) == 3


def test_a_wrong_password_says_so_and_asks_for_no_code(client: Client, device: TOTPDevice) -> None:
    page = enter_password(client, "wrong")

    assert page.status_code == 200
    assert "The username or password is wrong." in page.content.decode()
    assert client.get(CODE)["Location"] == LOGIN
    assert newest("sign_in_refused").username == "sam"


def test_a_name_nobody_has_is_not_written_down(client: Client, db: Any) -> None:
    client.post(LOGIN, {"username": "My secret password", "password": "x"})

    assert (newest("sign_in_refused").username, newest("sign_in_refused").detail) == ("", "no such account")


def test_a_wrong_code_signs_nobody_in(client: Client, device: TOTPDevice) -> None:
    enter_password(client)
    wrong = f"{(int(code_of(device)) + 1) % 1_000_000:06d}"
    page = client.post(CODE, {"code": wrong})

    assert "That code is wrong" in page.content.decode()
    assert not is_signed_in(client)
    assert newest("sign_in_refused").detail == "wrong code"


@pytest.mark.parametrize("code", ["", "abcdef", "12345678901234567890123", "１２３４５６", "\x00"])
def test_an_unreadable_code_is_refused_in_words(client: Client, device: TOTPDevice, code: str) -> None:
    enter_password(client)
    page = client.post(CODE, {"code": code})

    assert page.status_code == 200
    assert "There is a problem" in page.content.decode()
    assert not is_signed_in(client)


def test_a_code_works_once(client: Client, device: TOTPDevice) -> None:
    code = code_of(device)
    enter_password(client)
    client.post(CODE, {"code": code})
    other = Client()
    enter_password(other)
    page = other.post(CODE, {"code": code})

    assert "was used before" in page.content.decode()
    assert not is_signed_in(other)


def test_wrong_codes_have_to_be_waited_for(client: Client, device: TOTPDevice) -> None:
    TOTPDevice.objects.filter(pk=device.pk).update(
        throttling_failure_count=10, throttling_failure_timestamp=wall_clock()
    )
    enter_password(client)
    page = client.post(CODE, {"code": code_of(device)})

    assert "Too many wrong codes. Wait 9 minutes" in page.content.decode()
    assert not is_signed_in(client)


def test_the_code_has_to_come_within_five_minutes(client: Client, device: TOTPDevice) -> None:
    enter_password(client)
    session = client.session
    session[PENDING] = session[PENDING] | {"until": int(wall_clock().timestamp())}
    session.save()

    page = client.post(CODE, {"code": code_of(device)}, follow=True)

    assert "More than 5 minutes have passed" in page.content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"password": "!"}])
def test_an_account_that_changes_between_the_steps_does_not_get_in(
    client: Client, sam: User, device: TOTPDevice, change: dict[str, Any]
) -> None:
    enter_password(client)
    User.objects.filter(pk=sam.pk).update(**change)

    assert client.post(CODE, {"code": code_of(device)})["Location"] == LOGIN
    assert not is_signed_in(client)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_who_is_no_active_member_of_staff_gets_no_further(
    client: Client, sam: User, device: TOTPDevice, change: dict[str, Any]
) -> None:
    User.objects.filter(pk=sam.pk).update(**change)

    assert enter_password(client).status_code == 200
    assert PENDING not in client.session


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_nobody_is_led_to_another_site(client: Client, device: TOTPDevice, elsewhere: str) -> None:
    enter_password(client, next=elsewhere)

    assert client.post(CODE, {"code": code_of(device)})["Location"] == "/admin/"


# Setting up -----------------------------------------------------------------------------------------


def test_who_has_no_authenticator_sets_one_up_before_the_first_sign_in(client: Client, sam: User) -> None:
    to = enter_password(client)["Location"]
    page = client.get(to)
    again = client.get(to).content.decode()
    key = page.content.decode().split("<code>")[1].split("</code>")[0].replace(" ", "")
    made = TOTPDevice.objects.get(user=sam)
    refused = client.post(SET_UP, {"code": "000000" if code_of(made) != "000000" else "000001"})
    TOTPDevice.objects.update(throttling_failure_count=0)
    signed_in = client.post(SET_UP, {"code": code_of(made)})

    assert to == SET_UP
    assert b32decode(key) == made.bin_key
    assert "<svg" in again
    assert key[:4] in again
    assert refused.status_code == 200
    assert signed_in["Location"] == "/admin/"
    assert is_signed_in(client)
    assert TOTPDevice.objects.get(user=sam).confirmed
    assert newest("second_factor_set_up").username == "sam"


def test_who_saw_a_key_before_its_owner_came_holds_nothing(client: Client, sam: User) -> None:
    thief = Client()
    enter_password(thief)
    thief.get(SET_UP)
    seen = TOTPDevice.objects.get(user=sam)
    enter_password(client)
    client.get(SET_UP)
    own = TOTPDevice.objects.get(user=sam)

    late = thief.post(SET_UP, {"code": code_of(seen)})
    client.get(SET_UP)
    own_again = TOTPDevice.objects.get(user=sam)
    client.post(SET_UP, {"code": code_of(own_again)})

    assert seen.bin_key != own.bin_key
    assert late.status_code == 200
    assert not is_signed_in(thief)
    assert is_signed_in(client)
    assert TOTPDevice.objects.get(user=sam).bin_key not in {seen.bin_key, own.bin_key}


def test_who_has_an_authenticator_cannot_set_up_another_one_with_the_password_alone(
    client: Client, device: TOTPDevice
) -> None:
    enter_password(client)

    assert client.get(SET_UP)["Location"] == CODE
    assert client.post(SET_UP, {"code": "123456"})["Location"] == CODE
    assert TOTPDevice.objects.count() == 1


@pytest.mark.parametrize("path", [CODE, SET_UP])
def test_the_second_step_alone_leads_to_the_first(client: Client, device: TOTPDevice, path: str) -> None:
    assert client.get(path)["Location"] == LOGIN
    assert client.post(path, {"code": code_of(device)})["Location"] == LOGIN


def test_without_a_second_factor_the_password_is_enough(client: Client, sam: User) -> None:
    with override_settings(NPQ_SECOND_FACTOR=False):
        enter_password(client)

    assert is_signed_in(client)


def test_the_code_is_told_in_the_sandbox_and_nowhere_else(client: Client, device: TOTPDevice) -> None:
    enter_password(client)
    elsewhere = client.get(CODE).content.decode()
    with override_settings(NPQ_ENVIRONMENT="sandbox"):
        page = client.get(CODE).content.decode()
        told = page.split("the code now is <strong>")[1][:6]
        client.post(CODE, {"code": told})
        signed_in = is_signed_in(client)
        # The same person again at once: the next code is told.
        enter_password(other := Client())
        other.post(CODE, {"code": other.get(CODE).content.decode().split("the code now is <strong>")[1][:6]})

    assert "code now is" not in elsewhere
    assert signed_in
    assert is_signed_in(other)


# Lock-out ---------------------------------------------------------------------------------------------


@pytest.fixture
def _locks(settings: Any) -> None:
    settings.AXES_ENABLED = True


@pytest.mark.usefixtures("_locks")
def test_a_name_that_is_too_long_to_be_one_is_wrong_like_any_other(client: Client, db: Any) -> None:
    page = client.post(LOGIN, {"username": "a" * 5000, "password": "x"})

    assert page.status_code == 200
    assert "The username or password is wrong." in page.content.decode()


@pytest.mark.usefixtures("_locks")
def test_five_wrong_passwords_lock_the_name_from_that_address_alone(client: Client, device: TOTPDevice) -> None:
    pages = [enter_password(client, "wrong") for _ in range(5)]
    locked = enter_password(client)
    elsewhere = client.post(LOGIN, {"username": "sam", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7")

    assert [page.status_code for page in pages] == [200, 200, 200, 200, 429]
    assert locked.status_code == 429
    assert "Wait 15 minutes" in locked.content.decode()
    assert elsewhere["Location"] == CODE
    assert newest("locked_out").username == "sam"
    assert AccessEvent.objects.filter(kind="locked_out").count() == 1
    assert AccessEvent.objects.filter(kind="sign_in_refused").count() == 4


@pytest.mark.usefixtures("_locks")
def test_a_forwarded_address_does_not_get_round_the_lock(client: Client, device: TOTPDevice) -> None:
    for number in range(5):
        client.post(LOGIN, {"username": "sam", "password": "wrong"}, headers={"X-Forwarded-For": f"192.0.2.{number}"})

    assert enter_password(client).status_code == 429


def guess(client: Client, number: int, address: str = "192.0.2.7") -> int:
    answer = client.post(LOGIN, {"username": f"name-{number}", "password": "Summer2026!"}, REMOTE_ADDR=address)
    return int(answer.status_code)


@pytest.mark.usefixtures("_locks")
def test_one_password_for_many_names_locks_the_address(client: Client, device: TOTPDevice, settings: Any) -> None:
    settings.NPQ_SIGN_IN_NAMES_PER_ADDRESS = 6
    answers = [guess(client, number) for number in range(8)]
    there = client.post(LOGIN, {"username": "sam", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7")
    elsewhere = enter_password(client)

    assert answers == [200] * 5 + [429] * 3
    assert there.status_code == 429
    assert "too many different usernames from your network" in there.content.decode()
    assert elsewhere["Location"] == CODE
    locks = AccessEvent.objects.filter(kind="locked_out")
    assert [(each.username, each.detail, each.address) for each in locks] == [
        ("", "many usernames were tried from this address", "192.0.2.7")
    ]


@pytest.mark.usefixtures("_locks")
def test_the_lock_of_an_address_ends(client: Client, device: TOTPDevice, settings: Any) -> None:
    settings.NPQ_SIGN_IN_NAMES_PER_ADDRESS = 3
    for number in range(3):
        guess(client, number)
    AccessAttempt.objects.update(attempt_time=wall_clock() - settings.AXES_COOLOFF_TIME)

    assert guess(client, 4) == 200


@pytest.mark.usefixtures("_locks")
@pytest.mark.parametrize("most", [20, 0])
def test_colleagues_who_mistype_in_one_office_lock_nobody_out(
    client: Client, device: TOTPDevice, settings: Any, most: int
) -> None:
    settings.NPQ_SIGN_IN_NAMES_PER_ADDRESS = most
    mistyped = [guess(client, number % 12, "127.0.0.1") for number in range(4 * 12)]

    assert set(mistyped) == {200}
    assert enter_password(client)["Location"] == CODE


@pytest.mark.usefixtures("_locks")
def test_moving_on_within_a_network_of_ipv6_does_not_get_round_the_lock(client: Client, device: TOTPDevice) -> None:
    def enter(host: int, password: str) -> Any:
        form = {"username": "sam", "password": password}
        return client.post(LOGIN, form, REMOTE_ADDR=f"2001:db8:1:2::{host:x}")

    for host in range(5):
        enter(host, "wrong")

    assert enter(99, PASSWORD).status_code == 429
    # One line, from wherever in the network it is tried.
    assert [each.address for each in AccessEvent.objects.filter(kind="locked_out")] == ["2001:db8:1:2::"]


@pytest.mark.usefixtures("_locks")
@pytest.mark.parametrize("written", ["192.0.2.1:5151", "[2001:db8::1]:443", "unknown", "a" * 500])
def test_whatever_a_proxy_writes_is_no_500(client: Client, device: TOTPDevice, settings: Any, written: str) -> None:
    settings.NPQ_PROXIES = 1
    answer = client.post(
        LOGIN, {"username": "sam", "password": "wrong"}, headers={"X-Forwarded-For": written}, REMOTE_ADDR=""
    )

    assert answer.status_code == 200
    assert newest("sign_in_refused").username == "sam"


@pytest.mark.usefixtures("_locks")
def test_signing_in_forgets_the_wrong_passwords_before(client: Client, device: TOTPDevice) -> None:
    for _ in range(4):
        enter_password(client, "wrong")
    enter_password(client)
    client.post(CODE, {"code": code_of(device)})
    client.post("/admin/logout/")

    assert enter_password(client, "wrong").status_code == 200
    assert enter_password(client)["Location"] == CODE


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "192.0.2.1", "127.0.0.1"),
        (1, "198.51.100.9, 192.0.2.1", "192.0.2.1"),
        (2, "203.0.113.3, 198.51.100.9, 192.0.2.1", "198.51.100.9"),
        (2, "192.0.2.1", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "192.0.2.1:5151", "192.0.2.1"),
        (1, "[2001:db8::1]:5151", "2001:db8::1"),
        (1, "2001:DB8::1", "2001:db8::1"),
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "[fe80::1%eth0]:443", "fe80::1"),
        (1, "unknown", "127.0.0.1"),
    ],
)
def test_only_our_own_proxies_say_where_a_request_comes_from(
    rf: Any, settings: Any, proxies: int, forwarded: str, address: str
) -> None:
    settings.NPQ_PROXIES = proxies

    assert address_of_client(rf.get("/", headers={"X-Forwarded-For": forwarded})) == address


# Sessions ---------------------------------------------------------------------------------------------


def age(client: Client, **seconds: int) -> None:
    session = client.session
    for name, old in seconds.items():
        session[name] -= old
    session.save()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ({"session_seen": 60 * 60}, "You did nothing for 60 minutes."),
        ({"session_started": 12 * 60 * 60}, "You have been signed in for 12 hours."),
    ],
)
def test_a_session_ends(client: Client, sam: User, seconds: dict[str, int], said: str) -> None:
    client.force_login(sam)
    age(client, **seconds)

    page = client.get("/admin/core/course/", follow=True)

    assert page.request["PATH_INFO"] == LOGIN
    assert said in page.content.decode()
    assert 'value="/admin/core/course/"' in page.content.decode()
    assert said in newest("session_ended").detail
    assert not is_signed_in(client)


def test_whoever_goes_on_working_stays_signed_in(client: Client, sam: User) -> None:
    client.force_login(sam)
    for _ in range(3):
        age(client, session_seen=59 * 60)
        client.get("/admin/")

    assert is_signed_in(client)


def test_a_session_without_its_beginning_is_over(client: Client, sam: User) -> None:
    client.force_login(sam)
    session = client.session
    del session["session_started"]
    session.save()

    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "!"}])
def test_switching_off_and_a_new_password_sign_out_everywhere(
    client: Client, sam: User, change: dict[str, Any]
) -> None:
    client.force_login(sam)
    User.objects.filter(pk=sam.pk).update(**change)

    assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"


def test_a_role_taken_away_counts_at_the_next_request(as_role: Callable[[str], Client]) -> None:
    client = as_role("viewer")
    before = client.get("/admin/core/course/").status_code
    User.objects.get(username="viewer").groups.clear()

    assert (before, client.get("/admin/core/course/").status_code) == (200, 403)


# The policy ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["password_change/", "jsi18n/", "nowhere/", "auth/user/", "core/course/?x=1"])
def test_nobody_on_the_way_keeps_an_answer(as_role: Callable[[str], Client], page: str) -> None:
    answer = as_role("viewer").get(f"/admin/{page}")

    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]


def test_every_answer_has_a_strict_content_security_policy(client: Client, db: Any) -> None:
    for path in (LOGIN, "/api/v3/npq-applications", "/api/nothing", "/nothing", "/static/backoffice/backoffice.css"):
        answer = client.get(path)
        answer.close()
        policy = answer["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "data:" not in policy


def test_only_the_documentation_may_show_pictures_written_in_its_styles(client: Client, db: Any) -> None:
    policy = client.get("/api/docs/v3")["Content-Security-Policy"]

    assert "img-src 'self' data:" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_the_registers_of_other_packages_are_no_pages_of_ours(admin_client: Client) -> None:
    page = admin_client.get("/admin/").content.decode()

    assert "totp" not in page.lower()
    assert "axes" not in page.lower()
    assert admin_client.get("/admin/otp_totp/totpdevice/").status_code == 404
