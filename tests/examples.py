"""How many random examples are looked at: a third in the ordinary run, all of them in `make soak`.

The seed is fixed, so that the ordinary run is the same every time; the long search is DUNWELL_HYPOTHESIS=long.
"""

import os
from typing import Final

SOAK: Final = "DUNWELL_SOAK" in os.environ


def examples(soaked: int) -> int:
    """Of so many examples, those for this run; 5 at least, or all where there are fewer."""
    return soaked if SOAK else min(soaked, max(5, soaked // 3))
