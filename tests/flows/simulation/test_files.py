"""Files of a simulation are whole, or not there."""

import csv
from pathlib import Path
from typing import Any

import pytest

from dunwell.channels.files import NewFile
from dunwell.cli.output import money
from dunwell.flows.simulation import files
from dunwell.flows.simulation.simulate import simulate
from tests.flows.town import POLICY, Town, day


def test_no_cell_of_a_table_is_a_formula(town: Town, tmp_path: Path) -> None:
    town.account("EVIL", segment="=HYPERLINK(1)")
    town.item("A-1", "EVIL", "100.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    (tmp_path / "@cmd.yaml").write_text(POLICY)
    policies = [str(tmp_path / "@cmd.yaml")]
    found = simulate(town.entity, from_on=day("2026-01-10"), until_on=day("2026-02-28"), policies=policies)
    files.write(found, [], tmp_path / "out", money=money)
    with (tmp_path / "out" / "segments.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["scenario"], row["segment"], row["closing_minor"]) == ("'@cmd", "'=HYPERLINK(1)", "10000")
    assert files.as_data(found)["segments"][0]["segment"] == "=HYPERLINK(1)"


def test_who_interrupts_leaves_no_part_of_a_file(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    found = simulate(town.entity, from_on=day("2026-01-10"), until_on=day("2026-02-28"), policies=[])
    out = tmp_path / "out"
    out.mkdir()
    (out / "totals.csv").write_text("as it was")
    begun: list[Path] = []
    begin = NewFile.begin

    def interrupted(path: Path, content: bytes, **how: Any) -> object:
        if len(begun) == 4:
            raise KeyboardInterrupt
        begun.append(path)
        return begin(path, content, **how)

    monkeypatch.setattr(NewFile, "begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write(found, [out / "a.html"], out, money=money)
    assert len(begun) == 4
    assert [each.name for each in out.iterdir()] == ["totals.csv"]
    assert (out / "totals.csv").read_text() == "as it was"
