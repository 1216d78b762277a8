"""A message as a mail: what a mail program reads out of it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.channels.envelope import Envelope
from dunwell.channels.errors import Permanent
from dunwell.channels.mail import mail_of
from dunwell.letters.notice import Message

AT = datetime(2026, 4, 3, 9, 30, tzinfo=UTC)
MESSAGE = Message(
    subject="Zahlungserinnerung: Rechnung A-17, 119,00 €",
    text="Grüße\n\n.\nAcme\n",
    html="<p>Grüße</p>",
    language="de",
    letter=b"%PDF-1.7 of bytes \x00\xff",
)
ENVELOPE = Envelope(
    delivery_id=42, run=7, notice_id=17, channel="email", recipient="ap@meyer.example", as_of=date(2026, 4, 3),
    payer="MEYER", sender_name="Acme GmbH", sender="dunning@acme.example", origin="ab12",
)  # fmt: skip


def read(envelope: Envelope = ENVELOPE, message: Message = MESSAGE) -> EmailMessage:
    mail = message_from_bytes(mail_of(envelope, message, at=AT), policy=policy.default)
    assert not mail.defects
    return mail


def test_a_mail_has_text_and_html_and_the_letter() -> None:
    mail = read()
    assert dict(mail.items()) == {
        "Message-ID": "<17.42.ab12@acme.example>",
        "Date": "Fri, 03 Apr 2026 09:30:00 +0000",
        "From": "Acme GmbH <dunning@acme.example>",
        "To": "ap@meyer.example",
        "Subject": MESSAGE.subject,
        "Content-Language": "de",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": mail["Content-Type"],
    }
    text, html = mail.get_body(["plain"]), mail.get_body(["html"])
    assert text
    assert html
    assert text.get_content().replace("\r\n", "\n") == MESSAGE.text
    assert html.get_content().strip() == MESSAGE.html
    (letter,) = mail.iter_attachments()
    assert (letter.get_filename(), letter.get_content_type(), letter.get_content()) == (
        "17.pdf", "application/pdf", MESSAGE.letter,
    )  # fmt: skip


def test_the_same_delivery_is_the_same_mail() -> None:
    assert mail_of(ENVELOPE, MESSAGE, at=AT) == mail_of(ENVELOPE, MESSAGE, at=AT)
    assert mail_of(ENVELOPE, MESSAGE, at=AT) != mail_of(replace(ENVELOPE, delivery_id=43), MESSAGE, at=AT)


def test_answers_go_where_the_entity_reads_them() -> None:
    assert read(replace(ENVELOPE, reply_to="ar@acme.example"))["Reply-To"] == "Acme GmbH <ar@acme.example>"
    assert read(replace(ENVELOPE, reply_to=ENVELOPE.sender))["Reply-To"] is None


@pytest.mark.parametrize("reply_to", ["jürgen@acme.example", "nobody", "b@acme.example\r\nBcc: all@acme.example"])
def test_where_nobody_could_answer_to_the_mail_leaves_without(reply_to: str) -> None:
    mail = read(replace(ENVELOPE, reply_to=reply_to))
    assert (mail["Reply-To"], mail["Bcc"]) == (None, None)
    umlaut = read(replace(ENVELOPE, reply_to="info@müller.example", sender_name="Müller"))
    assert umlaut["Reply-To"] == "Müller <info@xn--mller-kva.example>"


@pytest.mark.parametrize(
    ("recipient", "to"),
    [
        (" ap@meyer.example ", "ap@meyer.example"),
        ("a@meyer.example; b@meyer.example,c@meyer.example", "a@meyer.example, b@meyer.example, c@meyer.example"),
        ("ap@müller.example", "ap@xn--mller-kva.example"),
        ("'o''brien'@meyer.example", "'o''brien'@meyer.example"),
    ],
)
def test_addresses_as_books_have_them(recipient: str, to: str) -> None:
    assert read(replace(ENVELOPE, recipient=recipient))["To"] == to


@pytest.mark.parametrize(
    "recipient",
    ["", " ", "meyer", "@meyer.example", "ap@", "a@b@c", "<ap@meyer.example>", "Meyer <ap@meyer.example>",
     "ap@meyer.example\r\nBcc: all@meyer.example", "ap@meyer..example",
     "ap@straße.example", "\ud800@meyer.example", "ap@" + "x" * 300],
)  # fmt: skip
def test_what_is_no_address_is_said_so(recipient: str) -> None:
    with pytest.raises(Permanent, match="is no mail address: correct it where the book comes from"):
        mail_of(replace(ENVELOPE, recipient=recipient), MESSAGE, at=AT)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(
    st.lists(
        st.sampled_from(["fällig", "2026", "3.\xa0Dezember\xa02026", "Rechnung", "R2026005567", "€", "日本", "wird"]),
        max_size=30,
    )
)
def test_a_subject_is_read_as_it_was_written(words: list[str]) -> None:
    subject = " ".join(words)
    assert (read(message=replace(MESSAGE, subject=subject))["Subject"] or "") == subject
    assert max(map(len, mail_of(ENVELOPE, replace(MESSAGE, subject=subject), at=AT).splitlines())) <= 78


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(name=st.text(max_size=600), subject=st.text(max_size=600), text=st.text(max_size=200))
def test_data_do_not_become_headers(name: str, subject: str, text: str) -> None:
    injected = "\r\nBcc: all@meyer.example\n"
    envelope = replace(ENVELOPE, sender_name=injected + name + injected)
    mail = read(envelope, replace(MESSAGE, subject=injected + subject + injected, text=text))
    assert mail["Bcc"] is None
    assert mail["From"].addresses[0].addr_spec == "dunning@acme.example"
    assert [part.get_content_type() for part in mail.walk() if not part.is_multipart()] == [
        "text/plain", "text/html", "application/pdf",
    ]  # fmt: skip


def test_a_mail_without_html_or_letter_is_plain() -> None:
    mail = read(message=replace(MESSAGE, html="", letter=b""))
    assert mail.get_content_type() == "text/plain"
