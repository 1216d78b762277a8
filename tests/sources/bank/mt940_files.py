"""Small MT940 messages of one account, made up by the line."""

from collections.abc import Sequence
from typing import Final

IBAN: Final = "DE89370400440532013000"


def mt940(
    entries: Sequence[str], *, opens: int, on: Sequence[str] = ("260302", "260302"), statement: str = "S1"
) -> str:
    """A statement in euros; an entry is `DAY AMOUNT [//REF] TEXT`, such as `260302 50 //B1 invoice A-17`."""
    rows, total = [], opens
    for entry in entries:
        day, amount, *words = entry.split()
        ref = words.pop(0) if words and words[0].startswith("//") else ""
        total += int(amount)
        sign = "D" if amount.startswith("-") else "C"
        rows += [f":61:{day}{day[2:]}{sign}{amount.lstrip('-')},00NTRFNONREF{ref}", f":86:{' '.join(words)}"]
    begin, end = (
        f"{'D' if minor < 0 else 'C'}{day}EUR{abs(minor)}," for day, minor in zip(on, (opens, total), strict=True)
    )
    return "\r\n".join((f":20:{statement}", f":25:{IBAN}", ":28C:1/1", f":60F:{begin}", *rows, f":62F:{end}", "-", ""))
