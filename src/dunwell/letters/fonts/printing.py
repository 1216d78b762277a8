"""What can be printed: signs that no font of ours has are shown as one that says so."""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

FOLDER: Final = Path(str(files("dunwell.letters.fonts")))
MISSING: Final = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """Put the sign for what is missing in place of what no font has."""
    return text if text.isascii() else _missing().sub(MISSING, text)


@cache
def _missing() -> re.Pattern[str]:
    """Everything but what `signs.txt` lists: ranges of code points in hexadecimal digits, one a line."""
    listed = (FOLDER / "signs.txt").read_text(encoding="ascii").split()
    ranges = (line.partition("-") for line in listed)
    signs = "".join(f"\\U{int(first, 16):08x}-\\U{int(last or first, 16):08x}" for first, _, last in ranges)
    return re.compile(f"[^{signs}]")
