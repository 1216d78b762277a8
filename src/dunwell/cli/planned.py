"""How a planned change of policies reads: one sentence, then tables, for a terminal or as Markdown."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from dunwell.cli.output import money

if TYPE_CHECKING:
    from dunwell.flows.policy_plan import OfEntity, Planned

Row: TypeAlias = Mapping[str, Any]

ALL_SEGMENTS: Final = "(all)"
NONE: Final = "(none)"
TABLES: Final = ("groups", "moves", "outcomes", "notices", "charges", "tasks", "accounts", "items")
HEARS: Final = {
    "newly": "newly",
    "no_more": "no more",
    "other_stage": "another stage",
    "otherwise": "otherwise",
}
ITEMS: Final = {
    "items": "items",
    "items_change_stage": "change stage",
    "items_dunned_otherwise": "dunned otherwise",
    "items_change_policy": "change policy",
}
MESSAGES: Final = {
    "notices_before": "before",
    "notices_after": "after",
    "notices_more": "more",
    "notices_fewer": "fewer",
    "notices_other_stage": "another stage",
    "notices_otherwise": "otherwise",
}
CHARGES: Final = {"fee": "fees", "interest": "interest", "compensation": "compensation"}
NOTICES: Final = {
    "notices_more": "more",
    "notices_fewer": "fewer",
    "notices_other_stage": "at another stage",
    "notices_otherwise": "changed otherwise",
}


# Columns of names that people have given, and of our own words; all others hold numbers.
NAMES: Final = frozenset({"entity", "account", "segment", "from", "to", "stage", "stages", "channels", "task"})
WORDS: Final = frozenset({"outcome", "charge", "currency", "hears"})


@dataclass(frozen=True)
class Sheet:
    """A table; `folded`: of many rows, which Markdown folds away."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    folded: bool = False


def as_data(found: "Planned", warnings: Sequence[str]) -> dict[str, object]:
    """All of it, for programs: tables with the code of their entity."""
    entities = [{**vars(each), "is_concerned": each.is_concerned} for each in found.entities]
    tables = {name: found.rows(name) for name in TABLES}
    changes = not found.difference.is_empty
    return {"headline": headline(found), "changes": changes, "entities": entities, "warnings": warnings, **tables}


def headline(found: "Planned") -> str:
    """Say in one sentence what changes."""
    if not found.entities:
        return "nothing changes: there is no entity in this book yet"
    if not any(each.is_concerned for each in found.entities):
        return "nothing changes: the policies in force stay as they are"
    groups = found.rows("groups")
    sums = {name: sum(group[name] for group in groups) for name in (*ITEMS, *NOTICES)}
    if found.difference.is_empty:
        return f"nothing changes: {_n(sums['items'], 'open item')} decided, all as before"
    staged, moved = sums["items_change_stage"], sums["items_change_policy"]
    parts = [
        f"{_n(staged, 'item')} {_change(staged)} stage" + (f", {moved:,} {_change(moved)} policy" if moved else "")
    ]
    notices = [(sums[name], words) for name, words in NOTICES.items() if sums[name]]
    told = [f"{n:,} {words}" if at else f"{_n(n, 'notice')} {words}" for at, (n, words) in enumerate(notices)]
    parts.append(", ".join(told) or "the same notices")
    return "; ".join([*parts, *_charged(found)])


def about(found: "Planned") -> list[str]:
    """Say what becomes of which policy, for which entities on which day."""
    told: dict[str, list[str]] = defaultdict(list)
    for each in found.entities:
        for words in _of_entity(each):
            told[words].append(f"{each.entity} on {each.as_of}")
    return [f"{words} ({', '.join(whose)})" for words, whose in told.items()]


def sheets(found: "Planned", *, accounts_max: int) -> list[Sheet]:
    """The tables to show: of each the rows in which anything changes."""
    if found.difference.is_empty:
        return []
    shown = [
        _groups(found, "Items", ITEMS),
        _groups(found, "Notices", MESSAGES),
        Sheet("Items that change stage", ("entity", "segment", "from", "to", "items"), list(_moves(found))),
        _sheet(found, "Items by outcome", "outcomes", ("outcome",), "items"),
        _sheet(found, "Notices by stage and channels", "notices", ("stage", "channels"), "notices"),
        Sheet("Charges", ("entity", "segment", "charge", "currency", "before", "after", "change"), _charges(found)),
        _sheet(found, "Tasks", "tasks", ("task",), "tasks"),
        _accounts(found, accounts_max),
    ]
    return [sheet for sheet in shown if sheet.rows]


def as_markdown(found: "Planned", shown: Sequence[Sheet], warnings: Sequence[str]) -> str:
    """Write it for a pull request."""
    lines = [f"**{headline(found)}**", "", *(f"- {_plain(line)}" for line in about(found))]
    if warnings:
        lines += ["", "Warnings:", "", *(f"- {_plain(line)}" for line in warnings)]
    for sheet in shown:
        head = ["<details>", f"<summary>{sheet.title}</summary>"] if sheet.folded else [f"#### {sheet.title}"]
        lines += ["", *head, "", *_grid(sheet), *(["", "</details>"] if sheet.folded else [])]
    return "\n".join(lines)


