"""Mail over SMTP: one connection for many messages, and a plain word on what came of each."""

import re
import smtplib
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from functools import partial
from itertools import islice
from typing import Final, Literal, NamedTuple, TypeAlias

from dunwell.channels.envelope import Envelope, Receipt
from dunwell.channels.errors import InDoubt, Permanent, Temporary
from dunwell.channels.mail import mail_of, needs_utf8, one_line, recipients_of
from dunwell.letters.notice import Message

TIMEOUT_SECONDS: Final = 30
RETRY_SECONDS: Final = 60
BUSY_RETRY_SECONDS: Final = 300  # greylisting and full mailboxes take their time
CLOSING: Final = 421  # RFC 5321: the server is about to close the connection
WHERE_NEXT: Final = 354  # start mail input
NOT_SIGNED_IN: Final = 530
# Of the system, of security and policy, of too many mails: a server often says so only when it hears a recipient.
_OURS: Final = re.compile(rb"\s*5\.(3\.\d+|7\.\d+|4\.5)\b")
WORDS_MAX: Final = 300
NO_ANSWER: Final = -1  # what smtplib calls an answer that it cannot read
TAKEN: Final = range(200, 300)
REFUSED: Final = range(400, 600)
REFUSED_FOR_GOOD: Final = range(500, 600)
_DOT: Final = re.compile(rb"^\.", re.MULTILINE)

