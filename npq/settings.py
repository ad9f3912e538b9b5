"""Django's settings for all four environments: production, sandbox, development and test.

What differs between them is read from environment variables (README.md, Settings). Production takes
no default for anything that matters and refuses to start without it.
"""

import os
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from npq.environment import Environment

ROOT = Path(__file__).resolve().parent.parent
environment = Environment.read(os.environ)
if environment.is_production:
    environment.require("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL")

# --- The service's own settings ------------------------------------------------------------------

NPQ_ENVIRONMENT = environment.name

# Requests that one token may make within one window (decisions.md §1).
NPQ_RATE_LIMIT = environment.number("NPQ_RATE_LIMIT", 1000)
NPQ_RATE_LIMIT_WINDOW_SECONDS = environment.number("NPQ_RATE_LIMIT_WINDOW_SECONDS", 300)

# Refused requests are kept for staff this long, and of one token, hour and status no more than so many.
NPQ_REFUSED_REQUESTS_KEPT_DAYS = environment.number("NPQ_REFUSED_REQUESTS_KEPT_DAYS", 30)
NPQ_REFUSED_REQUESTS_PER_HOUR = environment.number("NPQ_REFUSED_REQUESTS_PER_HOUR", 100)

# After so many days a pending application is shown on the first page of the back office.
NPQ_APPLICATION_WAITS_DAYS = environment.number("NPQ_APPLICATION_WAITS_DAYS", 30)

# Bulk changes (docs/decisions/10-bulk.md): what one file may have, how many rows a page waits for, and for how many
# days what was uploaded is kept.
NPQ_BULK_MOST_ROWS = environment.number("NPQ_BULK_MOST_ROWS", 1000)
NPQ_BULK_MOST_BYTES = environment.number("NPQ_BULK_MOST_BYTES", 1_000_000)
NPQ_BULK_ROWS_AT_ONCE = environment.number("NPQ_BULK_ROWS_AT_ONCE", 50)
NPQ_BULK_DAYS_KEPT = environment.number("NPQ_BULK_DAYS_KEPT", 30)

# With a key, messages leave through GOV.UK Notify; without one, through EMAIL_BACKEND.
NOTIFY_API_KEY = environment.text("NOTIFY_API_KEY")
NOTIFY_TEMPLATE_ID = environment.text("NOTIFY_TEMPLATE_ID")
NOTIFY_BASE_URL = environment.text("NOTIFY_BASE_URL")
if NOTIFY_API_KEY:
    environment.require("NOTIFY_TEMPLATE_ID")

# How staff sign in (docs/decisions/08-staff-sign-in.md).
NPQ_SECOND_FACTOR = environment.switch("NPQ_SECOND_FACTOR", default=True)
# The keys of staff's authenticators are encrypted with the first of these; the others only read what is older.
NPQ_SECOND_FACTOR_KEYS = environment.secrets("NPQ_SECOND_FACTOR_KEYS")
OIDC_CONFIGURED = environment.configured(
    "OIDC_RP_CLIENT_ID",
    "OIDC_RP_CLIENT_SECRET",
    "OIDC_OP_ISSUER",
    "OIDC_OP_AUTHORIZATION_ENDPOINT",
    "OIDC_OP_TOKEN_ENDPOINT",
    "OIDC_OP_USER_ENDPOINT",
    "OIDC_OP_JWKS_ENDPOINT",
    "OIDC_EMAIL_DOMAINS",
)
NPQ_PASSWORD_SIGN_IN = environment.switch("NPQ_PASSWORD_SIGN_IN", default=not OIDC_CONFIGURED)
if not (OIDC_CONFIGURED or NPQ_PASSWORD_SIGN_IN):
    raise ImproperlyConfigured("NPQ_PASSWORD_SIGN_IN is off and OIDC_RP_CLIENT_ID is not set: nobody could sign in.")
NPQ_SESSION_IDLE_MINUTES = environment.number("NPQ_SESSION_IDLE_MINUTES", 60)
# The access log is kept for two years, and for one at least: the database removes nothing younger.
NPQ_ACCESS_LOG_KEPT_DAYS = environment.number("NPQ_ACCESS_LOG_KEPT_DAYS", 731, least=366)
# So many different names with wrong passwords within a quarter of an hour lock the address they came from; 0 never.
NPQ_SIGN_IN_NAMES_PER_ADDRESS = environment.number("NPQ_SIGN_IN_NAMES_PER_ADDRESS", 20)
# Proxies in front of the service, each of which adds to X-Forwarded-For; with none the header is not believed.
NPQ_PROXIES = environment.number("NPQ_PROXIES", 0)

# --- Django --------------------------------------------------------------------------------------

DEBUG = environment.name == "development"
SECRET_KEY = environment.text("SECRET_KEY", "a key for one's own machine only; production has to bring its own")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],testserver")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")

ROOT_URLCONF = "npq.urls"
WSGI_APPLICATION = "npq.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False

