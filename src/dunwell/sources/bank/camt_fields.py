"""The fields of one element of a camt message: texts, days, amounts, and what is wrong with them, in its line."""

import re
from datetime import date
from functools import lru_cache
from typing import Any, Final, TypeAlias

from lxml import etree

from dunwell.engine.money import MoneyError, to_minor
from dunwell.sources.dates import YEAR_MAX, YEAR_MIN
from dunwell.sources.problems import Problems, shown

# What an element holds, by name: texts, and elements with something in them. Of a name that comes more than once the
# first stands here, and the others in a list under MORE and the name. An amount is an element of VALUE and CURRENCY.
Node: TypeAlias = dict[str, Any]
Money: TypeAlias = tuple[int, str]

CURRENCY: Final = "@Ccy"
VALUE: Final = "#"
MORE: Final = "+"
FIELD_CHARS_MAX: Final = 10_000  # the standard allows 500
DEPTH_MAX: Final = 20
NOTHING: Final = {"NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOREF"}  # what stands for no reference
_DAY: Final = re.compile(r"(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:\d\d|T\d\d:\d\d.*)?", re.ASCII)
_AMOUNT: Final = re.compile(r"\+?(\d{1,30}(\.\d{0,20})?|\.\d{1,20})", re.ASCII)
_EMPTY: Final[Node] = {}


class FieldError(ValueError):
    """What is wrong with a field."""


def node_of(
    element: etree._Element,
    cut: int,
    problems: Problems,
    *,
    without: frozenset[str] = frozenset(),
    until: str = "",
    depth: int = 0,
) -> Node:
    """Read an element with all that it holds; `cut`: how long the namespace before each name is.

    Elements with nothing in them are left out; of the first level, those `without`, and all `until` one, too. A text
    that is too long is a problem.
    """
    found: Node = {}
    for child in element:
        name: str = child.tag[cut:]  # type: ignore[index, assignment]  # of what was parsed, tags are texts
        if name in without:
            continue
        if name == until:
            break
        held: Any
        if len(child):
            held = node_of(child, cut, problems, depth=depth + 1) if depth < DEPTH_MAX else _EMPTY
        elif written := child.text:
            held = _leaf(child, name, written.strip(), problems)
        else:
            continue
        if not held:
            continue
        if name in found:
            found.setdefault(MORE + name, []).append(held)
        else:
            found[name] = held
    return found


def _leaf(element: etree._Element, name: str, written: str, problems: Problems) -> str | Node:
    """A text, or an amount with its currency."""
    if len(written) > FIELD_CHARS_MAX:
        problems.add(line_of(element), name, f"a text of {len(written):,} characters; at most {FIELD_CHARS_MAX:,}")
        return ""
    if written and (currency := element.get("Ccy")):
        return {CURRENCY: currency, VALUE: written}
    return written


def under(node: Node, name: str, *path: str) -> Node:
    """Return the first element of this path, or one with nothing in it."""
    held = node.get(name)
    for further in path:
        if not isinstance(held, dict):
            return _EMPTY
        held = held.get(further)
    return held if isinstance(held, dict) else _EMPTY


def text(node: Node, name: str, *path: str) -> str:
    """Return the first text of this path, or an empty one."""
    held = node.get(name)
    for further in path:
        if not isinstance(held, dict):
            return ""
        held = held.get(further)
    return held if isinstance(held, str) else ""


def texts(node: Node, name: str) -> list[str]:
    """Return every text of this name."""
    return [held for held in _all(node, name) if isinstance(held, str)]


def nodes(node: Node, name: str) -> list[Node]:
    """Return every element of this name that holds others."""
    return [held for held in _all(node, name) if isinstance(held, dict)]


def _all(node: Node, name: str) -> list[Any]:
    held = node.get(name)
    return [] if held is None else [held, *node.get(MORE + name, ())]


def reference(node: Node, *path: str) -> str:
    """Return the first text of this path, unless it stands for none."""
    found = text(node, *path)
    return "" if found and found.upper() in NOTHING else found


def coded(node: Node, *path: str) -> str:
    """Return what stands as a text in old versions, and as `Cd` or `Prtry` in new ones."""
    held = under(node, *path)
    return text(held, "Cd") or text(held, "Prtry") or text(node, *path)


