"""`write`: a notice becomes a message in the debtor's language; `typeset`: a letter to print; `write_out`: both."""

from dataclasses import replace

from dunwell.letters.layouts.html import html_of
from dunwell.letters.layouts.pdf import pdf_of
from dunwell.letters.layouts.text import text_of
from dunwell.letters.letter import Letter, compose
from dunwell.letters.notice import Message, Notice
from dunwell.letters.wording import OTHER_STAGE, STAGES, Wording, shipped

__all__ = ["OTHER_STAGE", "STAGES", "typeset", "write", "write_out"]


def write(notice: Notice, wording: Wording | None = None) -> Message:
    """Write a notice in the language of its reader, with money and dates as they are read there; without a PDF.

    A stage whose name has no template of its own is written as a plain notice. The text is wrapped at 78 columns.
    """
    return _message(compose(notice, wording or shipped()))


def typeset(notice: Notice, wording: Wording | None = None) -> bytes:
    """Set a notice as a letter on A4: PDF/A-2a and PDF/UA-1, dated by the notice.

    The same notice gives the same bytes. Errors: ValueError for too many lines, and where Typst refuses the page.
    """
    return pdf_of(compose(notice, wording or shipped()), notice.as_of)


def write_out(notice: Notice, wording: Wording | None = None) -> Message:
    """Write a notice and set it as a letter, which the message carries. Errors: ValueError, as of `typeset`."""
    letter = compose(notice, wording or shipped())
    pdf = pdf_of(letter, notice.as_of)  # first: what is too long to be set need not be written either
    return replace(_message(letter), letter=pdf)


def _message(letter: Letter) -> Message:
    return Message(subject=letter.subject, text=text_of(letter), html=html_of(letter), language=letter.language)