INSTALLED_APPS = [
    "npq",
    "npq.core",
    "applications",
    "participants",
    "declarations",
    "finance",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_otp.plugins.otp_totp",
    "axes",
    "npq.backoffice.apps.AdminSiteConfig",
    # Last of those with models: its roles name every app's permissions.
    "npq.backoffice.apps.BackOfficeConfig",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
if environment.name in {"development", "test"} and find_spec("django_migration_linter"):
    INSTALLED_APPS.append("django_migration_linter")

MIDDLEWARE = [
    "npq.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "npq.middleware.CompressApi",
    "npq.api.refusals.note_refusals",
    "npq.middleware.keep_back_office_private",
    "npq.middleware.limit_body",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "npq.backoffice.sessions.end_old_sessions",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# A body larger than this is refused before it is read (npq.middleware.limit_body).
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

# --- Database ------------------------------------------------------------------------------------

DATABASES = {"default": environment.database(ROOT)}

# --- Time and language: UTC is stored, UK time is shown --------------------------------------------

USE_TZ = True
TIME_ZONE = "Europe/London"
LANGUAGE_CODE = "en-gb"
USE_I18N = True
FORMAT_MODULE_PATH = ["npq.formats"]

# --- Static files --------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = (
    environment.text("NPQ_STATIC_ROOT", str(ROOT / "staticfiles") if environment.is_production else "") or None
)
WHITENOISE_USE_FINDERS = not environment.is_production
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if environment.is_production
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- API -----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    # Every view says who may enter; one that forgets lets nobody in.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "npq.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "npq.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Register for a national professional qualification API",
    "VERSION": None,
    "SERVE_INCLUDE_SCHEMA": False,
    # A document per version, each checked by npq.api.checks: the package's own check would throw all into one.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    # The pages' scripts and styles are our own copies: nothing is fetched from elsewhere.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- E-mail --------------------------------------------------------------------------------------

globals().update(environment.mail())
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "npq@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Staff sign-in and transport -------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
if environment.name == "test":
    # Hashing well takes its time, and each member of staff of each test would wait for it.
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "admin:login"
# How long a link to set a password works.
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60

# Wrong passwords lock one name from one address, so that nobody can lock a colleague out from elsewhere; many names
# with wrong passwords lock the address (npq.backoffice.locks).
AXES_HANDLER = "npq.backoffice.locks.Locks"
AXES_ENABLED = environment.name != "test"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# The lock ends when it was said to end, whatever was tried meanwhile.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "npq.backoffice.access_log.address_to_lock"
AXES_LOCKOUT_CALLABLE = "npq.backoffice.sign_in.locked_out"
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
AXES_WHITELIST_CALLABLE = "npq.backoffice.sign_in.is_no_password"
# Sign-ins are in our own access log.
AXES_DISABLE_ACCESS_LOG = True

OTP_TOTP_ISSUER = "NPQ back office" if environment.is_production else f"NPQ {environment.name}"
# The clocks of phones are right: a code that came early must not move what is expected next time.
OTP_TOTP_SYNC = False

# The longest that anybody stays signed in; who is away for NPQ_SESSION_IDLE_MINUTES is signed out before.
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = environment.is_production
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
if environment.is_production:
    SECURE_SSL_REDIRECT = environment.switch("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = environment.number("SECURE_HSTS_SECONDS", 365 * 24 * 60 * 60)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True

# --- The department's sign-in (OpenID Connect), when it is configured ---------------------------------

OIDC_OP_LOGOUT_ENDPOINT = ""
if OIDC_CONFIGURED:
    OIDC_RP_CLIENT_ID = environment.text("OIDC_RP_CLIENT_ID")
    OIDC_RP_CLIENT_SECRET = environment.text("OIDC_RP_CLIENT_SECRET")
    OIDC_OP_ISSUER = environment.web_address("OIDC_OP_ISSUER")
    OIDC_OP_AUTHORIZATION_ENDPOINT = environment.web_address("OIDC_OP_AUTHORIZATION_ENDPOINT")
    OIDC_OP_TOKEN_ENDPOINT = environment.web_address("OIDC_OP_TOKEN_ENDPOINT")
    OIDC_OP_USER_ENDPOINT = environment.web_address("OIDC_OP_USER_ENDPOINT")
    OIDC_OP_JWKS_ENDPOINT = environment.web_address("OIDC_OP_JWKS_ENDPOINT")
    OIDC_EMAIL_DOMAINS = [domain.lower() for domain in environment.words("OIDC_EMAIL_DOMAINS")]
    AUTHENTICATION_BACKENDS.insert(1, "npq.backoffice.oidc.DepartmentSignIn")
    MIDDLEWARE.insert(
        MIDDLEWARE.index("npq.backoffice.sessions.end_old_sessions") + 1, "npq.backoffice.oidc.RefreshSession"
    )
    if environment.text("OIDC_OP_LOGOUT_ENDPOINT"):
        OIDC_OP_LOGOUT_ENDPOINT = environment.web_address("OIDC_OP_LOGOUT_ENDPOINT")
        # It asks for the token again, to know whom to sign out.
        OIDC_STORE_ID_TOKEN = True
    # Where a form is sent on to when its session has to be refreshed first, and after signing out.
    for _address in map(urlsplit, filter(None, (OIDC_OP_AUTHORIZATION_ENDPOINT, OIDC_OP_LOGOUT_ENDPOINT))):
        CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(f"{_address.scheme}://{_address.netloc}")
# An identity provider that is the department's own may say nothing of e-mail addresses being verified.
OIDC_TRUSTS_EMAIL = environment.switch("OIDC_TRUSTS_EMAIL", default=False)
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_RP_SCOPES = "openid email"
OIDC_USE_PKCE = True
OIDC_CREATE_USER = False
OIDC_TIMEOUT = 10
OIDC_AUTHENTICATION_CALLBACK_URL = "admin:oidc_callback"
LOGIN_REDIRECT_URL = "admin:index"

# --- Logging: one line per event, with the id of the request ---------------------------------------

LOG_LEVEL = environment.text("NPQ_LOG_LEVEL", "WARNING" if environment.name == "test" else "INFO").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "npq.logs.JsonFormatter"},
        "plain": {
            "()": "npq.logs.PlainFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(request_id)s %(message)s",
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if environment.is_production else "plain",
        },
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Keeps Django's own handlers (console in DEBUG, mail to admins) out.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # A client's 4xx is the client's business; only our own failures are worth a line.
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django.server": {"handlers": [], "level": "INFO" if DEBUG else "WARNING", "propagate": True},
    },
}
