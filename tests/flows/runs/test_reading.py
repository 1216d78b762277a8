"""A notice that was sent is read as it was sent; where no copy is kept, as it was written that day."""

from collections.abc import Callable
from email import message_from_bytes, policy

import pytest

from dunwell.flows.errors import Conflict
from dunwell.flows.runs.edit import exclude_account
from dunwell.flows.runs.reading import Reading, print_notice, read_notice
from dunwell.records.models import Contact, Entity, Run
from tests.channels.mailserver import Mailbox, mail_server
from tests.flows.town import Town, at_home, noon

ON, LATER = "2026-04-03", "2026-04-08"
OTHER_WORDS = """\
{% extends "en/letter.txt" %}
{% block subject %}Quite another subject{% endblock %}
"""


def run_over(town: Town, channels: str, address: str = "") -> Run:
    """A run that sends MEYER one notice over some channels, decided on ON and delivered on LATER."""
    town.apply(
        f"policy: standard\nstages: [{{stage: reminder, days_past_due: 3, deadline_days: 10, send: {channels}}}]"
    )
    town.account("MEYER", address=address)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-30")
    run = town.propose(ON)
    town.post(run)
    town.deliver(run, LATER)
    return run


def changed_since(town: Town) -> None:
    """What letters show of the entity is another now, and so are its words."""
    Entity.objects.update(name="Other AG", iban="DE89370400440532013000")
    folder = town.folder / "templates" / "en"
    folder.mkdir(parents=True)
    (folder / "reminder.txt").write_text(OTHER_WORDS, encoding="utf-8")


def reading(town: Town, run: Run) -> Reading:
    return read_notice(town.notice(run, "MEYER").pk)


def plain(found: Reading) -> str:
    """The words with single spaces between them."""
    return " ".join(found.message.text.split())


def test_a_mail_in_the_outbox_is_read_from_there(town: Town) -> None:
    run = run_over(town, "[email]")
    changed_since(town)
    found = reading(town, run)
    mail = message_from_bytes(town.outbox[0].read_bytes(), policy=policy.default)
    assert (found.is_kept, found.letter_is_kept) == (True, True)
    assert (found.message.subject, found.message.language) == (mail["Subject"], mail["Content-Language"])
    assert "Date: 8 April 2026" in plain(found)
    assert "18 April 2026" in plain(found)
    assert "Other AG" not in found.message.html
    assert found.message.html.startswith("<!")
    (letter,) = mail.iter_attachments()
    assert print_notice(town.notice(run, "MEYER").pk) == letter.get_content()


def test_a_letter_in_the_outbox_is_read_from_there_and_its_words_are_written_again(town: Town) -> None:
    run = run_over(town, "[letter]", address="Hauptstr. 1\n10115 Berlin")
    Entity.objects.update(name="Other AG")
    found = reading(town, run)
    assert (found.is_kept, found.letter_is_kept) == (False, True)
    assert print_notice(town.notice(run, "MEYER").pk) == town.outbox[0].read_bytes()
    assert "Date: 8 April 2026" in plain(found)


def test_a_mail_that_left_over_smtp_is_written_again_for_the_day_it_left(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        at_home(
            town.folder, monkeypatch, smtp_url=f"smtp://{server.host}:{server.port}?tls=none", mail_from="a@b.example"
        )
        run = run_over(town, "[email]")
    found = reading(town, run)
    assert (found.is_kept, found.letter_is_kept) == (False, False)
    sent = mailbox.mails[0].get_body(["plain"])
    assert sent is not None
    assert plain(found) == " ".join(sent.get_content().split())
    (letter,) = mailbox.mails[0].iter_attachments()
    assert print_notice(town.notice(run, "MEYER").pk) == letter.get_content()


def test_a_copy_that_was_taken_away_is_missed_and_not_made_up(town: Town) -> None:
    run = run_over(town, "[email]")
    town.outbox[0].unlink()
    assert not reading(town, run).is_kept


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _mail: b"",
        lambda mail: mail.replace(b"utf-8", b"no-such-charset"),
        lambda mail: mail.replace(b"Message-ID: <", b"Message-ID: <9"),
    ],
    ids=["empty", "strange", "another"],
)
def test_a_copy_that_was_spoiled_is_no_copy(town: Town, spoil: Callable[[bytes], bytes]) -> None:
    run = run_over(town, "[email]")
    town.outbox[0].write_bytes(spoil(town.outbox[0].read_bytes()))
    found = reading(town, run)
    assert (found.is_kept, found.letter_is_kept) == (False, False)
    assert "Date: 8 April 2026" in plain(found)


def test_what_left_as_plain_text_is_no_letter(town: Town) -> None:
    account = town.account("MEYER", email="")
    Contact.objects.create(account=account, phone="+49 30 1234")
    town.apply("policy: standard\nstages: [{stage: reminder, days_past_due: 3, send: [sms]}]")
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-30")
    run = town.run(ON)
    assert [path.suffix for path in town.outbox] == [".txt"]
    found = reading(town, run)
    assert (found.is_kept, found.letter_is_kept) == (False, False)
    assert print_notice(town.notice(run, "MEYER").pk).startswith(b"%PDF")


def test_what_a_template_cannot_say_of_one_debtor_is_said_in_words(town: Town) -> None:
    folder = town.folder / "templates" / "en"
    folder.mkdir(parents=True)
    rare = '{% block subject %}{% if account == "MEYER" %}{% else %}Pay{% endif %}{% endblock %}'
    (folder / "reminder.txt").write_text('{% extends "shipped/en/reminder.txt" %}' + rare, encoding="utf-8")
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-30")
    notice = town.notice(town.propose(ON), "MEYER").pk
    for read in (read_notice, print_notice):
        with pytest.raises(Conflict, match="has no subject"):
            read(notice)


def test_what_is_left_out_says_so(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-30")
    run = town.propose(ON)
    notice = town.notice(run, "MEYER")
    exclude_account(run.pk, "MEYER", reason="they called", by="bert", at=noon(ON))
    with pytest.raises(Conflict, match="left out"):
        read_notice(notice.pk)
