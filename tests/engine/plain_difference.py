"""The difference of two plans, worked out slowly over plain rows: what the frames must agree with."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

from dunwell.engine.book import Book
from dunwell.engine.difference import SCHEMAS, SORT_KEYS
from dunwell.engine.plan import Plan

Row: TypeAlias = dict[str, Any]
SIDES = ("before", "after")
STAGE = ("stage", "closing")
LOOK = (*STAGE, "channels", "deadline_on", "approvals", "total_minor", "fee_minor")


def plain_difference(before: Plan, after: Plan, book: Book) -> dict[str, list[Row]]:
    """Return the rows of every table, in order."""
    accounts = {row["account_id"]: row for row in book.accounts.to_dicts()}
    numbers = dict(book.items.select("item_id", "number").iter_rows())
    plans = dict(zip(SIDES, (before, after), strict=True))
    rows = _rows(plans, accounts, numbers)
    heard = _heard(plans, accounts)
    tables = {
        "items": [row for row in rows if row.pop("changes")],
        "groups": _groups(rows, heard),
        "outcomes": _counted(
            ((row["entity_id"], row["segment"], row[f"outcome_{when}"]), when, 1) for row in rows for when in SIDES
        ),
        "notices": _counted(
            ((row["entity_id"], _segment(accounts, row["payer_id"]), row["stage"], row["channels"] or ""), when, 1)
            for when in SIDES
            for row in plans[when].notices.to_dicts()
        ),
        "charges": _charges(plans, rows),
        "tasks": _counted(_tasks(plans, accounts, rows)),
        "accounts": [row for row in heard if any(row[name] for name in SCHEMAS["accounts"] if name.startswith(MOVED))],
    }
    named = {name: _named(name, found) for name, found in tables.items()}
    moved = Counter(
        (row["entity_id"], row["segment"], row["stage_before"], row["dunned_before"] is not None, row["stage_after"],
         row["dunned_after"] is not None)
        for row in tables["items"] if row["stage_changes"]
    )  # fmt: skip
    named["moves"] = [dict(zip(SCHEMAS["moves"], (*key, n), strict=True)) for key, n in moved.items()]
    return {name: sorted(found, key=partial(_order, name)) for name, found in named.items()}


MOVED = ("notices_more", "notices_fewer", "notices_other")


def _rows(plans: Mapping[str, Plan], accounts: Mapping[int, Row], numbers: Mapping[int, str]) -> list[Row]:
    decisions = {when: {row["item_id"]: row for row in plan.decisions.to_dicts()} for when, plan in plans.items()}
    charged: dict[str, Counter[int]] = {when: Counter() for when in SIDES}
    for when, plan in plans.items():
        for row in plan.charges.to_dicts():
            charged[when][row["item_id"]] += row["amount_minor"]
    rows = []
    for item_id, old in decisions["before"].items():
        account = accounts.get(old["account_id"], {})
        told: Row = {
            name: old[name] for name in ("item_id", "account_id", "payer_id", "entity_id", "currency", "open_minor")
        }
        told |= {"number": numbers[item_id], "account": account.get("account"), "segment": account.get("segment")}
        for when in SIDES:
            row = decisions[when][item_id]
            told |= {f"{name}_{when}": row[name] for name in ("policy", "stage", "outcome", "problem", "by_law")}
            told |= {
                f"dunned_{when}": row["stage"] if row["outcome"] == "dun" else None,
                f"level_{when}": row["level_after"],
                f"noticed_{when}": row["notice_no"] is not None,
                f"charged_{when}_minor": charged[when][item_id],
                f"next_{when}_on": row["next_on"],
            }
        told["policy_changes"] = told["policy_before"] != told["policy_after"]
        told["dunning_changes"] = told["dunned_before"] != told["dunned_after"]
        told["stage_changes"] = told["dunning_changes"] or told["stage_before"] != told["stage_after"]
        told["changes"] = any(
            value != told[name.replace("_before", "_after")] for name, value in told.items() if "_before" in name
        )
        rows.append(told)
    return rows


def _groups(rows: Iterable[Row], heard: Iterable[Row]) -> list[Row]:
    found: dict[Any, Counter[str]] = defaultdict(Counter)
    for row in rows:
        group = found[row["entity_id"], row["segment"]]
        group["items"] += 1
        group["items_changed"] += any(
            value != row[name.replace("_before", "_after")] for name, value in row.items() if "_before" in name
        )
        group["items_change_policy"] += row["policy_changes"]
        group["items_change_stage"] += row["stage_changes"]
        group["items_dunned_otherwise"] += row["dunning_changes"]
        for when in SIDES:
            group[f"dunned_{when}"] += row[f"outcome_{when}"] == "dun"
    for row in heard:
        for name, value in row.items():
            if name.startswith("notices_"):
                found[row["entity_id"], row["segment"]][name] += value
    names = list(SCHEMAS["groups"])
    return [
        {**dict(zip(names, key, strict=False)), **{n: counts[n] for n in names[2:]}} for key, counts in found.items()
    ]


def _heard(plans: Mapping[str, Plan], accounts: Mapping[int, Row]) -> list[Row]:
    said: dict[Any, dict[str, list[Row]]] = defaultdict(lambda: {when: [] for when in SIDES})
    for when, plan in plans.items():
        for notice in plan.notices.to_dicts():
            notice["channels"] = notice["channels"] or ""
            said[notice["entity_id"], notice["payer_id"], notice["currency"]][when].append(notice)
    rows = []
    for (entity_id, payer_id, currency), sides in said.items():
        old, new = sides["before"], sides["after"]
        both = min(len(old), len(new))
        staged, alike = _shared(old, new, STAGE), _shared(old, new, LOOK)
        row: Row = {
            "entity_id": entity_id, "payer_id": payer_id, "currency": currency,
            "account": accounts[payer_id]["account"], "segment": accounts[payer_id]["segment"],
            "notices_before": len(old), "notices_after": len(new),
            "notices_more": len(new) - both, "notices_fewer": len(old) - both,
            "notices_other_stage": both - staged, "notices_otherwise": staged - alike,
        }  # fmt: skip
        restaged = len(old) != len(new) or both != staged
        row["hears"] = "newly" if not old else "no_more" if not new else "other_stage" if restaged else "otherwise"
        for when, notices in sides.items():
            stages = dict.fromkeys(n["stage"] for n in sorted(notices, key=lambda n: (n["level"], n["stage"])))
            row[f"stages_{when}"] = ", ".join(stages) or None
            row[f"total_{when}_minor"] = sum(n["total_minor"] for n in notices)
            row[f"charged_{when}_minor"] = sum(n["fee_minor"] for n in notices)
        rows.append(row)
    return rows


def _shared(old: Iterable[Row], new: Iterable[Row], names: Iterable[str]) -> int:
    names = tuple(names)
    counts = [Counter(tuple(row[name] for name in names) for row in rows) for rows in (old, new)]
    return (counts[0] & counts[1]).total()


def _charges(plans: Mapping[str, Plan], rows: Iterable[Row]) -> dict[Any, Counter[str]]:
    whose = {row["item_id"]: (row["entity_id"], row["segment"]) for row in rows}
    return _counted(
        ((*whose[row["item_id"]], row["currency"], row["charge"]), when, row["amount_minor"])
        for when, plan in plans.items()
        for row in plan.charges.to_dicts()
    )


def _tasks(
    plans: Mapping[str, Plan], accounts: Mapping[int, Row], rows: Iterable[Row]
) -> Iterable[tuple[Any, str, int]]:
    entity_of = {row["item_id"]: row["entity_id"] for row in rows}
    for when, plan in plans.items():
        notices = {row["notice_no"]: row for row in plan.notices.to_dicts()}
        for row in plan.actions.to_dicts():
            notice = notices[row["notice_no"]]
            yield (notice["entity_id"], _segment(accounts, notice["payer_id"]), row["action"]), when, 1
        for row in plan.tasks.to_dicts():
            yield (entity_of[row["item_id"]], _segment(accounts, row["account_id"]), row["task"]), when, 1
        for row in plan.alerts.to_dicts():
            for action in filter(None, row["actions"].split(",")):
                yield (row["entity_id"], _segment(accounts, row["account_id"]), action), when, 1


def _segment(accounts: Mapping[int, Row], account_id: int) -> str | None:
    return accounts.get(account_id, {}).get("segment")


def _counted(found: Iterable[tuple[Any, str, int]]) -> dict[Any, Counter[str]]:
    sums: dict[Any, Counter[str]] = defaultdict(Counter)
    for key, when, n in found:
        sums[key][when] += n
    return sums


def _named(table: str, found: Iterable[Row] | dict[Any, Counter[str]]) -> list[Row]:
    if not isinstance(found, dict):
        return list(found)
    *keys, before, after = SCHEMAS[table]
    return [{**dict(zip(keys, key, strict=True)), before: n["before"], after: n["after"]} for key, n in found.items()]


def _order(table: str, row: Row) -> list[Any]:
    """Nulls first; what has declared values, in their order."""
    return [
        (row[name] is not None, _rank(table, name, row[name]) if row[name] is not None else 0)
        for name in SORT_KEYS[table]
    ]


def _rank(table: str, name: str, value: object) -> object:
    categories = getattr(SCHEMAS[table][name], "categories", None)
    return categories.to_list().index(value) if categories is not None else value
