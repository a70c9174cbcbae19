"""Settings of the therapy application.

By itself it needs no services: SQLite in THERAPY_DATA, delayed tasks in the same process.  The
environment gives it the real ones:

    THERAPY_ENGINE     native (default): citrate.contrib.serafin; python: its reference in Python
    THERAPY_LINEAGE    A, B (default) or B+refresh: whose engine is followed
    THERAPY_DATA       folder of database, key and credentials; default examples/therapy/var
    THERAPY_POSTGRES   a PostgreSQL connection string ("host=/run/x dbname=therapy user=me")
    THERAPY_REDIS      URL of the Redis that carries Huey's tasks ("unix:///run/x/redis")
    THERAPY_COALESCE   1 (default): the saves of a step are one UPDATE; 0: each its own
    THERAPY_HOSTS      more names the site may be called by, separated by commas
    THERAPY_DEBUG      1: Django's error pages
"""

import os
import secrets
from pathlib import Path

import huey

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("THERAPY_DATA") or HERE.parent / "var")


def secret(name: str) -> str:
    """A secret of this copy's own, made at the first start."""
    path = DATA / name
    try:
        return path.read_text()
    except FileNotFoundError:
        DATA.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50))
        try:
            os.link(fresh, path)  # the first of two processes wins
        except FileExistsError:
            pass
        fresh.unlink()
        return path.read_text()


SECRET_KEY = secret("secret_key")
DEBUG = os.environ.get("THERAPY_DEBUG") == "1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *filter(None, os.environ.get("THERAPY_HOSTS", "").split(","))]

THERAPY_ENGINE = os.environ.get("THERAPY_ENGINE") or "native"
THERAPY_LINEAGE = os.environ.get("THERAPY_LINEAGE") or "B"
CITRATE_SERAFIN = {"lineage": THERAPY_LINEAGE}
THERAPY_COALESCE = os.environ.get("THERAPY_COALESCE", "1") == "1"
# Who posts here instead of the provider of short messages has to know this.
THERAPY_SMS_SECRET = os.environ.get("THERAPY_SMS_SECRET") or secret("sms_secret")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "huey.contrib.djhuey",
    "citrate.contrib.django",
    "system",
    "users",
    "content",
    "events",
    "tasker",
    "tokens",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "users.middleware.StatefulAnonymity",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "therapy.urls"
WSGI_APPLICATION = "therapy.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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


def database() -> dict[str, object]:
    """PostgreSQL where the environment names one, else SQLite."""
    common = {"CONN_MAX_AGE": 600}  # threads live as long as their worker, and so do their connections
    if given := os.environ.get("THERAPY_POSTGRES"):
        from psycopg.conninfo import conninfo_to_dict

        parts = dict(conninfo_to_dict(given))
        known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
        named = {setting: parts.pop(part) for part, setting in known.items() if part in parts}
        return {"ENGINE": "django.db.backends.postgresql", **common, **named, "OPTIONS": parts}
    # One writer at a time, and each waits its turn for so many seconds.
    path = DATA / "therapy.sqlite3"
    return {"ENGINE": "django.db.backends.sqlite3", **common, "NAME": path, "OPTIONS": {"timeout": 60}}


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if redis := os.environ.get("THERAPY_REDIS"):
    HUEY = huey.RedisHuey("therapy", url=redis, results=True, store_none=False)
else:
    # Tasks run where they are called; delayed ones wait in the table of tasks (manage.py run_due).
    HUEY = huey.MemoryHuey("therapy", immediate=True)

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["users.backends.AnyName"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", "users.hashers.SeedHasher"]
LOGIN_URL = "login"
SESSION_COOKIE_NAME = "serafin_session"
SESSION_COOKIE_SAMESITE = "Lax"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"  # messages go to the outbox

# Names that are worked out when asked for; the others are the engine's own.
RESERVED_VARIABLES = [
    {"name": name, "domains": ["user"]}
    for name in ("registered", "enrolled", "group", "current_day", "current_time", "current_date")
] + [
    {"name": name, "domains": []}
    for name in (
        "email",
        "phone",
        "password",
        "session",
        "node",
        "stack",
        "login_link",
        "reply_session",
        "reply_node",
        "reply_variable",
        "timer",
    )
]

STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
