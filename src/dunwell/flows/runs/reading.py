"""A notice as its debtor will read it, or has read it: the words, and the letter where there are letters to print."""

from dataclasses import dataclass
from typing import Any

from dunwell.flows.errors import Conflict, NotFound
from dunwell.flows.runs.letters import letters_of
from dunwell.letters import write as letters
from dunwell.letters.notice import Notice as Letter
from dunwell.records.models import Notice, NoticeLine


@dataclass(frozen=True)
class Reading:
    """A message as it is written; `html` is empty, and `has_letter` False, where this release has none."""

    subject: str
    text: str
    html: str
    language: str
    has_letter: bool


def read_notice(notice_id: int) -> Reading:
    """Write a notice as it stands, dated as it was decided. Errors: NotFound; Conflict where it cannot be written."""
    message = letters.write(_letter(notice_id))
    html: str = getattr(message, "html", "")
    return Reading(message.subject, message.text, html, message.language, hasattr(letters, "typeset"))


def print_notice(notice_id: int) -> bytes:
    """Set a notice as a letter, a PDF. Errors: as `read_notice`; NotFound where no letters can be printed."""
    typeset: Any = getattr(letters, "typeset", None)
    if typeset is None:
        raise NotFound("this release prints no letters")
    pdf: bytes = typeset(_letter(notice_id))
    return pdf


def _letter(notice_id: int) -> Letter:
    found = Notice.objects.select_related("entity").filter(pk=notice_id).first()
    if found is None:
        raise NotFound(f"there is no notice {notice_id}")
    lines = NoticeLine.objects.filter(notice_id=notice_id).values("notice_id", "item_id", "role", "amount_minor")
    row = {field.attname: getattr(found, field.attname) for field in Notice._meta.concrete_fields}  # noqa: SLF001
    letter = letters_of(found.entity, [{**row, "notice_id": notice_id}], list(lines))[notice_id]
    if isinstance(letter, str):
        raise Conflict(f"the notice cannot be written: {letter}")
    return letter
