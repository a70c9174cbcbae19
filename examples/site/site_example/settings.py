"""Settings of the example site.  Its data (database, key, uploads) lives in SITE_DATA, default examples/site/var."""

import os
import secrets
from pathlib import Path

import django

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("SITE_DATA", HERE.parent / "var"))


def secret_key() -> str:
    """A key of this copy's own, made at the first start."""
    path = DATA / "secret_key"
    try:
        return path.read_text()
    except FileNotFoundError:
        DATA.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_urlsafe(50))
        return path.read_text()


SECRET_KEY = secret_key()
DEBUG = os.environ.get("SITE_DEBUG") == "1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "citrate.contrib.django",
    "site_example",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "site_example.urls"
WSGI_APPLICATION = "site_example.wsgi.application"
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
# A transaction waits for its turn to write when it begins.  One that began by reading could not wait: SQLite
# answers "database is locked" at once when somebody else has written in between, as editors in the admin do.
IMMEDIATE = {"transaction_mode": "IMMEDIATE"} if django.VERSION >= (5, 1) else {}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA / "site.sqlite3",
        "OPTIONS": {"timeout": 20, **IMMEDIATE},
        "CONN_MAX_AGE": 600,  # threads live as long as their worker, and so do their connections
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
