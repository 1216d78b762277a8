"""The last look before sending: what was paid, held, disputed or promised since the decision is not asked for.

A notice is rebuilt without it, or withdrawn where nothing is left or what is left would have been another notice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.consequences.closings import already_closed
from dunwell.engine.events import Trimmed, Withdrawn
from dunwell.engine.law.law import Law
from dunwell.engine.law.needs import CLASSES
from dunwell.engine.plan import BIT
from dunwell.engine.policy.model import Policy
from dunwell.engine.steps.closing import PARTY, overdue_items
from dunwell.engine.steps.parties import active_holds, payers

# What may have come up since the decision; the notice itself, pending, is no reason.
STANDING_IN_THE_WAY: Final = (
    "settled",
    "intercompany",
    "legal",
    "on_hold",
    "disputed",
    "promised",
    "in_plan",
    "payment_in_flight",
    "covered_by_credit",
)
LESS: Final = "less is owed"
OVERDUE: Final = "overdue again"
WAITS: Final = "on_hold"


@dataclass
class Look:
    """What a last look found: notices to withdraw, each with its reason, and lines of others that ask for less.

    `lines`: (notice_id, item_id, amount_minor) as asked for from now on; an amount of 0 is a line taken off. `listed`:
    the same of what notices list without asking for it. `reasons`: why, by notice and item; `less`: the notices that
    ask for less.
    """

    withdrawn: dict[int, str] = field(default_factory=dict)
    lines: list[tuple[int, int, int]] = field(default_factory=list)
    listed: list[tuple[int, int, int]] = field(default_factory=list)
    fees: list[int] = field(default_factory=list)
    reasons: dict[int, dict[int, str]] = field(default_factory=dict)
    less: set[int] = field(default_factory=set)

    def events(self, on: date) -> list[Withdrawn | Trimmed]:
        """What is to happen to the notices."""
        events: list[Withdrawn | Trimmed] = [
            Withdrawn(on=on, notice_ids=[notice], reason=reason) for notice, reason in self.withdrawn.items()
        ]
        if told := self.lines + self.listed:
            schema = dict.fromkeys(("notice_id", "item_id", "amount_minor"), pl.Int64)
            lines = pl.DataFrame(told, schema=schema, orient="row")
            events.append(Trimmed(on=on, lines=lines, fees=self.fees))
        return events

    def overtaken_by(self, found: Mapping[int, dict[int, str]]) -> None:
        """Withdraw the messages of `overtaken` as well."""
        self.reasons |= found
        self.withdrawn |= {notice: OVERDUE if items else WAITS for notice, items in found.items()}


def last_look(
    book: Book,
    standing: pl.DataFrame,
    policies: Sequence[Policy],
    notice_ids: Sequence[int],
    *,
    moved: Collection[int] = (),
) -> Look:
    """Say what of these waiting notices is asked for no longer.

    `book` holds everything of their payers, and `standing` what `decide.standing`, or a plan's decisions, says of it
    now. `moved`: items that were put off since, and are not due.
    """
    look = Look()
    if not notice_ids:
        return look
    now = _now(book, standing, notice_ids, moved)
    rules = {policy.policy: policy for policy in policies}
    for (notice_id,), lines in now.partition_by("notice_id", as_dict=True).items():
        notice = book.notices.row(by_predicate=pl.col("notice_id") == notice_id, named=True)
        policy = rules.get(notice["policy"])
        asked = _with_item_minimum(lines, policy, notice["currency"])
        changed = asked.filter(pl.col("reason").is_not_null())
        if changed.is_empty():
            continue
        look.reasons[int(notice_id)] = dict(changed.select("item_id", "reason").iter_rows())
        is_listed = pl.col("role") == "listed"
        look.listed += changed.filter(is_listed).select("notice_id", "item_id", "left_minor").iter_rows()
        asked, changed = asked.filter(~is_listed), changed.filter(~is_listed)
        if changed.is_empty():
            continue
        look.less.add(int(notice_id))
        if reason := _not_worth_it(asked, notice, policy, book):
            look.withdrawn[int(notice_id)] = reason
        else:
            fees = _fees(book, policy, notice, changed)
            others = changed.filter(~pl.col("item_id").is_in(fees))
            look.lines += others.select("notice_id", "item_id", "left_minor").iter_rows()
            look.lines += [(int(notice_id), fee, 0) for fee in fees]
            look.fees += fees
    return look


def overtaken(book: Book, notice_ids: Sequence[int], on: date) -> dict[int, dict[int, str]]:
    """Those of these notices that say nothing is overdue any more, where something is: why, by notice and item.

    Without an item: its payer is held, or another account pays for it. `book` holds everything of their payers.
    """
    some = book.notices.filter(pl.col("notice_id").is_in(list(notice_ids)))
    found: dict[int, dict[int, str]] = {notice_id: {} for notice_id in _waiting_again(book, some, on)["notice_id"]}
    for notice_id, item_id in _overdue_again(book, some, on).select("notice_id", "item_id").iter_rows():
        found.setdefault(notice_id, {})[item_id] = OVERDUE
    return found


def closed_meanwhile(book: Book, notices: pl.DataFrame, on: date) -> pl.DataFrame:
    """Those of a plan's notices that close what is closed by now, or must not be said any more (see `overtaken`)."""
    late = _overdue_again(book, notices, on).select(notices.columns)
    waiting = _waiting_again(book, notices, on)
    return pl.concat([already_closed(notices, book.closings), late, waiting]).unique("notice_no")


