"""The department's sign-in: it lets in whom an access manager has given an account, and nobody else."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import Group, User
from django.test import Client

from npq.backoffice.access_models import AccessEvent, StaffIdentity
from npq.backoffice.accounts import unlink_identity
from npq.backoffice.oidc import (
    NOT_COMPLETED,
    OTHER_IDENTITY,
    SWITCHED_OFF,
    UNKNOWN,
    UNVERIFIED,
    WRONG_DOMAIN,
)
from npq.core.audit import Actor
from npq.core.clock import wall_clock
from npq.core.models import Change
from tests.factories import StaffFactory, StaffIdentityFactory
from tests.identity_stub import CLIENT_ID, CLIENT_SECRET, CODE, IdentityStub, identity_stub

START, CALLBACK = "/admin/oidc/start/", "/admin/oidc/callback/"


@pytest.fixture
def idp(settings: Any, db: Any) -> Iterator[IdentityStub]:
    with identity_stub() as stub:
        settings.OIDC_CONFIGURED = True
        settings.NPQ_PASSWORD_SIGN_IN = False
        settings.OIDC_RP_CLIENT_ID = CLIENT_ID
        settings.OIDC_RP_CLIENT_SECRET = CLIENT_SECRET
        settings.OIDC_OP_ISSUER = stub.url
        settings.OIDC_OP_AUTHORIZATION_ENDPOINT = f"{stub.url}/authorize"
        settings.OIDC_OP_TOKEN_ENDPOINT = f"{stub.url}/token"
        settings.OIDC_OP_USER_ENDPOINT = f"{stub.url}/user"
        settings.OIDC_OP_JWKS_ENDPOINT = f"{stub.url}/keys"
        settings.OIDC_EMAIL_DOMAINS = ["dfe.example.org"]
        settings.AXES_ENABLED = True
        settings.AUTHENTICATION_BACKENDS = [
            "axes.backends.AxesStandaloneBackend",
            "npq.backoffice.oidc.DepartmentSignIn",
            "django.contrib.auth.backends.ModelBackend",
        ]
        place = settings.MIDDLEWARE.index("npq.backoffice.sessions.end_old_sessions") + 1
        settings.MIDDLEWARE = [
            *settings.MIDDLEWARE[:place],
            "npq.backoffice.oidc.RefreshSession",
            *settings.MIDDLEWARE[place:],
        ]
        yield stub


@pytest.fixture
def sam(db: Any) -> User:
    user = StaffFactory(username="sam", email="Sam@Dfe.Example.org")
    user.groups.add(Group.objects.get(name="viewer"))
    return user


def begin(client: Client, idp: IdentityStub, **query: str) -> dict[str, str]:
    """Goes to the identity provider, which notes what came along."""
    address = client.get(START, query)["Location"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{idp.url}/authorize?")
    idp.nonce, idp.challenge = asked["nonce"], asked["code_challenge"]
    return asked


def come_back(client: Client, state: str, **more: str) -> Any:
    return client.get(CALLBACK, {"code": CODE, "state": state, **more})


def sign_in(client: Client, idp: IdentityStub, **query: str) -> Any:
    return come_back(client, begin(client, idp, **query)["state"])


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def refused(response: Any, why: str) -> bool:
    return response.status_code == 403 and why.replace("'", "&#x27;") in response.content.decode()


def newest() -> AccessEvent:
    return AccessEvent.objects.latest("id")


def test_an_account_is_found_by_its_address_and_linked_for_good(client: Client, idp: IdentityStub, sam: User) -> None:
    answer = sign_in(client, idp, next="/admin/core/course/")
    first = newest()
    idp.user |= {"email": "sam.reyes-smith@dfe.example.org", "email_verified": False}
    other = Client()
    again = sign_in(other, idp)

    assert (answer.status_code, answer["Location"]) == (302, "/admin/core/course/")
    assert client.get("/admin/core/course/").status_code == 200
    assert (first.kind, first.username, first.detail) == ("signed_in", "sam", "with the department's sign-in")
    assert (again["Location"], is_signed_in(other)) == ("/admin/", True)
    assert StaffIdentity.objects.get().subject == "subject-1"
    assert AccessEvent.objects.filter(kind="identity_linked", username="sam").count() == 1
    assert Change.objects.get(table="backoffice_staffidentity").actor_kind == "staff"


def test_the_sign_in_proves_that_it_began_here(client: Client, idp: IdentityStub, sam: User) -> None:
    asked = begin(client, idp)
    come_back(client, asked["state"])

    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"http://testserver{CALLBACK}"
    assert asked["scope"] == "openid email"
    assert 43 <= len(idp.asked[0]["code_verifier"]) <= 128
    assert is_signed_in(client)


def test_an_answer_works_once_and_for_the_browser_that_asked(client: Client, idp: IdentityStub, sam: User) -> None:
    state = begin(client, idp)["state"]
    stranger = Client()

    assert refused(come_back(stranger, state), NOT_COMPLETED)
    assert come_back(client, state).status_code == 302
    assert refused(come_back(client, state), NOT_COMPLETED)
    assert not is_signed_in(stranger)


def test_an_answer_nobody_asked_for_ends_no_session(client: Client, idp: IdentityStub, sam: User) -> None:
    client.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")

    for query in ({"error": "access_denied"}, {"error": "x", "state": "y"}, {}, {"code": CODE}, {"state": ""}):
        assert client.get(CALLBACK, query).status_code == 403
    assert is_signed_in(client)


def test_a_refusal_of_the_provider_is_told(client: Client, idp: IdentityStub, sam: User) -> None:
    state = begin(client, idp)["state"]

    assert refused(client.get(CALLBACK, {"error": "access_denied", "state": state}), NOT_COMPLETED)
    assert newest().kind == "sign_in_refused"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"sub": "another-subject"},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_opens_nothing(
    client: Client, idp: IdentityStub, sam: User, claims: dict[str, Any]
) -> None:
    idp.claims = claims

    assert refused(sign_in(client, idp), NOT_COMPLETED)
    assert not is_signed_in(client)
    assert (newest().kind, newest().username) == ("sign_in_refused", "")


@pytest.mark.parametrize("algorithm", ["none", "HS256", "another key"])
def test_a_token_that_the_provider_did_not_sign_opens_nothing(
    client: Client, idp: IdentityStub, sam: User, algorithm: str
) -> None:
    if algorithm == "another key":
        idp.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        idp.algorithm = algorithm

    assert refused(sign_in(client, idp), NOT_COMPLETED)
    assert not is_signed_in(client)


@pytest.mark.parametrize("told", [["sam@dfe.example.org"], "sam", 7, None])
def test_a_provider_that_tells_nonsense_is_no_500(client: Client, idp: IdentityStub, sam: User, told: Any) -> None:
    idp.claims["sub"] = "subject-1"
    idp.user = told

    assert refused(sign_in(client, idp), NOT_COMPLETED)
    assert not is_signed_in(client)


@pytest.mark.parametrize("status", [400, 500])
def test_a_provider_that_gives_no_token_is_no_500(client: Client, idp: IdentityStub, sam: User, status: int) -> None:
    idp.token_status = status

    assert refused(sign_in(client, idp), NOT_COMPLETED)


def test_a_provider_that_cannot_be_reached_is_no_500(
    client: Client, idp: IdentityStub, sam: User, settings: Any
) -> None:
    settings.OIDC_OP_TOKEN_ENDPOINT = "http://127.0.0.1:9/token"

    assert refused(sign_in(client, idp), NOT_COMPLETED)


@pytest.mark.parametrize(
    ("user", "why"),
    [
        ({"email": "jo@dfe.example.org"}, UNKNOWN),
        ({"email": "sam@dfe.example.org.evil.example"}, WRONG_DOMAIN),
        ({"email": "sam@notdfe.example.org"}, WRONG_DOMAIN),
        ({"email": ""}, WRONG_DOMAIN),
        ({"email": None}, WRONG_DOMAIN),
        ({"email_verified": False}, UNVERIFIED),
        ({"email_verified": "true"}, UNVERIFIED),
        ({"email_verified": None}, UNVERIFIED),
    ],
    ids=str,
)
def test_whoever_is_not_known_here_is_told_what_to_do(
    client: Client, idp: IdentityStub, sam: User, user: dict[str, Any], why: str
) -> None:
    idp.user |= user

    assert refused(sign_in(client, idp), why)
    assert not is_signed_in(client)
    assert User.objects.count() == 1
    assert not StaffIdentity.objects.exists()
    assert (newest().kind, newest().detail) == ("sign_in_refused", why)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
@pytest.mark.parametrize("linked", [True, False])
def test_an_account_that_is_switched_off_stays_out(
    client: Client, idp: IdentityStub, sam: User, change: dict[str, bool], linked: bool
) -> None:
    User.objects.filter(pk=sam.pk).update(**change)
    if linked:
        StaffIdentityFactory(user=sam, issuer=idp.url, subject="subject-1")

    assert refused(sign_in(client, idp), SWITCHED_OFF)
    assert not is_signed_in(client)


def test_a_linked_account_belongs_to_its_subject_alone(client: Client, idp: IdentityStub, sam: User) -> None:
    StaffIdentityFactory(user=sam, issuer=idp.url, subject="somebody-before")

    assert refused(sign_in(client, idp), OTHER_IDENTITY)


def test_an_unlinked_account_is_linked_anew(client: Client, idp: IdentityStub, sam: User) -> None:
    StaffIdentityFactory(user=sam, issuer=idp.url, subject="somebody-before")
    unlink_identity(user=sam, by=Actor.staff("Max", identifier="0", reason="A new identity"))

    sign_in(client, idp)

    assert StaffIdentity.objects.get().subject == "subject-1"


def test_the_same_subject_of_another_provider_is_somebody_else(client: Client, idp: IdentityStub, sam: User) -> None:
    boss = StaffFactory(username="boss")
    StaffIdentityFactory(user=boss, issuer="https://elsewhere.example.org", subject="subject-1")

    sign_in(client, idp)

    assert client.session["_auth_user_id"] == str(sam.pk)


def test_two_accounts_with_one_address_are_nobodys(client: Client, idp: IdentityStub, sam: User) -> None:
    StaffFactory(email="sam@dfe.example.org")

    assert refused(sign_in(client, idp), UNKNOWN)


def test_an_address_that_is_only_like_an_accounts_is_somebody_elses(
    client: Client, idp: IdentityStub, sam: User
) -> None:
    User.objects.filter(pk=sam.pk).update(email="kim@dfe.example.org")
    idp.user["email"] = "kım@dfe.example.org"

    assert refused(sign_in(client, idp), UNKNOWN)


def test_a_provider_of_the_departments_own_may_be_trusted_about_addresses(
    client: Client, idp: IdentityStub, sam: User, settings: Any
) -> None:
    settings.OIDC_TRUSTS_EMAIL = True
    del idp.user["email_verified"]
    answer = sign_in(client, idp)
    idp.user["email_verified"] = False
    StaffIdentity.objects.all().delete()

    assert answer.status_code == 302
    assert refused(sign_in(Client(), idp), UNVERIFIED)


def test_colleagues_who_are_turned_away_lock_nobody_out(client: Client, idp: IdentityStub, sam: User) -> None:
    idp.user |= {"email": "jo@dfe.example.org"}
    statuses = {sign_in(client, idp).status_code for _ in range(7)}
    idp.user |= {"email": "sam@dfe.example.org"}

    assert statuses == {403}
    assert sign_in(client, idp).status_code == 302


# Beside the password --------------------------------------------------------------------------------------


def test_the_password_is_no_way_in_unless_it_is_switched_on(
    client: Client, idp: IdentityStub, sam: User, settings: Any
) -> None:
    sam.set_password("correct horse battery staple")
    sam.save()
    answers = {"username": "sam", "password": "correct horse battery staple"}
    off, refusal = client.get("/admin/login/").content.decode(), client.post("/admin/login/", answers)
    settings.NPQ_PASSWORD_SIGN_IN = True
    on = client.get("/admin/login/").content.decode()

    assert "Sign in with your work account" in off
    assert 'name="password"' not in off
    assert refusal.status_code == 403
    assert on.index("Sign in with your work account") < on.index('name="password"')
    assert client.post("/admin/login/", answers)["Location"] == "/admin/login/second-factor/"


def test_a_password_form_with_an_answer_in_its_address_is_no_sign_in(
    client: Client, idp: IdentityStub, sam: User, settings: Any
) -> None:
    settings.NPQ_PASSWORD_SIGN_IN = True
    idp.claims = {"nonce": None}

    client.post(f"/admin/login/?code={CODE}&state=x", {"username": "sam", "password": "wrong"})

    assert idp.asked == []
    assert not is_signed_in(client)


def test_without_a_provider_there_are_no_such_pages(client: Client, db: Any) -> None:
    assert client.get(START).status_code == 404
    assert client.get(CALLBACK).status_code == 404
    assert "work account" not in client.get("/admin/login/").content.decode()


# Refreshing -----------------------------------------------------------------------------------------------


def age(client: Client) -> None:
    session = client.session
    session["oidc_id_token_expiration"] = 0
    session.save()


def test_after_a_while_the_provider_is_asked_again_unseen(client: Client, idp: IdentityStub, sam: User) -> None:
    sign_in(client, idp)
    fresh = client.get("/admin/").status_code
    age(client)
    asked = client.get("/admin/core/course/")
    query = {name: values[0] for name, values in parse_qs(urlsplit(asked["Location"]).query).items()}
    idp.nonce, idp.challenge = query["nonce"], query["code_challenge"]
    back = come_back(client, query["state"])

    assert fresh == 200
    assert query["prompt"] == "none"
    assert back["Location"] == "/admin/core/course/"
    assert client.get("/admin/core/course/").status_code == 200


def test_whoever_is_no_longer_welcome_there_is_signed_out(client: Client, idp: IdentityStub, sam: User) -> None:
    sign_in(client, idp)
    age(client)
    query = parse_qs(urlsplit(client.get("/admin/")["Location"]).query)
    client.get(CALLBACK, {"error": "login_required", "state": query["state"][0]})

    assert not is_signed_in(client)
    assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"


def test_sessions_made_with_a_password_and_the_api_are_left_alone(client: Client, idp: IdentityStub, sam: User) -> None:
    client.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")
    passed = client.get("/admin/").status_code
    other = Client()
    sign_in(other, idp)
    age(other)

    assert passed == 200
    assert other.get("/api/v3/npq-applications").status_code == 401
    assert other.post("/admin/logout/").status_code in (200, 302)


def test_whoever_sends_nothing_but_forms_is_asked_again_in_the_end(
    client: Client, idp: IdentityStub, sam: User, settings: Any
) -> None:
    def expired_for(minutes: int) -> Any:
        session = client.session
        session["oidc_id_token_expiration"] = wall_clock().timestamp() - minutes * 60
        session.save()
        return client.post("/admin/core/course/")

    settings.NPQ_SESSION_IDLE_MINUTES = 60
    sign_in(client, idp)
    sent = expired_for(59)
    too_late = expired_for(61)

    assert sent.status_code == 200
    assert too_late["Location"] == "/admin/login/?next=/admin/core/course/"
    assert not is_signed_in(client)
    assert newest().kind == "session_ended"


# Signing out ----------------------------------------------------------------------------------------------


@pytest.fixture
def _ends_sessions(idp: IdentityStub, settings: Any) -> None:
    settings.OIDC_OP_LOGOUT_ENDPOINT = f"{idp.url}/end?tenant=dfe"
    settings.OIDC_STORE_ID_TOKEN = True


@pytest.mark.usefixtures("_ends_sessions")
def test_signing_out_here_signs_out_at_the_provider(client: Client, idp: IdentityStub, sam: User) -> None:
    sign_in(client, idp)
    left = client.post("/admin/logout/")
    address = urlsplit(left["Location"])
    told = {name: values[0] for name, values in parse_qs(address.query).items()}

    assert (left.status_code, f"{address.scheme}://{address.netloc}{address.path}") == (302, f"{idp.url}/end")
    assert told.keys() == {"tenant", "client_id", "id_token_hint", "post_logout_redirect_uri"}
    assert (told["client_id"], told["post_logout_redirect_uri"]) == (CLIENT_ID, "http://testserver/admin/login/")
    assert jwt.decode(told["id_token_hint"], options={"verify_signature": False})["sub"] == "subject-1"
    assert not is_signed_in(client)
    assert newest().kind == "signed_out"


@pytest.mark.usefixtures("_ends_sessions")
def test_whoever_came_in_with_a_password_leaves_without_the_provider(client: Client, sam: User) -> None:
    client.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")

    assert "You have signed out" in client.post("/admin/logout/").content.decode()
    assert client.get("/admin/logout/").status_code == 302


def test_without_such_a_page_no_token_is_kept(client: Client, idp: IdentityStub, sam: User) -> None:
    sign_in(client, idp)

    assert "oidc_id_token" not in client.session
    assert "You have signed out" in client.post("/admin/logout/").content.decode()
