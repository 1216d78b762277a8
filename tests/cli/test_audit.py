"""What was done to rates and to an entity, from the shell."""

from pathlib import Path

from tests.cli.conftest import filled
from tests.cli.shell import Answer, dunwell


def test_changes_of_rates_and_of_an_entity_can_be_read(tmp_path: Path) -> None:
    filled(tmp_path)

    def type_in(*words: str) -> Answer:
        return dunwell("--home", "book", *words, cwd=tmp_path)

    assert type_in("rates", "add", "at-basiszinssatz", "2026-01-01", "1.53").code == 0
    assert type_in("entity", "journal", "ACME", "--receivable", "1400").code == 0
    assert "rates.added by " in type_in("audit", "show", "--series", "at-basiszinssatz").out
    assert '"receivable": "1400"' in type_in("audit", "show", "--entity", "ACME").out
    assert type_in("audit", "show", "--series", "nothing").code == 4
    assert type_in("audit", "show").code == 2
    assert type_in("audit", "show", "--series", "ecb-mro", "--run", "1").code == 2
