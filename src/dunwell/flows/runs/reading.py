"""A notice as its debtor will read it, or has read it: the words, and the letter on paper."""

from dunwell.flows.errors import Conflict, NotFound
from dunwell.flows.runs.letters import letters_of
from dunwell.flows.wording import words_in_force
from dunwell.letters.notice import Message
from dunwell.letters.notice import Notice as Letter
from dunwell.letters.write import typeset, write
from dunwell.records.models import Notice, NoticeLine


def read_notice(notice_id: int) -> Message:
    """Write a notice as it stands, dated as it was decided, without a PDF.

    Errors: NotFound; Conflict where it cannot be written; Invalid for templates that cannot be used.
    """
    return write(_letter(notice_id), words_in_force())


def print_notice(notice_id: int) -> bytes:
    """Set a notice as a letter, a PDF. Errors: as `read_notice`."""
    try:
        return typeset(_letter(notice_id), words_in_force())
    except ValueError as error:
        raise Conflict(f"the notice cannot be printed: {error}") from None


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
