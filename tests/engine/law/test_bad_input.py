"""What an issue of bad input may bring: refused with the name of the series or field, or right."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from dunwell.engine.law.flat import euro_series, exchange_rate, flat_sum
from dunwell.engine.law.law import law_of, regime
from dunwell.engine.law.rates import rate_periods
from dunwell.engine.law.regime import RateRule
from dunwell.engine.law.series import RatesMissing
from dunwell.engine.law.shipped import all_shipped
from dunwell.engine.law.working import Claim, work_out
from dunwell.engine.money import AMOUNT_MINOR_MAX, MoneyError
from tests.engine.law.claims import day, interest, series, work

AGREED = law_of(agreed_percent=Decimal(10))


@pytest.mark.parametrize(
    ("law", "until", "name", "message"),
    [
        ("DE", "2026-01-01", "de-basiszinssatz", "is known until 2025-12-31, and 2026-01-01 is asked for"),
        ("FR", "2026-07-01", "ecb-mro", "is known until 2026-04-16, and 2026-07-01 is asked for"),
        ("AT", "2025-12-31", "at-basiszinssatz", "is not there: `dunwell rates import` brings it in"),
    ],
)
def test_a_date_beyond_the_series_is_refused_with_its_name(law: str, until: str, name: str, message: str) -> None:
    with pytest.raises(RatesMissing) as refused:
        work(law, "1000.00 EUR", "2025-06-30", until)
    assert refused.value.series == name
    assert f"the series {name} {message}" in str(refused.value)


def test_the_last_half_year_that_a_series_knows_is_right_to_its_end() -> None:
    assert interest("DE", "1000.00 EUR", "2025-06-30", "2025-12-31") == 51_77  # 184 days at 10.27 %
    assert interest("FR", "1000.00 EUR", "2025-12-31", "2026-06-30") == 60_25  # 181 days at 12.15 %


def test_a_rate_fixed_at_the_start_asks_no_later_day() -> None:
    found = work("UK", "1000.00 GBP", "2025-06-30", "2029-06-30")
    assert {each.rate_percent for each in found.periods} == {Decimal("12.25")}


def test_a_day_before_the_series_begins_is_refused() -> None:
    with pytest.raises(RatesMissing, match="the series de-basiszinssatz begins on 2002-01-01, and 2001-"):
        work("DE", "1000.00 EUR", "2001-12-15", "2002-03-31")


def test_the_last_day_of_a_series_is_known() -> None:
    (known,) = series("x", ("2025-01-01", "1"), until="2025-06-30").values()
    assert known.at(day("2025-06-30")) == 1_000_000
    with pytest.raises(RatesMissing):
        known.at(day("2025-07-01"))


@pytest.mark.parametrize(("snapshot", "rate"), [("half_year", "10"), ("half_year_eve", "9"), ("day", "10")])
def test_the_day_before_a_half_year_is_not_its_first(snapshot: str, rate: str) -> None:
    given = series("steps", ("2025-01-01", "1"), ("2025-07-01", "2"))
    rule = {"mode": "floating", "series": "steps", "margin": 8, "snapshot": snapshot, "source": "made up"}
    (period,) = rate_periods(RateRule.model_validate(rule), *(day("2025-07-01"),) * 2, series=given)
    assert period.rate_millionths == int(rate) * 1_000_000


def test_a_series_with_a_gap_holds_what_was_last_said() -> None:
    """Half-years without a change may be left out: a series is known to its end, so a gap is no unknown."""
    given = series("de-basiszinssatz", ("2023-01-01", "1.62"), ("2025-01-01", "2.27"))
    found = work("DE", "1000.00 EUR", "2023-12-31", "2025-01-31", given=given)
    assert [str(each.rate_percent) for each in found.periods] == ["10.62", "11.27"]


@pytest.mark.parametrize(("reference", "rate"), [("-0.88", "8.12"), ("-8.9", "0.1"), ("-9", "0"), ("-9.01", "0")])
def test_negative_reference_rates_lower_the_rate_to_nothing_at_most(reference: str, rate: str) -> None:
    given = series("de-basiszinssatz", ("2020-01-01", reference))
    found = work("DE", "1000.00 EUR", "2020-01-31", "2020-03-31", given=given)
    assert [f"{each.rate_percent.normalize():f}" for each in found.periods] == [rate]
    assert (found.interest_minor == 0) == (rate == "0")


@pytest.mark.parametrize(("reference", "rounded"), [("-0.88", "7.5"), ("-0.5", "7.5"), ("0", "8"), ("0.01", "8.5")])
def test_a_reference_below_zero_is_rounded_up_too(reference: str, rounded: str) -> None:
    given = series("se-reference", ("2020-01-01", reference))
    found = work("SE", "1000.00 SEK", "2020-01-31", "2020-03-31", given=given)
    assert [f"{each.rate_percent.normalize():f}" for each in found.periods] == [rounded]


@pytest.mark.parametrize("until", ["2025-03-31", "2025-03-30", "2020-01-01"])
def test_zero_and_negative_periods_cost_nothing(until: str) -> None:
    found = work("DE", "1000.00 EUR", "2025-03-31", until)
    assert (found.first_on, found.periods, found.interest_minor, found.flat_minor) == (None, (), 0, 0)


def test_what_is_charged_to_its_last_day_costs_nothing_more() -> None:
    claim = ("1000.00 EUR", "2025-03-31", "2025-04-30")
    assert interest("DE", *claim, from_on=day("2025-05-01")) == 0
    assert interest("DE", *claim, from_on=day("2025-04-30")) == 31  # one day at 11.27 %
    assert interest("DE", *claim, from_on=day("2020-01-01")) == interest("DE", *claim)


def test_due_on_29_february() -> None:
    found = work(AGREED, "1000.00 EUR", "2024-02-29", "2025-02-28")
    assert (found.first_on, found.interest_minor) == (date(2024, 3, 1), 100_00)
    of_28 = work(law_of("NL"), "1000.00 EUR", "2024-02-28", "2025-03-01")
    assert of_28.first_on == date(2024, 2, 29)
    begins = [each.from_on for each in of_28.periods if each.added_minor]
    assert begins[0] == date(2025, 3, 1)


@pytest.mark.parametrize("currency", ["XYZ", "eur", "", "DEM"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(MoneyError, match="is not a currency in use"):
        Claim(currency, 100, day("2025-01-01"), day("2025-02-01"))
    with pytest.raises(MoneyError, match="is not a currency in use"):
        exchange_rate(currency, "EUR", day("2025-01-01"), {})


def test_a_currency_that_nobody_quotes_is_refused_with_the_series_that_lacks() -> None:
    with pytest.raises(RatesMissing, match="the series ecb-eur-kwd is not there") as refused:
        work("DE", "1000.000 KWD", "2025-03-31", "2025-04-30")
    assert refused.value.series == "ecb-eur-kwd"
    assert work(AGREED, "1000.000 KWD", "2025-03-31", "2025-04-30").interest_minor == 8_219  # interest needs none


def test_an_exchange_rate_beyond_the_series_is_refused() -> None:
    with pytest.raises(RatesMissing, match="the series ecb-eur-usd is known until 2026-04-13"):
        work("EU", "1000.00 USD", "2026-05-31", "2026-06-10")


@pytest.mark.parametrize("debtor_class", ["alien", "Business", ""])
def test_an_unknown_class_of_debtors_is_refused_with_the_field(debtor_class: str) -> None:
    with pytest.raises(ValueError, match="debtor_class"):
        work("DE", "1000.00 EUR", "2025-03-31", "2025-04-30", debtor_class)


def test_a_class_that_nobody_named_is_refused_only_where_the_law_asks() -> None:
    claim = ("1000.00 EUR", "2025-03-31", "2025-04-30", None)
    with pytest.raises(ValueError, match="debtor_class: the law asks"):
        work("DE", *claim)
    assert work(law_of("DE", default_class="consumer"), *claim).flat is None
    assert interest(AGREED, *claim) == 8_22


@pytest.mark.parametrize("amount_minor", [-1, AMOUNT_MINOR_MAX + 1])
def test_amounts_beyond_the_bounds_are_refused(amount_minor: int) -> None:
    with pytest.raises(ValueError, match="principal_minor"):
        Claim("EUR", amount_minor, day("2025-01-01"), day("2025-02-01"))
    with pytest.raises(ValueError, match="reductions"):
        Claim("EUR", 1, day("2025-01-01"), day("2025-02-01"), reductions=((day("2025-01-01"), amount_minor * 10**13),))


def test_amounts_at_the_bounds_are_exact() -> None:
    claim = Claim("EUR", AMOUNT_MINOR_MAX, date(1926, 1, 1), date(2025, 12, 31))
    days = (date(2025, 12, 31) - date(1926, 1, 1)).days
    found = work_out(AGREED, claim, {})
    assert found.interest_exact_minor * 3650 == AMOUNT_MINOR_MAX * days
    assert work_out(AGREED, replace(claim, principal_minor=0), {}).interest_minor == 0
    assert work_out(AGREED, replace(claim, principal_minor=1), {}).interest_minor == 10  # 9.9986 minor units
    last = Claim("EUR", AMOUNT_MINOR_MAX, date(9999, 12, 30), date(9999, 12, 31))
    assert work_out(AGREED, last, {}).interest_minor == 273_972_603
    assert work_out(AGREED, replace(last, due_on=date(9999, 12, 31)), {}).interest_minor == 0


def test_half_a_minor_unit_is_rounded_up() -> None:
    exactly = law_of(agreed_percent=Decimal("36.5"))
    assert interest(exactly, "5.00 EUR", "2025-01-01", "2025-01-02", None) == 1  # 0.5 cents
    assert interest(exactly, "4.99 EUR", "2025-01-01", "2025-01-02", None) == 0


def test_what_is_paid_before_interest_begins_bears_none_and_lowers_the_step() -> None:
    paid = (("2025-05-31", "600.00"),)
    found = work("UK", "1500.00 GBP", "2025-05-31", "2025-06-30", paid=paid)
    assert [each.principal_minor for each in found.periods] == [900_00]
    assert found.flat_minor == 40_00
    later = work("UK", "1500.00 GBP", "2025-05-31", "2025-06-30", paid=(("2025-06-01", "600.00"),))
    assert [each.principal_minor for each in later.periods] == [1500_00, 900_00]
    assert later.flat_minor == 70_00
    assert work("UK", "600.00 GBP", "2025-05-31", "2025-06-30", paid=paid).flat_minor == 0


def test_a_payment_on_the_day_before_the_last_lowers_the_last() -> None:
    found = work("DE", "1000.00 EUR", "2025-03-31", "2025-04-30", paid=(("2025-04-29", "400.00"),))
    assert [(each.days, each.principal_minor) for each in found.periods] == [(29, 1000_00), (1, 600_00)]
    on_the_last = work("DE", "1000.00 EUR", "2025-03-31", "2025-04-30", paid=(("2025-04-30", "400.00"),))
    assert [(each.days, each.principal_minor) for each in on_the_last.periods] == [(30, 1000_00)]


def test_interest_that_waits_for_a_demand_does_not_begin_by_itself() -> None:
    given = series("fr-legal", ("2025-01-01", "3.71"))
    claim = ("1000.00 EUR", "2025-01-31", "2025-03-31", "consumer")
    without = work("FR", *claim, given=given)
    assert (without.interest_minor, without.periods) == (0, ())
    assert without.by_law == ("no_interest", "no_compensation")
    demanded = work("FR", *claim, given=given, interest_from_on=day("2025-03-01"))
    assert (demanded.first_on, demanded.interest_minor) == (date(2025, 3, 1), 3_15)
    assert demanded.by_law == ("no_compensation",)


def test_the_class_of_an_account_comes_before_that_of_the_policy() -> None:
    law = law_of("DE", default_class="business")
    assert work(law, "1000.00 EUR", "2025-03-31", "2025-04-30", "consumer").flat is None


def test_interest_begins_no_sooner_than_the_item_says() -> None:
    claim = ("1000.00 EUR", "2025-03-31", "2025-04-30")
    assert work("DE", *claim, interest_from_on=day("2025-04-15")).first_on == date(2025, 4, 15)
    assert work("DE", *claim, interest_from_on=day("2025-01-01")).first_on == date(2025, 4, 1)
    later = work("DE", *claim, interest_from_on=day("2025-05-01"))
    assert (later.first_on, later.interest_minor, later.flat) == (None, 0, None)


def test_flat_sums_are_converted_at_the_rate_of_the_first_day_of_interest() -> None:
    found = work("DE", "1000.00 USD", "2025-03-31", "2025-04-30").flat
    assert found is not None
    assert found.exchange is not None
    rate = all_shipped()[euro_series("USD")].at(date(2025, 4, 1))
    assert (found.exchange.series, found.exchange.on) == (("ecb-eur-usd",), date(2025, 4, 1))
    assert found.minor == (40_00 * rate + 500_000) // 1_000_000
    assert work("UK", "1000.00 EUR", "2025-03-31", "2025-04-30").flat_minor == 47_81  # 40 / 0.83665


def test_conversion_goes_through_the_euro() -> None:
    given = series("ecb-eur-jpy", ("2025-01-02", "160")) | series("ecb-eur-usd", ("2025-01-02", "1.25"))
    on = day("2025-01-03")
    assert exchange_rate("EUR", "JPY", on, given).rate == 160
    assert exchange_rate("JPY", "USD", on, given).rate == Fraction(1, 128)
    assert exchange_rate("EUR", "EUR", on, {}).rate == 1


def test_a_flat_sum_is_in_the_minor_units_of_the_claim() -> None:
    given = series("ecb-eur-jpy", ("2025-01-02", "160")) | series("ecb-eur-kwd", ("2025-01-02", "0.33333"))
    assert work("DE", "100000 JPY", "2025-03-31", "2025-04-30", given=given).flat_minor == 6_400
    assert work("DE", "100.000 KWD", "2025-03-31", "2025-04-30", given=given).flat_minor == 13_333


def test_steps_in_another_currency_are_judged_at_the_statutes_own_rate() -> None:
    flat = regime("PL").flat["business"]
    given = series("pl-nbp-eur", ("2025-01-02", "4.00")) | series("ecb-eur-usd", ("2025-01-02", "1.25"))
    first_on, due_on = day("2025-02-11"), day("2025-02-10")

    def of(minor: int, currency: str) -> tuple[int, Decimal]:
        found = flat_sum(flat, minor, currency, first_on=first_on, due_on=due_on, series=given)
        return found.minor, found.amount

    assert of(1_250_00, "EUR") == (40_00, Decimal(40))  # 5,000 zloty
    assert of(1_250_01, "EUR") == (70_00, Decimal(70))
    assert of(15_625_00, "USD") == (125_00, Decimal(100))  # 12,500 euro, 50,000 zloty
    assert of(15_624_99, "USD") == (87_50, Decimal(70))
    assert of(5_000_00, "PLN") == (160_00, Decimal(40))
