"""What a channel knows besides the message, and what it hands back."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """One delivery: a notice, over one channel, to one recipient; `payer` is the account's code, for those who look."""

    delivery_id: int
    run: int
    notice_id: int
    channel: str
    recipient: str
    as_of: date
    payer: str = ""

    @property
    def message_id(self) -> str:
        """The same for every attempt at this delivery."""
        return f"<{self.notice_id}.{self.delivery_id}@dunwell.invalid>"


@dataclass(frozen=True)
class Receipt:
    """Where the message is; `again` if this delivery had already been made and nothing was sent now."""

    message_id: str
    path: Path
    again: bool = False
