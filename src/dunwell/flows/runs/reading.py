"""A notice as its debtor has read it, or will: the words, and the letter on paper."""

from contextlib import suppress
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as mail_rules
from pathlib import Path
from typing import Final

from dunwell.flows.errors import Conflict, NotFound
from dunwell.flows.runs.letters import letters_of, writable
from dunwell.flows.wording import words_in_force
from dunwell.letters.notice import Message
from dunwell.letters.notice import Notice as Letter
from dunwell.letters.write import typeset, write
from dunwell.records.models import Delivery, DeliveryState, Notice, NoticeLine, NoticeState

GONE: Final = (NoticeState.EXCLUDED, NoticeState.SUPERSEDED)  # their lines are in the archive alone


@dataclass(frozen=True)
class Reading:
    """A notice in words, without a PDF. `is_kept`, `letter_is_kept`: words, and letter, are what was sent itself."""

    message: Message
    is_kept: bool
    letter_is_kept: bool


def read_notice(notice_id: int) -> Reading:
    """Read a notice: as it was sent, where that is kept; else as it would be written, for the day it was sent.

    One that was not sent is dated as it was decided. Errors: NotFound; Conflict where it cannot be written; Invalid for
    templates that cannot be used.
    """
    notice = _found(notice_id)
    message, letter = _kept(notice)
    with writable():
        words = message or write(_letter(notice), words_in_force())
    return Reading(replace(words, letter=b""), is_kept=message is not None, letter_is_kept=bool(letter))


def print_notice(notice_id: int) -> bytes:
    """Return a notice as a letter, a PDF: the one that was sent, or another. Errors: as `read_notice`."""
    notice = _found(notice_id)
    _message, letter = _kept(notice)
    with writable():
        return letter or typeset(_letter(notice), words_in_force())


def _found(notice_id: int) -> Notice:
    found = Notice.objects.select_related("entity").filter(pk=notice_id).first()
    if found is None:
        raise NotFound(f"there is no notice {notice_id}")
    return found


def _kept(notice: Notice) -> tuple[Message | None, bytes]:
    """The words and the letter that were sent, as far as they are files that are still there, and theirs."""
    message, letter = None, b""
    sent = Delivery.objects.filter(notice=notice, state=DeliveryState.SENT).exclude(content_path="").order_by("-pk")
    for delivery in sent:
        path = Path(delivery.content_path)
        with suppress(OSError, LookupError, ValueError):  # it is gone, or somebody has spoiled it
            content = path.read_bytes()
            if path.suffix == ".eml":
                message = _mail(content, f"<{notice.pk}.{delivery.pk}")
                letter = letter or message.letter
            elif path.suffix == ".pdf":
                letter = content
    return message, letter


def _mail(content: bytes, message_id: str) -> Message:
    """Read a mail of the outbox. Errors: LookupError, ValueError for one that is not whole, or another."""
    mail = message_from_bytes(content, policy=mail_rules)
    html, text = _body(mail, "html"), _body(mail, "plain")
    if not str(mail["Message-ID"]).startswith(message_id) or not html or not text:
        raise ValueError("it is another mail, or what is left of one")
    letter = next((part.get_content() for part in mail.iter_attachments()), b"")
    subject, language = str(mail["Subject"]), str(mail["Content-Language"])
    return Message(subject=subject, text=text, html=html, language=language, letter=letter)


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body([kind])
    return str(part.get_content()).replace("\r\n", "\n") if part else ""


def _letter(notice: Notice) -> Letter:
    if notice.state in GONE:
        raise Conflict("it is no notice any more: what it asked for was left out, or decided anew")
    lines = NoticeLine.objects.filter(notice=notice).values("notice_id", "item_id", "role", "amount_minor")
    row = {field.attname: getattr(notice, field.attname) for field in Notice._meta.concrete_fields}
    row |= {"notice_id": notice.pk, "as_of": max(filter(None, [notice.sent_on, notice.as_of]))}
    letter = letters_of(notice.entity, [row], list(lines))[notice.pk]
    if isinstance(letter, str):
        raise Conflict(f"the notice cannot be written: {letter}")
    return letter