def _of_entity(each: "OfEntity") -> Iterator[str]:
    yield from (f"{name}: in place of version {number}" for name, number in each.replaced.items())
    yield from (f"{name}: new" for name in each.added)
    yield from (f"{name}: version {number} retired" for name, number in each.retired.items())
    yield from (f"{name}: in force with this very text, version {number}" for name, number in each.same.items())
    yield from (f"{name}: its own version {number} stays" for name, number in each.kept.items())


def _charged(found: "Planned") -> Iterator[str]:
    """What is charged more or less, by kind and currency."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in found.rows("charges"):
        sums[row["charge"], row["currency"]] += row["after_minor"] - row["before_minor"]
    for charge, name in CHARGES.items():
        of = [
            f"{_signed(minor, currency)} {currency}"
            for (kind, currency), minor in sums.items()
            if kind == charge and minor
        ]
        if of:
            yield f"{name} {', '.join(of)}"


def _groups(found: "Planned", title: str, counts: Mapping[str, str]) -> Sheet:
    """A row for each entity, and one for each of its segments, where it has several."""
    by_entity: dict[str, list[Row]] = defaultdict(list)
    for row in found.rows("groups"):
        by_entity[row["entity"]].append(row)
    rows: list[Sequence[object]] = []
    for entity, groups in by_entity.items():
        if len(groups) > 1:
            rows.append([entity, ALL_SEGMENTS, *(sum(group[name] for group in groups) for name in counts)])
        rows += [[entity, group["segment"] or NONE, *(group[name] for name in counts)] for group in groups]
    return Sheet(title, ("entity", "segment", *counts.values()), rows)


def _moves(found: "Planned") -> Iterator[Sequence[object]]:
    for row in found.rows("moves"):
        stages = (_standing(row[f"stage_{when}"], row[f"is_dunned_{when}"]) for when in ("before", "after"))
        yield [row["entity"], row["segment"] or NONE, *stages, row["items"]]


def _standing(stage: str | None, is_dunned: bool) -> str:
    """The stage an item is dunned with on the day; of one that is not, before which stage it stands."""
    if is_dunned or not stage:
        return stage or NONE
    return f"not yet {stage}"


def _sheet(found: "Planned", title: str, table: str, keys: Sequence[str], unit: str) -> Sheet:
    """A table of counts before and after."""
    rows = []
    for row in found.rows(table):
        before, after = row[f"{unit}_before"], row[f"{unit}_after"]
        if before != after:
            about = (row[key] or NONE for key in keys)
            rows.append([row["entity"], row["segment"] or NONE, *about, before, after, f"{after - before:+,}"])
    return Sheet(title, ("entity", "segment", *keys, "before", "after", "change"), rows)


def _charges(found: "Planned") -> list[Sequence[object]]:
    rows: list[Sequence[object]] = []
    for row in found.rows("charges"):
        before, after, currency = row["before_minor"], row["after_minor"], row["currency"]
        if before != after:
            sums = (money(before, currency), money(after, currency), _signed(after - before, currency))
            rows.append([row["entity"], row["segment"] or NONE, row["charge"], currency, *sums])
    return rows


def _accounts(found: "Planned", most: int) -> Sheet:
    """The first accounts that hear something else: the newly dunned first, and of those the largest sums."""
    order = list(HEARS)
    rows = found.rows("accounts")
    rows.sort(key=lambda row: (order.index(row["hears"]), -max(row["total_before_minor"], row["total_after_minor"])))
    listed = [
        [
            row["entity"], row["account"], row["segment"] or NONE, HEARS[row["hears"]], row["currency"],
            money(row["total_before_minor"], row["currency"]), money(row["total_after_minor"], row["currency"]),
            _stages(row["stages_before"] or NONE, row["stages_after"] or NONE),
        ]
        for row in rows[:most]
    ]  # fmt: skip
    whole = len(listed) == len(rows)
    title = f"Accounts: all {len(rows):,}" if whole else f"Accounts: {len(listed):,} of {len(rows):,}"
    columns = ("entity", "account", "segment", "hears", "currency", "before", "after", "stages")
    return Sheet(title, columns, listed, folded=True)


def _stages(before: str, after: str) -> str:
    return before if before == after else f"{before} -> {after}"


def _signed(minor: int, currency: str) -> str:
    return f"{'+' * (minor > 0)}{money(minor, currency)}"


def _change(count: int) -> str:
    return "changes" if count == 1 else "change"


def _n(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _grid(sheet: Sheet) -> Iterator[str]:
    """A table in Markdown; numbers stand right."""
    yield f"| {' | '.join(sheet.columns)} |"
    yield f"|{'|'.join('---' if column in NAMES | WORDS else '---:' for column in sheet.columns)}|"
    for row in sheet.rows:
        yield f"| {' | '.join(_cell(cell, column) for cell, column in zip(row, sheet.columns, strict=True))} |"


def _cell(cell: object, column: str) -> str:
    if isinstance(cell, int):
        return f"{cell:,}"
    return _code(str(cell)) if column in NAMES and cell not in {NONE, ALL_SEGMENTS} else str(cell)


def _code(text: str) -> str:
    """A name as it is, whatever its letters mean in Markdown: nothing is linked, set or addressed by it."""
    safe = text.replace("`", "'").replace("|", "\\|").replace("\n", " ")
    return f"`{safe}`"


def _plain(text: str) -> str:
    """A sentence in which nothing is markup."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|~@" else letter for letter in text.replace("\n", " "))
