"""Settings, read from the environment (or `.env`); every one has a working default."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import environs
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from removal.outbound.addresses import parse_allowed

from . import data_folder, logs
from .env import (
    AT_LEAST_ONE,
    NOT_NEGATIVE,
    env,
    factors,
    generated_secret,
    hidden,
    openid_providers,
    read_env_file,
    secret,
    secrets_of,
    words,
)

BASE_DIR = Path(__file__).resolve().parent.parent
read_env_file(BASE_DIR / ".env")
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "var")))

# --- The site -----------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", False)
_database = env.dj_db_url("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")
_is_sqlite = _database["ENGINE"] == "django.db.backends.sqlite3"
SECRET_KEY = secret("SECRET_KEY") or generated_secret(
    DATA_DIR / "secret_key", keep=data_folder.may_be_made() or not _is_sqlite
)
# Old keys, still valid for decryption while SECRET_KEY is being changed.
SECRET_KEY_FALLBACKS = secrets_of("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS")
REQUIRE_HTTPS = env.bool("REQUIRE_HTTPS", False)
# The number of proxies in front, trusted to report the client's address and HTTPS
# (pixian_site/proxies.py). 0: the socket's address is the client's.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=NOT_NEGATIVE)
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", "support@localhost")
SITE_NAME = env.str("SITE_NAME", "Cutout")
# The site's public URL, for mails and Stripe's return URLs.
SITE_URL = env.str("SITE_URL", "").rstrip("/")
if SITE_URL and not re.fullmatch(r"https?://[^/?#\s]+", SITE_URL):
    raise ImproperlyConfigured(
        "SITE_URL has to be a scheme and a host, such as https://cutout.example.com."
    )
ROOT_URLCONF = "pixian_site.urls"
WSGI_APPLICATION = "pixian_site.wsgi.application"
APPEND_SLASH = False  # a redirect would drop a POST's body; both forms of a path are routed instead

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "pixian_site",
    "accounts",
    "billing",
    "removal",
]
MIDDLEWARE = [
    "pixian_site.middleware.ProbesMiddleware",
    "pixian_site.middleware.RequestIdMiddleware",
    "pixian_site.middleware.HeadMiddleware",
    "pixian_site.compression.CompressText",
    "removal.api.middleware.ApiHeadersMiddleware",
    "pixian_site.proxies.ProxiesMiddleware",
    "pixian_site.middleware.RequireHttpsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "pixian_site.middleware.PermissionsPolicyMiddleware",
    "removal.api.middleware.CrowdMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "pixian_site.middleware.LanguageMiddleware",
    "pixian_site.middleware.ShortFormsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "pixian_site.middleware.PrivatePagesMiddleware",
    "pixian_site.middleware.AdminSecondFactorMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Data ---------------------------------------------------------------------------------------
SQLITE_OPTIONS = {
    # IMMEDIATE takes the write lock at BEGIN: two holds can't both read the old balance.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # FULL: acknowledged payments survive a power cut, at the cost of one fsync for each commit.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}
if _is_sqlite:
    _database["OPTIONS"] = SQLITE_OPTIONS
    if not data_folder.may_be_made():
        _database["NAME"] = data_folder.only_if_there(str(_database["NAME"]))
else:
    hidden(str(_database["PASSWORD"]))
    _database["CONN_HEALTH_CHECKS"] = True
_database["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", 60, validate=NOT_NEGATIVE)
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Counts shared by all processes: visitors' pictures, wrong passwords. Without Redis each process
# counts for itself, which is exact only with a single process.
REDIS_URL = secret("REDIS_URL")
if REDIS_URL and not REDIS_URL.startswith(("redis://", "rediss://")):
    raise ImproperlyConfigured("REDIS_URL has to begin with redis:// or rediss://.")
# The prefix of all names in Redis, for several sites that share one.
REDIS_PREFIX = env.str("REDIS_PREFIX", "")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": REDIS_PREFIX,
        "OPTIONS": {"serializer": "pixian_site.cache.JsonSerializer"},
    }
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        # Django's default of 300 would let one visitor push out the counts of others.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Where pictures are stored: a folder or, for several machines, a bucket.
MEDIA_ROOT = DATA_DIR / "media"
S3_BUCKET = env.str("S3_BUCKET", "")
# The bucket's address for browsers, which fetch kept pictures by URLs signed for a minute.
S3_SIGNED_ORIGIN: str = env.str("S3_SIGNED_ORIGIN", "").rstrip("/")
S3_OPTIONS = {
    "bucket_name": S3_BUCKET,
    "location": env.str("S3_PREFIX", ""),
    "endpoint_url": env.str("S3_ENDPOINT", "") or None,
    "region_name": env.str("S3_REGION", "") or None,
    "addressing_style": env.str(
        "S3_ADDRESSING", "auto", validate=environs.validate.OneOf(("auto", "path", "virtual"))
    ),
    # Without a pair of keys, those of the machine's own role.
    "access_key": secret("S3_ACCESS_KEY") or None,
    "secret_key": secret("S3_SECRET_KEY") or None,
}
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "removal.storage.bucket.Bucket", "OPTIONS": S3_OPTIONS}
    if S3_BUCKET
    else {"BACKEND": "removal.storage.folder.Folder"},
    "staticfiles": {"BACKEND": "pixian_site.storage.HashedStaticFilesStorage"},
}

# --- Accounts and security ----------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.SignupForm",
}
OPENID_PROVIDERS = openid_providers(words("OIDC_PROVIDERS"))
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": OPENID_PROVIDERS}}
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAdapter"
SOCIALACCOUNT_FORMS = {"signup": "accounts.forms.SocialSignupForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up, and in no other
ACCOUNT_CHANGE_EMAIL = True
# A stranger at a signed-in browser cannot move the account to another address.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True  # the owner is mailed when a password or address changes
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if REQUIRE_HTTPS else "http"
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = SITE_NAME
SIGNUP_OPEN = env.bool("SIGNUP_OPEN", True)
# The days until an unconfirmed account is closed, and until a revoked key is deleted.
UNCONFIRMED_KEEP_DAYS = env.int("UNCONFIRMED_KEEP_DAYS", 7, validate=AT_LEAST_ONE)
REVOKED_KEYS_KEEP_DAYS = env.int("REVOKED_KEYS_KEEP_DAYS", 90, validate=AT_LEAST_ONE)
# The URL of the operator's terms; if set, signing up asks for consent.
TERMS_URL = env.str("TERMS_URL", "/terms")
PASSWORD_HASHERS = ["accounts.hashers.BoundedArgon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = REQUIRE_HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = (
    env.int("HSTS_SECONDS", 31_536_000, validate=NOT_NEGATIVE) if REQUIRE_HTTPS else 0
)
# Both bind the domain's other hosts too, and browsers remember it for a year.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", False)
SECURE_REFERRER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS = [
    # Plain HTTP is handled by RequireHttpsMiddleware: the API must refuse it, never redirect it.
    "security.W008",
    # Subdomains and preloading are for the operator to decide.
    "security.W005",
    "security.W021",
]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        # Signing in leads on to the provider, which counts as the form's target.
        "form-action": ["'self'", *(app["origin"] for app in OPENID_PROVIDERS)],
        "frame-ancestors": ["'none'"],
        "connect-src": ["'self'", *([S3_SIGNED_ORIGIN] if S3_SIGNED_ORIGIN else [])],
    }
}
ADMIN_PATH = env.str("ADMIN_PATH", "admin/").strip("/") + "/"
# Staff without an authenticator app are sent to set one up before they see the admin.
ADMIN_REQUIRE_MFA = env.bool("ADMIN_REQUIRE_MFA", False)

# --- Mail: to the console without a server -------------------------------------------------------
EMAIL_HOST = env.str("EMAIL_HOST", "")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
# Port 465 speaks TLS from the first byte (SSL); on others the connection is raised to TLS.
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", env.int("EMAIL_PORT", 587) == 465)
EMAIL_PORT = env.int("EMAIL_PORT", 465 if EMAIL_USE_SSL else 587, validate=AT_LEAST_ONE)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = secret("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", not EMAIL_USE_SSL)
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    raise ImproperlyConfigured(
        "EMAIL_USE_SSL (the default on port 465) and EMAIL_USE_TLS exclude each other: "
        "set one of them to false."
    )
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", SUPPORT_EMAIL)

FORM_RENDERER = "pixian_site.form_renderer.Renderer"

# --- Languages ----------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ja", _("Japanese"))]
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "allauth"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # of days, months and validity; pages that show times name it
FORMAT_MODULE_PATH = "pixian_site.formats"

# --- Requests -----------------------------------------------------------------------------------
MIB = 1024 * 1024
REMOVAL_MAX_UPLOAD_BYTES = env.int("REMOVAL_MAX_UPLOAD_BYTES", 30 * MIB, validate=AT_LEAST_ONE)
# A 1 MiB Base64 string triples at worst when it is URL-encoded; the fields beside it are small.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * MIB
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
DATA_UPLOAD_MAX_NUMBER_FILES = 100
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * MIB
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "pixian_site.spooling.UploadHandler",
]
FILE_UPLOAD_TEMP_DIR = env.str("FILE_UPLOAD_TEMP_DIR", None)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "removal.api.errors.exception_handler",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "removal.api.negotiation.AnyAccept",
    "UNAUTHENTICATED_USER": None,
}

# --- Background removal -------------------------------------------------------------------------
# inline: the engine runs on this machine. queue: in workers, connected through Redis.
REMOVAL_EXECUTION = env.str(
    "REMOVAL_EXECUTION", "inline", validate=environs.validate.OneOf(("inline", "queue"))
)
if REMOVAL_EXECUTION == "queue" and not REDIS_URL:
    raise ImproperlyConfigured("REMOVAL_EXECUTION=queue needs REDIS_URL.")
# Pictures processed at once, by all processes together; REMOVAL_PLACES is the former name.
REMOVAL_SLOTS = env.int(
    "REMOVAL_SLOTS", env.int("REMOVAL_PLACES", 1, validate=AT_LEAST_ONE), validate=AT_LEAST_ONE
)
REMOVAL_QUEUE_LENGTH = env.int("REMOVAL_QUEUE_LENGTH", 8, validate=NOT_NEGATIVE)
# Clients are told to wait for up to 180 seconds, so overload means queueing.
REMOVAL_QUEUE_SECONDS = env.float("REMOVAL_QUEUE_SECONDS", 120, validate=NOT_NEGATIVE)
REMOVAL_DEADLINE_SECONDS = env.float("REMOVAL_DEADLINE_SECONDS", 150, validate=AT_LEAST_ONE)
# A picture may take this many times its expected duration on this machine, but at least this many
# seconds; then its process is killed. This bounds the cost of a hostile picture.
REMOVAL_WORK_FACTOR = env.float("REMOVAL_WORK_FACTOR", 20, validate=AT_LEAST_ONE)
REMOVAL_WORK_SECONDS = env.float("REMOVAL_WORK_SECONDS", 10, validate=AT_LEAST_ONE)
# Slots for paid requests only; a single slot cannot be reserved.
_RESERVABLE = environs.validate.Range(min=0, max=REMOVAL_SLOTS - 1)
REMOVAL_RESERVED_SLOTS = env.int(
    "REMOVAL_RESERVED_SLOTS",
    env.int("REMOVAL_RESERVED_PLACES", (REMOVAL_SLOTS + 2) // 4, validate=_RESERVABLE),
    validate=_RESERVABLE,
)
# Concurrent requests of one key, and of all keys of an account together.
REMOVAL_KEY_CONCURRENCY = env.int("REMOVAL_KEY_CONCURRENCY", 8, validate=AT_LEAST_ONE)
REMOVAL_ACCOUNT_CONCURRENCY = env.int(
    "REMOVAL_ACCOUNT_CONCURRENCY", REMOVAL_KEY_CONCURRENCY, validate=AT_LEAST_ONE
)
# How long the leases of a killed process last; a living one renews them three times as often.
REMOVAL_LEASE_SECONDS = env.float("REMOVAL_LEASE_SECONDS", 15, validate=AT_LEAST_ONE)
REMOVAL_ANONYMOUS_MAX_PIXELS = env.int(
    "REMOVAL_ANONYMOUS_MAX_PIXELS", 1_200_000, validate=AT_LEAST_ONE
)
# Free pictures an hour: of a visitor's address, and of an account.
REMOVAL_ANONYMOUS_PER_HOUR = env.int("REMOVAL_ANONYMOUS_PER_HOUR", 20, validate=NOT_NEGATIVE)
REMOVAL_SIGNED_IN_PER_HOUR = env.int("REMOVAL_SIGNED_IN_PER_HOUR", 60, validate=NOT_NEGATIVE)
# Tests (test=true) of an account in an hour, including batches; 0: no limit.
REMOVAL_FREE_TESTS_PER_HOUR = env.int("REMOVAL_FREE_TESTS_PER_HOUR", 1000, validate=NOT_NEGATIVE)
# How long the page's pictures are kept for their owner (0: not at all), and their total size.
REMOVAL_PAGE_KEEP_SECONDS = env.int("REMOVAL_PAGE_KEEP_SECONDS", 86_400, validate=NOT_NEGATIVE)
REMOVAL_PAGE_KEEP_BYTES = env.int("REMOVAL_PAGE_KEEP_BYTES", 10 * 1024 * MIB, validate=NOT_NEGATIVE)
# Batches: the threads for them in a web process, and an account's limits.
REMOVAL_BATCH_WORKERS = env.int("REMOVAL_BATCH_WORKERS", 1, validate=NOT_NEGATIVE)
REMOVAL_BATCH_PICTURES = env.int("REMOVAL_BATCH_PICTURES", 1000, validate=AT_LEAST_ONE)
REMOVAL_BATCHES_PER_ACCOUNT = env.int("REMOVAL_BATCHES_PER_ACCOUNT", 10, validate=NOT_NEGATIVE)
# Bytes of originals and results that an account's batches may have in total.
REMOVAL_BATCH_BYTES_PER_ACCOUNT = env.int(
    "REMOVAL_BATCH_BYTES_PER_ACCOUNT", 4 * 1024 * MIB, validate=AT_LEAST_ONE
)
REMOVAL_BATCH_KEEP_SECONDS = env.int("REMOVAL_BATCH_KEEP_SECONDS", 86_400, validate=NOT_NEGATIVE)
REMOVAL_MAX_RESULT_PIXELS = env.int("REMOVAL_MAX_RESULT_PIXELS", 50_000_000, validate=AT_LEAST_ONE)
# Seconds to keep the result of a request with an Idempotency-Key.
REMOVAL_IDEMPOTENCY_KEEP = env.int("REMOVAL_IDEMPOTENCY_KEEP", 86_400, validate=NOT_NEGATIVE)
# Bytes of free results kept in this way for one account; the oldest are deleted first.
REMOVAL_IDEMPOTENCY_TEST_BYTES = env.int(
    "REMOVAL_IDEMPOTENCY_TEST_BYTES", 256 * MIB, validate=NOT_NEGATIVE
)
# After this many days, the rows of single requests are summed up by day.
REMOVAL_REQUESTS_KEEP_DAYS = env.int("REMOVAL_REQUESTS_KEEP_DAYS", 90, validate=AT_LEAST_ONE)

# image.url: the limits of one fetch, and the allowed networks or hosts besides public ones.
IMAGE_URL_SECONDS = env.float("IMAGE_URL_SECONDS", 15, validate=NOT_NEGATIVE)
IMAGE_URL_CONNECT_SECONDS = env.float("IMAGE_URL_CONNECT_SECONDS", 5, validate=NOT_NEGATIVE)
IMAGE_URL_REDIRECTS = env.int("IMAGE_URL_REDIRECTS", 5, validate=NOT_NEGATIVE)
# Concurrent fetches in total, and for one account.
IMAGE_URL_FETCHES = env.int("IMAGE_URL_FETCHES", 8, validate=AT_LEAST_ONE)
IMAGE_URL_FETCHES_PER_ACCOUNT = env.int("IMAGE_URL_FETCHES_PER_ACCOUNT", 5, validate=AT_LEAST_ONE)
IMAGE_URL_ALLOW = parse_allowed(words("IMAGE_URL_ALLOW"))

# --- Money --------------------------------------------------------------------------------------
CREDITS_BASE = env.decimal("CREDITS_BASE", Decimal("0.05"), validate=NOT_NEGATIVE)
CREDITS_PER_MEGAPIXEL = env.decimal("CREDITS_PER_MEGAPIXEL", Decimal("0.05"), validate=NOT_NEGATIVE)
HOLD_GRACE_SECONDS = env.int("HOLD_GRACE_SECONDS", 60, validate=NOT_NEGATIVE)
# Longer than the slowest download: see billing.ledger.refund_undelivered.
UNDELIVERED_REFUND_SECONDS = env.int("UNDELIVERED_REFUND_SECONDS", 900, validate=NOT_NEGATIVE)
# Granted once to every account whose address has been confirmed.
# NAME=FACTOR of networks that REMOVAL_MODELS offers, for those that do not cost the same.
CREDITS_MODEL_FACTORS = factors("CREDITS_MODEL_FACTORS")
SIGNUP_CREDITS = env.decimal("SIGNUP_CREDITS", Decimal(0), validate=NOT_NEGATIVE)
# Without a secret key the site runs, and says that buying is switched off.
STRIPE_SECRET_KEY = secret("STRIPE_SECRET_KEY")
# Several, separated by commas, during a replacement.
STRIPE_WEBHOOK_SECRETS = secrets_of("STRIPE_WEBHOOK_SECRET")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "https://api.stripe.com")
STRIPE_AUTOMATIC_TAX = env.bool("STRIPE_AUTOMATIC_TAX", False)
# Printed on receipts; lines are separated by |.
SELLER = words("SELLER", separator="|")

# --- The server ---------------------------------------------------------------------------------
# A request holds a thread while it has a slot or waits for one or for a foreign server; payers are
# counted separately, hence twice. A few more answer everything else; many more would only compete
# for the interpreter when many requests arrive at once.
SERVER_THREADS = env.int(
    "SERVER_THREADS",
    2 * (REMOVAL_SLOTS + REMOVAL_QUEUE_LENGTH + IMAGE_URL_FETCHES) + 7,
    validate=environs.validate.Range(min=2),
)
# How long a request may take to arrive; the largest takes four minutes at 1 Mbit/s.
SERVER_RECEIVE_SECONDS = env.float("SERVER_RECEIVE_SECONDS", 300, validate=AT_LEAST_ONE)
# How long its headers may take, and how long it may pause.
SERVER_HEADER_SECONDS = env.float("SERVER_HEADER_SECONDS", 20, validate=AT_LEAST_ONE)
SERVER_STALLED_SECONDS = env.float("SERVER_STALLED_SECONDS", 30, validate=AT_LEAST_ONE)

# Where faults are reported besides the log; the token with which Prometheus reads the metrics.
SENTRY_DSN = secret("SENTRY_DSN")
METRICS_TOKEN = secret("METRICS_TOKEN")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = logs.configuration(
    env.str("LOG_FORMAT", "console", validate=environs.validate.OneOf(("console", "json"))),
    env.str("LOG_LEVEL", "INFO", validate=environs.validate.OneOf(LOG_LEVELS)),
)
