"""The words of a PDF with their places: a program of its own, run within bounds.

Run with two paths, it writes to the second a line of JSON a page: words as [text, left, bottom, right, top] in points,
as the page is looked at, within the bounds below; or one line {"refused": why}. It knows nothing of the rest.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pypdfium2
import pypdfium2.raw

PAGES_MAX: Final = 200
CHARACTERS_MAX: Final = 400_000
HYPHENS: Final = {"\x02": "-", "\ufffe": "-", "\u00ad": "-"}
GAP: Final = 0.3  # of the height of a sign: what is further away is another word
# What PDFium says of a file that it does not open.
REFUSALS: Final = {
    pypdfium2.raw.FPDF_ERR_PASSWORD: "it has a password: ask for one without",
    pypdfium2.raw.FPDF_ERR_SECURITY: "it is encrypted in a way that cannot be read: ask for one that is not",
}
Word = list[Any]


def pages(path: str) -> Iterator[list[Word]]:
    """The words of each page. Errors: PdfiumError; ValueError for more than the bounds."""
    document = pypdfium2.PdfDocument(path)
    if len(document) > PAGES_MAX:
        raise ValueError(f"it has {len(document):,} pages, and at most {PAGES_MAX:,} are read")
    seen = 0
    for number in range(len(document)):
        page = document[number]
        text = page.get_textpage()
        seen += text.count_chars()
        if seen > CHARACTERS_MAX:
            raise ValueError(f"it has more than {CHARACTERS_MAX:,} characters: this is no advice of one payment")
        yield words(text, page.get_rotation())
        text.close()
        page.close()


def words(text: pypdfium2.PdfTextPage, rotation: int) -> list[Word]:
    """Put the characters of a page together, in the order in which they were written."""
    found: list[Word] = []
    is_new = True
    for at in range(text.count_chars()):
        sign = chr(pypdfium2.raw.FPDFText_GetUnicode(text, at) or 32)
        sign = HYPHENS.get(sign, sign)
        if sign.isspace() or not sign.isprintable():
            is_new = True
            continue
        left, bottom, right, top = turned(text.get_charbox(at, loose=True), rotation)
        last = found[-1] if found else None
        height = top - bottom
        is_next = last is not None and abs(last[2] - bottom) < height / 2 and -height < left - last[3] < GAP * height
        if last is None or is_new or not is_next:
            found.append([sign, left, bottom, right, top])
        else:
            last[0] += sign
            last[2], last[3], last[4] = min(last[2], bottom), max(last[3], right), max(last[4], top)
        is_new = False
    return [[word[0], *(round(edge, 1) for edge in word[1:])] for word in found]


def turned(box: tuple[float, float, float, float], rotation: int) -> tuple[float, float, float, float]:
    """A box as it stands when the page is turned as it is looked at."""
    left, bottom, right, top = box
    if rotation == 90:
        return bottom, -right, top, -left
    if rotation == 180:
        return -right, -top, -left, -bottom
    return (-top, left, -bottom, right) if rotation == 270 else box


def main(path: str, out: str) -> None:
    """Write the words of a file to another, or why there are none."""
    with Path(out).open("w", encoding="ascii") as told:
        try:
            for page in pages(path):
                told.write(json.dumps(page) + "\n")
        except pypdfium2.PdfiumError as error:
            known = REFUSALS.get(getattr(error, "err_code", None), "it is damaged, or no PDF: ask for it again")
            told.write(json.dumps({"refused": known}) + "\n")
        except ValueError as error:
            told.write(json.dumps({"refused": str(error)}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
