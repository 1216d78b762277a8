"""A letter on paper: a tagged PDF for the archive and for screen readers, set by Typst from the data as JSON."""

import io
import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.resources import files
from typing import Any, Final

import typst
from segno import QRCode

from dunwell.letters.fonts.printing import FOLDER, printable
from dunwell.letters.lawful import Working
from dunwell.letters.letter import Letter
from dunwell.letters.payment import Payment
from dunwell.letters.plain import shortened, width
from dunwell.letters.tables import Table
from dunwell.letters.wording import Words

# For the archive, with every character known and every part tagged; and for screen readers.
STANDARDS: Final[list[Any]] = ["a-2a", "ua-1"]
SHORT_MAX: Final = 60  # of the creditor's name where it must stand on one line
FOOT_LINES: Final = 4  # of a column at the foot of a page, before the next one begins
FOOT_LINES_MAX: Final = 20
FOOT_WIDTH_MM: Final = 165
FOOT_GAP_MM: Final = 6
FOOT_SIGN_MM: Final = 1.7
FOOT_LINE_MM: Final = 3.1
FOOT_MIN_MM: Final = 17.6
RETURN_MAX: Final = 62
EMAIL_MAX: Final = 26  # of a mail address that stands on one line
WINDOW_LINES: Final = 6
WINDOW_COLUMNS: Final = 40  # of a line in the window at its usual size
WINDOW_LINE_MAX: Final = 150
WINDOW_SIZES: Final = ((10, 1.0), (8.5, 1.18), (7, 1.43))  # points, and how much more goes into the window
LINES_MAX: Final = 10_000  # of a letter: half a minute, and a gigabyte of memory
LONG: Final = 20  # items of a table, from which on it may take a second page
TOGETHER: Final = 16  # sums that stand on one page with the words after them
WORD_MAX: Final = 36  # signs of a word that breaks nowhere
FACT_WORD_MAX: Final = 22
NUMBER_MAX: Final = 12  # signs of a number that breaks nowhere, in the narrowest column
NUMBER_END: Final = 3
# A compiler takes one letter at a time: threads that set letters at once, as those of a web server, have one each.
_idle: Final[list[typst.Compiler]] = []


def working_pdf(data: dict[str, Any], day: date) -> bytes:
    """Set a working alone, from what its page shows, dated `day`. Errors: ValueError where Typst refuses the page."""
    folder = files("dunwell.letters.layouts")
    source = folder.joinpath("working.typ").read_bytes() + folder.joinpath("alone.typ").read_bytes()
    return _set(source, _breakable(data, WORD_MAX), day)


def pdf_of(letter: Letter, day: date) -> bytes:
    """Set a letter as PDF/A-2a and PDF/UA-1, dated `day`; the same letter gives the same bytes.

    Errors: ValueError for more lines than can be set in bounded time, and where Typst refuses the page.
    """
    shown = (letter.items, letter.upcoming, letter.interest, letter.listed)
    lines = sum(len(table.rows) + len([*filter(None, table.below)]) for table in shown if table)
    lines += sum(len(working.table.rows) for working in letter.workings)
    if lines > LINES_MAX:
        raise ValueError(
            f"a letter of {lines:,} lines is not set, only of at most {LINES_MAX:,}: let the policy divide its"
            " notices, by split_by or one_notice_per, or list less by include"
        )
    return _set(page(), data_of(letter), day)


def _set(source: bytes, data: dict[str, Any], day: date) -> bytes:
    """Set a page from its data, as PDF/A-2a and PDF/UA-1. Errors: ValueError where Typst refuses it."""
    compiler = _idle.pop() if _idle else new_compiler()
    try:
        pdf = compiler.compile(
            input=source,
            sys_inputs={"letter": json.dumps(data, ensure_ascii=False)},
            format="pdf",
            pdf_standards=STANDARDS,
            timestamp=datetime.combine(day, time(), UTC),
        )
    except typst.TypstError as error:
        raise ValueError(f"the letter cannot be set: {error.message}") from error
    finally:
        _idle.append(compiler)
    assert isinstance(pdf, bytes)  # noqa: S101  # a list is what pictures come in
    return pdf


