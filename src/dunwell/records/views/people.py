"""Who is who: one person may be written in several ways, and is one person all the same."""

import unicodedata
from collections.abc import Iterable


def person(name: str) -> str:
    """Return what all ways to write one person's name have in common: capitals and the coding of letters aside."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def names_of(who: str, names: Iterable[str]) -> list[str]:
    """Return those of some names that are the same person's."""
    return [name for name in names if person(name) == person(who)]
