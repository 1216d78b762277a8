"""A message as a mail: text, HTML and the letter beside it, as it lies in the outbox and goes over SMTP.

The same delivery gives the same bytes, but for its date.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from dunwell.channels.envelope import Envelope
from dunwell.channels.errors import Permanent
from dunwell.letters.notice import Message

NAME_MAX: Final = 100  # of a sender in a header; a name of many lines helps nobody
# Every server takes 7 bits; a local part beyond ASCII needs one that takes more.
PLAIN: Final = policy.SMTP.clone(cte_type="7bit")
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")  # the standard library reads such addresses, but does not check them
BEYOND_ASCII: Final = policy.SMTPUTF8.clone(cte_type="7bit")


def recipients_of(envelope: Envelope) -> tuple[Address, ...]:
    """Return the addresses of a delivery: one, or several with a comma, semicolon or space between them.

    Errors: Permanent for what is no address.
    """
    return tuple(_address(each) for each in re.split(r"[\s,;]+", envelope.recipient.strip(" ,;\t\r\n")))


def needs_utf8(addresses: Sequence[Address]) -> bool:
    """Whether an address is beyond what every server takes."""
    return not all(address.addr_spec.isascii() for address in addresses)


def mail_of(envelope: Envelope, message: Message, *, at: datetime) -> bytes:
    """Build the mail of a delivery, dated `at`. Errors: Permanent for a recipient that is no address."""
    recipients = recipients_of(envelope)
    mail = EmailMessage(policy=BEYOND_ASCII if needs_utf8(recipients) else PLAIN)
    mail["Message-ID"] = envelope.message_id
    mail["Date"] = format_datetime(at.astimezone(UTC))
    mail["From"] = _named(envelope.sender_name, envelope.sender)
    mail["To"] = recipients
    if envelope.reply_to and envelope.reply_to != envelope.sender:
        mail["Reply-To"] = _named(envelope.sender_name, envelope.reply_to)
    mail["Subject"] = one_line(message.subject)
    mail["Content-Language"] = message.language
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office notes, please
    mail.set_content(encodable(message.text))
    if message.html:
        mail.add_alternative(encodable(message.html), subtype="html")
    if message.letter:
        mail.add_attachment(message.letter, "application", "pdf", filename=f"{envelope.notice_id}.pdf")
    _bounded(mail, envelope)
    return mail.as_bytes()


def one_line(text: str) -> str:
    """Return a text that can be a header: without line ends and other signs that nobody sees."""
    seen = "".join(" " if unicodedata.category(sign) in {"Cc", "Zl", "Zp"} else sign for sign in encodable(text))
    return re.sub(r" +", " ", seen).strip()


def encodable(text: str) -> str:
    """Return a text without halves of surrogate pairs, as broken imports leave them: UTF-8 has none."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _address(text: str) -> Address:
    username, _, domain = text.rpartition("@")
    try:
        username.encode()
        domain = domain.encode("idna").decode()
        is_one = bool(Address(addr_spec=f"{_BEYOND_ASCII.sub('x', username)}@{domain}").domain)
    except (ValueError, IndexError, MessageError):  # a UnicodeError is a ValueError
        is_one = False
    if not is_one:
        raise Permanent(f"{text!r} is no mail address: correct it where the book comes from")
    return Address(username=username, domain=domain)


def _named(name: str, address: str) -> Address:
    return Address(one_line(name)[:NAME_MAX], addr_spec=address)


def _bounded(mail: EmailMessage, envelope: Envelope) -> None:
    """Part it at lines that follow from the delivery, not from chance."""
    seed = hashlib.sha256(envelope.message_id.encode()).hexdigest()[:24]
    several = (part for part in mail.walk() if part.is_multipart())
    for number, part in enumerate(several):
        part.set_boundary(f"=_{number}_{seed}")
