"""Notices posted, delivered and taken back: levels, charges, contacts and pending marks, for one or a million."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from dunwell.engine.book import KEYS, SCHEMAS, Book, table
from dunwell.engine.consequences.alerts import failures
from dunwell.engine.consequences.closings import reached
from dunwell.engine.consequences.money import Moves
from dunwell.engine.events import Delivered, Effects, Failed, Posted, Task, Trimmed, Withdrawn
from dunwell.engine.steps.closed import next_open

GROUP = KEYS["anchors"]
PAYER = KEYS["payers"]
SENT = ["last_notice_on", "last_deadline_on"]
POSTING = [*GROUP, "as_of"]  # the notices that one posting made of a group


def posted(book: Book, event: Posted) -> Effects:
    """Make notices binding: each item rises to its line's stage and waits for delivery.

    The gap starts on the date of the run, and moves to the day of sending when the notice leaves. A payer who has
    heard from us later than that is not forgotten to have.
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
        repeats="repeats",
    )
    contacts = event.notices.filter("contact").select(*PAYER, heard_on="as_of").unique()
    contact_before = book.payers.rename({"last_contact_on": "contact_before_on"})
    notices = (
        event.notices.join(contact_before, on=PAYER, how="left")
        .join(_groups_before(book, event), on=GROUP, how="left")
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
            "payers": _heard(book, contacts),
            "anchors": _anchors_posted(book, event),
            "notices": table("notices", notices.select(set(SCHEMAS["notices"]) & set(notices.columns))),
            "lines": pl.concat([table("lines", lines.select(list(SCHEMAS["lines"]))), table("lines", fees)]),
        }
    )


def charged(_book: Book, event: Posted) -> Effects:
    """Book the fees of posted notices as charge items, due at the notice's deadline or at once."""
    if event.charges.is_empty():
        return Effects()
    numbers = event.notices.select("notice_no", "notice_id", "entity_id", "deadline_on", "as_of")
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
        waivable="waivable",
    )
    raised = event.charges.join(numbers.select("notice_no", "as_of", "notice_id"), on="notice_no")
    raised = raised.with_columns(posted_on="as_of").select(set(SCHEMAS["charges"]) & {*raised.columns, "posted_on"})
    return Effects(changes={"items": table("items", charges), "charges": table("charges", raised)})


def _groups_before(book: Book, event: Posted) -> pl.DataFrame:
    """What a notice that is taken back gives back to its account-anchored group: a fall before it stands."""
    deadlines = book.anchors.select(*GROUP, deadline_before_on="last_deadline_on")
    decided = book.anchors.clear() if event.anchors is None else event.anchors
    before = decided.select(*GROUP, level_before="level", stage_before="stage", repeats_before="repeats")
    return before.join(deadlines, on=GROUP, how="left")


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
            new_repeats=pl.col("repeats").max(),
        )
    )
    rows = event.anchors.join(kept, on=GROUP, how="left").join(notices, on=GROUP, how="left")
    is_noticed = pl.col("new_notice_id").is_not_null()
    rows = rows.with_columns(
        level=pl.coalesce("new_level", "level"),
        stage=pl.coalesce("new_stage", "stage"),
        last_deadline_on=pl.when(is_noticed).then("new_deadline_on").otherwise("last_deadline_on"),
        pending_notice_id=pl.coalesce("new_notice_id", "pending_notice_id"),
        repeats=pl.coalesce("new_repeats", "repeats"),
        version=pl.col("version") + 1,
    )
    return table("anchors", rows.select(list(SCHEMAS["anchors"])))


def delivered(book: Book, event: Delivered) -> Effects:
    """Note that notices left: the items' and the payer's last notice is the day of sending.

    So it is the group's. Of several notices to a group, it waits until none of them does. What left late names a
    deadline that is as much later, on an open day of its calendar.
    """
    waiting = _waiting(book, event.notice_ids)
    if waiting.is_empty():
        return Effects()
    sent_on = pl.lit(event.on)
    if event.sent_on:
        sent_on = pl.col("notice_id").replace_strict(event.notice_ids, event.sent_on, return_dtype=pl.Date)
    late = pl.max_horizontal(sent_on - pl.col("as_of"), pl.duration())
    deadline_on = next_open(pl.col("deadline_on") + late, pl.col("calendar"))
    notices = waiting.with_columns(last_notice_on=sent_on, last_deadline_on=deadline_on, pending_notice_id="notice_id")
    items = book.items.select("item_id", "version", "pending_notice_id").join(
        notices.select(*SENT, "pending_notice_id"), on="pending_notice_id"
    )
    contacts = notices.filter("contact").group_by(PAYER).agg(heard_on=pl.col("last_notice_on").max())
    return Effects(
        changes={
            "items": items.select("item_id", *SENT, version=_NEXT, pending_notice_id=_NOTHING),
            "anchors": _groups_sent(book, notices) if notices["anchored"].any() else book.anchors.clear(),
            "payers": _heard(book, contacts),
            "closings": reached(notices),
            "charges": _charges_sent(book, notices),
            "notices": notices.select(
                "notice_id",
                state=pl.lit("sent", dtype=SCHEMAS["notices"]["state"]),
                sent_on="last_notice_on",
                deadline_on="last_deadline_on",
            ),
        }
    )


