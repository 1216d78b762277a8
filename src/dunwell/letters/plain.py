"""Data and words kept to one line: nothing in them ends a line, hides, or turns the reading direction around."""

import re
import textwrap
import unicodedata
from typing import Final

# Marks that turn the reading direction around could show another amount or name than is meant.
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ODD: Final = re.compile("[\u0300-\u1fff\u20d0-\U0010ffff]")  # where signs wider or narrower than a column begin
_UNSEEN: Final = {"Cc", "Cs", "Zl", "Zp"}


def unseen(text: str) -> bool:
    """Whether a text holds a sign, but for line ends and tabs, that cannot be seen or turns the direction around."""
    return bool(_TURNING.search(text)) or any(
        unicodedata.category(sign) in _UNSEEN for sign in text if sign not in "\n\r\t"
    )


def one_line(text: str | None) -> str:
    """Keep data to one line: control characters and line ends become spaces, runs of spaces one."""
    if not text:
        return ""
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(sign) in _UNSEEN else sign for sign in _TURNING.sub("", text))
    return re.sub(r" +", " ", text).strip() if "  " in text else text.strip()


def shortened(text: str, columns: int) -> str:
    """Cut `text` to so many columns, with an ellipsis for what is missing."""
    return text if len(text) <= columns else f"{text[: columns - 1].rstrip()}…"


def paragraphs(text: str) -> tuple[str, ...]:
    """Part sentences at blank lines; within a paragraph, line ends and runs of spaces are one space."""
    # Of all white space only these two are ours; a no-break space stays what it is.
    parts = (re.sub("[ \n]+", " ", part).strip(" ") for part in re.split("\n *\n", text))
    return tuple(part for part in parts if part)


def width(text: str) -> int:
    """Count the columns a text takes on a screen: wide signs take two, combining ones none."""
    if not _ODD.search(text):
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def folded(text: str, columns: int) -> list[str]:
    """Cut a text into pieces of at most so many columns, at spaces where there are any."""
    pieces = textwrap.wrap(text, columns, break_on_hyphens=False) if width(text) > columns else [text]
    return [cut for piece in pieces for cut in _cut(piece, columns)]


def _cut(text: str, columns: int) -> list[str]:
    pieces, taken = [""], 0
    for sign in text:
        taken += width(sign)
        if taken > columns and pieces[-1]:
            pieces.append("")
            taken = width(sign)
        pieces[-1] += sign
    return pieces
