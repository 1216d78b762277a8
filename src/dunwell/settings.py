"""Django's settings, made from `dunwell.config`. Only what the product uses is installed."""

import secrets

from dunwell.config import django_database, load

CONFIG = load()

# Without a key of its own a process can run, but what it signs ends with it; `dunwell init` writes one.
SECRET_KEY = CONFIG.secret_key.get_secret_value() if CONFIG.secret_key else secrets.token_urlsafe(50)
DATABASES = {"default": django_database(CONFIG.database_url)}
# The queue's tables exist on PostgreSQL only.
QUEUE = [] if DATABASES["default"]["ENGINE"].endswith("sqlite3") else ["procrastinate.contrib.django"]
SIGN_IN = [
    "django.contrib.auth",
    "django.contrib.contenttypes",  # auth keeps permissions by it
    "django.contrib.sessions",
    "django.contrib.messages",
]
INSTALLED_APPS = ["dunwell.records", "dunwell.web", *SIGN_IN, *QUEUE]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

ROOT_URLCONF = "dunwell.urls"
ALLOWED_HOSTS = CONFIG.hosts
APPEND_SLASH = False
MIDDLEWARE = [
    "dunwell.web.security.guarded",  # outermost: its headers are on every answer
    "django.middleware.security.SecurityMiddleware",
    "dunwell.web.security.readable",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # a page is open to strangers only where it says so
    "django.middleware.csrf.CsrfViewMiddleware",  # the first to read a form: of strangers none but that to sign in
    "django.contrib.messages.middleware.MessageMiddleware",
    "dunwell.web.refusals.told",
    "dunwell.web.security.legible",
]
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
STATIC_URL = "/static/"

LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
IS_TLS = CONFIG.public_url is not None and CONFIG.public_url.startswith("https://")
CSRF_TRUSTED_ORIGINS = [CONFIG.public_url] if CONFIG.public_url else []
CSRF_FAILURE_VIEW = "dunwell.web.refusals.csrf_failed"
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = IS_TLS
CSRF_COOKIE_HTTPONLY = SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME, SESSION_COOKIE_NAME = "dunwell_csrf", "dunwell_session"
SESSION_COOKIE_AGE = 12 * 60 * 60  # a working day
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_REFERRER_POLICY = "same-origin"  # pages that refuse lead back by it
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024  # of forms; files are not counted
FILE_UPLOAD_HANDLERS = ["dunwell.web.uploads.BankFiles"]  # what is sent elsewhere is kept nowhere
