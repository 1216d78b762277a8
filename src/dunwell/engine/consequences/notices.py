"""Notices posted, delivered and taken back: levels, charges, contacts and pending marks, for one or a million."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from dunwell.engine.book import KEYS, SCHEMAS, Book, table
from dunwell.engine.consequences.money import Moves
from dunwell.engine.events import Delivered, Effects, Failed, Posted, Task, Trimmed, Withdrawn

GROUP = KEYS["anchors"]
PAYER = KEYS["payers"]


def posted(book: Book, event: Posted) -> Effects:
    """Make notices binding: each item rises to its line's stage and waits for delivery.

    The gap starts on the date of the run, and moves to the day of sending when the notice leaves.
    """
    if event.notices.is_empty():
        return Effects(changes={"anchors": _anchors_posted(book, event)})
    numbers = event.notices.select("notice_no", "notice_id", "deadline_on")
    lines = event.lines.join(numbers, on="notice_no")
    rises = lines.filter(pl.col("role") == "dunned").select(
        "item_id",
        "level",
        "stage",
        last_deadline_on="deadline_on",
        pending_notice_id="notice_id",
        version=pl.col("version") + 1,
    )
    contacts = event.notices.filter("contact").select(*PAYER, last_contact_on="as_of").unique()
    contact_before = book.payers.rename({"last_contact_on": "contact_before_on"})
    group_before = book.anchors.select(
        *GROUP, level_before="level", stage_before="stage", deadline_before_on="last_deadline_on"
    )
    notices = (
        event.notices.join(contact_before, on=PAYER, how="left")
        .join(group_before, on=GROUP, how="left")
        .with_columns(state=pl.lit("posted", dtype=SCHEMAS["notices"]["state"]), reason=None, sent_on=None)
    )
    fees = event.charges.join(numbers, on="notice_no").select(
        "notice_id",
        "amount_minor",
        item_id="charge_item_id",
        role=pl.lit("fee"),
        level=pl.lit(0),
        level_before=pl.lit(0),
    )
    return Effects(
        changes={
            "items": rises,
            "payers": contacts,
            "anchors": _anchors_posted(book, event),
            "notices": table("notices", notices.select(set(SCHEMAS["notices"]) & set(notices.columns))),
            "lines": pl.concat([table("lines", lines.select(list(SCHEMAS["lines"]))), table("lines", fees)]),
        }
    )


def charged(_book: Book, event: Posted) -> Effects:
    """Book the fees of posted notices as charge items, due at the notice's deadline or at once."""
    if event.charges.is_empty():
        return Effects()
    numbers = event.notices.select("notice_no", "entity_id", "deadline_on", "as_of")
    charges = event.charges.join(numbers, on="notice_no").select(
        "account_id",
        "entity_id",
        "number",
        "currency",
        "amount_minor",
        item_id="charge_item_id",
        kind=pl.lit("charge"),
        issued_on="as_of",
        due_on=pl.coalesce("deadline_on", "as_of"),
        open_minor="amount_minor",
        parent_item_id="item_id",
    )
    return Effects(changes={"items": table("items", charges)})


def _anchors_posted(book: Book, event: Posted) -> pl.DataFrame:
    """The state of account-anchored groups after a run: falls and new anchors, then the notices."""
    if event.anchors is None or event.anchors.is_empty():
        return book.anchors.clear()
    kept = book.anchors.select(*GROUP, "last_notice_on", "last_deadline_on", "pending_notice_id")
    notices = (
        event.notices.filter("anchored")
        .group_by(GROUP)
        .agg(
            new_level=pl.col("level").max(),
            new_stage=pl.col("stage").sort_by("level").last(),
            new_deadline_on=pl.col("deadline_on").max(),
            new_notice_id=pl.col("notice_id").max(),
        )
    )
    rows = event.anchors.join(kept, on=GROUP, how="left").join(notices, on=GROUP, how="left")
    is_noticed = pl.col("new_notice_id").is_not_null()
    rows = rows.with_columns(
        level=pl.coalesce("new_level", "level"),
        stage=pl.coalesce("new_stage", "stage"),
        last_deadline_on=pl.when(is_noticed).then("new_deadline_on").otherwise("last_deadline_on"),
        pending_notice_id=pl.coalesce("new_notice_id", "pending_notice_id"),
        version=pl.col("version") + 1,
    )
    return table("anchors", rows.select(list(SCHEMAS["anchors"])))


def delivered(book: Book, event: Delivered) -> Effects:
    """Note that notices left: the items' and the payer's last notice is the day of sending."""
    notices = _waiting(book, event.notice_ids)
    if notices.is_empty():
        return Effects()
    sent = {"last_notice_on": pl.lit(event.on), "pending_notice_id": pl.lit(None, dtype=pl.Int64), "version": _NEXT}
    contacts = notices.filter("contact").select(PAYER).unique().with_columns(last_contact_on=pl.lit(event.on))
    state = pl.lit("sent", dtype=SCHEMAS["notices"]["state"])
    return Effects(
        changes={
            "items": _pending(book.items, notices).select("item_id", **sent),
            "anchors": _pending(book.anchors, notices).select(*GROUP, **sent),
            "payers": contacts,
            "notices": notices.select("notice_id", state=state, sent_on=pl.lit(event.on)),
        }
    )


def failed(book: Book, event: Failed) -> Effects:
    """Take back notices that failed on every channel, and ask someone to find a way to reach the debtor."""
    taken = _taken_back(book, event.notice_ids, "failed", event.reason)
    tasks = tuple(
        Task("delivery_failed", account_id=payer, notice_id=notice, detail=event.reason)
        for notice, payer in _waiting(book, event.notice_ids).select("notice_id", "payer_id").iter_rows()
    )
    return Effects(changes=taken, tasks=tasks)


