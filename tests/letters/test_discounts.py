"""A cash discount that can still be had stands below its item, in every layout; any other is not spoken of."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from dunwell.letters.layouts import pdf as pdf_layout
from dunwell.letters.notice import Line, Notice
from dunwell.letters.reader import LANGUAGES
from dunwell.letters.wording import shipped
from dunwell.letters.write import typeset, write
from tests.letters.sample import DAY, discounted, line, notice
from tests.letters.test_html import Page
from tests.letters.test_typeset import flowed, pages, tags
from tests.letters.test_write import plain

SAID = "If paid by 10 April 2026: €98.00 (€2.00 cash discount)"


def invoice(number: str = "A-17", *, days: int = -9, original: int = 100_00, off: int = 200, until: int = 7) -> Line:
    """100.00 asked for, and a discount until so many days after the letter."""
    plain_line = line(number, days=days, amount=100_00, original=original)
    return replace(plain_line, discount_minor=off, discount_until_on=DAY + timedelta(until))


def courtesy(*lines: Line, language: str = "en") -> Notice:
    """A note before the due date."""
    return replace(notice(*lines, language=language, stage="courtesy"), deadline_on=None)


def test_it_says_what_is_enough_until_when_and_what_is_saved() -> None:
    message = write(courtesy(invoice()))
    assert f"\n  {SAID}\n" in plain(message.text)
    assert SAID in plain(message.html)
    assert SAID in flowed(typeset(courtesy(invoice())))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (invoice(until=0), True),  # its last day is the letter's
        (invoice(until=-1), False),
        (invoice(off=0), False),
        (invoice(off=100_00), False),  # nothing would be left to pay
        (invoice(original=120_00), False),  # part of it is paid
        (invoice(days=3), True),
        (replace(invoice(), discount_until_on=None), False),
    ],
)
def test_it_is_named_as_long_as_it_can_be_had(asked: Line, said: bool) -> None:
    assert ("discount" in write(courtesy(asked)).text) == said


def test_what_is_only_listed_is_asked_for_with_no_discount() -> None:
    listed = replace(courtesy(line("A-18", days=-9)), listed=(invoice(),))
    assert "discount" not in write(listed).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_row_is_as_wide_as_its_table_and_stands_below_its_item(language: str) -> None:
    message = write(discounted(language, "courtesy"))
    word = shipped().words(language).discount
    assert [each["colspan"] for each in Page(message.html).all("td") if "colspan" in each] == ["4", "4"]
    names = re.findall(rf"RE-2026-00\d\d(?=</th>)|{word}", plain(message.html))
    assert names == ["RE-2026-0017", word, "RE-2026-0018", word, "RE-2026-0019"]
    assert {"Table", "TH", "TD"} <= set(tags(typeset(discounted(language, "courtesy"))))


@pytest.mark.parametrize(("language", "number"), [*product(LANGUAGES, ("A-17", "A" * 90))])
def test_the_text_is_no_wider_than_a_page(language: str, number: str) -> None:
    large = replace(invoice(number), amount_minor=10**12, original_minor=10**12, discount_minor=10**12 - 1)
    text = write(courtesy(large, language=language)).text
    assert max(map(len, text.splitlines())) <= 78
    assert shipped().words(language).discount in plain(text).replace("\n  ", " ")


def test_no_page_ends_between_an_item_and_its_discount() -> None:
    many = courtesy(*(invoice(f"RE-{number:04}", until=number % 28) for number in range(60)), language="de")
    texts = pages(typeset(many))
    items = [(len(re.findall(r"RE-\d{4} ", text)), text.count("Skonto")) for text in texts]
    assert sum(said for _items, said in items) == 60
    assert len([rows for rows, _said in items if rows]) > 2
    assert all(rows == said for rows, said in items)


def test_discounts_count_among_the_lines_that_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_layout, "LINES_MAX", 5)
    typeset(courtesy(invoice("A-1"), invoice("A-2"), line("A-3", days=-9)))
    with pytest.raises(ValueError, match="a letter of 6 lines is not set"):
        typeset(courtesy(invoice("A-1"), invoice("A-2"), invoice("A-3")))
