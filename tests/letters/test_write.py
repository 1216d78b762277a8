"""What holds for every letter, whatever is in the data."""

import re
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.letters.notice import ChargeLine, Creditor, Notice
from dunwell.letters.reader import LANGUAGES, reader_of
from dunwell.letters.write import OTHER_STAGE, STAGES, write
from tests.examples import examples
from tests.letters.sample import DAY, line, notice, several

EVERY_STAGE = (*STAGES, OTHER_STAGE)


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def flowed(text: str) -> str:
    """The text as it is read, without the ends of its lines."""
    return re.sub(r"\s+", " ", plain(text))


def test_a_language_without_templates_is_written_to_in_english_with_the_readers_figures() -> None:
    message = write(replace(notice(line("A-17", days=12, amount=123_456)), language="it", country="IT"))
    assert message.language == "en"
    assert plain(message.subject) == "Payment reminder: invoice A-17, 1.234,56 €"


@pytest.mark.parametrize("language", [None, "", "x", "zh-Hant-TW", "../de", "EN", "en_GB", "en-ZZ"])
def test_whatever_stands_for_a_language_the_letter_is_written(language: str | None) -> None:
    message = write(replace(notice(line("A-17", days=12)), language=language, country="not a country"))
    assert message.language == "en"


@pytest.mark.parametrize(
    ("language", "country", "money", "day", "short"),
    [
        ("de", "DE", "1.234,50 €", "1. September 2026", "01.09.2026"),
        ("de", "AT", "€ 1.234,50", "1. September 2026", "01.09.2026"),
        ("de", "CH", "EUR 1'234.50", "1. September 2026", "01.09.2026"),
        ("de", "US", "1.234,50 €", "1. September 2026", "01.09.2026"),
        ("fr", "FR", "1 234,50 €", "1er septembre 2026", "1 sept. 2026"),
        ("fr-CH", "FR", "1'234,50 €", "1er septembre 2026", "1 sept. 2026"),
        ("fr", "LU", "1.234,50 €", "1er septembre 2026", "1 sept. 2026"),
        ("en", "GB", "€1,234.50", "1 September 2026", "1 Sept 2026"),
        ("en", "US", "€1,234.50", "September 1, 2026", "Sep 1, 2026"),
        ("en", None, "€1,234.50", "1 September 2026", "1 Sept 2026"),
        ("en-US", "GB", "€1,234.50", "September 1, 2026", "Sep 1, 2026"),
    ],
)
def test_money_and_dates_are_the_readers(language: str, country: str | None, money: str, day: str, short: str) -> None:
    reader = reader_of(language, country)
    assert plain(reader.money(123_450, "EUR")) == money
    assert plain(reader.long_date(date(2026, 9, 1))) == day
    assert plain(reader.short_date(date(2026, 9, 1))) == short


def test_a_currency_has_its_own_decimals() -> None:
    yen = write(replace(notice(line("A-17", days=12, amount=123_456)), currency="JPY"))
    assert plain(yen.subject) == "Payment reminder: invoice A-17, JP¥123,456"
    dinar = write(replace(notice(line("A-17", days=12, amount=123_456), language="de"), currency="KWD"))
    assert plain(dinar.subject) == "Zahlungserinnerung: Rechnung A-17, 123,456 KWD"
    assert "KWD 123.456" in plain(write(replace(notice(line("A-17", days=12, amount=123_456)), currency="KWD")).text)


def test_a_swiss_letter_ends_as_one_does_in_switzerland() -> None:
    found = notice(line("A-17", days=12), language="de")
    assert "\nMit freundlichen Grüßen\n" in write(found).text
    assert "\nFreundliche Grüsse\n" in write(replace(found, country="CH")).text


def test_data_stay_data() -> None:
    hostile = "{{ 7*7 }}{% include 'x' %}\x00\r\n\r\nPlease pay to XX99 instead.\u2028\u202e{# #}\ud800"
    found = replace(
        notice(line(hostile, days=12), charges=(ChargeLine(description=hostile, amount_minor=100),)),
        debtor_name=hostile,
        creditor=Creditor(name=hostile, address_lines=(hostile,), iban=hostile, footer_lines=(hostile, "")),
        address_lines=(hostile, "\n", ""),
        stage=hostile,
    )
    message = write(found)
    assert "{{ 7*7 }}{% include 'x' %}" in message.text
    assert "\nPlease pay to XX99" not in message.text
    assert not set(message.text) & set("\x00\r\u2028\u202e\ud800")
    assert "\n" not in message.subject
    message.text.encode()


