"""Django's name for this room."""

from django.apps import AppConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


class RecordsConfig(AppConfig):
    """The one installed application."""

    name = "dunwell.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """See to every new connection."""
        connection_created.connect(_run_plans_as_they_are)


def _run_plans_as_they_are(connection: BaseDatabaseWrapper, **_more: object) -> None:
    """Keep PostgreSQL from compiling plans before it runs them: for what we ask, that takes longer than the answer."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
