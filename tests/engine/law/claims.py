"""Claims and laws in a line, for the tests of this folder."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from dunwell.engine.law.law import Law, law_of
from dunwell.engine.law.series import AllSeries, Series
from dunwell.engine.law.shipped import all_shipped
from dunwell.engine.law.working import Claim, Working, work_out
from dunwell.engine.money import to_minor
from tests.tidy.tree import ROOT

SHARED: Final = ROOT.parent / "shared" / "data" / "rates"
ABSENT: Final = "../shared/data/rates is not there"


def shared(name: str) -> Path:
    return SHARED / name


def day(text: str) -> date:
    return date.fromisoformat(text)


def series(name: str, *values: tuple[str, str], until: str = "2030-12-31") -> dict[str, Series]:
    """A series from days and points (or units of a currency), under its name."""
    millionths = tuple(int(Decimal(value) * 1_000_000) for _day, value in values)
    return {name: Series(name, day(until), tuple(day(on) for on, _value in values), millionths)}


def work(
    law: Law | str,
    amount: str,
    due: str,
    until: str,
    debtor_class: Any = "business",  # noqa: ANN401  # what is no class is refused
    *,
    given: AllSeries | None = None,
    paid: tuple[tuple[str, str], ...] = (),
    **more: Any,
) -> Working:
    """Work out `1000.00 EUR`, due on a day, until another, with the shipped series and those given."""
    figure, currency = amount.split()
    claim = Claim(
        currency=currency,
        principal_minor=to_minor(figure, currency),
        due_on=day(due),
        until_on=day(until),
        debtor_class=debtor_class,
        reductions=tuple((day(on), to_minor(part, currency)) for on, part in paid),
        **more,
    )
    return work_out(law_of(law) if isinstance(law, str) else law, claim, {**all_shipped(), **(given or {})})


def interest(*args: Any, **more: Any) -> int:
    return work(*args, **more).interest_minor


def exact(*args: Any, **more: Any) -> Fraction:
    return work(*args, **more).interest_exact_minor
