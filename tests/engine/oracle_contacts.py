"""docs/semantics.md in plain Python: how often a payer may hear from us in seven days."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from dunwell.engine.book import Book
from tests.engine.oracle_rows import Row


def cap_contacts(notices: Mapping[tuple[Any, ...], Sequence[Row]], book: Book, as_of: date) -> None:
    """Of the notices that would leave, the highest levels first, as many as the payer may still get."""
    heard: dict[tuple[int, int], int] = {}
    for payer in contacts_of(book, as_of):
        heard[payer] = heard.get(payer, 0) + 1
    for key in sorted(notices, key=lambda key: turn(key, notices[key])):
        highest = highest_of(notices[key])
        if not highest.current_policy.stages[highest.position - 1].send:
            continue
        contact, payer = highest.current_policy.contact, highest.payer_group[:2]
        if contact and contact.per_7_days and heard.get(payer, 0) >= contact.per_7_days:
            for row in notices[key]:
                row.reasons.add("contact_cap")
        else:
            heard[payer] = heard.get(payer, 0) + 1


def turn(key: tuple[Any, ...], lines: Sequence[Row]) -> tuple[Any, ...]:
    """Highest level first, then in order of currency, policy and what splits notices."""
    _entity, _payer, currency, policy, *splits = key
    parts = ((part is not None, len(str(part)), str(part)) for part in splits)
    return (-highest_of(lines).position, currency, policy, *parts)


def highest_of(lines: Sequence[Row]) -> Row:
    return max(lines, key=lambda row: row.position)


def contacts_of(book: Book, as_of: date) -> list[tuple[int, int]]:
    """Who has heard from us in the seven days to `as_of`, once for each time."""
    found = [(each, each["on"]) for each in book.contacts.to_dicts()]
    found += [
        (notice, notice["sent_on"] if notice["state"] == "sent" else as_of)
        for notice in book.notices.to_dicts()
        if notice["channels"] and notice["state"] in {"posted", "sent"}
    ]
    first = as_of - timedelta(days=6)
    return [(each["entity_id"], each["payer_id"]) for each, on in found if first <= on <= as_of]
