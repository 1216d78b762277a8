"""Whether anything the stage sends can get to the payer."""

import polars as pl

from dunwell.engine.book import CHANNELS
from dunwell.engine.policy.model import Close, Stage
from dunwell.engine.steps.procedures import Procedures

MASK = {channel: 1 << bit for bit, channel in enumerate(CHANNELS)}


def reach(candidates: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Mark `unreachable`: the payer has none of the channels of the row's stage. A stage that sends nothing reaches."""
    wanted = procedures.of_stage(_mask, pl.col("slot"), pl.UInt8)
    unreachable = (wanted > 0) & (pl.col("channels") & wanted == 0)
    return candidates.with_columns(unreachable=pl.col("is_left") & unreachable).with_columns(
        is_left=pl.col("is_left") & ~pl.col("unreachable")
    )


def channels_of(stage: Stage | Close, reachable: int) -> str:
    """Resolve what a stage sends for a payer: of `a|b` the first that reaches, of a list all of them."""
    chosen: list[str] = []
    for choice in stage.send:
        first = next((channel for channel in choice.split("|") if MASK[channel] & reachable), None)
        if first and first not in chosen:
            chosen.append(first)
    return ",".join(chosen)


def _mask(stage: Stage) -> int:
    mask = 0
    for choice in stage.send:
        for channel in choice.split("|"):
            mask |= MASK[channel]
    return mask
