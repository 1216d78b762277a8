"""`write`: a notice becomes a message in the debtor's language."""

from dunwell.letters.layouts.html import html_of
from dunwell.letters.layouts.text import text_of
from dunwell.letters.letter import compose
from dunwell.letters.notice import Message, Notice
from dunwell.letters.wording import OTHER_STAGE, STAGES, Wording, shipped

__all__ = ["OTHER_STAGE", "STAGES", "write"]


def write(notice: Notice, wording: Wording | None = None) -> Message:
    """Write a notice in the language of its reader, with money and dates as they are read there; without a PDF.

    A stage whose name has no template of its own is written as a plain notice. The text is wrapped at 78 columns.
    """
    letter = compose(notice, wording or shipped())
    return Message(subject=letter.subject, text=text_of(letter), html=html_of(letter), language=letter.language)
