"""Django's settings, made from `dunwell.config`. Only what the product uses is installed."""

import secrets

from dunwell.config import django_database, load

CONFIG = load()

# Without a key of its own a process can run, but what it signs ends with it; `dunwell init` writes one.
SECRET_KEY = CONFIG.secret_key.get_secret_value() if CONFIG.secret_key else secrets.token_urlsafe(50)
DATABASES = {"default": django_database(CONFIG.database_url)}
# The queue's tables exist on PostgreSQL only.
QUEUE = [] if DATABASES["default"]["ENGINE"].endswith("sqlite3") else ["procrastinate.contrib.django"]
INSTALLED_APPS = ["dunwell.records", *QUEUE]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
