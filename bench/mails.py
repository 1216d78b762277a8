"""Send mails to a server on this machine; the floor hands the same bytes to smtplib, on one connection too."""

import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Final

from bench.harness import measure, report
from dunwell.channels.envelope import Envelope, Receipt
from dunwell.channels.mail import mail_of
from dunwell.channels.smtp import Server, Smtp
from dunwell.letters.notice import Message

AT: Final = datetime(2026, 4, 1, 12, tzinfo=UTC)
# As large as a notice of some ten items is.
MESSAGE: Final = Message(
    subject="Reminder: 10 invoices, €1,190.00",
    text="We have not received your payment of €1,190.00.\n" * 40,
    html="<p>We have not received your payment of €1,190.00.</p>\n" * 120,
    language="en",
    letter=bytes(range(256)) * 160,
)
SERVER: Final = """
import asyncio, sys
from aiosmtpd.smtp import SMTP
class Taken:
    async def handle_DATA(self, server, session, envelope):
        return "250 taken"
async def main():
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Taken(), hostname="bench"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def main(n: int = 2_000) -> None:
    """Measure with a server in a process of its own."""
    with server() as where:
        floor = measure(bare, where, n)
        report("mails: smtplib with the same bytes", n, floor)
        report("mails: sent", n, measure(sent, where, n), floor)


@contextmanager
def server() -> Iterator[Server]:
    """A mail server that takes everything."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield Server(host="127.0.0.1", port=int(process.stdout.readline()), tls="none")
        process.kill()


def envelopes(n: int) -> list[Envelope]:
    """Deliveries to n debtors."""
    return [
        Envelope(
            delivery_id=number, run=1, notice_id=number, channel="email", recipient=f"ap@debtor{number}.example",
            as_of=date(2026, 4, 1), sender_name="Acme GmbH", sender="dunning@acme.example", origin="0123456789ab",
        )
        for number in range(n)
    ]  # fmt: skip


def bare(where: Server, n: int) -> Callable[[], object]:
    """Prepare the floor."""
    mails = [(envelope.recipient, mail_of(envelope, MESSAGE, at=AT)) for envelope in envelopes(n)]

    def run() -> None:
        with smtplib.SMTP(where.host, where.port) as wire:
            for recipient, content in mails:
                wire.sendmail("dunning@acme.example", [recipient], content)

    return run


def sent(where: Server, n: int) -> Callable[[], object]:
    """Prepare to build the mails and send them. Errors: AssertionError when one does not leave."""
    deliveries = [(envelope, MESSAGE) for envelope in envelopes(n)]

    def run() -> None:
        smtp = Smtp(where)
        assert all(isinstance(outcome, Receipt) for outcome in smtp.send_all(deliveries, at=AT))
        smtp.close()

    return run