def _charges_sent(book: Book, notices: pl.DataFrame) -> pl.DataFrame:
    """The charges of notices that left, with the day: from it the law counts to the next fee."""
    left = notices.select("notice_id", sent_on="last_notice_on")
    return book.charges.select("charge_item_id", "notice_id").join(left, on="notice_id").drop("notice_id")


def _groups_sent(book: Book, notices: pl.DataFrame) -> pl.DataFrame:
    """The groups that these notices have left for: the latest of their days is the last."""
    sent = notices.filter("anchored").group_by(GROUP).agg(pl.col(SENT).max())
    groups = _groups(book, notices).drop(SENT).join(sent, on=GROUP, how="left")
    return groups.select(*GROUP, *SENT, version=_NEXT, pending_notice_id="next_notice_id")


def _heard(book: Book, contacts: pl.DataFrame) -> pl.DataFrame:
    """The payers' last contact after they were written to (`heard_on`): the later of the two."""
    last = pl.max_horizontal("heard_on", "last_contact_on")
    return contacts.join(book.payers, on=PAYER, how="left").select(*PAYER, last_contact_on=last)


def failed(book: Book, event: Failed) -> Effects:
    """Take back notices that failed on every channel, and ask someone to find a way to reach the debtor."""
    notices = _waiting(book, event.notice_ids)
    tasks = tuple(
        Task("delivery_failed", account_id=payer, notice_id=notice, detail=event.reason)
        for notice, payer in zip(notices["notice_id"], notices["payer_id"], strict=True)
    )
    changes = _taken_back(book, notices, "failed", event.reason) | {"alerts": failures(notices, event.on)}
    return Effects(changes=changes, tasks=tasks)


def withdrawn(book: Book, event: Withdrawn) -> Effects:
    """Take back notices before they left, for a reason."""
    return Effects(changes=_taken_back(book, _waiting(book, event.notice_ids), "withdrawn", event.reason))


def discharged(book: Book, event: Failed | Withdrawn) -> Effects:
    """Reverse the charges of notices that were taken back; money that had gone to them is a credit again."""
    gone = book.notices.filter(
        pl.col("notice_id").is_in(list(event.notice_ids)), pl.col("state").is_in(["failed", "withdrawn"])
    )
    fees = book.lines.filter(pl.col("role") == "fee").join(gone, on="notice_id", how="semi")["item_id"].to_list()
    return _reversed(book, fees, event.on)


def trimmed(book: Book, event: Trimmed) -> Effects:
    """Take lines off waiting notices, or lower what they ask for; items taken off are as they were before.

    What a notice lists without asking for it is also changed where one of its channels has left already.
    """
    notices = _waiting(book, event.notice_ids)
    asked = event.lines.rename({"amount_minor": "now_minor"})
    is_open = (pl.col("role") == "listed") | pl.col("notice_id").is_in(notices["notice_id"].implode())
    told = book.lines.filter(is_open).join(asked, on=["notice_id", "item_id"])
    off = told.filter(pl.col("now_minor") == 0)
    withdrawn = pl.lit("withdrawn", dtype=SCHEMAS["lines"]["role"])
    lines = told.select(
        "notice_id",
        "item_id",
        amount_minor="now_minor",
        role=pl.when(pl.col("now_minor") == 0).then(withdrawn).otherwise("role"),
    )
    changes = {"lines": lines}
    after = book.merged(changes).lines.filter(~pl.col("role").is_in(["withdrawn", "listed"]))
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
_NOTHING = pl.lit(None, dtype=pl.Int64)
_BACK = {
    "level": pl.col("level_before"),
    "stage": pl.col("stage_before"),
    "last_deadline_on": pl.col("deadline_before_on"),
    "pending_notice_id": _NOTHING,
    "version": _NEXT,
    "repeats": pl.col("repeats_before"),
}
_BEFORE = ["level_before", "stage_before", "deadline_before_on", "repeats_before"]


