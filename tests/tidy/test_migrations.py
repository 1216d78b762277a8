"""The migrations and the models say the same."""

from tests import databases  # isort: skip  # sets Django up
from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

assert databases


def test_no_migration_is_missing() -> None:
    loader = MigrationLoader(None)
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    changes = detector.changes(graph=loader.graph)
    assert {app: [m.operations for m in migrations] for app, migrations in changes.items()} == {}


def test_the_tree_has_one_leaf() -> None:
    assert len(MigrationLoader(None).graph.leaf_nodes("records")) == 1
