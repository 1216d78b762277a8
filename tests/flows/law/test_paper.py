"""What bears interest reads the same in the shell and on paper."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from dunwell.cli.interest import _say
from dunwell.engine.law.debt import Period
from dunwell.engine.law.law import Law
from dunwell.engine.law.working import Claim, Working
from dunwell.flows.law.paper import interest_of
from dunwell.flows.law.working import Worked

FIRST, LAST = date(2026, 1, 1), date(2026, 1, 31)


@pytest.mark.parametrize(("added", "shown"), [("299.4", "102.99"), ("299.5", "103.00"), ("299.6", "103.00")])
def test_interest_that_bears_interest_is_rounded_half_up_everywhere(
    added: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    period = Period(FIRST, LAST, 31, 10_000, Decimal(added), None, Decimal(8), Decimal(70))
    working = Working(FIRST, (period,), Fraction(70), 70, None, 0, "act/365", None, (), ())
    (on_paper,) = interest_of(working, Law(), "A-1", until_on=LAST, amount_minor=70).periods
    _say(Worked(Law(), Claim("EUR", 10_000, date(2025, 12, 31), LAST), working))
    assert f"{on_paper.principal_minor / 100:.2f}" == shown
    assert f" {shown} " in capsys.readouterr().out
