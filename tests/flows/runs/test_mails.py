"""Notices that leave as mails: over a real connection, and whatever comes of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dunwell.channels.smtp import Server
from dunwell.flows.cash.pay import pay
from dunwell.flows.errors import Invalid
from dunwell.flows.people.tasks import close_task
from dunwell.flows.runs.noting import is_failed
from dunwell.flows.runs.wires import MAILS_AT_ONCE
from dunwell.records.models import Attempt, Delivery, Run, Task
from tests.channels.mailserver import Mailbox, mail_server, polite_until, rude_server
from tests.flows.town import Town, at_home, day, noon

ON = "2026-04-03"


def reaches(town: Town, monkeypatch: pytest.MonkeyPatch, server: Server) -> str:
    """Let the town send its mails over a server; return the setting."""
    url = f"smtp://{server.host}:{server.port}?tls=none"
    at_home(town.folder, monkeypatch, smtp_url=url, mail_from="dunning@acme.example")
    return url


@pytest.fixture
def mailbox(town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """The server by which the town's mails leave."""
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        reaches(town, monkeypatch, server)
        yield mailbox


def later(**than_noon: int) -> Callable[[], datetime]:
    """A clock that stands so many hours or days after the noon of the run."""
    return lambda: noon(ON) + timedelta(**than_noon)


def posted(town: Town, accounts: int = 1, policy: str | None = None) -> Run:
    """A posted run with a notice to each of some accounts: A1, A2 ..."""
    if policy:
        town.apply(policy)
    for number in range(1, accounts + 1):
        town.item(f"I-{number}", f"A{number}", "100.00 EUR", "2026-03-31")
    run = town.propose(ON)
    town.post(run)
    return run


def states(run: Run) -> list[str]:
    return list(Delivery.objects.filter(notice__run=run).order_by("pk").values_list("state", flat=True))


def test_mails_leave_and_the_levels_follow(town: Town, mailbox: Mailbox) -> None:
    run = posted(town, accounts=50)
    result = town.deliver(run)
    assert (result.sent, result.failed, result.retrying) == (50, 0, 0)
    assert sorted(mail["To"] for mail in mailbox.mails) == sorted(f"ap@a{number}.example" for number in range(1, 51))
    assert {mail["From"] for mail in mailbox.mails} == {"ACME AG <dunning@acme.example>"}
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 50
    assert len(set(mailbox.peers)) == 1
    assert (town.level("I-1"), states(run)) == (1, ["sent"] * 50)
    run.refresh_from_db()
    assert run.state == "done"
    assert town.deliver(run).sent == 0
    assert len(mailbox.taken) == 50


def test_letters_go_to_the_outbox_all_the_same(town: Town, mailbox: Mailbox) -> None:
    town.account("A1", address="Hauptstr. 1\n10115 Berlin")
    policy = "policy: standard\nstages: [{stage: reminder, days_past_due: 3, send: [email, letter]}]"
    town.deliver(posted(town, policy=policy))
    assert len(mailbox.taken) == 1
    assert [path.suffix for path in town.outbox] == [".pdf"]


def test_what_a_server_puts_off_is_tried_again_later_and_later_and_given_up(town: Town, mailbox: Mailbox) -> None:
    mailbox.says_to["ap@a1.example"] = "450 greylisted"
    run = posted(town)
    times, waits = [noon(ON)], []
    for _ in range(4):
        result = town.deliver(run, clock=lambda: times[-1])
        assert (result.sent, result.retrying, result.problem) == (0, 1, "the mail server says: 450 greylisted")
        assert result.retry_at
        assert town.deliver(run, clock=lambda: times[-1]).retrying == 1  # not before
        waits.append((result.retry_at - times[-1]).total_seconds())
        times.append(result.retry_at)
    assert waits == [300, 600, 1200, 2400]
    assert Attempt.objects.count() == 4
    assert town.deliver(run, clock=later(days=3)).failed == 1
    assert (town.level("I-1"), states(run)) == (0, ["failed"])
    assert "given up after 5 attempts in 3 days: the mail server says: 450 greylisted" in Task.objects.get().detail