def _reversed(book: Book, fees: Sequence[int], on: date) -> Effects:
    """Close charges for good; money that had gone to them is a credit again."""
    moves = Moves(book, on)
    for fee in fees:
        moves.release(fee)
        moves.close(fee)
    changes = moves.changes()
    waived = book.items.select("item_id", "waivable", "waived_minor")
    is_fee = pl.col("item_id").is_in(list(fees))  # what is not owed at all is never owed again
    changes["items"] = (
        changes["items"]
        .join(waived, on="item_id", how="left")
        .with_columns(
            waivable=pl.col("waivable") & ~is_fee, waived_minor=pl.when(is_fee).then(0).otherwise("waived_minor")
        )
    )
    gone = book.charges.filter(pl.col("charge_item_id").is_in(list(fees)), pl.col("reversed_on").is_null())
    changes["charges"] = gone.select("charge_item_id", reversed_on=pl.lit(on, dtype=pl.Date))
    return Effects(changes=changes)


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


def _taken_back(book: Book, notices: pl.DataFrame, state: str, reason: str) -> dict[str, pl.DataFrame]:
    """Levels, stages, deadlines and contacts as they were before the notices."""
    return {
        "items": _items_back(book, notices, book.lines),
        "anchors": _groups_back(book, notices) if notices["anchored"].any() else book.anchors.clear(),
        "payers": _contacts_without(book, notices) if notices["contact"].any() else book.payers.clear(),
        "notices": notices.select(
            "notice_id", state=pl.lit(state, dtype=SCHEMAS["notices"]["state"]), reason=pl.lit(reason)
        ),
    }


def _groups(book: Book, notices: pl.DataFrame) -> pl.DataFrame:
    """The groups that wait for a posting of which these notices are, with what was before it.

    `next_notice_id`: another of the posting for which they still wait. `has_others`: whether one of those left or may.
    """
    anchored = book.notices.filter("anchored")
    waited_for = anchored.select("as_of", *_BEFORE, pending_notice_id="notice_id", level_with="level")
    is_waiting = pl.col("state") == "posted"
    others = (
        anchored.filter(is_waiting | (pl.col("state") == "sent"))
        .join(notices, on="notice_id", how="anti")
        .group_by(POSTING)
        .agg(next_notice_id=pl.col("notice_id").filter(is_waiting).max(), has_others=pl.lit(value=True))
    )
    return (
        book.anchors.join(waited_for, on="pending_notice_id")
        .join(notices.filter("anchored"), on=POSTING, how="semi")
        .join(others, on=POSTING, how="left")
        .with_columns(pl.col("has_others").fill_null(value=False))
    )


def _groups_back(book: Book, notices: pl.DataFrame) -> pl.DataFrame:
    """The groups without these notices: as before them, unless others of the same posting left or still may.

    A group that has fallen below that in the meantime stays there.
    """
    groups = _pending(_groups(book, notices), notices)
    level_before = pl.col("level_before").fill_null(0)
    stood_at = pl.min_horizontal(level_before, "level_with")  # which is lower where the procedure began anew
    goes_back = ~pl.col("has_others") & (pl.col("level") >= stood_at)
    return groups.select(
        *GROUP,
        level=pl.when(goes_back).then(level_before).otherwise("level"),
        stage=pl.when(goes_back).then("stage_before").otherwise("stage"),
        repeats=pl.when(goes_back).then(pl.col("repeats_before").fill_null(0)).otherwise("repeats"),
        last_deadline_on=pl.when("has_others").then("last_deadline_on").otherwise("deadline_before_on"),
        pending_notice_id="next_notice_id",
        version=_NEXT,
    )


def _contacts_without(book: Book, notices: pl.DataFrame) -> pl.DataFrame:
    """When the payers of these notices last heard from us, had the notices never been.

    By the notices that stand, and by what each notice found, unless a notice taken back had brought it about.
    """
    payers = notices.filter("contact").select(PAYER).unique()
    contacts = book.notices.filter("contact").join(payers, on=PAYER, how="semi")
    stands = contacts.filter(pl.col("state").is_in(["posted", "sent"])).join(notices, on="notice_id", how="anti")
    gone = contacts.join(stands, on="notice_id", how="anti")
    brought_about = (pl.col("contact_before_on") < pl.col("as_of")).fill_null(value=True)
    found = pl.concat(
        [
            book.payers.select(*PAYER, heard_on="last_contact_on"),
            contacts.select(*PAYER, heard_on="contact_before_on"),
        ]
    ).join(gone.filter(brought_about).select(*PAYER, heard_on="as_of"), on=[*PAYER, "heard_on"], how="anti")
    heard = pl.concat([found, stands.select(*PAYER, heard_on=pl.coalesce("sent_on", "as_of"))])
    last = heard.group_by(PAYER).agg(last_contact_on=pl.col("heard_on").max())
    return payers.join(last, on=PAYER, how="left")
