"""The outbox in a real folder."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.channels.envelope import Envelope
from dunwell.channels.errors import Permanent, Temporary
from dunwell.channels.outbox import Outbox, Receipt, file_name, text_of
from dunwell.letters.notice import Message

MESSAGE = Message(
    subject="Zahlungserinnerung: Rechnung A-17, 119,00 €", text="Grüße\n\nAcme\n", language="de",
    html="<p>Grüße</p>", letter=b"%PDF-1.7",
)  # fmt: skip
ENVELOPE = Envelope(
    delivery_id=42,
    run=7,
    notice_id=17,
    channel="sms",
    recipient="ap@meyer.example",
    as_of=date(2026, 4, 3),
    payer="MEYER",
)
HOSTILE = [
    "../../x",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/b\\c",
    "x\x00y\n",
    "é" * 500,
    "日本" * 300,
    "con",
    "-rf",
    "\ud800",
    "~",
]


def path_of(receipt: Receipt) -> Path:
    assert receipt.path
    return receipt.path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_delivery_is_a_file_that_reads_like_a_letter(tmp_path: Path) -> None:
    receipt = Outbox(tmp_path / "outbox").send(ENVELOPE, MESSAGE)
    assert receipt == Receipt("<17.42@dunwell.invalid>", tmp_path / "outbox" / "7" / "MEYER-17-sms-42.txt")
    assert path_of(receipt).read_text(encoding="utf-8") == (
        "Message-ID: <17.42@dunwell.invalid>\n"
        "Date: 2026-04-03\n"
        "Channel: sms\n"
        "To: ap@meyer.example\n"
        "Subject: Zahlungserinnerung: Rechnung A-17, 119,00 €\n"
        "Content-Language: de\n"
        "\n"
        "Grüße\n\nAcme\n"
    )


def test_a_mail_is_ready_to_be_sent_and_a_letter_to_be_printed(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    mail = outbox.send(replace(ENVELOPE, channel="email"), MESSAGE)
    assert path_of(mail) == tmp_path / "7" / "MEYER-17-email-42.eml"
    read = message_from_bytes(path_of(mail).read_bytes(), policy=policy.default)
    assert (read["To"], read["Date"]) == ("ap@meyer.example", "Fri, 03 Apr 2026 12:00:00 +0000")
    letter = outbox.send(replace(ENVELOPE, channel="letter"), MESSAGE)
    assert path_of(letter) == tmp_path / "7" / "MEYER-17-letter-42.pdf"
    assert path_of(letter).read_bytes() == MESSAGE.letter
    with pytest.raises(Permanent, match="'nobody' is no mail address"):
        outbox.send(replace(ENVELOPE, channel="email", recipient="nobody"), MESSAGE)


def test_the_same_delivery_twice_is_one_file_and_the_first_one_stays(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    first = outbox.send(ENVELOPE, MESSAGE)
    second = outbox.send(ENVELOPE, MESSAGE)
    assert second == outbox.made(ENVELOPE) == replace(first, again=True)
    assert outbox.made(replace(ENVELOPE, delivery_id=43)) is None
    assert files(tmp_path) == ["7/MEYER-17-sms-42.txt"]
    assert "Grüße" in path_of(first).read_text(encoding="utf-8")
    third, fourth = Outbox(tmp_path / "b").send_all([(ENVELOPE, MESSAGE), (ENVELOPE, MESSAGE)])
    assert [isinstance(outcome, Receipt) and outcome.again for outcome in (third, fourth)] == [False, True]
    assert files(tmp_path / "b") == ["7/MEYER-17-sms-42.txt"]


def test_another_message_under_its_name_is_neither_taken_for_it_nor_overwritten(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    there = path_of(outbox.send(ENVELOPE, replace(MESSAGE, text="of an earlier book")))
    with pytest.raises(Permanent, match=f"{there} is there already and is another message: move it out of the way"):
        outbox.send(ENVELOPE, MESSAGE)
    assert there.read_text(encoding="utf-8").endswith("of an earlier book")
    assert files(tmp_path) == ["7/MEYER-17-sms-42.txt"]
    there.unlink()
    assert not outbox.send(ENVELOPE, MESSAGE).again


def test_what_a_run_has_in_it_is_seen(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    assert outbox.holds(7) is None
    (tmp_path / "7").mkdir()
    assert outbox.holds(7) is None
    outbox.send(ENVELOPE, MESSAGE)
    assert (outbox.holds(7), outbox.holds(8)) == (tmp_path / "7", None)


def test_what_an_interrupted_attempt_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    for owner in (os.getpid(), 1):
        (tmp_path / "7" / f".MEYER-17-sms-42.txt.{owner}").write_text("half a let")
    receipt = Outbox(tmp_path).send(ENVELOPE, MESSAGE)
    assert path_of(receipt).read_text(encoding="utf-8").endswith("Acme\n")
    assert [path.name for path in (tmp_path / "7").glob("[!.]*")] == ["MEYER-17-sms-42.txt"]


def test_two_recipients_of_one_notice_are_two_files(tmp_path: Path) -> None:
    other = replace(ENVELOPE, delivery_id=43, recipient="cfo@meyer.example")
    Outbox(tmp_path).send_all([(ENVELOPE, MESSAGE), (other, MESSAGE)])
    assert files(tmp_path) == ["7/MEYER-17-sms-42.txt", "7/MEYER-17-sms-43.txt"]


@pytest.mark.parametrize("code", HOSTILE)
def test_no_account_code_leads_out_of_the_folder(tmp_path: Path, code: str) -> None:
    folder = tmp_path / "outbox"
    receipt = Outbox(folder).send(replace(ENVELOPE, payer=code, channel=code or "sms", recipient=code), MESSAGE)
    assert path_of(receipt).resolve().parent == (folder / "7").resolve()
    assert files(tmp_path) == [f"outbox/7/{path_of(receipt).name}"]
    assert not path_of(receipt).name.startswith((".", "-"))


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(payer=st.text(), channel=st.text(max_size=20))
def test_every_name_is_a_plain_name(payer: str, channel: str) -> None:
    name = file_name(replace(ENVELOPE, payer=payer, channel=channel))
    assert len(name.encode()) < 240
    assert Path(name).name == name
    assert not name.startswith(".")
    assert name.endswith("42.txt")
    assert name.isprintable()


def test_data_do_not_become_headers() -> None:
    text = text_of(
        replace(ENVELOPE, recipient="Hauptstraße 1\n80331 München\r\nBcc: all@meyer.example", channel="e\nX: y"),
        replace(MESSAGE, subject="Hello\r\nBcc: all\u2028X: y\ud800"),
    )
    head, _, body = text.partition("\n\n")
    assert [row.partition(":")[0] for row in head.splitlines()] == [
        "Message-ID",
        "Date",
        "Channel",
        "To",
        "Subject",
        "Content-Language",
    ]
    assert "To: Hauptstraße 1, 80331 München, Bcc: all@meyer.example" in head
    assert body == MESSAGE.text


def failing(code: int, call: Callable[..., object], *, after: int = 0) -> Callable[..., object]:
    calls = iter(range(1000))

    def fail(*args: object, **named: object) -> object:
        if next(calls) < after:
            return call(*args, **named)
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("where", ["open", "write", "fsync"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, Temporary),
        (errno.EDQUOT, Temporary),
        (errno.EIO, Temporary),
        (errno.EACCES, Temporary),
        (errno.EROFS, Temporary),
        (errno.EISDIR, Permanent),
    ],
)
def test_what_the_disk_refuses_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, where: str, code: int, kind: type[Exception]
) -> None:
    (tmp_path / "7").mkdir()
    monkeypatch.setattr(os, where, failing(code, getattr(os, where)))
    with pytest.raises(kind, match=os.strerror(code)) as caught:
        Outbox(tmp_path).send(ENVELOPE, MESSAGE)
    if isinstance(caught.value, Temporary):
        assert caught.value.retry_after_seconds > 0
    monkeypatch.undo()
    assert files(tmp_path) == []
    assert not Outbox(tmp_path).send(ENVELOPE, MESSAGE).again


def test_in_a_batch_one_refusal_is_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = [(replace(ENVELOPE, delivery_id=number), MESSAGE) for number in range(5)]
    (tmp_path / "7").mkdir()
    write = failing(errno.ENOSPC, os.write, after=3)
    monkeypatch.setattr(os, "write", write)
    outcomes = Outbox(tmp_path).send_all(batch)
    assert [type(outcome) for outcome in outcomes] == [Receipt] * 3 + [Temporary] * 2
    monkeypatch.undo()
    again = Outbox(tmp_path).send_all(batch)
    assert [isinstance(outcome, Receipt) and outcome.again for outcome in again] == [True] * 3 + [False] * 2


@pytest.mark.parametrize("taken", ["outbox", "outbox/7"])
def test_a_file_where_the_folder_should_be_is_for_a_person(tmp_path: Path, taken: str) -> None:
    path = tmp_path / taken
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    with pytest.raises(Permanent, match="outbox"):
        Outbox(tmp_path / "outbox").send(ENVELOPE, MESSAGE)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_without_permission_it_waits_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir(mode=0o500)
    with pytest.raises(Temporary, match=f"Permission denied .{tmp_path}/7.; let the user that runs dunwell write"):
        Outbox(tmp_path).send(ENVELOPE, MESSAGE)


def test_many_more_files_than_may_be_open(tmp_path: Path) -> None:
    batch = ((replace(ENVELOPE, delivery_id=number), MESSAGE) for number in range(600))
    outcomes = Outbox(tmp_path).send_all(batch)
    assert [path_of(outcome).name for outcome in outcomes if isinstance(outcome, Receipt)] == [
        f"MEYER-17-sms-{number}.txt" for number in range(600)
    ]
    assert len(files(tmp_path)) == 600
