"""The second factor: six digits from an authenticator app, each good once (RFC 6238)."""

from base64 import b32encode
from math import ceil

import segno
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.safestring import SafeString, mark_safe
from django_otp.oath import totp

from npq.backoffice.authenticator_models import Authenticator, kept_as, new_key
from npq.core.clock import wall_clock


class WrongCode(Exception):
    """The code was not taken; the text says what to do."""


def device_of(user: User) -> Authenticator | None:
    """The authenticator somebody has set up, or None."""
    return Authenticator.objects.filter(user=user, confirmed=True).order_by("id").first()


def device_to_set_up(user: User, key: int | None) -> Authenticator:
    """The authenticator that one sign-in is about to set up: of that key, else a new one in place of all others.

    A key is shown to one sign-in only. Who has learnt a password and looked at a key before its owner did, holds
    nothing once the owner has set up theirs.
    """
    unconfirmed = Authenticator.objects.filter(user=user, confirmed=False)
    found = unconfirmed.filter(pk=key).first() if key else None
    if found is None or not found.is_readable:
        with transaction.atomic():
            unconfirmed.delete()
            found = Authenticator.objects.create(user=user, name="authenticator", key=new_key(), confirmed=False)
    return found


def check_code(device: Authenticator, code: str) -> None:
    """Takes a code, once, and confirms the device with it. Raises WrongCode."""
    if not device.is_readable:
        raise WrongCode("Your authenticator is not known here any more. Ask an access manager to reset it.")
    with transaction.atomic():
        # Two requests with one code: the second one sees that it was used.
        held = Authenticator.objects.select_for_update().filter(pk=device.pk).first()
        if held is None:
            raise WrongCode("This key is no longer good. Sign in again.")
        allowed, refusal = held.verify_is_allowed()
        if not allowed:
            seconds = ceil((refusal["locked_until"] - wall_clock()).total_seconds())
            raise WrongCode(f"Too many wrong codes. Wait {_in_words(seconds)}, then enter a new code.")
        if held.verify_token("".join(code.split())):
            held.confirmed, held.key = True, kept_as(held.bin_key)
            held.save(update_fields=["confirmed", "key"])
            return
    # Outside the block, which keeps the count of wrong codes.
    raise WrongCode("That code is wrong or was used before. Wait for the next code in your app, then enter it.")


def _in_words(seconds: int) -> str:
    if seconds <= 60:
        return f"{max(seconds, 1)} second{'s' if seconds > 1 else ''}"
    return f"{ceil(seconds / 60)} minutes"


def forget_devices(user: User) -> int:
    """Removes every authenticator of somebody; returns how many."""
    return Authenticator.objects.filter(user=user).delete()[0]


def forgive_wrong_codes(user: User) -> None:
    """Takes back the waiting time that wrong codes have brought upon somebody."""
    Authenticator.objects.filter(user=user).update(throttling_failure_count=0, throttling_failure_timestamp=None)


def key_in_words(device: Authenticator) -> str:
    """The key to type by hand, in groups of four."""
    key = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def picture_of(device: Authenticator) -> SafeString:
    """The key as a QR picture: SVG to stand in the page, drawn by us alone."""
    code = segno.make(device.config_url, error="m")
    return mark_safe(code.svg_inline(scale=5, border=4, dark="#000", light="#fff", title="QR code"))  # noqa: S308


def code_for_strangers(device: Authenticator) -> str:
    """The code that will be taken now, in a sandbox, whose staff are invented; blank elsewhere."""
    if settings.NPQ_ENVIRONMENT != "sandbox" or not device.is_readable:
        return ""
    step = int(wall_clock().timestamp()) // device.step
    next_one = max(step, device.last_t + 1)
    ahead = min(next_one - step, device.tolerance)
    return f"{totp(device.bin_key, device.step, device.t0, device.digits, ahead):0{device.digits}d}"
