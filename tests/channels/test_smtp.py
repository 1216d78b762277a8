"""Mail over a real connection, to servers good and bad."""

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dunwell.channels.envelope import Envelope, Receipt
from dunwell.channels.errors import InDoubt, Permanent, Temporary
from dunwell.channels.smtp import Server, Smtp
from tests.channels.mailserver import Mailbox, free_port, mail_server, polite_until, rude_server
from tests.channels.test_mail import ENVELOPE, MESSAGE

AT = datetime(2026, 4, 3, 9, 30, tzinfo=UTC)
RIGHT = "let me in"


def to(recipient: str, number: int = 42) -> Envelope:
    return replace(ENVELOPE, recipient=recipient, delivery_id=number)


def send(server: Server, *envelopes: Envelope) -> list[object]:
    smtp = Smtp(server)
    try:
        return list(smtp.send_all([(envelope, MESSAGE) for envelope in envelopes], at=AT))
    finally:
        smtp.close()


def test_many_mails_go_over_one_connection() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        outcomes = send(server, *(to("ap@meyer.example", number) for number in range(30)))
    ids = [f"<17.{number}.ab12@acme.example>" for number in range(30)]
    assert outcomes == [Receipt(message_id) for message_id in ids]
    assert len(set(mailbox.peers)) == 1
    assert [mail["Message-ID"] for mail in mailbox.mails] == ids
    body = mailbox.mails[0].get_body(["plain"])
    assert body
    assert body.get_content().replace("\r\n", "\n") == MESSAGE.text  # with its line of one dot


def test_a_refusal_is_of_one_mail_and_the_others_go_on() -> None:
    mailbox = Mailbox(
        says_to={"full@a.example": "452 mailbox full", "gone@a.example": "550 5.1.1 no such user"},
        says_of={"spam@a.example": "554 looks like spam", "later@a.example": "451 come back later"},
    )
    names = ("full", "gone", "spam", "later", "fine")
    with mail_server(mailbox) as server:
        outcomes = send(server, *(to(f"{name}@a.example", number) for number, name in enumerate(names)))
    full, gone, spam, later, fine = outcomes
    assert isinstance(full, Temporary)
    assert (full.reason, full.of_message) == ("the mail server says: 452 mailbox full", True)
    assert isinstance(gone, Permanent)
    assert gone.reason == "the mail server refuses it: 550 5.1.1 no such user"
    assert isinstance(spam, Permanent)
    assert isinstance(later, Temporary)
    assert later.retry_after_seconds >= 60
    assert isinstance(fine, Receipt)
    assert [mail["To"] for mail in mailbox.mails] == ["fine@a.example"]


@pytest.mark.parametrize(
    "answer", ["554 5.7.1 Relay access denied", "530 5.7.0 Authentication required", "550 5.4.5 Daily limit exceeded"]
)
def test_what_is_about_us_is_not_for_good_although_it_is_said_of_a_recipient(answer: str) -> None:
    with mail_server(Mailbox(says_to={"ap@meyer.example": answer})) as server:
        (outcome,) = send(server, ENVELOPE)
    assert isinstance(outcome, Temporary)
    assert outcome.reason == f"the mail server says: {answer}"


def test_where_one_recipient_is_put_off_the_mail_is() -> None:
    mailbox = Mailbox(says_to={"gone@a.example": "550 5.1.1 no such user", "busy@a.example": "451 later"})
    with mail_server(mailbox) as server:
        both, twice = send(server, to("gone@a.example, busy@a.example", 1), to("busy@a.example; busy@a.example", 2))
    assert isinstance(both, Temporary)
    assert isinstance(twice, Temporary)
    assert mailbox.taken == []


def test_a_server_that_is_down_is_waited_for_once() -> None:
    began = time.monotonic()
    with rude_server(is_silent) as server:
        outcomes = send(server, *(to("ap@meyer.example", number) for number in range(10)))
    assert all(isinstance(each, Temporary) for each in outcomes)
    assert time.monotonic() - began < 5  # ten times a second would be longer


