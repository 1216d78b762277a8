"""A `Plan` in the plain shape of the oracle's, and the differences between the two in words."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from dunwell.engine.book import KEYS, Book
from dunwell.engine.decide import decide
from dunwell.engine.plan import Plan, reasons_of
from dunwell.engine.policy.model import Policy
from tests.engine.oracle import OraclePlan
from tests.engine.oracle_charges import Charged
from tests.engine.oracle_events import ClosingKey

Judge = Callable[[Book, Sequence[Policy], date], OraclePlan]


def pipeline(book: Book, policies: Sequence[Policy], as_of: date) -> OraclePlan:
    """`decide`, in the oracle's shape."""
    return plain(decide(book, policies, as_of))


def plain(plan: Plan) -> OraclePlan:
    """Read the frames of a plan into plain tables."""
    lines = defaultdict(set)
    dunned = defaultdict(set)
    for line in plan.lines.to_dicts():
        columns = ("item_id", "role", "amount_minor", "level", "stage", "level_before", "repeats")
        lines[line["notice_no"]].add(tuple(line[column] for column in columns))
        if line["role"] == "dunned":
            dunned[line["notice_no"]].add(line["item_id"])
    key_of = {notice_no: frozenset(item_ids) for notice_no, item_ids in dunned.items()}
    notices = {}
    for notice in plan.notices.filter(pl.col("closing").is_null() | (pl.col("closing") == "reached")).to_dicts():
        notice_no = notice.pop("notice_no")
        notice.pop("split")
        notice["channels"] = notice["channels"] or ""
        notices[key_of[notice_no]] = notice | {"lines": lines[notice_no]}
    decisions = {}
    for row in plan.decisions.to_dicts():
        row["reasons"] = frozenset(reasons_of(row["reasons"]))
        row.pop("notice_no")  # numbering is no rule
        decisions[row["item_id"]] = row
    return OraclePlan(
        decisions=decisions,
        notices=notices,
        charges={Charged(**{name: row[name] for name in Charged._fields}) for row in plan.charges.to_dicts()},
        actions={
            (key_of[row["notice_no"]], row["action"])
            for row in plan.actions.to_dicts()
            if row["notice_no"] in key_of  # without lines, it closes
        },
        anchors={
            (row["entity_id"], row["payer_id"], row["currency"], row["policy"]): (row["anchor_item_id"], row["level"])
            for row in plan.anchors.to_dicts()
        },
        closings=closings_of(plan),
        alerts={
            tuple(row[name] for name in KEYS["alerts"]): (row["since_on"], row["over_on"] is not None, row["actions"])
            for row in plan.alerts.to_dicts()
        },
    )


def closings_of(plan: Plan) -> dict[ClosingKey, tuple[str, str, str]]:
    """The messages that close, each with its currency, channels and actions."""
    actions = defaultdict(list)
    for notice_no, action in plan.actions.iter_rows():
        actions[notice_no].append(action)
    closing = plan.notices.filter(pl.col("closing") == "closes")
    for row in closing.to_dicts():
        assert (row["stage"], row["level"], row["total_minor"], row["contact"]) == ("close", 0, 0, False)
    return {
        (row["entity_id"], row["payer_id"], row["policy"]): (
            row["currency"],
            row["channels"],
            ",".join(actions[row["notice_no"]]),
        )
        for row in closing.to_dicts()
    }


def differences(expected: OraclePlan, found: OraclePlan) -> list[str]:
    """One line for each value that differs; of a decision only the columns that the rules define.

    The state of a group that gets a notice is in the plan even where it is as it was: posting builds on it.
    """
    told = []
    noticed = {
        tuple(notice[column] for column in ("entity_id", "payer_id", "currency", "policy"))
        for notice in found.notices.values()
        if notice["anchored"]
    }
    same = {key: value for key, value in found.anchors.items() if key not in noticed or key in expected.anchors}
    found = replace(found, anchors=same)
    for name in ("decisions", "notices", "anchors", "closings", "alerts"):
        wanted, given = getattr(expected, name), getattr(found, name)
        told += [f"{name}: {shown(key)} is missing: {wanted[key]}" for key in wanted.keys() - given.keys()]
        told += [f"{name}: {shown(key)} is too many: {given[key]}" for key in given.keys() - wanted.keys()]
        for key in wanted.keys() & given.keys():
            told += [f"{name}: {shown(key)}: {text}" for text in values_that_differ(wanted[key], given[key])]
    for name in ("charges", "actions"):
        wanted, given = getattr(expected, name), getattr(found, name)
        told += [f"{name}: missing: {shown(row)}" for row in wanted - given]
        told += [f"{name}: too many: {shown(row)}" for row in given - wanted]
    return sorted(told)


def values_that_differ(wanted: object, given: object) -> list[str]:
    if not isinstance(wanted, dict) or not isinstance(given, dict):
        return [] if wanted == given else [f"rules {wanted}, pipeline {given}"]
    return [
        f"{column}: rules {shown(value)}, pipeline {shown(given.get(column))}"
        for column, value in wanted.items()
        if given.get(column) != value
    ]


def shown(value: object) -> str:
    """Sets in order, dates as they are written."""
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(str(part) for part in value)) + "}"
    return str(value)
