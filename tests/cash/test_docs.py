"""The page on applying money says what matching says."""

import re
from dataclasses import fields
from typing import Final

from dunwell.cash.confidence import CASES, KNOWN
from dunwell.cash.payers import WORTH
from dunwell.cash.returns import CERTAINTY
from dunwell.cash.settings import Settings
from dunwell.cash.tables import STEPS
from tests.tidy.tree import ROOT

PAGE: Final = (ROOT / "docs" / "cash.md").read_text(encoding="utf-8")
# Codes that no case has: who paid, and what happened to a line among others.
OTHERS: Final = {
    *WORTH, "third_party", "several_payers", "payer_unknown", "rival", "twice", "taken", "named_paid", "named_other",
    "other_payer", "nothing_fits",
}  # fmt: skip


def rows(heading: str, *, with_head: bool = False) -> list[list[str]]:
    """The cells of the table under a heading, without its head unless it is asked for."""
    text = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [*found[: 1 if with_head else 0], *found[2:]]


def test_every_step_is_told_in_the_order_of_the_ladder() -> None:
    assert [cells[0].strip("`") for cells in rows("The ladder")] == list(STEPS)


def test_every_code_is_told_and_no_other() -> None:
    told = {code for cells in rows("What `why` says") for code in re.findall(r"`(\w+)`", cells[0])}
    assert told == {code for case in CASES.values() for code in case.why.split(",")} | OTHERS


def test_the_table_of_confidence_is_that_of_the_code() -> None:
    told = {
        cells[0].strip("`"): tuple(None if cell == "-" else int(cell) for cell in cells[1:])
        for cells in rows("How certain")
    }
    assert told == {name: case.permille for name, case in CASES.items()}
    assert all(case.step in STEPS and len(case.permille) == len(KNOWN) for case in CASES.values())


def test_how_certain_a_return_is_is_told() -> None:
    first, *told = rows("What a bank takes back", with_head=True)
    fits = [cell.strip("`") for cell in first[1:]]
    assert {
        cells[0].strip("`"): {fit: int(cell) for fit, cell in zip(fits, cells[1:], strict=True) if cell != "-"}
        for cells in told
    } == CERTAINTY


def test_every_setting_is_told_with_its_default() -> None:
    told = {cells[0].strip("`"): cells[1] for cells in rows("Settings")}
    assert list(told) == [field.name for field in fields(Settings)]
    usual = Settings()
    for name, default in told.items():
        value = getattr(usual, name)
        if isinstance(value, bool):
            assert default == ("yes" if value else "no")
        elif isinstance(value, int):
            assert default == str(value)
    assert usual.charges_at_most == {}
    assert {f"1.00 in {', '.join(usual.tolerances)}"} == {told["tolerances"]}
    assert set(usual.tolerances.values()) == {100}