def _waiting_again(book: Book, notices: pl.DataFrame, on: date) -> pl.DataFrame:
    """The messages among these notices that say nothing is overdue, whose payer is held, or pays for itself no more."""
    closing = notices.filter(pl.col("closing") == "closes")
    if closing.is_empty():
        return closing
    held = active_holds(book, pl.lit(on))["account_id"].drop_nulls()
    alone = payers(book.accounts).filter(pl.col("account_id") == pl.col("payer_id"))["account_id"]
    payer = pl.col("payer_id")
    return closing.filter(payer.is_in(held.implode()) | ~payer.is_in(alone.implode()))


def _overdue_again(book: Book, notices: pl.DataFrame, on: date) -> pl.DataFrame:
    """The messages among these notices that say nothing is overdue, with each `item_id` that is."""
    closing = notices.filter(pl.col("closing") == "closes")
    if closing.is_empty():
        return closing.with_columns(item_id=pl.lit(None, dtype=pl.Int64))
    return closing.join(overdue_items(book, payers(book.accounts), pl.lit(on)), on=PARTY)


def asked_for(lines: pl.DataFrame) -> dict[int, dict[str, int]]:
    """Sum up what notices ask for by their lines, by notice: due, charges, fee and total, in minor units."""
    amount = pl.col("amount_minor")
    sums = {
        name: amount.filter(pl.col("role") == role).sum()
        for name, role in {"due_minor": "dunned", "charges_minor": "charge", "fee_minor": "fee"}.items()
    }
    asked = (
        lines.filter(~pl.col("role").is_in(["withdrawn", "listed"]))
        .group_by("notice_id")
        .agg(**sums, total_minor=amount.sum())
    )
    return {row.pop("notice_id"): row for row in asked.to_dicts()}


