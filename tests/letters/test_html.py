"""The mail as HTML: a page that means the same with its styles and without, and loads nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import product

import pytest

from dunwell.letters.notice import ChargeLine
from dunwell.letters.reader import LANGUAGES
from dunwell.letters.write import OTHER_STAGE, STAGES, write
from tests.letters.sample import CREDITOR, charging, line, notice, one, several

EMPTY = {"meta", "br"}
HOSTILE = '</td><script>alert(1)</script>"\' onload="x" {{7*7}} &amp; \r\nBcc: all@example.com'


@dataclass
class Page(HTMLParser):
    """The elements of a page with what stands in them, and a check that they close as they open."""

    html: str
    seen: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words += data.split()

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.seen if name == tag)


@pytest.mark.parametrize(
    ("language", "stage", "make"), [*product(LANGUAGES, (*STAGES, OTHER_STAGE), (one, several))]
)  # fmt: skip
def test_every_mail_reads_well_without_its_styles(language: str, stage: str, make: object) -> None:
    assert callable(make)
    message = write(make(language, stage))
    page = Page(message.html)
    assert [each["lang"] for each in page.all("html")] == [language]
    assert [each["lang"] for each in page.all("div")] == [language]
    assert len(list(page.all("h1"))) == 1
    assert {each["scope"] for each in page.all("th")} == {"col", "row"}
    tags = {tag for tag, _ in page.seen}
    assert not tags & {"img", "link", "script", "iframe", "form", "a"}
    assert "http" not in message.html
    assert "url(" not in message.html


def words_of(text: str) -> set[str]:
    return set(re.sub(r"-{3,}|\N{SOFT HYPHEN}", "", text).split())


@pytest.mark.parametrize(("language", "stage"), [*product(LANGUAGES, STAGES)])
def test_mail_and_text_say_the_same_words(language: str, stage: str) -> None:
    message = write(several(language, stage))
    html = words_of(" ".join(Page(message.html).words))
    text = words_of(message.text)
    headings = words_of(
        "Tage Rechnungs- betrag Rechnungsbetrag Noch nicht fällig Überfällig Échu Non échu Overdue Not yet due"
    )
    assert text - html <= headings
    assert html - text <= headings


def test_data_are_never_markup_in_a_mail() -> None:
    found = replace(
        notice(line(HOSTILE, days=12), charges=(ChargeLine(description=HOSTILE, amount_minor=100),)),
        creditor=replace(
            CREDITOR, name=HOSTILE, address_lines=(HOSTILE,), bank_name=HOSTILE, email=HOSTILE, footer_lines=(HOSTILE,)
        ),
        debtor_name=HOSTILE,
        address_lines=(HOSTILE,),
        account=HOSTILE,
    )
    message = write(found)
    usual = Page(write(several("en", "reminder")).html)
    page = Page(message.html)
    assert {tag for tag, _ in page.seen} <= {tag for tag, _ in usual.seen} | {"tfoot"}
    assert {name for _, attributes in page.seen for name in attributes} <= {
        "lang", "charset", "name", "content", "style", "scope", "class", "colspan",
    }  # fmt: skip
    assert "{{7*7}}" in page.words
    assert "49" not in page.words
    assert "\r" not in message.subject + message.html
    assert "\n" not in message.subject


def test_columns_that_may_go_do_so_on_a_telephone_alone() -> None:
    html = write(several("de", "final")).html
    assert html.count('class="less"') == 2 * 3 + 2
    assert "@media (max-width:600px){.less{display:none}table{font-size:14px}}" in html


def test_a_range_of_amounts_may_break_in_its_cell_so_that_the_table_fits() -> None:
    cells = re.findall(r"<td[^>]*>[^<]*</td>", write(charging("de", "escalation")).html)
    ranges = [cell for cell in cells if " \N{EN DASH} " in cell]
    assert ranges
    assert all("white-space:normal" in cell for cell in ranges)
    assert not any("white-space:normal" in cell for cell in cells if cell not in ranges)
