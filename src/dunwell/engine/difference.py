"""What comes out otherwise when the same book is decided on the same day under other policies.

Two plans are laid side by side. Words end in `_before` for what is decided under the policies as they are, and in
`_after` for what would be. docs/policy-plan.md says what is counted as what.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from dunwell.engine.book import CHARGES, Book, Currency, Schema
from dunwell.engine.plan import EMPTY, OUTCOMES, PROBLEMS, Plan
from dunwell.engine.steps.rows import collected

HEARINGS: Final = ("newly", "no_more", "other_stage", "otherwise")
_SUMS: Final = ("notices_more", "notices_fewer", "notices_other_stage", "notices_otherwise")

SCHEMAS: Final[dict[str, Schema]] = {
    # The items of which anything changes.
    "items": {
        "item_id": pl.Int64,
        "number": pl.String,
        "account_id": pl.Int64,
        "account": pl.String,
        "payer_id": pl.Int64,
        "entity_id": pl.Int32,
        "segment": pl.String,  # of the account that owes it
        "currency": Currency,
        "open_minor": pl.Int64,
        "policy_before": pl.String,
        "policy_after": pl.String,
        "stage_before": pl.String,  # the stage judged
        "stage_after": pl.String,
        "outcome_before": pl.Enum(OUTCOMES),
        "outcome_after": pl.Enum(OUTCOMES),
        "problem_before": pl.Enum(PROBLEMS),
        "problem_after": pl.Enum(PROBLEMS),
        "dunned_before": pl.String,  # the stage it is dunned with on the day; null: it is not
        "dunned_after": pl.String,
        "level_before": pl.Int16,  # its level once the notices are posted
        "level_after": pl.Int16,
        "noticed_before": pl.Boolean,  # it is on a notice, as what is dunned or as a charge
        "noticed_after": pl.Boolean,
        "charged_before_minor": pl.Int64,  # on it, on the day
        "charged_after_minor": pl.Int64,
        "by_law_before": pl.String,  # what the law left out of the charges
        "by_law_after": pl.String,
        "next_before_on": pl.Date,
        "next_after_on": pl.Date,
        "policy_changes": pl.Boolean,
        "stage_changes": pl.Boolean,  # another is judged, or it is dunned with another, or in one of the two alone
        "dunning_changes": pl.Boolean,  # it is dunned with another, or in one of the two alone
    },
    # All items, and the notices of all payers.
    "groups": {
        "entity_id": pl.Int32,
        "segment": pl.String,  # of the account that owes; of notices, of the payer
        "items": pl.Int64,
        "items_changed": pl.Int64,
        "items_change_policy": pl.Int64,
        "items_change_stage": pl.Int64,
        "items_dunned_otherwise": pl.Int64,  # they change stage, too
        "dunned_before": pl.Int64,
        "dunned_after": pl.Int64,
        "notices_before": pl.Int64,
        "notices_after": pl.Int64,
        **dict.fromkeys(_SUMS, pl.Int64()),
    },
    "outcomes": {
        "entity_id": pl.Int32,
        "segment": pl.String,
        "outcome": pl.Enum(OUTCOMES),
        "items_before": pl.Int64,
        "items_after": pl.Int64,
    },
    # From which stage to which the items go that change stage, and whether they are dunned with it on the day.
    "moves": {
        "entity_id": pl.Int32,
        "segment": pl.String,
        "stage_before": pl.String,
        "is_dunned_before": pl.Boolean,
        "stage_after": pl.String,
        "is_dunned_after": pl.Boolean,
        "items": pl.Int64,
    },
    "notices": {
        "entity_id": pl.Int32,
        "segment": pl.String,  # of the payer
        "stage": pl.String,
        "channels": pl.String,  # comma-separated; empty: nothing leaves
        "notices_before": pl.Int64,
        "notices_after": pl.Int64,
    },
    "charges": {
        "entity_id": pl.Int32,
        "segment": pl.String,  # of the account that is charged
        "currency": Currency,
        "charge": pl.Enum(CHARGES),
        "before_minor": pl.Int64,
        "after_minor": pl.Int64,
    },
    # Work for people: what stages and rules ask for, exceptions, and whom nothing reaches.
    "tasks": {
        "entity_id": pl.Int32,
        "segment": pl.String,
        "task": pl.String,
        "tasks_before": pl.Int64,
        "tasks_after": pl.Int64,
    },
    # The payers, by currency, that hear something else than before.
    "accounts": {
        "entity_id": pl.Int32,
        "payer_id": pl.Int64,
        "currency": Currency,
        "account": pl.String,
        "segment": pl.String,
        "hears": pl.Enum(HEARINGS),
        "notices_before": pl.Int64,
        "notices_after": pl.Int64,
        **dict.fromkeys(_SUMS, pl.Int64()),
        "stages_before": pl.String,  # comma-separated, in the order of their levels
        "stages_after": pl.String,
        "total_before_minor": pl.Int64,  # what the notices ask for
        "total_after_minor": pl.Int64,
        "charged_before_minor": pl.Int64,  # by these notices
        "charged_after_minor": pl.Int64,
    },
}

SORT_KEYS: Final[dict[str, list[str]]] = {
    "items": ["entity_id", "account_id", "item_id"],
    "groups": ["entity_id", "segment"],
    "outcomes": ["entity_id", "segment", "outcome"],
    "moves": ["entity_id", "segment", "stage_before", "is_dunned_before", "stage_after", "is_dunned_after"],
    "notices": ["entity_id", "segment", "stage", "channels"],
    "charges": ["entity_id", "segment", "currency", "charge"],
    "tasks": ["entity_id", "segment", "task"],
    "accounts": ["entity_id", "payer_id", "currency"],
}
ROWS: Final = ("items", "accounts")  # the other tables are sums

_PAIRS: Final = {
    "notices": ("notices_before", "notices_after"),
    "charges": ("before_minor", "after_minor"),
    "tasks": ("tasks_before", "tasks_after"),
}
_COMPARED: Final = ("policy", "stage", "outcome", "problem", "level_after", "notice_no", "next_on", "by_law")
_OF_ITEM: Final = ("item_id", "account_id", "payer_id", "entity_id", "currency", "open_minor")
_PAYER: Final = ["entity_id", "payer_id", "currency"]
# What makes two notices to a payer the same one, beside the lines and the policy.
_STAGE: Final = ["stage", "closing"]
_LOOK: Final = [*_STAGE, "channels", "deadline_on", "approvals", "total_minor", "fee_minor"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The tables of SCHEMAS, one frame each, sorted by SORT_KEYS, nulls first."""

    items: pl.DataFrame
    groups: pl.DataFrame
    outcomes: pl.DataFrame
    moves: pl.DataFrame
    notices: pl.DataFrame
    charges: pl.DataFrame
    tasks: pl.DataFrame
    accounts: pl.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all comes out otherwise."""
        same = all((getattr(self, name)[old] == getattr(self, name)[new]).all() for name, (old, new) in _PAIRS.items())
        return same and self.items.is_empty() and self.accounts.is_empty()


def compared(plan: Plan) -> Plan:
    """Keep of a plan only what `difference` looks at, so that the first needs little room beside the second."""
    return replace(
        plan, decisions=plan.decisions.select(*_OF_ITEM, *_COMPARED), lines=EMPTY["lines"], anchors=EMPTY["anchors"]
    )


def difference(before: Plan, after: Plan, book: Book) -> Difference:
    """Say what `after` decides otherwise than `before`, both of `book`, on one day.

    Errors: ValueError where they are not plans for the same items.
    """
    segments = book.accounts.select("account_id", "segment")
    rows = _side_by_side(before, after).join(segments, on="account_id", how="left", maintain_order="left")
    heard = _heard(before, after).join(
        book.accounts.select("account", "segment", payer_id="account_id"), on="payer_id", how="left"
    )
    items = rows.filter("changes")
    tables = {
        "items": _told(items, book),
        "groups": _groups(rows, heard),
        "outcomes": _outcomes(rows),
        "moves": _moves(items.filter("stage_changes")),
        "notices": _counted("notices", _messages(before, after), _by_payer(segments), "notices"),
        "charges": _charges(before, after, rows),
        "tasks": _tasks(before, after, rows, segments),
        "accounts": heard.filter(pl.any_horizontal(pl.col(_SUMS) > 0)),
    }
    return Difference(**{name: _table(name, frame) for name, frame in tables.items()})


def nothing() -> Difference:
    """Return the difference of plans for no item."""
    return Difference(**{name: pl.DataFrame(schema=schema) for name, schema in SCHEMAS.items()})


def joined(differences: Sequence[Difference]) -> Difference:
    """Make one difference of those of several payers' books."""
    tables = {}
    for name in SCHEMAS:
        rows = pl.concat([getattr(each, name) for each in [nothing(), *differences]])
        tables[name] = rows if name in ROWS else rows.group_by(SORT_KEYS[name]).agg(pl.all().sum())
    return Difference(**{name: _table(name, frame) for name, frame in tables.items()})


