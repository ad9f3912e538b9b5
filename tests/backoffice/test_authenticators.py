"""Keys of authenticators: encrypted where the settings say so, and moved on from an older secret by signing in."""

from binascii import unhexlify
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import totp

from npq.backoffice.authenticator_models import Authenticator, new_key
from tests.factories import AuthenticatorFactory

PASSWORD = "correct horse battery staple"
LOGIN, CODE, SET_UP = "/admin/login/", "/admin/login/code/", "/admin/login/second-factor/"
OLD, NEW = "an old secret of more than enough characters", "a new secret of more than enough characters"


@pytest.fixture
def sam(db: Any) -> User:
    return User.objects.create_user("sam", "sam@example.org", PASSWORD, is_staff=True)


def enter(client: Client, page: str, key: bytes) -> Any:
    """Enters the password, then the code that a phone with that key shows."""
    client.post(LOGIN, {"username": "sam", "password": PASSWORD})
    Authenticator.objects.update(last_t=-1)
    return client.post(page, {"code": f"{totp(key):06d}"})


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_key_that_is_kept_is_not_the_one_that_is_shown(client: Client, sam: User, settings: Any) -> None:
    settings.NPQ_SECOND_FACTOR_KEYS = [NEW]
    client.post(LOGIN, {"username": "sam", "password": PASSWORD})
    client.get(SET_UP)
    made = Authenticator.objects.get(user=sam)
    client.post(SET_UP, {"code": f"{totp(made.bin_key):06d}"})

    assert is_signed_in(client)
    assert made.bin_key not in unhexlify(made.key)
    assert len(made.bin_key) == 20


@pytest.mark.parametrize(("kept_with", "then"), [([], [NEW]), ([OLD], [NEW, OLD]), ([NEW], [NEW])])
def test_signing_in_moves_a_key_on_to_the_first_secret(
    client: Client, sam: User, settings: Any, kept_with: list[str], then: list[str]
) -> None:
    settings.NPQ_SECOND_FACTOR_KEYS = kept_with
    key = AuthenticatorFactory(user=sam, key=new_key()).bin_key
    settings.NPQ_SECOND_FACTOR_KEYS = then
    enter(client, CODE, key)
    signed_in = is_signed_in(client)
    settings.NPQ_SECOND_FACTOR_KEYS = [NEW]
    kept = Authenticator.objects.get(user=sam)
    again = Client()
    enter(again, CODE, key)

    assert signed_in
    assert (len(unhexlify(kept.key)), kept.bin_key) == (32, key)
    assert is_signed_in(again)


@pytest.mark.parametrize("secrets", [[], [NEW]])
def test_a_key_that_no_secret_opens_is_told_in_words(
    client: Client, sam: User, settings: Any, secrets: list[str]
) -> None:
    settings.NPQ_SECOND_FACTOR_KEYS = [OLD]
    key = AuthenticatorFactory(user=sam).bin_key
    settings.NPQ_SECOND_FACTOR_KEYS = secrets
    page = enter(client, CODE, key)

    assert "Ask an access manager to reset it." in page.content.decode()
    assert not is_signed_in(client)


def test_a_secret_that_changes_while_somebody_sets_up_theirs_makes_them_begin_anew(
    client: Client, sam: User, settings: Any
) -> None:
    settings.NPQ_SECOND_FACTOR_KEYS = [OLD]
    client.post(LOGIN, {"username": "sam", "password": PASSWORD})
    client.get(SET_UP)
    settings.NPQ_SECOND_FACTOR_KEYS = [NEW]

    assert client.get(SET_UP).status_code == 200
    assert Authenticator.objects.get(user=sam).is_readable
