"""What the law makes a letter say: interest, flat sums and warnings; and letters that lack it."""

import io
from dataclasses import replace
from datetime import timedelta

import pypdf
import pytest

from dunwell.engine.documents import DocumentError
from dunwell.engine.law.regime import LetterRule
from dunwell.letters.check import wording_of
from dunwell.letters.layouts.pdf import data_of
from dunwell.letters.letter import compose
from dunwell.letters.notice import Charged, Interest
from dunwell.letters.reader import LANGUAGES, reader_of
from dunwell.letters.wording import shipped
from dunwell.letters.working import WorkingPage, typeset_working
from dunwell.letters.write import typeset, write
from tests.letters.sample import DAY, charging, notice, one, several, warning, with_own
from tests.letters.sample import line as item


def rule(*says: str, days: int | None = None) -> LetterRule:
    return LetterRule.model_validate({"says": says, "deadline_days": days, "source": "A § 1"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_fee_interest_and_flat_sum_stand_in_lines_of_their_own_and_add_up(language: str) -> None:
    found = charging(language, "escalation")
    found = with_own(found, replace(found.charged, fee_minor=250))
    letter = compose(found, shipped())
    words = letter.words
    labels = [each.label for each in letter.sums]
    assert labels[-4:] == [words.fee, words.interest, words.compensation, words.total]
    assert labels[1:4] == [
        f"{words.charge} FEE-12", f"{words.earlier_interest} INT-13", f"{words.earlier_compensation} COSTS-14",
    ]  # fmt: skip
    message = write(found)
    for said in (message.text, message.html):
        for text in (words.interest, words.compensation, "INT-13", words.legal_basis, letter.sums[-1].amount):
            assert text in said


def test_the_code_asks_for_all_that_is_charged() -> None:
    payment = compose(charging("de", "escalation"), shipped()).payment
    assert payment
    assert "EUR7194.37" in payment.code_text


def test_interest_says_from_when_until_when_on_what_and_at_which_rate() -> None:
    table = compose(charging("en", "escalation"), shipped()).interest
    assert table
    dash, space = "\N{EN DASH}", "\N{NO-BREAK SPACE}"
    number, *days, on, rate, amount = table.rows[0]
    assert (number, days, amount) == ("RE-2025-0911", ["4 Oct 2025", "3 Apr 2026"], "€467.83")
    assert (on, rate) == (f"€10,000.00 {dash} €6,500.00", f"10.27{dash}11.02{space}%")
    assert table.rows[1][3:] == ("€119.00", "11.02\N{NO-BREAK SPACE}%", "€0.43")


def test_interest_whose_working_is_lost_is_still_asked_for() -> None:
    lost = Interest(number="RE-1", until_on=DAY, amount_minor=100)
    letter = compose(with_own(one("en", "final"), Charged(interest=(lost,))), shipped())
    assert letter.interest
    assert letter.interest.rows == [("RE-1", "3 Apr 2026", "€1.00")]
    assert letter.workings == ()


def test_figures_that_do_not_add_up_are_no_letter() -> None:
    with pytest.raises(ValueError, match="total_minor is 11900, its lines come to 15900"):
        replace(one("en", "final"), charged=Charged(compensation_minor=4000))


def test_a_letter_without_interest_has_no_page_more() -> None:
    letter = compose(several("de", "final"), shipped())
    assert (letter.interest, letter.workings, letter.basis, letter.costs) == (None, (), "", ())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_warning_names_the_costs_and_until_when_they_are_avoided(language: str) -> None:
    found = warning(language, "reminder")
    wanted = rule("costs_warning", "deadline", days=14)
    letter = compose(with_own(found, replace(found.charged, rule=wanted)), shipped())
    (said,) = letter.costs
    assert "14" in said
    assert "2026" in said
    assert "40" in said


@pytest.mark.parametrize(
    ("charged", "wanted", "told"),
    [
        (
            Charged(),
            rule("deadline", days=14),
            "A § 1 wants a term of at least 14 days, not 10: give the stage `deadline_days: 14`",
        ),
        (Charged(), rule("costs_warning"), "A § 1 wants it to name the costs to come, which are not known"),
        (
            Charged(interest=(Interest(number="A", until_on=DAY, amount_minor=1),)),
            rule("interest_rate"),
            "A § 1 wants it to name the rate of interest, which is not known any more",
        ),
        (
            Charged(fee_minor=1),
            rule("legal_basis"),
            "wants it to name on which law the charges rest",
        ),
    ],
)
def test_a_letter_that_lacks_what_its_law_wants_is_none(charged: Charged, wanted: LetterRule, told: str) -> None:
    with pytest.raises(ValueError, match="lacks what it must say: ") as error:
        compose(with_own(one("en", "reminder"), replace(charged, rule=wanted)), shipped())
    assert told in str(error.value)


def test_a_letter_without_the_deadline_its_law_wants_is_none() -> None:
    with pytest.raises(ValueError, match="A § 1 wants it to name a deadline: give the stage `deadline_days`"):
        compose(replace(one("en", "reminder"), deadline_on=None, charged=Charged(rule=rule("deadline"))), shipped())


def test_a_letter_that_says_it_all_is_one() -> None:
    wanted = rule("breakdown", "deadline", "interest_rate", "legal_basis", days=10)
    found = charging("fr", "escalation")
    assert write(with_own(found, replace(found.charged, rule=wanted))).text


def test_exactly_the_term_is_enough() -> None:
    late = replace(one("de", "final"), deadline_on=DAY + timedelta(days=14))
    assert compose(replace(late, charged=Charged(rule=rule("deadline", days=14))), shipped()).request


def test_a_template_of_the_house_that_hides_the_costs_to_come_is_refused() -> None:
    text = '{% extends "shipped/en/second_reminder.txt" %}{% block costs %}It may get dearer.{% endblock %}'
    with pytest.raises(DocumentError, match="it warns of costs to come, and does not name their amount"):
        wording_of({"en/second_reminder.txt": text})
    text = text.replace("It may get dearer.", "{% if costs_to_come %}Else {{ costs_to_come }} more.{% endif %}")
    assert wording_of({"en/second_reminder.txt": text})  # the deadline is named where payment is asked for
    no_date = text.replace("{% endblock %}", "{% endblock %}{% block request %}Pay soon.{% endblock %}")
    with pytest.raises(DocumentError, match="does not name the deadline"):
        wording_of({"en/second_reminder.txt": no_date})


def test_a_template_may_ask_for_interest_and_costs() -> None:
    said = "{% if interest %}With {{ interest }}.{% endif %}{% if costs_to_come %}{{ costs_days }} days.{% endif %}"
    words = wording_of(
        {"en/final.txt": f'{{% extends "shipped/en/final.txt" %}}{{% block remark %}}{said}{{% endblock %}}'}
    )
    assert "With €468.26." in write(charging("en", "final"), words).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_working_is_set_behind_the_letter_and_alone(language: str) -> None:
    found = charging(language, "escalation")
    assert typeset(found).startswith(b"%PDF")
    (first, _second) = found.charged.interest
    page = WorkingPage(
        interest=first, currency="EUR", amount_minor=650_000, due_on=DAY - timedelta(days=181), compensation_minor=4000,
        legal_basis="§ 288 BGB", language=language,
    )  # fmt: skip
    pdf = typeset_working(page)
    assert pdf.startswith(b"%PDF")
    assert typeset_working(page) == pdf


def test_a_working_of_no_interest_is_a_page_too() -> None:
    nothing = Interest(number="", until_on=DAY, amount_minor=0)
    assert typeset_working(WorkingPage(interest=nothing, currency="JPY", amount_minor=1, due_on=DAY)).startswith(
        b"%PDF"
    )


def test_markup_in_what_the_law_is_called_is_text() -> None:
    found = charging("en", "final")
    odd = with_own(found, replace(found.charged, legal_basis="<b>#let x = 1</b>\nsecond"))
    message = write(odd)
    assert "&lt;b&gt;#let x = 1&lt;/b&gt; second" in message.html
    assert typeset(odd).startswith(b"%PDF")


def test_many_items_with_interest_are_set_on_several_pages() -> None:
    base = charging("de", "final")
    many = tuple(replace(base.charged.interest[1], number=f"RE-{at}", amount_minor=1) for at in range(60))
    lines = tuple(item(f"RE-{at}", days=12) for at in range(60))
    found = notice(*lines, language="de", stage="final")
    assert typeset(with_own(found, Charged(interest=many))).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("RE-2025-0911", "RE-2025-0911"),
        ("RE-2025-0911-*", "RE-|2025-|0911-*"),
        ("RECHNUNG20251*", "REC|H|N|U|N|G|2|0|2|51*"),
        ("ABC RE/2025/09114711", "ABC RE/|2025/|09114711"),
    ],
)
def test_a_long_number_breaks_in_its_column_and_leaves_no_sign_alone(number: str, shown: str) -> None:
    found = charging("fr", "escalation")
    first, second = found.charged.interest
    long = with_own(found, Charged(interest=(replace(first, number=number), second)))
    rows = data_of(compose(long, shipped()))["interest"]["rows"]
    assert rows[0][0].replace("\u200b", "|") == shown


@pytest.mark.parametrize(("language", "country"), [("en", "GB"), ("en", "US"), ("de", "DE"), ("fr", "FR")])
def test_days_of_a_working_stand_on_one_line(language: str, country: str) -> None:
    found = replace(charging(language, "escalation"), country=country)
    reader = reader_of(language, country)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(typeset(found))).pages[2:])
    days = [
        reader.short_date(day)
        for period in found.charged.interest[0].periods
        for day in (period.from_on, period.until_on)
    ]
    assert [day for day in days if day not in text.replace("\N{NO-BREAK SPACE}", " ")] == []