def test_of_several_recipients_one_is_enough() -> None:
    mailbox = Mailbox(says_to={"b@a.example": "550 no such user"})
    with mail_server(mailbox) as server:
        (sent,) = send(server, to("a@a.example, b@a.example"))
    assert sent == Receipt(ENVELOPE.message_id, note="b@a.example was refused (550 no such user)")


def test_a_connection_that_the_server_ends_is_opened_again() -> None:
    mailbox = Mailbox(mails_per_connection=2)
    with mail_server(mailbox) as server:
        outcomes = send(server, *(to("ap@meyer.example", number) for number in range(5)))
    assert [type(each) for each in outcomes] == [Receipt] * 5
    assert len(mailbox.taken) == 5
    assert len(set(mailbox.peers)) == 3


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_what_is_wrong_with_us_is_no_mails_fault() -> None:
    """So that no notice fails because of a typing error in the settings."""
    with mail_server(Mailbox(), user="dunwell", password=RIGHT) as server:
        (wrong,) = send(replace(server, password=RIGHT[::-1]), ENVELOPE)
        (right,) = send(server, ENVELOPE)
    assert isinstance(wrong, Temporary)
    assert "refuses the sign-in as dunwell (535" in wrong.reason
    assert RIGHT[::-1] not in wrong.reason
    assert isinstance(right, Receipt)
    with mail_server(Mailbox(senders_refused=True)) as server:
        (refused,) = send(server, ENVELOPE)
    assert isinstance(refused, Temporary)
    assert "it does not let dunning@acme.example send (550 5.7.1 who are you?)" in refused.reason
    assert not refused.of_message
    (nobody,) = send(Server(host="127.0.0.1", port=free_port(), tls="none"), ENVELOPE)
    assert isinstance(nobody, Temporary)
    assert "cannot be used: Connection refused" in nobody.reason
    (nowhere,) = send(Server(host="nowhere.invalid", port=25, tls="none"), ENVELOPE)
    assert isinstance(nowhere, Temporary)


def test_without_encryption_nothing_is_sent_that_was_to_be_encrypted() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        for tls in ("starttls", "implicit"):
            (outcome,) = send(replace(server, tls=tls, timeout_seconds=1), ENVELOPE)
            assert isinstance(outcome, Temporary)
    assert mailbox.taken == []


def test_an_address_beyond_ascii_needs_a_server_that_takes_it() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox, takes_utf8=True) as server:
        (sent,) = send(server, to("jürgen@meyer.example"))
    assert isinstance(sent, Receipt)
    assert mailbox.mails[0]["To"] == "jürgen@meyer.example"
    with mail_server(mailbox, takes_utf8=False) as server:
        (refused,) = send(server, to("jürgen@meyer.example"))
    assert isinstance(refused, Permanent)


def ends(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def is_silent(_connection: socket.socket) -> None:
    time.sleep(1.5)


@pytest.mark.parametrize("then", [ends, is_silent])
@pytest.mark.parametrize("step", ["EHLO", "MAIL", "RCPT", "DATA"])
def test_a_server_gone_before_the_mail_was_handed_over_has_not_got_it(
    step: str, then: Callable[[socket.socket], None]
) -> None:
    with rude_server(polite_until(step, then)) as server:
        (outcome,) = send(server, ENVELOPE)
    assert isinstance(outcome, Temporary)
    assert not outcome.of_message


@pytest.mark.parametrize("then", [ends, is_silent, lambda connection: connection.sendall(b"what?\r\n")])
def test_a_server_gone_after_the_mail_leaves_it_in_doubt(then: Callable[[socket.socket], None]) -> None:
    with rude_server(polite_until(".", then)) as server:
        (outcome,) = send(server, ENVELOPE)
    assert isinstance(outcome, InDoubt)
    assert "did not say whether it took the message" in outcome.reason