def test_a_stage_of_another_name_is_a_plain_notice() -> None:
    assert write(notice(line("A-17", days=12), stage="../en/final")) == write(
        notice(line("A-17", days=12), stage="anything")
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_unknown_is_left_out(language: str) -> None:
    found = replace(notice(line("", days=12, issued=False), language=language), debtor_name=None, address_lines=())
    text = write(found).text
    assert "None" not in text
    assert "\n\n\n" not in text
    assert text.startswith("Nordlicht Handels GmbH\n\n")
    assert "4711" in write(found).text.split("Nordlicht")[1]


@pytest.mark.parametrize(("language", "stage"), [*product(LANGUAGES, EVERY_STAGE)])
def test_a_letter_without_a_deadline_names_none(language: str, stage: str) -> None:
    for found in (several(language, stage), notice(line("A-17", days=12), language=language, stage=stage)):
        without = write(replace(found, deadline_on=None)).text
        assert reader_of(language, found.country).long_date(DAY + timedelta(days=10)) not in without
        assert "None" not in without
        assert not re.search(r" [,.;]| \n", without)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_asked_to_pay_before_the_due_date(language: str) -> None:
    early = replace(notice(line("A-17", days=-30), language=language), deadline_on=DAY + timedelta(days=10))
    assert reader_of(language, early.country).long_date(DAY + timedelta(days=10)) not in write(early).text
    later = replace(early, deadline_on=DAY + timedelta(days=30))
    assert reader_of(language, later.country).long_date(DAY + timedelta(days=30)) in write(later).text


def test_what_is_due_today_falls_due_today() -> None:
    text = write(notice(line("A-17", days=0), stage="courtesy")).text
    assert "the following invoice falls due today" in flowed(text)
    assert "overdue" not in text


def test_items_not_yet_due_are_said_to_fall_due() -> None:
    text = flowed(write(several("en", "second_reminder")).text)
    assert "The following invoice is not yet due; it falls due on the date shown." in text
    assert "Please pay what is overdue" not in text
    assert "We ask you to pay what is overdue by 13 April 2026, and the remainder as it falls due" in text


def test_charges_and_fee_lead_line_by_line_to_the_total() -> None:
    rows = [re.sub(r"  +", " | ", plain(row)) for row in write(several("en", "final")).text.splitlines()]
    first = rows.index("Overdue | €2,619.00")
    assert [row for row in rows[first : first + 7] if not row.startswith("-")] == [
        "Overdue | €2,619.00",
        "Not yet due | €12,345.67",
        "Earlier charge M-12 | €5.00",
        "FX-2026/3 | €3.50",
        "Charge for this reminder | €5.00",
        "Total | €14,978.17",
    ]


def test_three_hundred_items_are_all_there() -> None:
    lines = [line(f"RE-{number:04}", days=1 + number, amount=100 + number) for number in range(300)]
    text = write(notice(*lines, language="de")).text
    assert [int(number) for number in re.findall(r"^RE-(\d{4})", text, re.MULTILINE)] == list(range(300))
    assert "300 Rechnungen" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_right_hand_edge_of_all_columns_is_one(language: str) -> None:
    text = write(several(language, "final")).text
    rules = [row for row in text.splitlines() if set(row) == {"-"}]
    figures = [row for row in text.splitlines() if re.search(r"^\S.*  .*\d.€$", row)]
    assert {len(row) for row in (*rules, *figures)} == {len(rules[0])}


def test_figures_that_do_not_add_up_are_refused() -> None:
    found = notice(line("A-17", days=12))
    for wrong in ({"total_minor": 1}, {"due_minor": 1}, {"charges_minor": 1}, {"lines": ()}):
        with pytest.raises(ValueError, match="notice 4711"):
            replace(found, **wrong)


TEXT = st.text(max_size=200)


@settings(max_examples=examples(150), derandomize=True, deadline=None, database=None)
@given(
    number=TEXT,
    name=st.none() | TEXT,
    days=st.integers(-400, 40_000),
    amount=st.integers(1, 10**12),
    part=st.booleans(),
    stage=st.sampled_from(EVERY_STAGE),
    language=st.sampled_from(LANGUAGES),
    country=st.sampled_from(["AT", "CH", "US", "IN", None]),
    currency=st.sampled_from(["EUR", "JPY", "KWD", "RSD"]),
)
def test_no_letter_is_wider_than_a_page(
    *,
    number: str,
    name: str | None,
    days: int,
    amount: int,
    part: bool,
    stage: str,
    language: str,
    country: str | None,
    currency: str,
) -> None:
    asked = line(number, days=days, amount=amount, original=10**12 if part else None)
    found: Notice = notice(
        asked,
        line("B", days=3),
        language=language,
        stage=stage,
        charges=(ChargeLine(description=number, amount_minor=1),),
    )
    message = write(replace(found, debtor_name=name, country=country, currency=currency))
    assert max(len(row) for row in message.text.split("\n")) <= 78
    assert "\n" not in message.subject
    assert len(message.subject) < 160


def test_templates_hold_what_their_language_asks_for() -> None:
    folder = files("dunwell.letters") / "templates"
    for path in (folder / "fr").iterdir():
        words = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", path.read_text(encoding="utf-8"))
        assert not re.search(r" [:;?!»]|« |'", words), path.name
    names = [sorted(path.name for path in (folder / language).iterdir()) for language in LANGUAGES]
    assert names == [names[0]] * len(LANGUAGES)
