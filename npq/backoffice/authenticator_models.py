"""An authenticator whose key lies encrypted in the database, so that whoever reads that makes no codes."""

from binascii import hexlify, unhexlify
from functools import cached_property
from hashlib import sha256
from os import urandom

from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)
from django.conf import settings
from django_otp.plugins.otp_totp.models import TOTPDevice

# As long as RFC 4226 recommends. What is encrypted (RFC 5649) is longer, and so the two are told apart.
BYTES = 20


class KeyUnreadable(Exception):
    """The key was encrypted with none of NPQ_SECOND_FACTOR_KEYS."""


class Authenticator(TOTPDevice):
    """Somebody's authenticator. Its key is encrypted by the first of NPQ_SECOND_FACTOR_KEYS, if there are any."""

    class Meta:
        proxy = True
        default_permissions = ()

    @cached_property
    def bin_key(self) -> bytes:
        """The key itself. Raises KeyUnreadable."""
        kept: bytes = unhexlify(self.key)
        if len(kept) <= BYTES:
            return kept
        for secret in settings.NPQ_SECOND_FACTOR_KEYS:
            try:
                return aes_key_unwrap_with_padding(_aes_key(secret), kept)
            except InvalidUnwrap:
                continue
        raise KeyUnreadable

    @property
    def is_readable(self) -> bool:
        """Whether its codes can be checked."""
        try:
            return bool(self.bin_key)
        except KeyUnreadable:
            return False


def new_key() -> str:
    """A new key as it is kept."""
    return kept_as(urandom(BYTES))


def kept_as(key: bytes) -> str:
    """How a key is kept: encrypted by the first of NPQ_SECOND_FACTOR_KEYS; as it is where there is none."""
    secrets = settings.NPQ_SECOND_FACTOR_KEYS
    return hexlify(aes_key_wrap_with_padding(_aes_key(secrets[0]), key) if secrets else key).decode()


def _aes_key(secret: str) -> bytes:
    return sha256(f"authenticator keys {secret}".encode()).digest()
