"""What a letter says by law: its interest and how that came about, on what basis, and what must not be left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final

from babel.numbers import format_decimal

from dunwell.engine.law.regime import LetterRule
from dunwell.engine.money import exponent
from dunwell.letters.notice import Interest, Notice, Period
from dunwell.letters.plain import one_line
from dunwell.letters.reader import NO_BREAK, Reader
from dunwell.letters.tables import NONE, Column, Table
from dunwell.letters.wording import Words

if TYPE_CHECKING:
    from dunwell.letters.letter import Letter

MILLIONTHS: Final = Decimal(1_000_000)
DECIMALS_MORE: Final = 4  # of the interest of a period, which is rounded with the others only


@dataclass(frozen=True)
class Working:
    """How the interest of one item was worked out: its heading, the periods, their sum, and how days are counted."""

    heading: str
    table: Table
    total: tuple[str, str]
    notes: tuple[str, ...]


def interest_table(notice: Notice, reader: Reader, words: Words) -> Table | None:
    """Put interest into columns: of which item, through which days, on what and at which rate; None without any."""
    charged = notice.charged.interest
    if not charged:
        return None
    days = [(reader.short_date(each.from_on) if each.from_on else NONE) for each in charged]
    on = [_range([_money(period, notice.currency, reader) for period in each.periods]) for each in charged]
    rates = [_rates(each.periods, reader) for each in charged]
    wanted = [
        (Column(words.interest_from, days), any(each.periods for each in charged)),
        (Column(words.interest_until, [reader.short_date(each.until_on) for each in charged]), True),
        (Column(words.interest_on, on, may_go=True), any(each.periods for each in charged)),
        (Column(words.interest_rate, rates), any(each.periods for each in charged)),
        (Column(words.interest_sum, [reader.money(each.amount_minor, notice.currency) for each in charged]), True),
    ]
    numbers = Column(words.number, [one_line(each.number) or NONE for each in charged])
    return Table(numbers, tuple(column for column, has in wanted if has), ())


def workings_of(interest: Sequence[Interest], currency: str, reader: Reader, words: Words) -> tuple[Working, ...]:
    """Work out, for who reads it, the interest of each item of which the periods are known."""
    return tuple(_working(each, currency, reader, words) for each in interest if each.periods)


def basis_of(notice: Notice, words: Words) -> str:
    """On which law the charges rest, as one line; empty where nothing rests on one."""
    basis = one_line(notice.charged.legal_basis)
    return f"{words.legal_basis}{words.colon}{basis}" if basis else ""


def lacking(letter: "Letter", notice: Notice, reader: Reader) -> str:
    """What the law wants a letter to say and this one does not; empty where nothing is missing."""
    sentences = " ".join((*letter.opening, *letter.request, *letter.costs, *letter.remark))
    if notice.charged.costs_to_come_minor and (missing := _warning_lacks(sentences, notice, reader)):
        return f"it warns of costs to come, and does not name {missing}"
    rule = notice.charged.rule
    if rule is None:
        return ""
    for says in rule.says:
        if missing := _missing(says, letter, notice, sentences, reader):
            return f"{rule.source} wants it to name {missing}"
    return _short_term(rule, notice)


def _short_term(rule: LetterRule, notice: Notice) -> str:
    days = rule.deadline_days
    if days is None or notice.deadline_on is None or (given := (notice.deadline_on - notice.as_of).days) >= days:
        return ""
    return f"{rule.source} wants a term of at least {days} days, not {given}: give the stage `deadline_days: {days}`"


def _missing(says: str, letter: "Letter", notice: Notice, sentences: str, reader: Reader) -> str:
    """What of one demand of the law is missing; tables and sums are in every layout, whatever the templates say."""
    found = ""
    if says == "deadline":
        found = _deadline_lacks(sentences, notice, reader)
    elif says == "costs_warning":
        to_come = notice.charged.costs_to_come_minor
        found = _warning_lacks(sentences, notice, reader) if to_come else "the costs to come, which are not known"
    elif says == "interest_rate" and not all(each.periods for each in notice.charged.interest):
        found = "the rate of interest, which is not known any more"
    elif says == "legal_basis" and notice.charged.sum_minor and not letter.basis:
        found = "on which law the charges rest"
    return found


def _deadline_lacks(sentences: str, notice: Notice, reader: Reader) -> str:
    if notice.deadline_on is None:
        return "a deadline: give the stage `deadline_days`"
    return "" if reader.long_date(notice.deadline_on) in sentences else "its deadline: say {{ deadline }}"


def _warning_lacks(sentences: str, notice: Notice, reader: Reader) -> str:
    amount = reader.money(notice.charged.costs_to_come_minor, notice.currency)
    if amount not in sentences:
        return "their amount: say {{ costs_to_come }} in `costs`"
    if notice.deadline_on and reader.long_date(notice.deadline_on) not in sentences:
        return "the deadline: say {{ deadline }} in `costs`"
    return ""


def _working(interest: Interest, currency: str, reader: Reader, words: Words) -> Working:
    periods = interest.periods
    asked = any(period.reference_millionths is not None for period in periods)
    references = [
        NONE if period.reference_millionths is None else percent(period.reference_millionths, reader)
        for period in periods
    ]
    wanted = [
        (Column(words.interest_until, [reader.short_date(period.until_on) for period in periods]), True),
        (Column(words.interest_days, [str(period.days) for period in periods]), True),
        (Column(words.interest_on, [_money(period, currency, reader) for period in periods]), True),
        (Column(words.reference_rate, references), asked),
        (Column(words.interest_rate, [percent(period.rate_millionths, reader) for period in periods]), True),
        (Column(words.interest_sum, [_exactly(period.interest, currency, reader) for period in periods]), True),
    ]
    first = Column(words.interest_from, [reader.short_date(period.from_on) for period in periods])
    notes = [
        f"{words.counted} {interest.day_count}.",
        words.compounding if interest.is_compounding else "",
        words.rounded_daily if interest.is_rounded_daily else "",
        f"{words.legal_basis}{words.colon}{one_line(interest.source)}" if interest.source else "",
    ]
    return Working(
        heading=f"{words.number} {number}" if (number := one_line(interest.number)) else words.interest,
        table=Table(first, tuple(column for column, has in wanted if has), ()),
        total=(words.interest, reader.money(interest.amount_minor, currency)),
        notes=tuple(note for note in notes if note),
    )


def percent(millionths: int, reader: Reader) -> str:
    """Write a rate, as in `11.27 %`, with at least two decimals and as many as it has."""
    text: str = format_decimal(millionths / MILLIONTHS, format="#,##0.00####", locale=reader.locale)
    return f"{text.replace(chr(0x202F), NO_BREAK)}{NO_BREAK}%"


def _exactly(minor: Decimal, currency: str, reader: Reader) -> str:
    """Write interest that is not rounded to the minor unit yet, to four decimals of it at most."""
    places = exponent(currency) + DECIMALS_MORE - 2
    value = minor.scaleb(-exponent(currency)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text: str = format_decimal(value, format=f"#,##0.{'0' * places}", locale=reader.locale)
    return text.replace(chr(0x202F), NO_BREAK)


def _money(period: Period, currency: str, reader: Reader) -> str:
    return reader.money(period.principal_minor, currency)


def _rates(periods: Sequence[Period], reader: Reader) -> str:
    """One rate, or the lowest and the highest of several."""
    rates = sorted({period.rate_millionths for period in periods})
    if not rates:
        return NONE
    lowest, highest = (percent(rate, reader) for rate in (rates[0], rates[-1]))
    return highest if lowest == highest else f"{lowest.removesuffix(f'{NO_BREAK}%')}\N{EN DASH}{highest}"


def _range(texts: Sequence[str]) -> str:
    """One text, or the first and the last of several."""
    if not texts:
        return NONE
    return texts[0] if texts[0] == texts[-1] else f"{texts[0]} \N{EN DASH} {texts[-1]}"