def _side_by_side(before: Plan, after: Plan) -> pl.DataFrame:
    """Every item with both decisions and whether anything changes, and what."""
    old, new = (plan.decisions.select("item_id", *_COMPARED) for plan in (before, after))
    if not old["item_id"].equals(new["item_id"]):
        new = old.select("item_id").join(new, on="item_id", how="inner", validate="1:1", maintain_order="left")
    if not old.height == new.height == after.decisions.height:
        raise ValueError("the plans are not of the same items")
    rows = before.decisions.select(_OF_ITEM).hstack(
        [frame[name].alias(f"{name}_{when}") for frame, when in ((old, "before"), (new, "after")) for name in _COMPARED]
    )
    for plan, when in ((before, "before"), (after, "after")):
        charged = plan.charges.group_by("item_id").agg(pl.col("amount_minor").sum().alias(f"charged_{when}_minor"))
        rows = rows.join(charged, on="item_id", how="left", maintain_order="left")
    sides = ("before", "after")
    rows = rows.with_columns(
        pl.col(r"^charged_.*_minor$").fill_null(0),
        **{f"dunned_{when}": pl.when(pl.col(f"outcome_{when}") == "dun").then(f"stage_{when}") for when in sides},
        **{f"noticed_{when}": pl.col(f"notice_no_{when}").is_not_null() for when in sides},
        **{f"level_{when}": pl.col(f"level_after_{when}") for when in sides},
        **{f"next_{when}_on": pl.col(f"next_on_{when}") for when in sides},
    )
    flags = {"policy_changes": _differs("policy"), "dunning_changes": _differs("dunned")}
    flags["stage_changes"] = _differs("stage") | flags["dunning_changes"]
    others = [_differs(name) for name in ("outcome", "problem", "level", "noticed", "by_law")]
    others += [_differs("charged", "_minor"), _differs("next", "_on")]
    return rows.with_columns(**flags, changes=pl.any_horizontal(*flags.values(), *others))