def new_compiler() -> typst.Compiler:
    """A compiler with fonts of our own alone, so that a letter is the same on every machine."""
    return typst.Compiler(font_paths=_fonts())


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FOLDER)])


@cache
def page() -> bytes:
    folder = files("dunwell.letters.layouts")
    return folder.joinpath("working.typ").read_bytes() + folder.joinpath("letter.typ").read_bytes()


def data_of(letter: Letter) -> dict[str, Any]:
    """What the page shows, as JSON has it."""
    creditor, words, payment = letter.creditor, letter.words, letter.payment
    foot = _foot(letter)
    size, window = _window(letter.debtor)
    code = payment and payment.code
    facts = [(label, shortened(value, SHORT_MAX)) for label, value in letter.facts]
    labels = ("page", "of", "carried", "subtotal", "payment", "scan", "also_open", "interest", "working")
    reached = [(words.phone, creditor.phone), (words.email, _address(creditor.email))]
    shown = {
        "words": {name: getattr(words, name) for name in labels},
        "language": letter.language,
        "region": letter.territory if (letter.territory or "").isalpha() else None,  # `001` is the world
        "creditor": {"name": creditor.name},
        "short": shortened(creditor.name, SHORT_MAX),
        "window": window,
        "window-size": size,
        "fact-line": f"{letter.facts[1][0]}{words.colon}{letter.facts[1][1]}",
        "subject": letter.subject,
        "salutation": letter.salutation,
        "opening": letter.opening,
        "items": _table(letter.items) if letter.items else None,
        "upcoming-said": letter.upcoming_said,
        "upcoming": _table(letter.upcoming) if letter.upcoming else None,
        "interest": _table(letter.interest) if letter.interest else None,
        "sums": [(row.label, row.amount) for row in letter.sums],
        "basis": letter.basis,
        "request": letter.request,
        "costs": letter.costs,
        "payment": payment.details if payment else [],
        "remark": letter.remark,
        "listed": _table(letter.listed) if letter.listed else None,
        "closing": letter.closing,
        "workings": [shown_working(each) for each in letter.workings],
        "foot": foot,
    }
    return {
        **_breakable(shown, WORD_MAX),
        "facts": _breakable([*facts, *((label, value) for label, value in reached if value)], FACT_WORD_MAX),
        "return-line": printable(_return_line(letter)),
        "foot-height": _foot_mm(foot),
        "long": LONG,
        "together": TOGETHER,
        "code": _svg(code) if code else None,
        "code-alt": _spoken(payment, words) if payment and code else "",
    }


def _table(table: Table) -> dict[str, Any]:
    heads = [table.first.title, *(column.title for column in table.others)]
    rows = [(_narrow(first), *others) for first, *others in table.rows]
    running, below = table.running or [None] * len(rows), table.below or [""] * len(rows)
    return {"heads": heads, "rows": rows, "running": running, "below": below}


def _narrow(number: str) -> str:
    """Let a long number break where it is parted, else anywhere; what is left for its last line is no lone sign."""
    return re.sub(rf"\S{{{NUMBER_MAX + 1},}}", lambda word: _parted(word.group()), number)


def _parted(word: str) -> str:
    pieces = re.sub(rf"([-/_.])(?=\S{{{NUMBER_END}}})", "\\1\u200b", word).split("\u200b")
    return "\u200b".join(_anywhere(piece) if len(piece) > NUMBER_MAX else piece for piece in pieces)


def _anywhere(piece: str) -> str:
    head, end = piece[:-NUMBER_END], piece[-NUMBER_END:]
    return "\u200b".join([head[:NUMBER_END], *head[NUMBER_END:], end])


