"""Amounts, states and names as pages show them."""

import re
from collections.abc import Mapping
from typing import Final

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from dunwell import __version__
from dunwell.engine.money import exponent
from dunwell.flows.cash.words import said, said_back

register = template.Library()

CHARGES: Final = {"fee": "Fee", "interest": "Interest", "compensation": "Flat sum for costs"}

# Tabler's colours, by what a state asks of the reader: nothing, attention, or a hand.
COLOURS: Final = {
    "deciding": "azure",
    "proposed": "yellow",
    "approved": "blue",
    "posted": "blue",
    "queued": "azure",
    "claimed": "azure",
    "retrying": "orange",
    "sent": "green",
    "done": "green",
    "failed": "red",
    "in_doubt": "red",
    "exception": "red",
    "dun": "blue",
    "open": "red",
    "applied": "green",
    "returned": "orange",
}


@register.filter
def money(amount_minor: int | None, currency: str) -> str:
    """Write an amount with its currency: 1,234.50 EUR."""
    if amount_minor is None:
        return "unknown"
    places = exponent(currency)
    sign, digits = ("\N{MINUS SIGN}" if amount_minor < 0 else ""), f"{abs(amount_minor):0{places + 1}d}"
    whole, cents = (digits[:-places], digits[-places:]) if places else (digits, "")
    return f"{sign}{int(whole):,}{'.' + cents if cents else ''}\N{NO-BREAK SPACE}{currency}"


@register.filter
def figure(number: int) -> str:
    """Write a number of things: 12,345."""
    return f"{number:,}"


@register.filter
def words(name: str) -> str:
    """Write a name of the system as words: `second_reminder` is second reminder."""
    return name.replace("_", " ")


@register.filter
def breaking(text: str) -> SafeString:
    """Let a name or a list without blanks break behind its underscores and commas."""
    return mark_safe(re.sub("([_,])", r"\1<wbr>", escape(text)))  # noqa: S308  # it is escaped


@register.filter
def percent(permille: int) -> str:
    """Write how certain something is: 98.5 %."""
    return f"{permille / 10:.1f}\N{NO-BREAK SPACE}%"


@register.filter
def because(why: str) -> str:
    """Write the codes that say why a line was matched so, as clauses."""
    return said(why)


@register.filter
def because_back(why: str) -> str:
    """Write the codes that say why a line takes back another, as clauses."""
    return said_back(why)


@register.filter
def charge(kind: str) -> str:
    """What people call a kind of charge."""
    return CHARGES.get(kind, kind)


@register.filter
def colour(state: str) -> str:
    """The colour of a state."""
    return COLOURS.get(state, "secondary")


@register.filter
def item(mapping: Mapping[str, object], key: str) -> object:
    """What a mapping has for a key, or nothing."""
    return mapping.get(key)


@register.simple_tag
def version() -> str:
    """The version of Dunwell, by which browsers tell its files from older ones."""
    return __version__
