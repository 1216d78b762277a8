"""Room on each page of the state table, so that a posting's updates stay on it (400,000 take 2 s instead of 9)."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def leave_room(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Set the fill factor where there is one."""
    if editor.connection.vendor == "postgresql":
        editor.execute("ALTER TABLE records_itemstate SET (fillfactor = 60)")


class Migration(migrations.Migration):
    """Runs on both databases, changes PostgreSQL's."""

    dependencies = (("records", "0001_tables"),)
    operations = (migrations.RunPython(leave_room, migrations.RunPython.noop),)
