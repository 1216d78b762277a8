"""Lays what was found about some rows over all of them, by their position (`row`)."""

import polars as pl


def overlay(rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Replace the values of the columns of `found` at its rows. Cheaper than a join: the position is the address."""
    if found.is_empty():
        return rows
    columns = [name for name in found.columns if name != "row"]
    return rows.with_columns(rows[name].clone().scatter(found["row"], found[name]) for name in columns)
