"""A message as a mail: text, HTML and the letter beside it, as it lies in the outbox and goes over SMTP.

The same delivery gives the same bytes, but for its date.
"""

import hashlib
import re
import unicodedata
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Sequence
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime, formataddr
from typing import Final

from dunwell.channels.envelope import Envelope
from dunwell.channels.errors import Permanent
from dunwell.letters.notice import Message

LINE_END: Final = b"\r\n"
NAME_MAX: Final = 100  # of a sender in a header; a name of many lines helps nobody
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")  # the standard library reads such addresses, but does not check them


def recipients_of(envelope: Envelope) -> tuple[Address, ...]:
    """Return the addresses of a delivery: one, or several with a comma, semicolon or space between them.

    Errors: Permanent for what is no address.
    """
    written = re.split(r"[\s,;]+", envelope.recipient.strip(" ,;\t\r\n"))
    return tuple({each: _address(each) for each in written}.values())


def needs_utf8(addresses: Sequence[Address]) -> bool:
    """Whether an address is beyond what every server takes."""
    return not all(address.addr_spec.isascii() for address in addresses)


def mail_of(envelope: Envelope, message: Message, *, at: datetime) -> bytes:
    """Build the mail of a delivery, dated `at`. Errors: Permanent for a recipient that is no address."""
    headers = {
        "Message-ID": envelope.message_id,
        "Date": format_datetime(at.astimezone(UTC)),
        "From": _named(envelope.sender_name, envelope.sender),
        "To": ", ".join(address.addr_spec for address in recipients_of(envelope)),
        "Subject": _worded("Subject", message.subject),
        "Content-Language": message.language,
        "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office notes, please
        "MIME-Version": "1.0",
    }
    if (reply_to := _reply_to(envelope)) and reply_to != envelope.sender:
        headers["Reply-To"] = _named(envelope.sender_name, reply_to)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return head.encode() + _body(envelope, message)


def _worded(name: str, text: str) -> str:
    """Encode a text of people's as a header (RFC 2047), folded.

    Not by `EmailMessage`, which before Python 3.13 loses the space where it folds between two words that it encodes.
    """
    shown = one_line(text)
    return Header(shown, None if shown.isascii() else "utf-8", header_name=name).encode(linesep="\r\n")


def _reply_to(envelope: Envelope) -> str:
    """Where answers go; nothing for what no mail program could write to: the mail leaves without it."""
    try:
        address = _address(envelope.reply_to).addr_spec
    except Permanent:
        return ""
    return address if address.isascii() else ""


def _named(name: str, address: str) -> str:
    shown = one_line(name)[:NAME_MAX]
    if shown.isascii():
        return formataddr((shown, address))
    return f"{_worded('From', shown)} <{address}>"


def _body(envelope: Envelope, message: Message) -> bytes:
    """The parts (RFC 2046), parted at lines that follow from the delivery, not from chance.

    Written out here: the standard library's parts take ten times as long.
    """
    mark = hashlib.sha256(envelope.message_id.encode()).hexdigest()[:24]
    body = _text("plain", message.text)
    if message.html:
        body = _several("alternative", f"=_a_{mark}", [body, _text("html", message.html)])
    if message.letter:
        name = f"{envelope.notice_id}.pdf"
        body = _several("mixed", f"=_m_{mark}", [body, _file("application/pdf", name, message.letter)])
    return body


def _text(kind: str, text: str) -> bytes:
    plain = encodable(text).replace("\r\n", "\n").replace("\r", "\n")
    coded = b2a_qp(plain.encode(), istext=True).replace(b"\n", LINE_END)
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head.encode() + coded


def _file(kind: str, name: str, content: bytes) -> bytes:
    head = (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    )
    return head.encode() + encodebytes(content).replace(b"\n", LINE_END)


def _several(kind: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    mark = boundary.encode()
    framed = b"".join(b"--" + mark + LINE_END + part + LINE_END for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode() + framed + b"--" + mark + b"--\r\n"


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
        known = domain.lower()
        domain = known.encode("idna").decode()
        if domain.encode().decode("idna") != known:  # ß and the like: today another domain than the codec makes of it
            domain = ""
        is_one = bool(Address(addr_spec=f"{_BEYOND_ASCII.sub('x', username)}@{domain}").domain)
    except (ValueError, IndexError, MessageError):  # a UnicodeError is a ValueError
        is_one = False
    if not is_one:
        raise Permanent(f"{text!r} is no mail address: correct it where the book comes from")
    return Address(username=username, domain=domain)
