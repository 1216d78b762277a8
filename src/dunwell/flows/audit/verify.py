"""Seal the audit trail, and verify that nobody has changed it since."""

from dataclasses import dataclass
from itertools import islice
from typing import Final

from dunwell.records import chain
from dunwell.records.chain import Break

BREAKS_NAMED_MAX: Final = 100


@dataclass(frozen=True)
class Verified:
    """What the chain is: how many events, its head, what waits, where it breaks, and whether a noted head is in it."""

    sealed: int
    head: str
    unsealed: int
    breaks: list[Break]
    lacks_expected: bool

    @property
    def is_intact(self) -> bool:
        """Whether nothing was changed, removed or added."""
        return not self.breaks and not self.lacks_expected


def verify_chain(expected: str | None = None) -> Verified:
    """Seal what is new, then walk the whole chain; `expected`: a head noted earlier, which must still be in it.

    Removed events at the end leave a shorter chain that holds: only a head noted elsewhere tells.
    """
    chain.seal()
    found = list(islice(chain.breaks(), BREAKS_NAMED_MAX))
    sealed, head = chain.head()
    lacks = expected is not None and not chain.has(expected)
    return Verified(sealed, head, chain.unsealed(), found, lacks)