Outcome: TypeAlias = Receipt | Temporary | Permanent | InDoubt
Reply: TypeAlias = tuple[int, bytes]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A mail server, and how one signs in to it. `tls`: `implicit`, `starttls` (required), or `none`."""

    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"] = "starttls"
    user: str = ""
    password: str = ""
    timeout_seconds: float = TIMEOUT_SECONDS


class _Mail(NamedTuple):
    """A mail as it goes over the wire."""

    envelope: Envelope
    recipients: tuple[Address, ...]
    content: bytes


class _Gone(Exception):
    """The connection is no more; nothing of the message in hand has been accepted."""


class Smtp:
    """Sends mails over one connection, which is opened with the first and again when the server has closed it.

    What is wrong with the server, or with us at it, is `Temporary` for every message: it is right for all of them once
    somebody has seen to it. Only what is wrong with a message is `Permanent`. A connection lost after the message was
    handed over, before the server has said what came of it, leaves the message `InDoubt`.
    """

    def __init__(self, server: Server) -> None:
        """Name the server."""
        self.server = server
        self._wire: smtplib.SMTP | None = None

    def send_all(self, deliveries: Iterable[tuple[Envelope, Message]], *, at: datetime) -> Iterator[Outcome]:
        """Send mails dated `at`, one by one; what came of each, in their order: errors are values here.

        Each is built while the server is busy with the one before.
        """
        rest = (_built(envelope, message, at) for envelope, message in deliveries)
        ahead: list[_Mail | Permanent] = []
        down: Temporary | None = None

        def build_next() -> None:
            ahead.extend(islice(rest, 1))

        build_next()
        while ahead:
            mail = ahead.pop()
            outcome = mail if isinstance(mail, Permanent) else down or self._sent(mail, build_next)
            if isinstance(outcome, Temporary) and not outcome.of_message:
                down = outcome  # for the others too: each would wait for as long
            if not ahead:  # the server never came to be busy with it
                build_next()
            yield outcome

    def _sent(self, mail: "_Mail", meanwhile: Callable[[], None]) -> Outcome:
        is_fresh = self._wire is None
        try:
            note = self._handed_over(self._wire or self._connected(), mail, meanwhile)
        except _Gone as error:
            self.close()
            if not is_fresh:  # servers close connections that were idle, or had their share of messages
                return self._sent(mail, meanwhile)
            return Temporary(self._said(str(error)), retry_after_seconds=RETRY_SECONDS)
        except (Temporary, Permanent, InDoubt) as error:
            return error
        return Receipt(mail.envelope.message_id, note=note)

    def close(self) -> None:
        """End the connection; the next message opens another."""
        wire, self._wire = self._wire, None
        if wire is not None:
            with suppress(OSError, smtplib.SMTPException):
                wire.quit()
            wire.close()

    def _connected(self) -> smtplib.SMTP:
        """Open the connection and sign in. Errors: Temporary."""
        server = self.server
        try:
            self._wire = wire = self._opened()
            wire.ehlo_or_helo_if_needed()
            if server.tls == "starttls":
                wire.starttls(context=ssl.create_default_context())
                wire.ehlo_or_helo_if_needed()
            if server.user:
                wire.login(server.user, server.password)
        except smtplib.SMTPAuthenticationError as error:
            self.close()
            why = f"it refuses the sign-in as {server.user} ({_words(error.smtp_code, error.smtp_error)})"
            raise Temporary(self._said(why), retry_after_seconds=BUSY_RETRY_SECONDS) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self.close()
            raise Temporary(self._said(_why(error)), retry_after_seconds=RETRY_SECONDS) from None
        return wire

    def _opened(self) -> smtplib.SMTP:
        server = self.server
        if server.tls == "implicit":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_seconds, context=context)
        return smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)

    def _handed_over(self, wire: smtplib.SMTP, mail: "_Mail", meanwhile: Callable[[], None]) -> str:
        """Go through the steps of RFC 5321 for one mail. Errors: Temporary, Permanent, InDoubt, _Gone."""
        envelope, recipients = mail.envelope, mail.recipients
        options = []
        if needs_utf8(recipients):
            if not wire.has_extn("smtputf8"):
                raise Permanent(
                    f"the mail server takes no address such as {envelope.recipient}: use one in plain letters"
                )
            options = ["SMTPUTF8"]
        sender = _step(lambda: wire.mail(envelope.sender, options))
        if sender[0] not in TAKEN:
            why = f"it does not let {envelope.sender} send ({_words(*sender)})"
            self._start_over(wire)
            raise Temporary(self._said(why), retry_after_seconds=BUSY_RETRY_SECONDS)
        answers = {each.addr_spec: _step(partial(wire.rcpt, each.addr_spec)) for each in recipients}
        refused = {address: answer for address, answer in answers.items() if answer[0] not in TAKEN}
        if len(refused) == len(answers):
            self._start_over(wire)
            refusals = [_refusal(*answer) for answer in refused.values()]
            raise next((each for each in refusals if isinstance(each, Temporary)), refusals[0])
        begun = _step(lambda: wire.docmd("DATA"))
        if begun[0] != WHERE_NEXT:
            self._start_over(wire)
            raise _refusal(*begun)
        code, said = self._ended(wire, mail.content, meanwhile)
        if code not in TAKEN:
            raise _refusal(code, said)
        return "; ".join(f"{address} was refused ({_words(*answer)})" for address, answer in refused.items())

    def _ended(self, wire: smtplib.SMTP, content: bytes, meanwhile: Callable[[], None]) -> Reply:
        """Hand the content over, and hear what comes of it. Errors: InDoubt."""
        try:
            wire.send(content)
            meanwhile()
            code, said = wire.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise _doubt(_why(error)) from None
        if code not in TAKEN and code not in REFUSED:
            self.close()
            raise _doubt(_words(code, said))
        return code, said

    def _start_over(self, wire: smtplib.SMTP) -> None:
        """Forget the mail in hand; without an answer the connection is of no more use."""
        try:
            wire.rset()
        except (OSError, smtplib.SMTPException):
            self.close()

    def _said(self, why: str) -> str:
        return f"the mail server {self.server.host}:{self.server.port} cannot be used: {why}"


def _built(envelope: Envelope, message: Message, at: datetime) -> "_Mail | Permanent":
    try:
        return _Mail(envelope, recipients_of(envelope), _stuffed(mail_of(envelope, message, at=at)))
    except Permanent as error:
        return error


def _step(do: Callable[[], Reply]) -> Reply:
    """One command and its answer. Errors: _Gone."""
    try:
        code, said = do()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise _Gone(_why(error)) from None
    if code == CLOSING or not code > NO_ANSWER:
        raise _Gone(_words(code, said))
    return code, said


def _refusal(code: int, said: bytes) -> Temporary | Permanent:
    """What a refusal of one mail means: only from 500 on is it for good, and not where it is about us (RFC 3463)."""
    if code in REFUSED_FOR_GOOD and code != NOT_SIGNED_IN and not _OURS.match(said):
        return Permanent(f"the mail server refuses it: {_words(code, said)}")
    reason = f"the mail server says: {_words(code, said)}"
    return Temporary(reason, retry_after_seconds=BUSY_RETRY_SECONDS, of_message=True)


def _doubt(why: str) -> InDoubt:
    return InDoubt(
        f"the mail server did not say whether it took the message ({why}): look into its log, or ask the debtor"
    )


def _words(code: int, said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return one_line(f"{code} {text}")[:WORDS_MAX]


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, smtplib.SMTPResponseException):
        return _words(error.smtp_code, error.smtp_error)
    if isinstance(error, ValueError):  # which may tell the password
        return "its name, or the sign-in, has letters that cannot be sent"
    if isinstance(error, smtplib.SMTPNotSupportedError) and "STARTTLS" in str(error):
        return f'{error}; for a server without TLS on this machine say smtp_url = "smtp://...?tls=none"'
    return str(getattr(error, "strerror", None) or error)


def _stuffed(mail: bytes) -> bytes:
    """Double the dots that begin a line, and add the one that ends the mail (RFC 5321, 4.5.2)."""
    return _DOT.sub(b"..", mail) + (b"" if mail.endswith(b"\r\n") else b"\r\n") + b".\r\n"