def _now(book: Book, standing: pl.DataFrame, notice_ids: Sequence[int], moved: Collection[int]) -> pl.DataFrame:
    """The lines of notices, with what is left to ask for on each (`left_minor`) and why it is less (`reason`)."""
    decided = standing.select("item_id", "reasons", "dunnable_minor")
    is_asked = pl.col("notice_id").is_in(list(notice_ids)) & (pl.col("role") != "withdrawn")
    is_put_off = pl.col("item_id").is_in(list(moved)) & pl.col("role").is_in(["dunned", "listed"])
    reason = pl.when(is_put_off).then(pl.lit("not_due")).otherwise(pl.lit(None, dtype=pl.String))
    for name in reversed(STANDING_IN_THE_WAY):
        reason = pl.when(pl.col("reasons") & BIT[name] != 0).then(pl.lit(name)).otherwise(reason)
    # A charge has nothing dunnable of its own; it is asked for as long as it is open.
    of_charge = pl.col("open_minor") - pl.col("disputed_minor") - pl.col("in_flight_minor")
    left = pl.when(pl.col("role").is_in(["dunned", "listed"])).then("dunnable_minor").otherwise(of_charge).fill_null(0)
    return (
        book.lines.filter(is_asked)
        .join(decided, on="item_id", how="left", maintain_order="left")
        .join(book.items.select("item_id", "open_minor", "disputed_minor", "in_flight_minor"), on="item_id", how="left")
        .with_columns(reason=reason)
        .with_columns(
            left_minor=pl.when(pl.col("reason").is_null()).then(pl.min_horizontal(left, "amount_minor")).otherwise(0)
        )
        .with_columns(
            reason=pl.coalesce("reason", pl.when(pl.col("left_minor") < pl.col("amount_minor")).then(pl.lit(LESS)))
        )
    )


def _with_item_minimum(lines: pl.DataFrame, policy: Policy | None, currency: str) -> pl.DataFrame:
    """Take lines off of which too little is left."""
    least = ((policy.minimum.item if policy else None) or {}).get(currency, 0)
    is_small = (pl.col("role") == "dunned") & (pl.col("reason") == LESS) & (pl.col("left_minor") < least)
    return lines.with_columns(
        left_minor=pl.when(is_small).then(0).otherwise("left_minor"),
        reason=pl.when(is_small).then(pl.lit("below_item_minimum")).otherwise("reason"),
    )


def _not_worth_it(asked: pl.DataFrame, notice: dict[str, object], policy: Policy | None, book: Book) -> str:
    """Why what is left would have been no notice, or another one; an empty text where it still is this one."""
    dunned = asked.filter(pl.col("role") == "dunned")
    left = dunned.filter(pl.col("left_minor") > 0)
    first = str(asked.drop_nulls("reason").sort("item_id")["reason"][0])
    if left.is_empty() or left["level"].max() != dunned["level"].max():
        return first
    if notice["anchored"]:
        group = [pl.col(name) == notice[name] for name in ("entity_id", "payer_id", "currency", "policy")]
        if not book.anchors.filter(*group)["anchor_item_id"].is_in(left["item_id"].implode()).all():
            return first
    least = ((policy.minimum.account if policy else None) or {}).get(str(notice["currency"]), 0)
    return "below_account_minimum" if int(left["left_minor"].sum()) < least else ""


def _fees(book: Book, policy: Policy | None, notice: dict[str, object], changed: pl.DataFrame) -> list[int]:
    """The charges of a notice that nobody is to hear of: of lines taken off, where each has its own, and those waived.

    Interest and flat sums are of their line; a fee is where the stage charges it per item, and where the law bounds
    fees: on another line it might have allowed none.
    """
    stage = next((each for each in policy.stages if each.stage == notice["stage"]), None) if policy else None
    mine = book.lines.filter(pl.col("notice_id") == notice["notice_id"], pl.col("role") == "fee")
    of_line = book.charges.filter(pl.col("charge") != "fee")["charge_item_id"]
    has_own = pl.col("item_id").is_in(of_line.implode())
    if stage and stage.fee and stage.fee.per_item:
        has_own = pl.lit(value=True)
    elif policy and policy.law:
        has_own |= _bounds_fees(policy.law)
    off = changed.filter(pl.col("left_minor") == 0)["item_id"]
    is_gone = (pl.col("waived_minor") > 0) | (has_own & pl.col("parent_item_id").is_in(off.implode()))
    raised = book.items.join(mine, on="item_id", how="semi")
    classes = book.accounts.select("account_id", "debtor_class")
    return raised.join(classes, on="account_id", how="left").filter(is_gone)["item_id"].to_list()


def _bounds_fees(law: Law) -> pl.Expr:
    """Whether the law bounds fees against the debtor's class."""
    bounded = [debtor_class for debtor_class in CLASSES if law.fees(debtor_class)]
    return pl.col("debtor_class").cast(pl.String).fill_null(law.default_class or "").is_in(bounded)
