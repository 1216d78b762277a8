"""The reference that a payment is to quote, in the text, on paper and in the code."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from dunwell.engine.references import SCHEMES, reference_of, shown, valid
from dunwell.letters.check import wording_of
from dunwell.letters.notice import Notice
from dunwell.letters.reader import LANGUAGES
from dunwell.letters.write import typeset, write
from tests.letters.sample import CREDITOR, closing, line, notice, one
from tests.letters.test_typeset import codes, flowed

LARGEST = 2_147_483_647  # of the numbers of notices


def quoting(scheme: str, language: str = "en", notice_id: int = 4711) -> Notice:
    """A reminder whose payment quotes a reference."""
    found = notice(line("A-17", days=12), language=language)
    return replace(found, notice_id=notice_id, creditor=replace(CREDITOR, reference_scheme=scheme))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_mail_and_paper_show_the_reference_in_its_groups(scheme: str, language: str) -> None:
    found = quoting(scheme, language)
    printed = shown(scheme, reference_of(scheme, 4711))
    message = write(found)
    (row,) = re.findall(rf"^  \S.*?  {re.escape(printed)}$", message.text, re.MULTILINE)
    assert valid(scheme, printed)
    assert row
    assert printed in message.html
    on_paper = flowed(typeset(found))
    assert on_paper.count(printed) == 2, "where it says how to pay, and in the sentence that asks for it"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_reference_is_never_parted_by_the_end_of_a_line(scheme: str) -> None:
    text = write(quoting(scheme, notice_id=LARGEST)).text
    asked = re.findall(r"quoting the payment reference\s(.+)\.$", text, re.MULTILINE)
    assert [each.replace("\N{NO-BREAK SPACE}", " ") for each in asked] == [shown(scheme, reference_of(scheme, LARGEST))]


@pytest.mark.parametrize("scheme", ["rf", "viite_rf"])
def test_the_code_holds_an_rf_reference_as_a_structured_one_and_nothing_after_it(scheme: str) -> None:
    (code,) = codes(typeset(quoting(scheme)))
    assert code.split("\n") == [
        "BCD", "002", "1", "SCT", "BYLADEM1001", "Nordlicht Handels GmbH", "DE02120300000000202051", "EUR119.00", "",
        reference_of(scheme, 4711),
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme not in {"rf", "viite_rf"}])
def test_the_code_holds_any_other_reference_as_text(scheme: str) -> None:
    (code,) = codes(typeset(quoting(scheme)))
    assert code.split("\n")[-3:] == ["", "", shown(scheme, reference_of(scheme, 4711))]


def test_in_another_currency_there_is_the_reference_and_no_code() -> None:
    found = replace(quoting("qrr", "de"), currency="CHF", country="CH")
    found = replace(found, creditor=replace(found.creditor, iban="CH4431999123000889012", bic=""))
    pdf = typeset(found)
    assert codes(pdf) == []
    assert "00 00000 00000 00000 00000 47119" in flowed(pdf)


def test_without_a_bank_account_the_letter_still_asks_to_quote_it() -> None:
    found = quoting("rf")
    text = write(replace(found, creditor=replace(found.creditor, iban=""))).text
    assert "How to pay" not in text
    assert "quoting the payment reference RF21\N{NO-BREAK SPACE}1004\N{NO-BREAK SPACE}711." in re.sub(r"\n", " ", text)


def test_each_notice_has_its_own() -> None:
    assert "RF91 1004 712" in write(quoting("rf", notice_id=4712)).text


def test_a_letter_that_asks_for_nothing_names_no_reference() -> None:
    found = closing("en")
    with_scheme = replace(found, creditor=replace(CREDITOR, reference_scheme="rf"))
    assert write(with_scheme) == write(found)


def test_templates_of_the_house_may_say_it() -> None:
    words = "{% if payment_reference %}Quote {{ payment_reference }}.{% else %}Quote {{ quoting }}.{% endif %}"
    template = f'{{% extends "shipped/en/reminder.txt" %}}{{% block remark %}}{words}{{% endblock %}}'
    own = wording_of({"en/reminder.txt": template})
    assert "Quote RF21\N{NO-BREAK SPACE}1004\N{NO-BREAK SPACE}711." in write(quoting("rf"), own).text
    assert "Quote RE-2026-0017." in write(one("en", "reminder"), own).text


def test_the_documentation_shows_what_notice_4711_quotes() -> None:
    page = (Path(__file__).parents[2] / "docs" / "letters.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^`|]+ \| (`\w+`(?:, `\w+`)*) \| (`.+?`) \| [^|]+ \|$", page, re.MULTILINE)
    told = {
        scheme: printed
        for schemes, printed_ones in rows
        for scheme, printed in zip(re.findall(r"`(.+?)`", schemes), re.findall(r"`(.+?)`", printed_ones), strict=True)
    }
    assert told == {scheme: shown(scheme, reference_of(scheme, 4711)) for scheme in SCHEMES}
