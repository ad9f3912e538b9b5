"""Reads settings from environment variables, and says in one sentence what is missing or wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from npq.embedded.cluster import Cluster

NAMES = ("production", "sandbox", "development", "test")

LEAST_SECRET = 32

CONNECTION_OPTIONS = {"server_side_binding": False, "application_name": "npq"}


@dataclass(frozen=True)
class Environment:
    """The variables of one process. `name` is one of NAMES."""

    name: str
    variables: Mapping[str, str]

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Environment":
        """Finds the environment's name: NPQ_ENVIRONMENT, else `test` under pytest, else `development`.

        Raises ImproperlyConfigured for a name that is not one of NAMES.
        """
        default = "test" if "PYTEST_VERSION" in variables else "development"
        name = variables.get("NPQ_ENVIRONMENT") or default
        if name not in NAMES:
            raise ImproperlyConfigured(f"NPQ_ENVIRONMENT is {name!r}; it must be one of {', '.join(NAMES)}.")
        return cls(name, variables)

    @property
    def is_production(self) -> bool:
        return self.name == "production"

    def require(self, *names: str) -> None:
        """Raises ImproperlyConfigured naming every variable of `names` that is unset or blank."""
        missing = [name for name in names if not self.text(name)]
        if missing:
            raise ImproperlyConfigured(
                f"the {self.name} environment needs {', '.join(missing)}; set the environment variable"
                f"{'s' if len(missing) > 1 else ''} (README.md, Settings)."
            )

    def configured(self, *names: str) -> bool:
        """Whether a feature is set up: every variable of `names` is set, or none is.

        Raises ImproperlyConfigured naming those that are missing when only some are set.
        """
        if not any(self.text(name) for name in names):
            return False
        self.require(*names)
        return True

    def web_address(self, name: str) -> str:
        """An absolute web address; in production one that is encrypted. Raises ImproperlyConfigured for another."""
        text = self.text(name)
        parts = urlsplit(text)
        if parts.scheme not in ({"https"} if self.is_production else {"https", "http"}) or not parts.hostname:
            raise ImproperlyConfigured(f"{name} is {text!r}; it must be an address that begins with https://.")
        return text

    def text(self, name: str, default: str = "") -> str:
        """The variable without surrounding blanks; unset and blank are both `default`."""
        return self.variables.get(name, "").strip() or default

    def words(self, name: str, default: str = "") -> list[str]:
        """A list separated by commas, blanks dropped."""
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def secrets(self, name: str) -> list[str]:
        """A list of secrets separated by commas. Raises ImproperlyConfigured for one that could be guessed."""
        found = self.words(name)
        if any(len(secret) < LEAST_SECRET for secret in found):
            raise ImproperlyConfigured(f"{name}: each must have {LEAST_SECRET} characters or more.")
        return found

    def number(self, name: str, default: int, *, least: int = 0) -> int:
        """A whole number of at least so much. Raises ImproperlyConfigured for anything else."""
        text = self.text(name, str(default))
        if not text.isdecimal() or int(text) < least:
            more = f" of {least} or more" if least else ""
            raise ImproperlyConfigured(f"{name} is {text!r}; it must be a whole number{more}.")
        return int(text)

    def switch(self, name: str, *, default: bool) -> bool:
        """1, true, yes, on / 0, false, no, off. Raises ImproperlyConfigured for anything else."""
        text = self.text(name, "1" if default else "0").lower()
        if text in {"1", "true", "yes", "on"}:
            return True
        if text in {"0", "false", "no", "off"}:
            return False
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be 1 or 0.")

    def database(self, root: Path) -> dict[str, Any]:
        """Django's settings of the database: DATABASE_URL, or a private cluster below `root` when it is unset."""
        url = self.text("DATABASE_URL")
        return self._database_at(url) if url else self._private_database(root)

    def _database_at(self, url: str) -> dict[str, Any]:
        try:
            config: dict[str, Any] = dict(dj_database_url.parse(url))
        except (ValueError, KeyError) as problem:
            # The problem's own text may quote the address, and with it a password.
            raise ImproperlyConfigured("DATABASE_URL cannot be read; postgres://user:password@host/name.") from problem
        if config["ENGINE"] != "django.db.backends.postgresql":
            raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database (postgres://…).")
        config["OPTIONS"] = CONNECTION_OPTIONS | config.get("OPTIONS", {})
        return config | self._connection_lifetime()

    def _private_database(self, root: Path) -> dict[str, Any]:
        default = root / (".pgdata-test" if self.name == "test" else ".pgdata")
        cluster = Cluster.at(
            self.text("NPQ_POSTGRES_DIRECTORY", str(default)),
            durable=self.switch("NPQ_POSTGRES_DURABLE", default=self.name != "test"),
        )
        return {
            "ENGINE": "npq.embedded",
            **cluster.database_settings(),
            "OPTIONS": dict(CONNECTION_OPTIONS),
            **self._connection_lifetime(),
        }

    def _connection_lifetime(self) -> dict[str, Any]:
        return {
            "CONN_MAX_AGE": self.number("NPQ_CONNECTION_MAX_AGE_SECONDS", 60),
            "CONN_HEALTH_CHECKS": True,
            "ATOMIC_REQUESTS": False,
        }

    def mail(self) -> dict[str, Any]:
        """Django's e-mail settings from EMAIL_URL (`smtp://`, `smtp+tls://`, `smtps://`); the console when unset."""
        url = self.text("EMAIL_URL")
        if not url:
            return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtp+tls", "smtps"} or not parts.hostname:
            raise ImproperlyConfigured("EMAIL_URL cannot be read; smtp+tls://user:password@host:587.")
        encrypted = parts.scheme == "smtps"
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": parts.hostname,
            "EMAIL_PORT": parts.port or (465 if encrypted else 587),
            "EMAIL_HOST_USER": unquote(parts.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
            "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
            "EMAIL_USE_SSL": encrypted,
            "EMAIL_TIMEOUT": 30,
        }
