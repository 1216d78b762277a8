"""What event rules will be asked about: raised when it happens, judged by the next run, and kept as it was judged."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import polars as pl

from dunwell.engine.book import SCHEMAS, Book, table
from dunwell.engine.events import Effects, Posted

_KEPT: Final = list(SCHEMAS["alerts"])


def failures(notices: pl.DataFrame, on: date) -> pl.DataFrame:
    """Rows of the book's `alerts` for notices that failed on every channel."""
    event = pl.lit("delivery_failed", dtype=SCHEMAS["alerts"]["event"])
    return table(
        "alerts",
        notices.select(
            "entity_id", "policy", account_id="payer_id", event=event, subject_id="notice_id", since_on=pl.lit(on)
        ),
    )


def reversal(payment: Mapping[str, Any], on: date) -> pl.DataFrame:
    """A row of the book's `alerts` for a payment taken back; of a credit taken back, none."""
    row = {
        "entity_id": payment["entity_id"],
        "account_id": payment["account_id"],
        "event": "payment_reversed",
        "subject_id": payment["item_id"],
        "since_on": on,
    }
    return table("alerts", [row] if payment["kind"] == "payment" else None)


def judged(_book: Book, event: Posted) -> Effects:
    """Keep what a run found new and what it found over, so that no other run acts on it."""
    if event.alerts is None or event.alerts.is_empty():
        return Effects()
    return Effects(changes={"alerts": event.alerts.select(_KEPT)})
