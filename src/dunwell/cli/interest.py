"""`dunwell interest`: what a claim bears, worked out period by period."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dunwell.cli import clock
from dunwell.cli.doors import EntityCode, Json, WrongUsage, book_exists, day, entity_of, open_book, refuses
from dunwell.cli.files import write_whole
from dunwell.cli.output import as_json, money, say, table
from dunwell.engine.money import exponent

if TYPE_CHECKING:
    from dunwell.engine.law.series import Series
    from dunwell.flows.law.working import Terms, Worked

SAID = {
    "no_interest": "no interest: the law gives none against this class of debtors, or none from the due date on",
    "no_compensation": "no flat sum: the law gives none against this class of debtors",
}


def _date(name: str, text: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(name, metavar="DATE", parser=day, help=text)
    return found


def _text(name: str, metavar: str, text: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(name, metavar=metavar, help=text)
    return found


@refuses
def interest(  # noqa: PLR0917  # Typer takes options as parameters
    item: Annotated[str | None, typer.Argument(metavar="ITEM", help="An item of the book; else say the claim.")] = None,
    entity: EntityCode = None,
    regime: Annotated[str | None, _text("--regime", "CODE", "By the law of which country, such as UK.")] = None,
    class_: Annotated[str | None, _text("--class", "CLASS", "Of the debtor: business, consumer or public.")] = None,
    amount: Annotated[str | None, _text("--amount", "AMOUNT", "What was owed when it fell due.")] = None,
    currency: Annotated[str | None, _text("--currency", "CODE", "Of the amount. [default: the regime's]")] = None,
    due: Annotated[date | None, _date("--due", "When it was due; interest begins a day later.")] = None,
    until: Annotated[date | None, _date("--until", "The last day of interest. [default: today]")] = None,
    paid: Annotated[
        list[str] | None, _text("--paid", "DATE:AMOUNT", "What was paid on a day; may be repeated.")
    ] = None,
    rate: Annotated[str | None, _text("--rate", "PERCENT", "A rate a year, in place of the regime's.")] = None,
    day_count: Annotated[
        str | None, _text("--day-count", "NAME", "act/365, act/act, 30/360 or act/360. [default: the regime's]")
    ] = None,
    language: Annotated[str, _text("--language", "CODE", "Of the PDF: en, de, fr.")] = "en",
    pdf: Annotated[Path | None, _text("--pdf", "FILE", "Write it as a PDF, too.")] = None,
    json: Json = False,
) -> None:
    """Work out interest and flat sum, period by period.

    Of an item of the book: what can still be charged. A claim needs no book: --regime or --rate, --amount and --due say
    all. In a book its rates are used.
    """
    open_book(must_exist=item is not None)
    _check_language(language)
    from dunwell.flows.law.working import Terms, work_claim, work_item

    terms = Terms(regime=regime, debtor_class=class_, rate=rate, day_count=day_count)
    if item is not None:
        if amount or due or paid or currency:
            raise WrongUsage("an item has its amount, due date and payments: give either ITEM or a claim")
        whose = entity_of(entity)
        found = work_item(whose, item, until_on=until or clock.today(whose.time_zone), terms=terms)
    elif amount is None or due is None:
        raise WrongUsage("say the claim with --amount and --due, or the number of an item")
    else:
        found = work_claim(
            terms, amount=amount, currency=currency, due_on=due, until_on=until or clock.today(),
            paid=paid or [], series=_series(),
        )  # fmt: skip
    if pdf:
        write_whole(pdf, found.printed(language), option="--pdf")
    if json:
        as_json(_as_json(found, terms))
        return
    _say(found)
    if pdf:
        say(f"written to {pdf}")


def _check_language(code: str) -> None:
    from dunwell.flows.wording import languages

    if code not in languages():
        raise WrongUsage(f"--language: there are {', '.join(languages())}, and not {code!r}")


def _series() -> "Mapping[str, Series]":
    """The rates of the book, or, without one, those that come with Dunwell."""
    from dunwell.flows.law.series import known_series, packaged_series

    return known_series() if book_exists() else {name: each.series for name, each in packaged_series().items()}


def _as_json(found: "Worked", terms: "Terms") -> dict[str, object]:
    claim, working = found.claim, found.working
    periods = [
        {
            "from_on": each.from_on,
            "until_on": each.until_on,
            "days": each.days,
            "principal_minor": each.principal_minor,
            "added_minor": str(each.added_minor),
            "reference_percent": None if each.reference_percent is None else str(each.reference_percent),
            "rate_percent": str(each.rate_percent),
            "interest_minor": str(each.interest_minor),
        }
        for each in working.periods
    ]
    return {
        "item": found.number or None,
        "regime": found.law.regime.regime if found.law.regime else None,
        "class": claim.debtor_class,
        "rate": terms.rate,
        "day_count": working.day_count,
        "currency": claim.currency,
        "principal_minor": claim.principal_minor,
        "due_on": claim.due_on,
        "first_on": working.first_on,
        "until_on": claim.until_on,
        "interest_minor": working.interest_minor,
        "flat_minor": None if found.flat_lacks else found.flat_minor,
        "periods": periods,
        "sources": list(working.sources),
        "by_law": list(found.by_law),
        "charges": [
            {"number": each.number, "charge": each.charge, "open_minor": each.amount_minor} for each in found.charges
        ],
    }


def _say(found: "Worked") -> None:
    claim, working = found.claim, found.working
    columns = ("from", "to", "days", "principal", "reference", "rate", "interest")
    rows = [
        (
            str(each.from_on),
            str(each.until_on),
            each.days,
            money(each.bearing_minor, claim.currency),
            "-" if each.reference_percent is None else f"{each.reference_percent.normalize():f} %",
            f"{each.rate_percent.normalize():f} %",
            _exactly(each.interest_minor, claim.currency),
        )
        for each in working.periods
    ]
    if rows:
        table(f"{found.number or 'Claim'} from {claim.due_on}, until {claim.until_on}", columns, rows)
    if not found.is_late:
        say(f"nothing is late yet: it is due on {claim.due_on}, and interest begins a day later")
        return
    say(f"interest  {money(working.interest_minor, claim.currency)} {claim.currency}, days as {working.day_count}")
    if found.has_flat:
        say("flat sum  charged before")
    elif working.flat:
        say(f"flat sum  {money(found.flat_minor, claim.currency)} {claim.currency}")
        if working.flat.exchange:
            sum_, of = working.flat, working.flat.exchange
            say(f"          {sum_.amount:f} {sum_.amount_currency} by {', '.join(of.series)} of {of.on}")
    if found.flat_lacks:
        say(f"flat sum  not known: {found.flat_lacks}")
    for charge in found.charges:
        say(f"open      {money(charge.amount_minor, claim.currency)} {claim.currency} charged before: {charge.number}")
    for each in found.by_law:
        say(SAID.get(each, each))
    if working.sources:
        say(f"sources   {'; '.join(working.sources)}")


def _exactly(minor: Decimal, currency: str) -> str:
    """Interest of a period, to four decimals: it is rounded with the others only."""
    value = minor.scaleb(-exponent(currency))
    return f"{value.quantize(Decimal(1).scaleb(-exponent(currency) - 2), ROUND_HALF_UP):,f}"
