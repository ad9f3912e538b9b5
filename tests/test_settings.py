"""Each environment's settings, read in a process that has nothing but the variables given."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from npq.environment import Environment

ROOT = Path(__file__).resolve().parents[1]

# Every variable that settings or pytest's presence would be read from.
OURS = re.compile(
    r"NPQ_|DJANGO_|NOTIFY_|OIDC_|SECURE_|PYTEST_|(SECRET_KEY|ALLOWED_HOSTS|DATABASE_URL|EMAIL_URL|CSRF_TRUSTED_ORIGINS)$"
)

PRODUCTION = {
    "NPQ_ENVIRONMENT": "production",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ALLOWED_HOSTS": "npq.example.gov.uk",
    "DATABASE_URL": "postgres://npq:secret@database/npq",
}

OIDC = {
    "OIDC_RP_CLIENT_ID": "npq",
    "OIDC_RP_CLIENT_SECRET": "0123456789",
    "OIDC_OP_ISSUER": "https://id.example",
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "https://id.example:8443/authorize",
    "OIDC_OP_TOKEN_ENDPOINT": "https://id.example/token",
    "OIDC_OP_USER_ENDPOINT": "https://id.example/user",
    "OIDC_OP_JWKS_ENDPOINT": "https://id.example/keys",
    "OIDC_EMAIL_DOMAINS": "Dfe.Example.org, example.org",
}


def run(arguments: list[str], variables: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not OURS.match(name)} | variables
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def settings(variables: dict[str, str], *names: str) -> list[object]:
    """The values of some settings in a new process."""
    program = f"import json; from npq import settings; print(json.dumps([getattr(settings, n) for n in {names!r}]))"
    finished = run(["-c", program], variables)
    assert finished.returncode == 0, finished.stderr
    values: list[object] = json.loads(finished.stdout)
    return values


@pytest.mark.parametrize("missing", ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL"])
@pytest.mark.parametrize("blank", [False, True])
def test_production_refuses_to_start_and_names_what_is_missing(missing: str, blank: bool) -> None:
    variables = PRODUCTION | {missing: " "}
    if not blank:
        del variables[missing]

    finished = run(["manage.py", "check"], variables)

    assert finished.returncode == 1
    [line] = finished.stderr.splitlines()
    assert f"the production environment needs {missing};" in line


def test_production_names_everything_that_is_missing_at_once() -> None:
    finished = run(["manage.py", "check"], {"NPQ_ENVIRONMENT": "production"})

    assert "SECRET_KEY, ALLOWED_HOSTS, DATABASE_URL" in finished.stderr


def test_the_application_server_gets_production_unless_told_otherwise() -> None:
    finished = run(["-c", "import npq.wsgi"], {})

    assert finished.returncode == 1
    assert "the production environment needs SECRET_KEY, ALLOWED_HOSTS, DATABASE_URL" in finished.stderr


def test_production_passes_the_deployment_check() -> None:
    finished = run(["manage.py", "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION)

    assert finished.returncode == 0, finished.stderr
    assert "no issues" in finished.stdout


def test_production_never_debugs() -> None:
    assert settings(PRODUCTION | {"DEBUG": "1"}, "DEBUG", "ALLOWED_HOSTS") == [False, ["npq.example.gov.uk"]]


def test_sandbox_is_the_default_of_the_command_sandbox_only() -> None:
    program = (
        "import os, sys, manage, django.core.management as m;"
        "m.execute_from_command_line = lambda arguments: None;"
        "manage.main(sys.argv); print(os.environ['NPQ_ENVIRONMENT'])"
    )

    assert run(["-c", program, "sandbox"], {}).stdout.strip() == "sandbox"
    assert run(["-c", program, "migrate"], {}).stdout.strip() == "development"
    assert run(["-c", program, "sandbox"], PRODUCTION).stdout.strip() == "production"


def test_without_a_database_the_private_one_is_used(tmp_path: Path) -> None:
    [databases] = settings({"NPQ_ENVIRONMENT": "development"}, "DATABASES")

    assert isinstance(databases, dict)
    assert databases["default"]["ENGINE"] == "npq.embedded"
    assert databases["default"]["CLUSTER_DURABLE"] is True


def test_tests_have_a_cluster_of_their_own_that_may_be_thrown_away() -> None:
    [databases] = settings({"NPQ_ENVIRONMENT": "test"}, "DATABASES")

    assert isinstance(databases, dict)
    assert "data-test" in databases["default"]["CLUSTER_DIRECTORY"]
    assert databases["default"]["CLUSTER_DURABLE"] is False


def test_every_environment_stores_utc_and_shows_uk_time() -> None:
    assert settings(PRODUCTION, "USE_TZ", "TIME_ZONE") == [True, "Europe/London"]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"NPQ_ENVIRONMENT": "live"}, "NPQ_ENVIRONMENT is 'live'; it must be one of production, sandbox"),
        ({"DATABASE_URL": "mysql://a:secret@b/c"}, "DATABASE_URL must name a PostgreSQL database"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://a:secret@b:port/c"}, "DATABASE_URL cannot be read"),
        ({"NPQ_RATE_LIMIT": "many"}, "NPQ_RATE_LIMIT is 'many'; it must be a whole number."),
        (
            {"NPQ_ACCESS_LOG_KEPT_DAYS": "90"},
            "NPQ_ACCESS_LOG_KEPT_DAYS is '90'; it must be a whole number of 366 or more.",
        ),
        ({"NPQ_POSTGRES_DURABLE": "maybe"}, "NPQ_POSTGRES_DURABLE is 'maybe'; it must be 1 or 0."),
        ({"NPQ_SECOND_FACTOR_KEYS": "secret"}, "NPQ_SECOND_FACTOR_KEYS: each must have 32 characters or more."),
        ({"EMAIL_URL": "carrier-pigeon://coop"}, "EMAIL_URL cannot be read"),
        ({"NOTIFY_API_KEY": "key"}, "needs NOTIFY_TEMPLATE_ID"),
        ({"OIDC_RP_CLIENT_ID": "npq"}, "needs OIDC_RP_CLIENT_SECRET, OIDC_OP_ISSUER, OIDC_OP_AUTHORIZATION_ENDPOINT,"),
        (OIDC | {"OIDC_EMAIL_DOMAINS": " "}, "needs OIDC_EMAIL_DOMAINS;"),
        (OIDC | {"OIDC_OP_TOKEN_ENDPOINT": "id.example/t"}, "OIDC_OP_TOKEN_ENDPOINT is 'id.example/t'; it must be"),
        ({"NPQ_PASSWORD_SIGN_IN": "0"}, "NPQ_PASSWORD_SIGN_IN is off and OIDC_RP_CLIENT_ID is not set"),
    ],
)
def test_a_wrong_value_is_one_clear_line_without_secrets(variables: dict[str, str], sentence: str) -> None:
    finished = run(["manage.py", "check"], variables)

    assert finished.returncode == 1
    [line] = finished.stderr.splitlines()
    assert sentence in line
    assert "secret" not in line


def test_the_departments_sign_in_takes_the_place_of_the_password() -> None:
    names = ["NPQ_PASSWORD_SIGN_IN", "OIDC_EMAIL_DOMAINS", "AUTHENTICATION_BACKENDS", "CONTENT_SECURITY_POLICY"]
    password, domains, backends, policy = settings(PRODUCTION | OIDC, *names)
    check = run(["manage.py", "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION | OIDC)

    assert (password, domains) == (False, ["dfe.example.org", "example.org"])
    assert "npq.backoffice.oidc.DepartmentSignIn" in str(backends)
    assert isinstance(policy, dict)
    assert policy["DIRECTIVES"]["form-action"] == ["'self'", "https://id.example:8443"]
    assert check.returncode == 0, check.stderr
    assert settings(PRODUCTION | OIDC | {"NPQ_PASSWORD_SIGN_IN": "1"}, "NPQ_PASSWORD_SIGN_IN") == [True]
    assert settings(PRODUCTION, "NPQ_PASSWORD_SIGN_IN", "NPQ_SECOND_FACTOR", "AXES_ENABLED") == [True, True, True]


def test_signing_out_may_lead_to_the_identity_provider() -> None:
    end = {"OIDC_OP_LOGOUT_ENDPOINT": "https://bye.example/end"}
    policy, keeps_token = settings(PRODUCTION | OIDC | end, "CONTENT_SECURITY_POLICY", "OIDC_STORE_ID_TOKEN")

    assert isinstance(policy, dict)
    assert policy["DIRECTIVES"]["form-action"] == ["'self'", "https://id.example:8443", "https://bye.example"]
    assert keeps_token is True


def test_in_production_the_identity_provider_is_asked_over_an_encrypted_connection() -> None:
    finished = run(["manage.py", "check"], PRODUCTION | OIDC | {"OIDC_OP_JWKS_ENDPOINT": "http://id.example/keys"})

    assert finished.returncode == 1
    assert "OIDC_OP_JWKS_ENDPOINT is 'http://id.example/keys'; it must be an address that begins with https://." in (
        finished.stderr
    )


def test_mail_goes_to_the_console_unless_a_server_is_named() -> None:
    console = Environment("sandbox", {}).mail()
    server = Environment("production", {"EMAIL_URL": "smtp+tls://us%40er:pa%2Fss@mail.example:2525"}).mail()
    encrypted = Environment("production", {"EMAIL_URL": "smtps://mail.example"}).mail()

    assert console == {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    assert (server["EMAIL_HOST"], server["EMAIL_PORT"], server["EMAIL_USE_TLS"]) == ("mail.example", 2525, True)
    assert (server["EMAIL_HOST_USER"], server["EMAIL_HOST_PASSWORD"]) == ("us@er", "pa/ss")
    assert (encrypted["EMAIL_PORT"], encrypted["EMAIL_USE_SSL"], encrypted["EMAIL_USE_TLS"]) == (465, True, False)


def test_environment_is_test_under_pytest_and_development_otherwise() -> None:
    assert Environment.read({}).name == "development"
    assert Environment.read({"PYTEST_VERSION": "9"}).name == "test"
    assert Environment.read({"PYTEST_VERSION": "9", "NPQ_ENVIRONMENT": "sandbox"}).name == "sandbox"


def test_lists_drop_blanks() -> None:
    environment = Environment("test", {"HOSTS": " a.example, ,b.example,"})

    assert environment.words("HOSTS") == ["a.example", "b.example"]


def test_require_accepts_what_is_set() -> None:
    Environment("production", {"A": "x"}).require("A")
    with pytest.raises(ImproperlyConfigured, match="needs B; set the environment variable "):
        Environment("production", {"A": "x"}).require("A", "B")
