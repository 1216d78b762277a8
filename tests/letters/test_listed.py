"""What a notice lists beside what it asks for: a table of its own, in no sum."""

from dataclasses import replace
from typing import Final

import pytest

from dunwell.letters.check import wording_of
from dunwell.letters.layouts import pdf as pdf_layout
from dunwell.letters.letter import compose
from dunwell.letters.reader import LANGUAGES
from dunwell.letters.wording import shipped
from dunwell.letters.write import typeset, write
from tests.letters.sample import line, one, several

ALSO: Final = (line("RE-2026-0040", days=3, amount=5_000, original=9_000), line("RE-2026-0051", days=-20, amount=700))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_stands_after_all_that_is_asked_for_and_changes_no_figure(language: str) -> None:
    notice = several(language, "second_reminder")
    listed = replace(notice, listed=ALSO)
    before, after = write(notice), write(listed)
    assert before.subject == after.subject
    also = shipped().words(language).also_open
    for said, plain in ((after.text, before.text), (after.html, before.html)):
        assert said.index(also) > said.index("DE02 1203")
        assert said.index("RE-2026-0040") > said.index(also)
        assert also not in plain
    table = compose(listed, shipped()).listed
    assert table is not None
    assert [row[0] for row in table.rows] == ["RE-2026-0040", "RE-2026-0051"]
    assert [row[3] for row in table.rows] == ["3", "\N{EN DASH}"]
    assert table.running == ()
    assert compose(listed, shipped()).sums == compose(notice, shipped()).sums


def test_a_long_list_is_set_on_several_pages_without_sums_carried_over() -> None:
    many = tuple(line(f"RE-{number:04}", days=40 - number) for number in range(60))
    pdf = typeset(replace(one("de", "reminder"), listed=many))
    assert pdf.startswith(b"%PDF")


def test_what_is_listed_counts_among_the_lines_that_can_be_set() -> None:
    many = (ALSO[0],) * pdf_layout.LINES_MAX
    with pytest.raises(ValueError, match=r"10,001 lines .* or list less by include"):
        typeset(replace(one("de", "reminder"), listed=many))


def test_templates_may_ask_whether_there_is_any() -> None:
    said = "{% block remark %}{% if listed > 1 %}See {{ listed }} more.{% endif %}{% endblock %}"
    text = f'{{% extends "shipped/en/reminder.txt" %}}{said}'
    words = wording_of({"en/reminder.txt": text})
    assert "See 2 more." in write(replace(one("en", "reminder"), listed=ALSO), words).text
    assert "See" not in write(one("en", "reminder"), words).text