def _differs(name: str, unit: str = "") -> pl.Expr:
    return pl.col(f"{name}_before{unit}").ne_missing(pl.col(f"{name}_after{unit}"))


def _told(items: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Give changed items their number, and the code of their account."""
    return items.join(book.items.select("item_id", "number"), on="item_id", how="left").join(
        book.accounts.select("account_id", "account"), on="account_id", how="left"
    )


def _groups(rows: pl.DataFrame, heard: pl.DataFrame) -> pl.DataFrame:
    key = SORT_KEYS["groups"]
    of_items = rows.lazy().group_by(key).agg(
        items=pl.len(),
        items_changed=pl.col("changes").sum(),
        items_change_policy=pl.col("policy_changes").sum(),
        items_change_stage=pl.col("stage_changes").sum(),
        items_dunned_otherwise=pl.col("dunning_changes").sum(),
        dunned_before=(pl.col("outcome_before") == "dun").sum(),
        dunned_after=(pl.col("outcome_after") == "dun").sum(),
    )  # fmt: skip
    of_notices = heard.lazy().group_by(key).agg(pl.col("notices_before", "notices_after", *_SUMS).sum())
    return collected(pl.concat([of_items, of_notices], how="diagonal_relaxed").group_by(key).agg(pl.all().sum()))


def _moves(items: pl.DataFrame) -> pl.DataFrame:
    dunned = {f"is_dunned_{when}": pl.col(f"dunned_{when}").is_not_null() for when in ("before", "after")}
    return items.with_columns(**dunned).group_by(SORT_KEYS["moves"]).agg(items=pl.len())


def _outcomes(rows: pl.DataFrame) -> pl.DataFrame:
    sides = []
    for when in ("before", "after"):
        key = ["entity_id", "segment", pl.col(f"outcome_{when}").alias("outcome")]
        sides.append(rows.lazy().group_by(key).agg(pl.len().cast(pl.Int64).alias(f"items_{when}")))
    together = pl.concat(sides, how="diagonal").group_by(SORT_KEYS["outcomes"]).agg(pl.all().sum())
    return collected(together)


def _messages(before: Plan, after: Plan) -> pl.DataFrame:
    """The notices of both plans, with `notices_before` and `notices_after`: one of them 1, the other 0."""
    sides = []
    for plan, when in ((before, "before"), (after, "after")):
        found = plan.notices.select(*_PAYER, "level", *_LOOK).with_columns(pl.col("channels").fill_null(""))
        counts = {f"notices_{each}": pl.lit(int(each == when), dtype=pl.Int64) for each in ("before", "after")}
        sides.append(found.with_columns(**counts))
    return pl.concat(sides)


def _heard(before: Plan, after: Plan) -> pl.DataFrame:
    """What each payer hears in each currency, and how many of the notices are other ones."""
    messages = _messages(before, after)
    payers = messages.group_by(_PAYER).agg(pl.col("notices_before", "notices_after").sum())
    for when in ("before", "after"):
        said = _said(messages.filter(pl.col(f"notices_{when}") == 1), when)
        payers = payers.join(said, on=_PAYER, how="left", nulls_equal=True)
    for name, look in (("alike", _LOOK), ("staged", _STAGE)):
        payers = payers.join(_shared(messages, look).rename({"shared": name}), on=_PAYER, nulls_equal=True)
    both = pl.min_horizontal("notices_before", "notices_after")
    counted = payers.with_columns(
        pl.col(r"^(total|charged)_.*_minor$").fill_null(0),
        notices_more=pl.col("notices_after") - both,
        notices_fewer=pl.col("notices_before") - both,
        notices_other_stage=both - pl.col("staged"),
        notices_otherwise=pl.col("staged") - pl.col("alike"),
    )
    moved = pl.any_horizontal(pl.col("notices_more", "notices_fewer", "notices_other_stage") > 0)
    hears = (
        pl.when(pl.col("notices_before") == 0).then(pl.lit("newly"))
        .when(pl.col("notices_after") == 0).then(pl.lit("no_more"))
        .when(moved).then(pl.lit("other_stage"))
        .otherwise(pl.lit("otherwise"))
    )  # fmt: skip
    return counted.with_columns(hears=hears)


def _said(messages: pl.DataFrame, when: str) -> pl.DataFrame:
    """The stages of each payer's notices, and their sums."""
    stages = messages.group_by(*_PAYER, "stage").agg(
        pl.col("level").min(), *(pl.col(name).sum() for name in ("total_minor", "fee_minor"))
    )
    told = stages.sort("level", "stage").group_by(_PAYER, maintain_order=True).agg("stage", pl.col(r"^.*_minor$").sum())
    return told.select(
        *_PAYER,
        pl.col("stage").list.join(", ").alias(f"stages_{when}"),
        pl.col("total_minor").alias(f"total_{when}_minor"),
        pl.col("fee_minor").alias(f"charged_{when}_minor"),
    )


def _shared(messages: pl.DataFrame, look: Sequence[str]) -> pl.DataFrame:
    """How many notices of each payer both plans have, that are the same by these columns."""
    alike = messages.group_by([*_PAYER, *look]).agg(pl.col("notices_before", "notices_after").sum())
    shared = pl.min_horizontal("notices_before", "notices_after")
    return alike.with_columns(shared=shared).group_by(_PAYER).agg(pl.col("shared").sum())


def _charges(before: Plan, after: Plan, rows: pl.DataFrame) -> pl.DataFrame:
    whose = rows.select("item_id", "entity_id", "segment")
    sides = [
        plan.charges.join(whose, on="item_id").rename({"amount_minor": f"{when}_minor"})
        for plan, when in ((before, "before"), (after, "after"))
    ]
    both = pl.concat(sides, how="diagonal")
    return both.group_by(SORT_KEYS["charges"]).agg(pl.col("before_minor", "after_minor").sum())


def _tasks(before: Plan, after: Plan, rows: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """What people are asked to do; of a notice, by its payer."""
    sides = []
    for plan, when in ((before, "before"), (after, "after")):
        of_notices = plan.actions.join(plan.notices.select("notice_no", "entity_id", "payer_id"), on="notice_no")
        of_items = plan.tasks.join(rows.select("item_id", "entity_id"), on="item_id")
        of_rules = plan.alerts.with_columns(task=pl.col("actions").str.split(",")).explode("task")
        asked = [
            of_notices.select("entity_id", account_id="payer_id", task="action"),
            of_items.select("entity_id", "account_id", "task"),
            of_rules.filter(pl.col("task") != "").select("entity_id", "account_id", "task"),
        ]
        counts = {f"tasks_{each}": pl.lit(int(each == when), dtype=pl.Int64) for each in ("before", "after")}
        sides.append(pl.concat(asked).with_columns(**counts))
    return _counted("tasks", pl.concat(sides), segments, "tasks")


def _counted(name: str, found: pl.DataFrame, segments: pl.DataFrame, unit: str) -> pl.DataFrame:
    """Sum `unit` by the key of a table, with the segment of the account that both frames name."""
    rows = found.join(segments, on=segments.columns[0], how="left")
    return rows.group_by(SORT_KEYS[name]).agg(pl.col(f"{unit}_before", f"{unit}_after").sum())


def _by_payer(segments: pl.DataFrame) -> pl.DataFrame:
    return segments.rename({"account_id": "payer_id"})


def _table(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Shape and sort a table as declared."""
    columns = [pl.col(column).cast(dtype) for column, dtype in SCHEMAS[name].items()]
    return frame.select(columns).sort(SORT_KEYS[name], nulls_last=False)
