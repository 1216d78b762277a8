"""The published figures, each under its number; where a series is not shipped, the test gives it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

import pytest

from dunwell.engine.law.flat import flat_sum
from dunwell.engine.law.law import law_of, regime
from dunwell.engine.law.regime import DebtorClass
from dunwell.engine.law.series import AllSeries, RatesMissing
from dunwell.engine.law.working import Working
from tests.engine.law.claims import day, interest, series, work

BUSINESS_AND_PUBLIC: Final[tuple[DebtorClass, ...]] = ("business", "public")


def rates_of(found: Working) -> list[tuple[str, str]]:
    """The first day of each period and its rate."""
    return [(str(each.from_on), f"{each.rate_percent.normalize():f}") for each in found.periods]


def days_after(start: str, days: int) -> str:
    return str(day(start) + timedelta(days=days))


def flat_of(name: str, amount_minor: int, currency: str, *, given: AllSeries | None = None, fees_minor: int = 0) -> int:
    return flat_sum(
        regime(name).flat["business"],
        amount_minor,
        currency,
        first_on=day("2026-01-02"),
        due_on=day("2026-01-01"),
        series=given or {},
        fees_minor=fees_minor,
    ).minor


def test_v1_uk_half_a_percent_and_eight_for_fifty_days() -> None:
    given = series("boe-bank-rate", ("2019-01-01", "0.5"))
    law = law_of("UK")
    until = days_after("2020-01-10", 50)
    assert interest(law, "1000.00 GBP", "2020-01-10", until, given=given) == 11_64
    by_rounded_days = replace(law, rounding="daily_rate_2dp")
    assert interest(by_rounded_days, "1000.00 GBP", "2020-01-10", until, given=given) == 11_50


def test_v2_uk_forty_five_days_of_two_thousand() -> None:
    found = work("UK", "2000.00 GBP", "2024-01-15", days_after("2024-01-15", 45))
    assert rates_of(found) == [("2024-01-16", "13.25")]
    assert found.interest_minor == 32_67


def test_uk_the_rate_of_the_first_day_holds_for_the_life_of_the_debt() -> None:
    found = work("UK", "8500.00 GBP", "2025-05-31", "2025-10-31")
    assert rates_of(found) == [("2025-06-01", "12.75")]
    assert (found.interest_minor, found.flat_minor) == (454_28, 70_00)


@pytest.mark.parametrize(
    ("amount_minor", "pounds"),
    [(1, 40), (999_99, 40), (1_000_00, 70), (9_999_99, 70), (10_000_00, 100), (10**12, 100)],
)
def test_v3_uk_flat_sums_at_their_boundaries(amount_minor: int, pounds: int) -> None:
    assert flat_of("UK", amount_minor, "GBP") == pounds * 100


def test_v4_germany_between_businesses_across_a_change_of_the_rate() -> None:
    found = work("DE", "10000.00 EUR", "2025-03-31", "2025-09-30")
    assert [f"{each.interest_minor / 100:.2f}" for each in found.periods] == ["280.98", "258.86"]
    assert (found.interest_minor, found.flat_minor) == (539_84, 40_00)


def test_v5_germany_in_a_leap_year() -> None:
    claim = ("10000.00 EUR", "2023-12-15", "2024-02-29")
    assert interest("DE", *claim) == 260_58
    assert interest(law_of("DE", day_count="act/act"), *claim) == 260_01


def test_v6_germany_consumers_owe_five_points_and_no_flat_sum() -> None:
    found = work("DE", "10000.00 EUR", "2025-03-31", "2025-09-30", "consumer")
    assert rates_of(found) == [("2025-04-01", "7.27"), ("2025-07-01", "6.27")]
    assert (found.flat, found.flat_minor, found.by_law) == (None, 0, ("no_compensation",))


def test_v7_france_ten_points_on_the_rate_of_the_ecb() -> None:
    found = work("FR", "1200.00 EUR", "2025-05-31", "2025-08-15")
    assert rates_of(found) == [("2025-06-01", "13.15"), ("2025-07-01", "12.15")]
    assert [f"{each.interest_minor / 100:.2f}" for each in found.periods] == ["12.97", "18.37"]
    assert (found.interest_minor, found.flat_minor) == (31_34, 40_00)


DUTCH: Final = series(
    "nl-wettelijke-rente",
    *(("2012-07-01", "3"), ("2015-01-01", "2"), ("2023-01-01", "4"), ("2023-07-01", "6")),
    until="2023-12-31",
)


def test_v8_the_netherlands_compounds_on_the_anniversary() -> None:
    found = work("NL", "100.00 EUR", "2013-01-31", "2023-10-29", "consumer", given=DUTCH)
    assert f"{float(found.interest_exact_minor) / 100 + 100:.3f}" == "128.939"
    assert found.periods[0].until_on == day("2014-01-31")
    assert found.periods[1].added_minor == Decimal(300)  # 3 % of the first year, which bears interest now


def test_v8_a_part_payment_lowers_what_was_given_and_added_interest_stays() -> None:
    paid = (("2014-06-30", "100.00"),)
    found = work("NL", "100.00 EUR", "2013-01-31", "2015-12-31", "consumer", given=DUTCH, paid=paid)
    assert found.periods[-1].principal_minor == 0
    assert found.periods[-1].added_minor > Decimal(300)
    assert found.periods[-1].interest_minor > 0


@pytest.mark.parametrize(
    ("principal", "sum_of_costs"),
    [
        *((100, 40), (1_000, 150), (2_500, 375), (4_000, 525), (10_000, 875), (200_000, 2_775), (1_000_000, 6_775)),
        *((266, 40), (267, 40.05), (10_000_000, 6_775)),
    ],
)
@pytest.mark.parametrize("debtor_class", ["business", "consumer", "public"])
def test_v9_the_dutch_scale_of_collection_costs(principal: int, sum_of_costs: float, debtor_class: DebtorClass) -> None:
    flat = regime("NL").flat[debtor_class]
    found = flat_sum(flat, principal * 100, "EUR", first_on=day("2026-01-02"), due_on=day("2026-01-01"), series={})
    assert found.minor == round(sum_of_costs * 100)
    assert flat.after_notice_days == (14 if debtor_class == "consumer" else None)


def test_v10_italy_counts_365_days_in_leap_years_too() -> None:
    assert interest("IT", "8200.00 EUR", "2015-03-01", days_after("2015-03-01", 22)) == 39_79
    given = series("ecb-mro", ("2024-01-01", "0.05"))
    assert interest("IT", "8200.00 EUR", "2024-02-15", days_after("2024-02-15", 22), given=given) == 39_79


def test_v11_spain_a_hundred_and_twenty_days() -> None:
    given = series("ecb-mro", ("2020-01-01", "-4.25"))  # a reference below 0 lowers the margin
    found = work("ES", "1000.00 EUR", "2020-07-31", days_after("2020-07-31", 120), given=given)
    assert rates_of(found) == [("2020-08-01", "3.75")]
    assert found.interest_minor == 12_33


POLISH: Final = {
    **series("pl-nbp-reference", ("2025-01-01", "6")),
    **series("pl-nbp-eur", ("2025-01-02", "4.20"), ("2025-01-31", "4.2130"), ("2025-02-03", "4.19")),
}


def test_v12_poland_ten_points_and_seventy_euro() -> None:
    found = work("PL", "30000.00 PLN", "2025-02-10", days_after("2025-02-10", 61), given=POLISH)
    assert found.interest_minor == 802_19
    assert found.flat is not None
    assert (found.flat.amount, found.flat.amount_currency) == (Decimal(70), "EUR")
    assert found.flat.exchange is not None
    assert (found.flat.exchange.on, found.flat.minor) == (day("2025-01-31"), 294_91)


@pytest.mark.parametrize(("amount_minor", "euro"), [(5_000_00, 40), (5_000_01, 70), (49_999_99, 70), (50_000_00, 100)])
def test_v12_the_steps_of_poland(amount_minor: int, euro: int) -> None:
    flat = regime("PL").flat["business"]
    first_on, due_on = day("2025-02-11"), day("2025-02-10")
    assert flat_sum(flat, amount_minor, "PLN", first_on=first_on, due_on=due_on, series=POLISH).amount == euro


def test_v13_switzerland_counts_months_of_thirty_days_or_the_days_there_are() -> None:
    claim = ("5000.00 CHF", "2025-02-01", "2025-03-01")
    assert interest("CH", *claim) == 20_83
    assert interest(law_of("CH", day_count="act/365"), *claim) == 19_18
    assert {rule.rate for rule in regime("CH").interest.values()} == {5}
    assert {rule.compounding for rule in regime("CH").interest.values()} == {"none"}


def test_v14_austria() -> None:
    given = series("at-basiszinssatz", ("2024-12-31", "2.53"), ("2025-06-30", "1.53"))
    found = work("AT", "1000.00 EUR", "2025-06-15", "2025-07-15", given=given)
    assert rates_of(found) == [("2025-06-16", "11.73"), ("2025-07-01", "10.73")]
    assert found.flat_minor == 40_00
    consumer = work("AT", "1000.00 EUR", "2025-06-15", "2025-07-15", "consumer")
    assert rates_of(consumer) == [("2025-06-16", "4")]
    assert consumer.flat is None


def test_v15_ireland_one_rate_for_the_debt() -> None:
    given = series("ecb-mro", ("2023-12-01", "4.5"), ("2024-06-12", "4.25"))
    found = work("IE", "10000.00 EUR", "2024-05-15", days_after("2024-05-15", 90), given=given)
    assert rates_of(found) == [("2024-05-16", "12.5")]
    assert found.interest_minor == 308_22
    assert [flat_of("IE", minor, "EUR") for minor in (1_000_00, 1_000_01, 10_000_00, 10_000_01)] == [
        *(40_00, 70_00, 70_00, 100_00)
    ]


def test_v16_sweden() -> None:
    given = series("se-reference", ("2024-12-31", "2.61"), ("2025-07-01", "2.0"))
    found = work("SE", "10000.00 SEK", "2025-05-31", "2025-07-31", "consumer", given=given)
    assert rates_of(found) == [("2025-06-01", "11"), ("2025-07-01", "10")]
    fees = regime("SE").fees["consumer"]
    assert (fees.at_most, fees.currency) == ((Decimal(60), Decimal(180)), "SEK")
    assert flat_of("SE", 10_000_00, "SEK") == 450_00
    assert flat_of("SE", 10_000_00, "SEK", fees_minor=60_00) == 390_00


def test_v17_norway() -> None:
    sums = series("no-compensation", ("2025-07-01", "470"), ("2026-01-01", "460"), until="2026-06-30")
    given = series("no-late-payment", ("2025-07-01", "12.25"), ("2026-01-01", "12.00")) | sums
    found = work("NO", "20000.00 NOK", "2026-01-31", days_after("2026-01-31", 30), given=given, fees_minor=70_00)
    assert found.interest_minor == 197_26
    assert found.flat_minor == 390_00  # 460 less two reminder fees of 35
    assert flat_of("NO", 20_000_00, "NOK", given=sums, fees_minor=500_00) == 0
    assert work("NO", "20000.00 NOK", "2025-11-30", "2026-01-31", given=given).flat_minor == 470_00
    with pytest.raises(RatesMissing, match="no-compensation is known until 2026-06-30"):  # nor taken to go on
        work("NO", "20000.00 NOK", "2026-06-30", "2026-07-31", given=given)
    fees = regime("NO").fees["consumer"]
    assert (fees.at_most_series, fees.share) == ("no-collection-rate", Decimal("0.05"))


def test_v18_denmark() -> None:
    given = series("dk-lending", ("2025-01-01", "2.75"))
    found = work("DK", "10000.00 DKK", "2025-01-31", "2025-02-28", given=given)
    assert rates_of(found) == [("2025-02-01", "10.75")]
    assert found.flat_minor == 310_00
    fees = regime("DK").fees["consumer"]
    assert (fees.at_most, fees.count_max, fees.spacing_days) == ((Decimal(100),), 3, 10)


def test_v19_finland() -> None:
    found = work("FI", "1000.00 EUR", "2024-12-15", "2025-07-15", "consumer")
    assert rates_of(found) == [("2024-12-16", "11.5"), ("2025-01-01", "10.5"), ("2025-07-01", "9.5")]
    of_business = work("FI", "1000.00 EUR", "2024-12-15", "2025-07-15")
    assert rates_of(of_business) == [("2024-12-16", "12.5"), ("2025-01-01", "11.5"), ("2025-07-01", "10.5")]
    assert (of_business.flat_minor, found.flat) == (40_00, None)
    fees = regime("FI").fees
    consumer = fees["consumer"]
    assert (consumer.at_most, consumer.earliest_days, consumer.spacing_days) == ((Decimal(5),), 14, 14)
    assert fees["business"].at_most == (Decimal(12),)


@pytest.mark.parametrize("debtor_class", BUSINESS_AND_PUBLIC)
def test_v20_members_of_the_euro_without_a_regime_of_their_own(debtor_class: DebtorClass) -> None:
    found = work("EU", "10000.00 EUR", "2024-12-20", "2025-01-10", debtor_class)
    assert rates_of(found) == [("2024-12-21", "12.25"), ("2025-01-01", "11.15")]
    assert found.flat_minor == 40_00


@pytest.mark.parametrize(
    ("name", "currency", "missing"), [("CZ", "CZK", "cz-repo"), ("HU", "HUF", "hu-base"), ("RO", "RON", "ro-reference")]
)
def test_v20_members_outside_the_euro_are_refused_without_their_central_banks_series(
    name: str, currency: str, missing: str
) -> None:
    with pytest.raises(RatesMissing, match=missing) as refused:
        work(name, f"1000.00 {currency}", "2025-01-31", "2025-03-31")
    assert refused.value.series == missing


def test_v21_elsewhere_only_what_was_agreed() -> None:
    law = law_of(agreed_percent=Decimal("8.0"))
    found = work(law, "1000.00 USD", "2024-01-31", "2024-03-31", None)
    assert found.interest_minor == 13_15  # 60 days
    assert found.rule is not None
    assert (found.rule.source, found.flat, law.order) == ("as agreed", None, ())
    assert interest(replace(law, day_count="act/360"), "1000.00 USD", "2024-01-31", "2024-03-31", None) == 13_33
    assert work(law_of(), "1000.00 USD", "2024-01-31", "2024-03-31").by_law == ("no_interest", "no_compensation")


def test_v22_the_order_of_payments_in_germany() -> None:
    """Where the money of a payment goes is shown with the events of a book; here is only the order."""
    assert law_of("DE").order == ("costs", "interest", "principal")
