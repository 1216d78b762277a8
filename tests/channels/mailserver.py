"""A real mail server on this machine, and one with bad manners."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from dunwell.channels.smtp import Server


@dataclass
class Mailbox:
    """What a server has taken, and what it says instead where it is told to: by the address of the recipient."""

    says_to: dict[str, str] = field(default_factory=dict)  # an answer to RCPT
    says_of: dict[str, str] = field(default_factory=dict)  # an answer to the mail itself
    senders_refused: bool = False
    mails_per_connection: int | None = None
    taken: list[bytes] = field(default_factory=list)
    peers: list[Any] = field(default_factory=list)

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(each, policy=policy.default) for each in self.taken]

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.senders_refused:
            return "550 5.7.1 who are you?"
        if self.mails_per_connection is not None and self.peers.count(session.peer) >= self.mails_per_connection:
            return "421 too many mails on this connection"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # as above
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if answer := self.says_to.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        for address in envelope.rcpt_tos:
            if answer := self.says_of.get(address):
                return answer
        assert isinstance(envelope.content, bytes)
        self.taken.append(envelope.content)
        self.peers.append(session.peer)
        return "250 taken"


@contextmanager
def mail_server(mailbox: Mailbox, *, user: str = "", password: str = "", takes_utf8: bool = True) -> Iterator[Server]:
    """A server on a free port of this machine. With a user it asks for a sign-in."""

    def signed_in(
        _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        is_right = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=is_right, handled=False)

    asks: dict[str, Any] = (
        {"authenticator": signed_in, "auth_required": True, "auth_require_tls": False} if user else {}
    )
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=takes_utf8, **asks)
    controller.start()
    try:
        yield Server(host="127.0.0.1", port=controller.port, tls="none", user=user, password=password)
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def rude_server(manners: Callable[[socket.socket], None]) -> Iterator[Server]:
    """A server that does with each connection whatever it likes, and lets nobody wait longer than a second."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _peer = listening.accept()
                except OSError:
                    return
                with connection:
                    manners(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield Server(host="127.0.0.1", port=listening.getsockname()[1], tls="none", timeout_seconds=1)
        listening.shutdown(socket.SHUT_RDWR)


def polite_until(step: str, then: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Manners: answer each command as one does, up to the one that begins with `step`, or the end of the mail (`.`)."""

    def manners(connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        connection.sendall(b"220 here\r\n")
        in_data = False
        for line in reader:
            if line.rstrip().upper().startswith(step.encode()) and (not in_data or line == b".\r\n"):
                then(connection)
                return
            if in_data:
                in_data = line != b".\r\n"
                if not in_data:
                    connection.sendall(b"250 taken\r\n")
                continue
            in_data = line.upper().startswith(b"DATA")
            connection.sendall(b"354 go on\r\n" if in_data else b"250 OK\r\n")

    return manners
