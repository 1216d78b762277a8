"""The tables of docs/law.md, written from the regimes and the series."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeVar, get_args

from dunwell.engine.data import regime_names, series_names
from dunwell.engine.law.law import regime
from dunwell.engine.law.regime import DebtorClass, Fees, Flat, LetterRule, RateRule, Regime, Step
from dunwell.engine.law.shipped import shipped_file

RuleT = TypeVar("RuleT")

CLASSES: tuple[DebtorClass, ...] = get_args(DebtorClass)
FLOATING = {
    "half_year": "as of 1 January and 1 July",
    "half_year_eve": "as of the day before 1 January and 1 July",
    "day": "from day to day",
}
FIXED = {
    "half_year": "as of the beginning of the half-year in which interest begins, for the life of the debt",
    "half_year_eve": "as of the day before the half-year in which interest begins, for the life of the debt",
    "day": "as of the first day of interest, for the life of the debt",
}
SAYS = {
    "breakdown": "what is owed, part by part",
    "deadline": "a deadline",
    "costs_warning": "what it will cost to let it pass",
    "interest_rate": "the rate of interest",
    "legal_basis": "the legal basis",
}


def page() -> str:
    """Return the overview, a section for each regime, and the series."""
    found = [regime(name) for name in regime_names()]
    parts = [*_overview(found)]
    for each in found:
        parts += ["", *_section(each)]
    return "\n".join([*parts, "", *_series(found)]) + "\n"


def _overview(found: list[Regime]) -> Iterator[str]:
    yield "## All regimes"
    yield ""
    yield "| regime | interest of a business | of a consumer | of a public body | flat sum | fees bounded | checked |"
    yield "|---|---|---|---|---|---|---|"
    for each in found:
        rates = [_short(each.interest.get(debtor_class)) for debtor_class in CLASSES]
        flats = " / ".join(dict.fromkeys(_flat_short(rule) for rule in each.flat.values())) or "none"
        fees = ", ".join(each.fees) or "no"
        link = f"[{each.regime} {each.country}](#{_anchor(each)})"
        yield f"| {' | '.join([link, *rates, flats, fees, str(each.checked_on)])} |"


def _section(each: Regime) -> Iterator[str]:
    """All that a regime says, each rule with its source."""
    yield f"### {each.regime}: {each.country}"
    yield ""
    yield f"{each.title.rstrip('.')}. Days: `{each.day_count}`. Checked on {each.checked_on}."
    yield ""
    yield "| rule | debtors | what holds | source |"
    yield "|---|---|---|---|"
    yield from _rows("interest", each.interest, _rate)
    yield from _rows("flat sum", each.flat, _flat)
    yield from _rows("fees", each.fees, _fees)
    yield from _rows("letters", each.letters, _letter)
    order = ", then ".join(each.appropriation) if each.appropriation else "what it names"
    yield f"| payments | all | {order} | {each.appropriation_source or '-'} |"
    yield ""
    yield "Not covered:"
    yield ""
    yield from (f"- {text}" for text in each.not_covered)
    yield ""
    yield "To know:"
    yield ""
    yield from (f"- {text}" for text in each.notes)


def _rows(kind: str, rules: dict[DebtorClass, RuleT], said: Callable[[RuleT], str]) -> Iterator[str]:
    """A row for each rule; classes of debtors with the same rule share one."""
    shared: dict[tuple[str, str], list[str]] = {}
    for debtor_class in CLASSES:
        if debtor_class in rules:
            rule = rules[debtor_class]
            shared.setdefault((said(rule), getattr(rule, "source", "")), []).append(debtor_class)
    for (text, source), classes in shared.items():
        yield f"| {kind} | {', '.join(classes)} | {text} | {source} |"
    if not rules and kind != "letters":
        yield f"| {kind} | all | none by statute | - |"


def _short(rule: RateRule | None) -> str:
    if rule is None:
        return "none"
    if rule.mode == "constant":
        return f"{_number(rule.rate)} %"
    return f"`{rule.series}`" + (f" + {_number(rule.margin)}" if rule.margin else "")


def _rate(rule: RateRule) -> str:
    parts = [_short(rule)]
    if rule.mode == "floating":
        parts.append(f"the reference {FLOATING[rule.snapshot]}")
    if rule.mode == "fixed_at_start":
        parts.append(f"the reference {FIXED[rule.snapshot]}")
    if rule.round_up_to:
        parts.append(f"rounded up to a multiple of {_number(rule.round_up_to)}")
    if rule.compounding == "yearly":
        parts.append("the interest of each full year is added to the principal, unless it was charged")
    if rule.starts == "given":
        parts.append("only from the day that an item gives (`interest_from_on`)")
    return ", ".join(parts)


def _flat_short(flat: Flat) -> str:
    if flat.amount_series:
        return f"`{flat.amount_series}` {flat.currency}"
    amounts = [_amount(step.amount) for step in flat.steps if step.amount is not None]
    if any(step.percent is not None for step in flat.steps):
        return f"by a scale, at most {_amount(flat.at_most)} {flat.currency}"
    return f"{'/'.join(amounts)} {flat.currency}"


def _flat(flat: Flat) -> str:
    parts = ["; ".join(_step(step, flat) for step in flat.steps)]
    if flat.amount_series:
        parts = [f"what `{flat.amount_series}` says of the first day of interest, in {flat.currency}"]
    if flat.at_least is not None:
        parts.append(f"at least {_amount(flat.at_least)}")
    if flat.at_most is not None:
        parts.append(f"at most {_amount(flat.at_most)} {flat.currency}")
    if flat.exchange:
        day = "the first day of interest" if flat.exchange_on == "day" else "the end of the month before the due date"
        parts.append(f"converted at `{flat.exchange}` of {day}")
    if flat.less_fees:
        parts.append("less the fees charged before")
    if flat.after_notice_days is not None:
        parts.append(f"after a notice that left {flat.after_notice_days} days, once they have passed")
    if flat.together:
        parts.append("once for the claims of a notice, by their principals added up")
    return ", ".join(parts)


def _step(step: Step, flat: Flat) -> str:
    shown = [f"{_amount(step.amount)} {flat.currency}"] if step.amount is not None else []
    shown += [f"{_number(step.percent)} % of what is more"] if step.percent is not None and step.bound else []
    shown += [f"{_number(step.percent)} %"] if step.percent is not None and not step.bound else []
    if not step.bound:
        return " and ".join(shown)
    word = "above" if step.above is not None else "from"
    return f"{word} {step.bound:,} {flat.steps_in or flat.currency}: {' and '.join(shown)}"


def _fees(fees: Fees) -> str:
    if fees.count_max == 0:
        return "none allowed"
    parts = []
    if fees.at_most:
        parts.append(f"at most {', then '.join(_amount(amount) for amount in fees.at_most)} {fees.currency}")
    if fees.at_most_series:
        parts.append(f"at most {_number(fees.share * 100)} % of `{fees.at_most_series}` in {fees.currency}")
    if fees.count_max is not None:
        parts.append(f"at most {fees.count_max} on an item")
    if fees.earliest_days is not None:
        parts.append(f"not before day {fees.earliest_days} after the due date")
    if fees.spacing_days is not None:
        parts.append(f"{fees.spacing_days} days after the one before")
    if fees.first_notice_free:
        parts.append("none with the first notice")
    if fees.after_notice_days is not None:
        parts.append(f"the first after a notice that left {fees.after_notice_days} days, once they have passed")
    return ", ".join(parts)


def _letter(rule: LetterRule) -> str:
    when = "every notice past due" if rule.when == "always" else "the notice that costs rest on"
    when += ", fees among them," if rule.fees else ""
    days = f" of at least {rule.deadline_days} days" if rule.deadline_days is not None else ""
    return f"{when} says " + ", ".join(SAYS[each] + (days if each == "deadline" else "") for each in rule.says)


def _series(found: list[Regime]) -> Iterator[str]:
    yield "## Series that come with Dunwell"
    yield ""
    yield "| series | what it is | published by | known from | until |"
    yield "|---|---|---|---|---|"
    euro = [name for name in series_names() if name.startswith("ecb-eur-")]
    for name in [name for name in series_names() if name not in euro]:
        file = shipped_file(name)
        known = file.series
        yield f"| `{name}` | {file.title} | {file.source} | {known.days[0]} | {known.complete_until_on} |"
    first, *_others = files = [shipped_file(name) for name in euro]
    assert len({(each.source, each.series.days[0], each.series.complete_until_on) for each in files}) == 1
    days = f"{first.series.days[0]} | {first.series.complete_until_on}"
    yield f"| `ecb-eur-...` | units of a currency per 1 EUR | {first.source} | {days} |"
    yield ""
    yield f"The currencies: {', '.join(name.removeprefix('ecb-eur-').upper() for name in euro)}."
    yield ""
    yield "## Series without figures"
    yield ""
    yield "Regimes ask for these, and nobody has given them yet:"
    yield ""
    yield "| series | asked for by |"
    yield "|---|---|"
    shipped = set(series_names())
    for name in sorted({name for each in found for name in each.series} - shipped):
        yield f"| `{name}` | {', '.join(each.regime for each in found if name in each.series)} |"


def _anchor(each: Regime) -> str:
    """The anchor of a section's heading as GitHub makes it."""
    heading = f"{each.regime}: {each.country}".lower()
    return "".join(letter for letter in heading.replace(" ", "-") if letter.isalnum() or letter == "-")


def _amount(value: Decimal | None) -> str:
    """A sum of money, with both decimals where it has one."""
    return _number(value) if value is None or value == value.to_integral_value() else f"{value:,.2f}"


def _number(value: Decimal | None) -> str:
    """A figure without needless zeros."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value == value.to_integral_value() else f"{value.normalize():f}"