def _day(written: str) -> date:
    """Read a day, or the day of a time as its bank's clock says it. Errors: FieldError."""
    shape = _DAY.fullmatch(written)
    if shape is None:
        raise FieldError(f"{shown(written)} is no date: one is written as 2026-01-31")
    try:
        day = date.fromisoformat(shape[1])
    except ValueError:
        raise FieldError(f"{shown(written)} is no date of the calendar") from None
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise FieldError(f"{shown(written)} is no date between {YEAR_MIN} and {YEAR_MAX}")
    return day


day_of = lru_cache(maxsize=1000)(_day)


@lru_cache(maxsize=10_000)
def minor_of(written: str, currency: str) -> int:
    """Read an amount, which has no sign: in minor units. Errors: FieldError."""
    if written.startswith("-"):
        raise FieldError(f"{shown(written)} has a sign: which way money goes says CdtDbtInd alone")
    if _AMOUNT.fullmatch(written) is None:
        raise FieldError(f"{shown(written)} is no amount: decimals stand after a point, and thousands are not parted")
    try:
        return to_minor(written, currency)
    except MoneyError as error:
        raise FieldError(str(error)) from None


class Fields:
    """The fields of one element; what is wrong with them goes to the problems, with the line where it stands."""

    __slots__ = ("element", "node", "problems")

    def __init__(self, element: etree._Element, node: Node, problems: Problems) -> None:
        self.element, self.node, self.problems = element, node, problems

    @property
    def line(self) -> int:
        """Where the element begins."""
        return line_of(self.element)

    def refuse(self, path: tuple[str, ...], message: str) -> None:
        """Note what is wrong with a field: in its line, or in that of the element which lacks it."""
        found: etree._Element | None = self.element
        for name in path:
            found = next(iter(found.iterchildren(f"{{*}}{name}")), None) if found is not None else None
        self.problems.add(line_of(self.element if found is None else found), "/".join(path), message)

    def day(self, *path: str) -> date | None:
        """Read a day that stands as `Dt` or `DtTm` below this path; none where there is none."""
        held = under(self.node, *path)
        for name in ("Dt", "DtTm"):
            if written := text(held, name):
                return self._day(written, (*path, name))
        return None

    def day_of(self, *path: str) -> date | None:
        """Read the day that stands here."""
        written = text(self.node, *path)
        return self._day(written, path) if written else None

    def money(self, *path: str) -> Money | None:
        """Read an amount with its currency, or None: where there is none, or with a problem."""
        held = under(self.node, *path)
        if held:
            return self.minor(text(held, VALUE), text(held, CURRENCY), path)
        if written := text(self.node, *path):
            self.refuse(path, f"the amount {shown(written)} has no currency (Ccy)")
        return None

    def minor(self, written: str, currency: str, path: tuple[str, ...]) -> Money | None:
        """Read an amount of a currency, or None with a problem."""
        try:
            return minor_of(written, currency), currency
        except FieldError as error:
            self.refuse(path, str(error))
            return None

    def sign(self, path: tuple[str, ...] = ("CdtDbtInd",), *, default: int = 0) -> int:
        """Read which way money goes: 1 for what comes in, -1 for what goes out, 0 with a problem."""
        written = text(self.node, *path)
        if not written and default:
            return default
        sign = {"CRDT": 1, "DBIT": -1}.get(written, 0)
        if not sign:
            said = f"{shown(written)} is neither CRDT nor DBIT" if written else "it is missing: CRDT or DBIT"
            self.refuse(path, said)
        return sign

    def flag(self, name: str) -> bool:
        """Read yes or no; no where nothing is said."""
        written = text(self.node, name)
        if written not in {"", "true", "false", "1", "0"}:
            self.refuse((name,), f"{shown(written)} is neither true nor false")
        return written in {"true", "1"}

    def _day(self, written: str, path: tuple[str, ...]) -> date | None:
        try:
            return day_of(written)
        except FieldError as error:
            self.refuse(path, str(error))
            return None


def line_of(element: etree._Element) -> int:
    """Return the line where an element begins."""
    return element.sourceline or 1