def withdrawn(book: Book, event: Withdrawn) -> Effects:
    """Take back notices before they left, for a reason."""
    return Effects(changes=_taken_back(book, event.notice_ids, "withdrawn", event.reason))


def discharged(book: Book, event: Failed | Withdrawn) -> Effects:
    """Reverse the charges of notices that were taken back; money that had gone to them is a credit again."""
    gone = book.notices.filter(
        pl.col("notice_id").is_in(list(event.notice_ids)), pl.col("state").is_in(["failed", "withdrawn"])
    )
    fees = book.lines.filter(pl.col("role") == "fee").join(gone, on="notice_id", how="semi")["item_id"].to_list()
    return _reversed(book, fees, event.on)


def trimmed(book: Book, event: Trimmed) -> Effects:
    """Take lines off waiting notices, or lower what they ask for; items taken off are as they were before."""
    notices = _waiting(book, event.notice_ids)
    asked = event.lines.rename({"amount_minor": "now_minor"})
    told = book.lines.join(notices, on="notice_id", how="semi").join(asked, on=["notice_id", "item_id"])
    off = told.filter(pl.col("now_minor") == 0)
    withdrawn = pl.lit("withdrawn", dtype=SCHEMAS["lines"]["role"])
    lines = told.select(
        "notice_id",
        "item_id",
        amount_minor="now_minor",
        role=pl.when(pl.col("now_minor") == 0).then(withdrawn).otherwise("role"),
    )
    is_dropped = (pl.col("role") == "fee") & pl.col("item_id").is_in(list(event.fees))
    dropped = book.lines.join(notices, on="notice_id", how="semi").filter(is_dropped)
    fees = dropped.select("notice_id", "item_id", amount_minor=pl.lit(0, dtype=pl.Int64), role=withdrawn)
    changes = {"lines": pl.concat([lines, fees])}
    after = book.merged(changes).lines.filter(pl.col("role") != "withdrawn")
    totals = after.group_by("notice_id").agg(total_minor=pl.col("amount_minor").sum())
    return Effects(
        changes={
            **changes,
            "items": _items_back(book, notices, off),
            "notices": notices.select("notice_id").join(totals, on="notice_id"),
        }
    )


def fees_dropped(book: Book, event: Trimmed) -> Effects:
    """Reverse the charges that trimmed notices raise no longer."""
    return _reversed(book, event.fees, event.on)


_NEXT = pl.col("version") + 1
_BACK = {
    "level": pl.col("level_before"),
    "stage": pl.col("stage_before"),
    "last_deadline_on": pl.col("deadline_before_on"),
    "pending_notice_id": pl.lit(None, dtype=pl.Int64),
    "version": _NEXT,
}
_BEFORE = ["level_before", "stage_before", "deadline_before_on"]


def _reversed(book: Book, fees: Sequence[int], on: date) -> Effects:
    """Close charges; money that had gone to them is a credit again."""
    moves = Moves(book, on)
    for fee in fees:
        moves.release(fee)
        moves.close(fee)
    return Effects(changes=moves.changes())


def _items_back(book: Book, notices: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The items that wait for these notices as they were before the lines that dun them."""
    dunned = lines.filter(pl.col("role") == "dunned").select("item_id", *_BEFORE, pending_notice_id="notice_id")
    items = _pending(book.items, notices).drop(_BEFORE, strict=False)
    return items.join(dunned, on=["item_id", "pending_notice_id"]).select("item_id", **_BACK)


def _waiting(book: Book, notice_ids: Sequence[int]) -> pl.DataFrame:
    """Those of the notices that are posted and have not left: nothing happens twice to a notice."""
    return book.notices.filter(pl.col("notice_id").is_in(list(notice_ids)), pl.col("state") == "posted")


def _pending(states: pl.DataFrame, notices: pl.DataFrame) -> pl.DataFrame:
    return states.join(notices.select(pending_notice_id="notice_id"), on="pending_notice_id", how="semi")


def _taken_back(book: Book, notice_ids: Sequence[int], state: str, reason: str) -> dict[str, pl.DataFrame]:
    """Levels, stages, deadlines and contacts as they were before the notices."""
    notices = _waiting(book, notice_ids)
    groups = notices.filter("anchored").select(*_BEFORE, pending_notice_id="notice_id")
    anchors = _pending(book.anchors, notices).join(groups, on="pending_notice_id")
    return {
        "items": _items_back(book, notices, book.lines),
        "anchors": anchors.select(*GROUP, **{**_BACK, "level": pl.col("level_before").fill_null(0)}),
        "payers": _contacts_before(book, notices),
        "notices": notices.select(
            "notice_id", state=pl.lit(state, dtype=SCHEMAS["notices"]["state"]), reason=pl.lit(reason)
        ),
    }


def _contacts_before(book: Book, notices: pl.DataFrame) -> pl.DataFrame:
    """When the payers of these notices last heard from us, had the notices never been."""
    contacts = notices.filter("contact")
    others = book.notices.filter("contact", pl.col("state").is_in(["posted", "sent"])).join(
        contacts, on="notice_id", how="anti"
    )
    heard = others.group_by(PAYER).agg(heard_on=pl.coalesce("sent_on", "as_of").max())
    return (
        contacts.group_by(PAYER)
        .agg(before_on=pl.col("contact_before_on").min(), was_first=pl.col("contact_before_on").is_null().any())
        .join(heard, on=PAYER, how="left")
        .select(*PAYER, last_contact_on=pl.max_horizontal("heard_on", pl.when(~pl.col("was_first")).then("before_on")))
    )
