"""Tables, pictures and pages of a simulation: each file is whole, or not there."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from dunwell.engine.simulation.result import SCHEMAS
from dunwell.flows.drawing import elsewhere
from dunwell.flows.errors import Invalid
from dunwell.flows.outfiles import FORMULAS, require_apart, require_different, require_plain
from dunwell.flows.outfiles import write as write_files
from dunwell.flows.progress import Progress, untold
from dunwell.flows.simulation.simulate import Simulated
from dunwell.flows.simulation.tables import Money, headline, side_by_side
from dunwell.insight.page import Figure, Table, page
from dunwell.insight.pictures import png, svg
from dunwell.insight.simulated import Chart, alone, charts, together

FORMULA: Final = f"^[{re.escape(''.join(FORMULAS))}]"


def as_data(found: Simulated) -> dict[str, Any]:
    """Everything as plain data: tables as lists of rows with the scenario's name, amounts in minor units."""
    result = found.result
    return {
        "entity": found.entity,
        "from_on": result.from_on,
        "until_on": result.until_on,
        "payments": "history" if found.model is None else "model",
        "model": found.model,
        "seed": found.seed,
        "currency": found.currency,
        "costs_minor": dict(found.costs),
        "scenarios": [
            {"scenario": each.name, "policies": [policy.policy for policy in each.policies]} for each in found.scenarios
        ],
        "claims": list(found.claims),
        **{name: named(found, getattr(result, name)).to_dicts() for name in SCHEMAS},
    }


def named(found: Simulated, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the name of their scenario instead of its place."""
    names = pl.lit(pl.Series(list(found.result.scenarios), dtype=pl.String))
    return rows.with_columns(scenario=names.gather(pl.col("scenario").cast(pl.UInt32)))


def require_writable(pictures: Sequence[Path], folder: Path | None) -> None:
    """Look at what is to be written to before anything is simulated. Errors: Invalid."""
    for path in pictures:
        if path.suffix not in {".png", ".svg", ".html"}:
            raise Invalid(f"{path}: charts are written as .html, .png or .svg")
        _require_file(path)
    require_different(pictures, "two charts")
    if folder and folder.exists() and not folder.is_dir():
        raise Invalid(f"{folder} is no folder: the tables are written as files into one")
    if folder and not folder.is_dir() and not folder.parent.is_dir():
        raise Invalid(f"{folder}: there is no folder {folder.parent}")
    for name in SCHEMAS if folder else ():
        table = Path(folder or "", f"{name}.csv")
        require_apart(table)
        require_plain(table)


def _require_file(path: Path) -> None:
    """Errors: Invalid for what is there and no file, or can have no file in it."""
    if not path.parent.is_dir():
        raise Invalid(f"{path}: there is no folder {path.parent}")
    require_plain(path)
    require_apart(path)


def write(
    found: Simulated, pictures: Sequence[Path], folder: Path | None, *, money: Money, progress: Progress = untold
) -> list[Path]:
    """Write pictures and tables; return what is written. Nothing has its name before all of it is on the disk.

    `money`: how the door writes an amount. Errors: OSError.
    """
    wanted: list[tuple[Path, Callable[[], bytes]]] = []
    if folder:
        folder.mkdir(exist_ok=True)
        wanted += [(folder / f"{name}.csv", _table(found, name)) for name in SCHEMAS]
    wanted += [(path, _chart(found, path, money)) for path in pictures]
    write_files(_told(wanted, progress))
    return [path for path, _content in wanted]


def _told(
    wanted: Sequence[tuple[Path, Callable[[], bytes]]], progress: Progress
) -> Iterator[tuple[Path, Callable[[], bytes]]]:
    for at, each in enumerate(wanted):
        progress("writing", at, len(wanted))
        yield each


def _table(found: Simulated, name: str) -> Callable[[], bytes]:
    return lambda: _harmless(named(found, getattr(found.result, name))).write_csv().encode()


def _harmless(rows: pl.DataFrame) -> pl.DataFrame:
    """An apostrophe before what a spreadsheet would take for a formula, as segments, stages and files may be called."""
    return rows.with_columns(pl.col(pl.String).str.replace(FORMULA, "'${0}"))


def _chart(found: Simulated, path: Path, money: Money) -> Callable[[], bytes]:
    def drawn() -> bytes:
        shown = charts(found.result, found.currency if found.costs else None)
        match path.suffix:
            case ".png":
                return elsewhere(png, [together(shown)])[0]
            case ".svg":
                return elsewhere(svg, [together(shown)])[0].encode()
        return _page(found, shown, money).encode()

    return drawn


def _page(found: Simulated, shown: Sequence[Chart], money: Money) -> str:
    drawn = elsewhere(svg, [alone(each) for each in shown])
    figures = [Figure(each.title, each.alt, text) for each, text in zip(shown, drawn, strict=True)]
    columns = ("", *found.result.scenarios)
    tables = [
        Table(title, columns, [["" if cell is None else _cell(cell) for cell in row] for row in rows])
        for title, rows in side_by_side(found, money)
    ]
    title = f"Simulation: {' or '.join(found.result.scenarios)}"
    return page(title, headline(found), found.claims, figures, tables)


def _cell(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
