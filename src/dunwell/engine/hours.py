"""The hours in which a debtor may hear from us, by the clock where the debtor is."""

from datetime import time
from typing import NamedTuple


class Hours(NamedTuple):
    """From `opens` until before `closes`; where that is earlier, past midnight."""

    opens: time
    closes: time

    def contains(self, moment: time) -> bool:
        """Whether a time of day lies within them."""
        if self.opens < self.closes:
            return self.opens <= moment < self.closes
        return moment >= self.opens or moment < self.closes