def test_what_a_server_takes_at_last_is_sent_once(town: Town, mailbox: Mailbox) -> None:
    mailbox.says_of["ap@a1.example"] = "451 busy"
    run = posted(town)
    town.deliver(run)
    mailbox.says_of.clear()
    assert town.deliver(run, clock=later(hours=1)).sent == 1
    assert (len(mailbox.taken), town.level("I-1")) == (1, 1)


def test_an_address_that_is_refused_gives_way_to_the_letter(town: Town, mailbox: Mailbox) -> None:
    mailbox.says_to["ap@a1.example"] = "550 5.1.1 no such user"
    town.account("A1", address="Hauptstr. 1\n10115 Berlin")
    policy = 'policy: standard\nstages: [{stage: reminder, days_past_due: 3, send: ["email|letter"]}]'
    run = posted(town, policy=policy)
    town.deliver(run)
    assert town.deliveries(run) == [("A1", "email", "failed"), ("A1", "letter", "sent")]
    assert Task.objects.get().detail == "email: the mail server refuses it: 550 5.1.1 no such user"


def test_a_server_that_is_down_fails_no_notice(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    run = posted(town, accounts=3)
    reaches(town, monkeypatch, Server(host="127.0.0.1", port=1))
    for days in (0, 5):
        result = town.deliver(run, clock=later(days=days))
        assert (result.sent, result.failed, result.retrying) == (0, 0, 3)
        assert "cannot be used: Connection refused" in result.problem
        assert Task.objects.count() == int(days > 0)
    task = Task.objects.get(kind="email_held_up", closed_at=None)
    assert "nothing leaves over this channel: the mail server" in task.detail
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        reaches(town, monkeypatch, server)
        mailbox.says_to["ap@a1.example"] = "450 greylisted"
        result = town.deliver(run, clock=later(days=6))
        assert (result.sent, result.failed, result.retrying) == (2, 0, 1)  # the days without a server are not its own
        mailbox.says_to.clear()
        assert town.deliver(run, clock=later(days=7)).sent == 1
    assert len(mailbox.taken) == 3
    task.refresh_from_db()
    assert task.closed_at == noon(ON) + timedelta(days=6)


def test_a_server_that_is_away_for_a_moment_is_nobodys_task(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    run = posted(town, accounts=2)
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        reaches(town, monkeypatch, server)
        mailbox.says_to["ap@a1.example"] = "450 greylisted"
        assert town.deliver(run).sent == 1
    reaches(town, monkeypatch, Server(host="127.0.0.1", port=1))
    assert town.deliver(run, clock=later(hours=2)).retrying == 1
    assert not Task.objects.exists()
    assert town.deliver(run, clock=later(hours=4)).retrying == 1
    assert Task.objects.get().kind == "email_held_up"


def test_nobody_sees_to_a_server_for_which_nothing_waits(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    run = posted(town)
    reaches(town, monkeypatch, Server(host="127.0.0.1", port=1))
    for hours in (0, 2):
        town.deliver(run, clock=later(hours=hours))
    assert Task.objects.filter(closed_at=None).count() == 1
    pay(town.entity, "A1", amount="100.00", items=["I-1"], on=day(ON), by="bank", at=noon(ON) + timedelta(hours=3))
    town.deliver(run, clock=later(hours=4))
    assert not Task.objects.filter(closed_at=None).exists()


def test_a_mail_is_of_the_day_it_left_whoever_notes_it(
    town: Town, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.says_of["ap@a2.example"] = "451 busy"
    run = posted(town, accounts=2)
    with monkeypatch.context() as patch:
        patch.setattr("dunwell.flows.runs.deliver.note", _dies)
        with pytest.raises(ConnectionError):
            town.deliver(run)
    assert states(run) == ["claimed", "claimed"]
    town.deliver(run, clock=later(days=2))
    first, second = Delivery.objects.order_by("pk")
    assert (first.sent_at, first.content_path, second.state) == (noon(ON), "", "retrying")
    assert (town.get("I-1").state.last_notice_on, len(mailbox.taken)) == (day(ON), 1)


def _dies(*_told: object) -> int:
    raise ConnectionError("the database is gone")


@pytest.mark.parametrize(
    ("states", "has_failed"),
    [({"failed"}, True), ({"failed", "withdrawn"}, True), ({"withdrawn"}, False), ({"failed", "in_doubt"}, False)],
)
def test_a_notice_has_failed_where_nothing_of_it_may_have_left(states: set[str], *, has_failed: bool) -> None:
    assert is_failed(states) == has_failed


def test_what_was_sent_by_a_slow_hand_is_not_in_doubt(town: Town, mailbox: Mailbox) -> None:
    run = posted(town)
    delivery = Delivery.objects.get()

    def took_long() -> datetime:
        if mailbox.taken and delivery.attempts.exists():  # somebody else took it for lost meanwhile, and asks a person
            Delivery.objects.filter(state="claimed").update(state="in_doubt", claimed_by="bert")
        return noon(ON)

    town.deliver(run, clock=took_long)
    assert (states(run), town.level("I-1"), town.notice(run, "A1").state) == (["sent"], 1, "sent")


@pytest.mark.parametrize("was_sent", [True, False])
def test_of_what_is_in_doubt_a_person_says_whether_it_left(
    town: Town, monkeypatch: pytest.MonkeyPatch, *, was_sent: bool
) -> None:
    run = posted(town)
    with rude_server(polite_until(".", lambda connection: connection.close())) as server:
        reaches(town, monkeypatch, server)
        assert (town.deliver(run).sent, states(run)) == (0, ["in_doubt"])
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        reaches(town, monkeypatch, server)
        town.deliver(run, clock=later(days=1))
        assert (mailbox.taken, states(run)) == ([], ["in_doubt"])  # nobody sends it again by himself
        run.refresh_from_db()
        assert run.state == "posted"
        task = Task.objects.get(kind="delivery_in_doubt")
        asked_at = noon("2026-04-05")
        with pytest.raises(Invalid, match="say what you found out: --sent, or --not-sent"):
            close_task(task.pk, note="asked them", by="anna", at=asked_at)
        close_task(task.pk, note="asked them", by="anna", at=asked_at, was_sent=was_sent)
        run.refresh_from_db()
        assert run.state == ("done" if was_sent else "posted")
        assert town.deliver(run, clock=lambda: asked_at).sent == int(not was_sent)
    assert (len(mailbox.taken), states(run), town.level("I-1")) == (int(not was_sent), ["sent"], 1)
    run.refresh_from_db()
    assert run.state == "done"
    assert town.get("I-1").state.last_notice_on == day(ON if was_sent else "2026-04-05")


@pytest.mark.parametrize("at_mail", [1, 25, 40])
def test_whoever_dies_while_sending_leaves_little_in_doubt_and_nothing_twice(
    town: Town, db: str, monkeypatch: pytest.MonkeyPatch, at_mail: int
) -> None:
    """A process that sends mails is killed when the server has got one of them, and has not said so."""
    run = posted(town, accounts=45)
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        url = reaches(town, monkeypatch, server)
        env = {"DUNWELL_DATABASE_URL": db, "DUNWELL_HOME": str(town.folder), "DUNWELL_SMTP_URL": url,
               "DUNWELL_MAIL_FROM": "dunning@acme.example"}  # fmt: skip
        words = [
            sys.executable,
            "-m",
            "tests.flows.runs.killed_mailing",
            str(run.pk),
            noon(ON).isoformat(),
            str(at_mail),
        ]
        killed = subprocess.run(
            words, env={**os.environ, **env}, cwd=Path(__file__).parents[3], timeout=60, check=False
        )
        assert killed.returncode == -signal.SIGKILL
        assert len(mailbox.taken) == at_mail
        result = town.deliver(run, clock=later(hours=1))  # the lease has run out
    assert Delivery.objects.filter(state="in_doubt").count() <= MAILS_AT_ONCE
    assert Delivery.objects.filter(state="in_doubt").count() + Delivery.objects.filter(state="sent").count() == 45
    ids = [mail["Message-ID"] for mail in mailbox.mails]
    assert len(set(ids)) == len(ids)
    assert result.failed == 0
    sent = set(Delivery.objects.filter(state="sent").values_list("notice__payer__code", flat=True))
    assert sent <= {str(mail["To"])[3:].partition(".")[0].upper() for mail in mailbox.mails}