def shown_working(working: Working) -> dict[str, Any]:
    """How one item's interest was worked out: the last row is its sum."""
    return {**_table(working.table), "heading": working.heading, "total": working.total, "notes": working.notes}


def _window(lines: tuple[str, ...]) -> tuple[float, list[str]]:
    """The address as the window shows it: its size in points, and its lines, cut where even small ones are too many."""
    cut = [shortened(line, WINDOW_LINE_MAX) for line in lines]
    for size, more in WINDOW_SIZES:
        taken = sum(-(-width(line) // int(WINDOW_COLUMNS * more)) for line in cut)
        if taken <= int(WINDOW_LINES * more):
            return size, cut
    size, more = WINDOW_SIZES[-1]
    return size, [shortened(line, int(WINDOW_COLUMNS * more)) for line in cut][: int(WINDOW_LINES * more)]


def _return_line(letter: Letter) -> str:
    """Where the letter goes back to: one line of small print, with the name cut where there is too much of it."""
    where = shortened(" · ".join(letter.creditor.address_lines), RETURN_MAX - RETURN_MAX // 3)
    return f"{shortened(letter.creditor.name, max(RETURN_MAX - len(where), RETURN_MAX // 3))} · {where}".rstrip(" ·")


def _address(email: str) -> str:
    """A mail address that may break before its sign."""
    return email.replace("@", "\u200b@") if len(email) > EMAIL_MAX else email


def _foot(letter: Letter) -> list[list[str]]:
    """The columns at the foot of each page: where the creditor is, its bank, and what the law wants."""
    creditor = letter.creditor
    accounts = letter.payment.details if letter.payment else ()
    bank = [creditor.bank_name, *(value for label, value in accounts if label in {"IBAN", "BIC"})] if accounts else []
    columns = ([shortened(creditor.name, SHORT_MAX), *creditor.address_lines], bank, list(creditor.footer_lines))
    filled = [[text for text in column if text] for column in columns]
    return [lines[at : at + FOOT_LINES] for lines in filled for at in range(0, len(lines), FOOT_LINES)]


def _foot_mm(columns: list[list[str]]) -> float:
    """How much of a page's foot its columns take, with the page's number above them."""
    room_mm = (FOOT_WIDTH_MM - FOOT_GAP_MM * (len(columns) - 1)) / len(columns)
    signs = max(1, int(room_mm / FOOT_SIGN_MM))
    lines = max(sum(-(-width(text) // signs) for text in column) for column in columns)
    return FOOT_MIN_MM + FOOT_LINE_MM * min(max(lines, FOOT_LINES), FOOT_LINES_MAX)


def _svg(code: QRCode) -> str:
    """The code as one path."""
    out = io.BytesIO()
    code.save(out, kind="svg", border=0, xmldecl=False, nl=False, omitsize=True, dark="#000")
    return out.getvalue().decode()


def _spoken(payment: Payment, words: Words) -> str:
    """What the code says, for who cannot see it."""
    said = ", ".join(f"{label}{words.colon}{value}" for label, value in payment.details)
    return f"{words.code}{words.colon}{said}"


def _breakable(value: Any, word_max: int) -> Any:  # noqa: ANN401  # whatever JSON holds
    """Let longer words break anywhere, and show what no font has as a sign that it is missing."""
    if isinstance(value, str):
        return _long_word(word_max).sub("\\g<0>\u200b", printable(value))
    if isinstance(value, dict):
        return {key: _breakable(each, word_max) for key, each in value.items()}
    if isinstance(value, Iterable):
        return [_breakable(each, word_max) for each in value]
    return value


@cache
def _long_word(word_max: int) -> re.Pattern[str]:
    """So many signs of a word that goes on; signs of CJK, between which a line may end anyway, are none of them."""
    return re.compile(rf"[^\s\u200b\u2e80-\u9fff\uac00-\ud7a3]{{{word_max}}}(?=[^\s\u200b])")
