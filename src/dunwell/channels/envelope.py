"""What a channel knows besides the message, and what it hands back."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

NOBODY: Final = "dunwell@dunwell.invalid"  # who sends where nobody is named: RFC 2606 keeps the domain for nobody


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """One delivery: a notice, over one channel, to one recipient; `payer` is the account's code, for those who look.

    `sender` and `reply_to` are mail addresses. `origin` tells books apart whose numbers are the same.
    """

    delivery_id: int
    run: int
    notice_id: int
    channel: str
    recipient: str
    as_of: date
    payer: str = ""
    sender_name: str = ""
    sender: str = NOBODY
    reply_to: str = ""
    origin: str = ""

    @property
    def message_id(self) -> str:
        """The same for every attempt at this delivery, and no other's."""
        numbers = ".".join(part for part in (str(self.notice_id), str(self.delivery_id), self.origin) if part)
        return f"<{numbers}@{self.sender.rpartition('@')[2]}>"


@dataclass(frozen=True)
class Receipt:
    """Where the message is, if it is a file; `again` if it had been made already and nothing was sent now.

    `note`: what is to be known besides, such as a second recipient that was refused.
    """

    message_id: str
    path: Path | None = None
    again: bool = False
    note: str = ""
