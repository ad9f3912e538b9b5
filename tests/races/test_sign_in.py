"""A code of the authenticator is good once, however many bring it at the same time."""

from functools import partial

import pytest
from django_otp.oath import totp

from npq.backoffice.second_factor import check_code
from tests.factories import AuthenticatorFactory
from tests.races.racing import kinds, meet_after, race, without_locks

pytestmark = pytest.mark.django_db(transaction=True)


def two_bring_one_code(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    device = AuthenticatorFactory()
    bring = partial(check_code, device, f"{totp(device.bin_key):06d}")
    meet_after(monkeypatch, "django_otp.plugins.otp_totp.models.TOTPDevice.verify_is_allowed")
    return kinds(race(bring, bring))


def test_one_of_two_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert two_bring_one_code(monkeypatch) == ["WrongCode", "done"]


def test_without_the_lock_both_get_in(monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)

    assert two_bring_one_code(monkeypatch) == ["done", "done"]
