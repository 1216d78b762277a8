"""How far items were dunned before they came into the book: levels and stages of a file, by the policies in force."""

from collections.abc import Mapping as Map
from datetime import date

import polars as pl

from dunwell.engine.documents import hint
from dunwell.sources.mapping import ItemMapping
from dunwell.sources.problems import Problems, shown
from dunwell.sources.tables import LINE

Stages = Map[int, Map[str, int]]  # by entity_id: the names of the stages, and their level


def seeded(added: pl.DataFrame, stages: Stages, mapping: ItemMapping, problems: Problems, *, on: date) -> pl.DataFrame:
    """Complete the states of items that are new: `level`, `stage`, `last_notice_on`, `last_deadline_on`.

    A stage without a level has the level that it has in a policy in force. Refused: a stage that no policy in force
    for the entity has, a last notice after `on`, the day of the import.
    """
    known = [(entity_id, name, level) for entity_id, levels in stages.items() for name, level in levels.items()]
    schema = {"entity_id": pl.Int32, "stage": pl.String, "level_of_stage": pl.Int16}
    missing = {"level": pl.Int16, "stage": pl.String, "last_notice_on": pl.Date, "last_deadline_on": pl.Date}
    absent = {name: pl.lit(None, dtype=dtype) for name, dtype in missing.items() if name not in added.columns}
    rows = added.with_columns(**absent).join(
        pl.DataFrame(known, schema=schema, orient="row"), on=["entity_id", "stage"], how="left", maintain_order="left"
    )
    unknown = rows.filter(pl.col("stage").is_not_null() & pl.col("level_of_stage").is_null())
    names = sorted({name for levels in stages.values() for name in levels})
    problems.add_rows(
        unknown.select(LINE, "stage"),
        mapping.label("stage"),
        lambda stage: (
            f"no policy in force has a stage {shown(stage)}{hint(stage, names) or _there_are(names)}; translate it"
            " under `values`"
        ),
    )
    problems.add_rows(
        rows.filter(pl.col("last_notice_on") > on).select(LINE, "last_notice_on"),
        mapping.label("last_notice"),
        lambda day: f"the last notice cannot have been on {day}, after this import",
    )
    return rows.with_columns(level=pl.coalesce("level", "level_of_stage", 0)).drop("level_of_stage")


def _there_are(names: list[str]) -> str:
    return f"; there are {', '.join(names)}" if names else "; no policy is in force"
