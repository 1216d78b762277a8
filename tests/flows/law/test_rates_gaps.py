"""Days of which a file of rates says nothing, and days at the end of the calendar."""

from pathlib import Path

import pytest

from dunwell.flows.law.rates import import_rates
from dunwell.flows.law.series import known_series
from dunwell.records.models import Rate
from tests.flows.law.test_rates import TODAY, add, refused, take
from tests.flows.town import Town, day, noon

HALF_YEARS = "no-late-payment"


def test_months_without_an_exchange_rate_are_a_hole_in_a_file_too(town: Town, tmp_path: Path) -> None:
    text = "from,value\n2026-04-14,1.17\n2026-09-30,1.20\n"
    told = refused(lambda: take(tmp_path, text, "ecb-eur-usd", until_on=day("2026-10-05")))
    assert "rates.csv:3: ecb-eur-usd: what holds from 2026-04-15 to 2026-09-29 is not known: add rows for it" in told
    assert not Rate.objects.exists()


@pytest.mark.parametrize(("on", "is_taken"), [("2026-04-24", True), ("2026-04-25", False)])
def test_a_file_of_changes_may_leave_out_ten_days_without_one(
    town: Town, tmp_path: Path, on: str, *, is_taken: bool
) -> None:
    text = f"from,value\n2026-04-14,1.17\n{on},1.20\n"
    if is_taken:
        assert take(tmp_path, text, "ecb-eur-usd")[0].until_on == day(on)
    else:
        assert "is not known" in refused(lambda: take(tmp_path, text, "ecb-eur-usd"))


def test_a_row_in_which_nothing_changes_says_what_holds(town: Town, tmp_path: Path) -> None:
    rows = "\n".join(f"2026-{on},7.46" for on in ("04-14", "04-24", "05-04", "05-14"))
    assert take(tmp_path, f"from,value\n{rows}\n2026-05-15,7.47\n", "ecb-eur-dkk")[0].added == 2


def test_a_daily_table_says_of_each_day_whether_there_was_a_quotation(town: Town, tmp_path: Path) -> None:
    table = "Date,USD,SEK\n2026-04-16,1.18,10.9\n{}2026-04-14,1.17,10.9\n"
    told = refused(lambda: take(tmp_path, table.format("")))
    assert "ecb-eur-usd: what holds from 2026-04-15 to 2026-04-15 is not known" in told
    found = take(tmp_path, table.format("2026-04-15,N/A,N/A\n"))
    assert {each.until_on for each in found} == {day("2026-04-16")}


def test_years_without_a_quotation_long_ago_keep_no_table_out(town: Town, tmp_path: Path) -> None:
    table = "Date,ISK\n2019-01-02,133.2\n2018-12-31,133.2\n2018-12-28,133.1\n2008-12-09,290\n2008-12-08,270\n"
    known = known_series({"ecb-eur-isk"})["ecb-eur-isk"]
    text = table.replace("2019-01-02,133.2", f"2019-01-02,{known.values[0] / 1_000_000}")
    assert take(tmp_path, text)[0].until_on == known.complete_until_on


def test_a_hole_in_a_daily_table_before_what_is_new_is_told(town: Town, tmp_path: Path) -> None:
    table = "Date,USD\n2026-09-30,1.20\n2026-04-14,1.17\n"
    told = refused(lambda: take(tmp_path, table))
    assert "ecb-eur-usd: what holds from 2026-04-14 to 2026-09-29 is not known: add that first" in told


def test_half_years_that_a_file_leaves_out_are_a_hole_unless_it_says_that_it_is_whole(
    town: Town, tmp_path: Path
) -> None:
    text = "from,value\n2023-01-01,3.0\n2026-01-01,2.0\n"
    told = refused(lambda: take(tmp_path, text, HALF_YEARS))
    assert f"rates.csv:3: {HALF_YEARS}: what holds from 2023-07-01 to 2025-12-31 is not known" in told
    (kept,) = take(tmp_path, f"# complete_until: 2026-06-30\n{text}", HALF_YEARS)
    assert (kept.added, kept.until_on) == (2, day("2026-06-30"))


def test_a_rate_that_is_changed_when_a_bank_decides_holds_until_then(town: Town, tmp_path: Path) -> None:
    text = "from,value\n2023-01-01,3.0\n2026-01-01,2.0\n"
    assert take(tmp_path, text, "pl-nbp-reference")[0].added == 2


def test_a_day_at_the_end_of_the_calendar_is_refused(town: Town, tmp_path: Path) -> None:
    add("dk-lending", "2025-07-01", "4")
    said = "dk-lending: nobody knows until 9999-12-31: 2027-11-29 is the last day to be said"
    assert said in refused(lambda: add("dk-lending", "2026-01-01", "4", until="9999-12-31"))
    assert said in refused(lambda: add("dk-lending", "9999-12-31", "4"))
    (tmp_path / "x.csv").write_text("from,value\n2026-01-01,4\n", encoding="utf-8")
    until = day("9999-12-31")
    assert said in refused(
        lambda: import_rates(tmp_path / "x.csv", name="dk-lending", until_on=until, by="anna", at=noon(TODAY))
    )
