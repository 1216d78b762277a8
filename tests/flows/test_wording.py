"""The house's own templates, from their folder."""

from pathlib import Path

import pytest

from dunwell.flows.checkup import check_up
from dunwell.flows.errors import Invalid, NotFound
from dunwell.flows.runs.letters import message_of
from dunwell.flows.runs.preview import preview_account
from dunwell.flows.wording import own_templates, template_text, words_in_force
from dunwell.letters.layouts import pdf
from dunwell.letters.notice import Message
from dunwell.letters.wording import shipped
from tests.flows.town import Town, day, noon
from tests.letters.sample import one

OWN = '{% extends "shipped/en/reminder.txt" %}\n{% block subject %}A word from us{% endblock %}\n'


def put(folder: Path, name: str, text: bytes) -> None:
    path = folder / "templates" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)


def test_a_template_of_the_house_is_used_as_soon_as_it_is_there(town: Town, tmp_path: Path) -> None:
    town.account("MEYER", email="ap@meyer.example")
    town.item("A-1", "MEYER", "100.00 EUR", due="2026-03-30")
    before = preview_account(town.entity, "MEYER", as_of=day("2026-04-03"))
    put(tmp_path, "en/reminder.txt", OWN.encode())
    (after,) = preview_account(town.entity, "MEYER", as_of=day("2026-04-03"), on_paper=True)
    assert before[0].subject.startswith("Payment reminder")
    assert after.subject == "A word from us"
    assert after.letter.startswith(b"%PDF")
    assert own_templates() == {"en/reminder.txt": OWN}
    assert template_text("en/reminder") == OWN


def test_a_notice_that_cannot_be_written_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    message = message_of(one("de", "final"), shipped())
    assert isinstance(message, Message)
    assert message.letter.startswith(b"%PDF")
    monkeypatch.setattr(pdf, "page", lambda: b'#panic("broken")')
    assert "the letter cannot be set" in str(message_of(one("de", "final"), shipped()))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OWN.replace("A word", "{{ nobody }}").encode(), "en/reminder.txt:2: no field is called nobody"),
        ("ü".encode("latin-1"), "it is not UTF-8 (byte 1)"),
        (b"\0" * 60_000, "at most 50,000 characters"),
    ],
)
def test_one_that_cannot_be_used_is_refused_with_its_place(town: Town, tmp_path: Path, text: bytes, told: str) -> None:
    put(tmp_path, "en/reminder.txt", text)
    with pytest.raises(Invalid) as refused:
        words_in_force()
    assert told in str(refused.value)
    assert str(tmp_path) in refused.value.problems[0]
    (finding,) = [each for each in check_up(at=noon("2026-04-03")) if each.what == "templates"]
    assert not finding.is_fine
    assert told in finding.found


def test_a_template_that_is_none_is_told_which_there_are(town: Town) -> None:
    assert "{% block subject %}" in template_text("de/final.txt")
    with pytest.raises(NotFound, match="second_reminder"):
        template_text("de/finale")
