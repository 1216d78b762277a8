"""Expressions that the random policies use: as SQL, and once more as Python over a row's columns.

The oracle never evaluates SQL; it looks the text up here. NULL is None, and a comparison with it is None.
"""

from collections.abc import Callable
from datetime import date
from operator import eq, ge, gt, lt, mod, ne, truediv
from typing import Any, Final, TypeAlias

Columns: TypeAlias = dict[str, Any]
Truth: TypeAlias = bool | None


def is_(operator: Callable[[Any, Any], bool], left: object, right: object) -> Truth:
    """Compare, where NULL gives NULL."""
    return None if left is None or right is None else operator(left, right)


def by_(operator: Callable[[Any, Any], object], left: object, right: object) -> object:
    """Divide, where NULL gives NULL and so does a divisor of 0."""
    return operator(left, right) if left is not None and right else None


def and_(left: Truth, right: Truth) -> Truth:
    """False if either is false, else NULL if either is NULL."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def or_(left: Truth, right: Truth) -> Truth:
    """True if either is true, else NULL if either is NULL."""
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def not_(truth: Truth) -> Truth:
    """NULL stays NULL."""
    return None if truth is None else not truth


# May decide which policy applies.
ANY_ROW: Final[dict[str, Callable[[Columns], Truth]]] = {
    "segment = 'smb'": lambda c: is_(eq, c["segment"], "smb"),
    "not (segment = 'smb')": lambda c: not_(is_(eq, c["segment"], "smb")),
    "segment is null or risk > 0.5": lambda c: or_(c["segment"] is None, is_(gt, c["risk"], 0.5)),
    "country in ('DE', 'AT')": lambda c: None if c["country"] is None else c["country"] in {"DE", "AT"},
    "debtor_class <> 'business'": lambda c: is_(ne, c["debtor_class"], "business"),
    "coalesce(risk, 0) < 0.5": lambda c: (0 if c["risk"] is None else c["risk"]) < 0.5,
    "account_overdue_minor > credit_limit_minor": (
        lambda c: is_(gt, c["account_overdue_minor"], c["credit_limit_minor"])
    ),
    "account_overdue_minor / credit_limit_minor > 0.5": (
        lambda c: is_(gt, by_(truediv, c["account_overdue_minor"], c["credit_limit_minor"]), 0.5)
    ),
    "coalesce(amount_minor % attr_score, 1) <> 0": (
        lambda c: (by_(mod, c["amount_minor"], c["attr_score"]) if c["attr_score"] else 1) != 0
    ),
    "open_minor * 3 >= amount_minor * 2": lambda c: c["open_minor"] * 3 >= c["amount_minor"] * 2,
    "customer_since_on < date('2026-01-01')": lambda c: is_(lt, c["customer_since_on"], date(2026, 1, 1)),
    "kind = 'invoice' or currency = 'JPY'": lambda c: or_(c["kind"] == "invoice", c["currency"] == "JPY"),
    "amount_minor >= 5000": lambda c: is_(ge, c["amount_minor"], 5000),
    "open_minor < amount_minor": lambda c: is_(lt, c["open_minor"], c["amount_minor"]),
    "disputed_minor = 0": lambda c: is_(eq, c["disputed_minor"], 0),
    "days_since_issued between 10 and 40": (
        lambda c: and_(is_(ge, c["days_since_issued"], 10), not_(is_(gt, c["days_since_issued"], 40)))
    ),
    "number like 'A%'": lambda c: None if c["number"] is None else c["number"].startswith("A"),
    "entity = 'North'": lambda c: is_(eq, c["entity"], "North"),
    "account_open_items >= 2": lambda c: is_(ge, c["account_open_items"], 2),
    "account_overdue_items > 1": lambda c: is_(gt, c["account_overdue_items"], 1),
    "account_overdue_minor >= 10000": lambda c: is_(ge, c["account_overdue_minor"], 10000),
    "account_open_minor < 20000": lambda c: is_(lt, c["account_open_minor"], 20000),
    "account_oldest_days >= 7": lambda c: is_(ge, c["account_oldest_days"], 7),
    "account_broken_promises > 0": lambda c: is_(gt, c["account_broken_promises"], 0),
    "attr_contract = 'C1'": lambda c: is_(eq, c["attr_contract"], "C1"),
    "not (attr_contract = 'C1' and risk > 0.2)": (
        lambda c: not_(and_(is_(eq, c["attr_contract"], "C1"), is_(gt, c["risk"], 0.2)))
    ),
    "attr_score >= 3": lambda c: is_(ge, c["attr_score"], 3),
    "dunnable_minor >= 1000": lambda c: is_(ge, c["dunnable_minor"], 1000),
    "level > 0": lambda c: is_(gt, c["level"], 0),
    "not attr_vip": lambda c: not_(c["attr_vip"]),
}

# May decide whether a stage is reached.
STAGE_ROW: Final[dict[str, Callable[[Columns], Truth]]] = {
    **ANY_ROW,
    "days_past_due >= 7": lambda c: is_(ge, c["days_past_due"], 7),
    "days_since_previous is null": lambda c: c["days_since_previous"] is None,
    "days_since_previous is null or days_since_previous > 3": (
        lambda c: or_(c["days_since_previous"] is None, is_(gt, c["days_since_previous"], 3))
    ),
}


def true_of(sql: str, columns: Columns) -> bool:
    """Whether the expression is true; NULL is false."""
    return STAGE_ROW[sql](columns) is True
