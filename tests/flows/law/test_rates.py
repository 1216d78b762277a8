"""Rates that people add: held against what is known, kept whole or not at all, and on record."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dunwell.engine.data import series_text
from dunwell.flows.audit.verify import verify_chain
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.law.listing import listed
from dunwell.flows.law.rates import Kept, add_rate, import_rates
from dunwell.flows.law.series import described_series, known_series, packaged_series
from dunwell.records.models import Account, AuditEvent, Charge, PolicyVersion, Rate, RateSeries
from dunwell.sources.rates import WRITTEN
from tests.flows.book.test_vanished import bring
from tests.flows.runs.test_charged import FLOATING
from tests.flows.town import Town, day, noon

TODAY = "2026-11-28"
MRO_ENDS = packaged_series({"ecb-mro"})["ecb-mro"].series.complete_until_on
OWN = "at-basiszinssatz"  # no figures of it come with Dunwell


def add(name: str, on: str, value: str, until: str | None = None, **given: Any) -> Kept:
    return add_rate(name, day(on), value, until_on=day(until) if until else None, by="anna", at=noon(TODAY), **given)


def take(folder: Path, text: str, name: str | None = None, file: str = "rates.csv", **given: Any) -> list[Kept]:
    path = folder / file
    path.write_text(text, encoding="utf-8")
    return import_rates(path, name=name, by="anna", at=noon(TODAY), **given)


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(Invalid) as error:
        act()
    return str(error.value)


def test_what_is_added_continues_what_was_shipped(town: Town) -> None:
    before = known_series({"ecb-mro"})["ecb-mro"]
    kept = add("ecb-mro", "2026-04-17", "2.15", until="2026-06-10")
    assert (kept.added, kept.corrected, kept.until_on) == (1, 0, day("2026-06-10"))
    add("ecb-mro", "2026-06-11", "1.90", source="ECB press release")
    after = described_series({"ecb-mro"})["ecb-mro"]
    assert after.series.complete_until_on == day("2026-06-11")
    assert after.series.at(day("2026-05-01")) == 2_150_000
    assert after.series.at(day("2026-06-11")) == 1_900_000
    assert after.series.at(MRO_ENDS) == before.at(MRO_ENDS)
    assert after.source.endswith("; ECB press release")
    assert after.kept


def test_the_same_again_changes_nothing_and_is_told_once(town: Town) -> None:
    for _time in range(2):
        add(OWN, "2026-01-01", "1.53")
    assert add(OWN, "2026-01-01", "1.53").changed is False
    assert AuditEvent.objects.filter(action="rates.added").count() == 1
    assert Rate.objects.count() == 1


def test_a_rate_for_half_years_is_known_until_their_end(town: Town) -> None:
    assert add("de-basiszinssatz", "2026-01-01", "1.27").until_on == day("2026-06-30")
    assert add("de-basiszinssatz", "2026-07-01", "1.52").until_on == day("2026-12-31")


def test_rates_below_zero_are_rates(town: Town) -> None:
    add(OWN, "2020-01-01", "-0.88", until="2020-06-30")
    assert known_series({OWN})[OWN].at(day("2020-03-01")) == -880_000


def test_what_was_added_is_in_the_audit_trail_and_the_chain_holds(town: Town) -> None:
    add(OWN, "2026-01-01", "1.53", until="2026-06-30", source="OeNB")
    event = AuditEvent.objects.get(action="rates.added")
    assert (event.actor, event.subject_label, event.entity_id) == ("anna", OWN, None)
    assert event.detail == {"until": "2026-06-30", "rates": {"2026-01-01": "1.53"}, "source": "OeNB"}
    assert verify_chain().is_intact


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("ecb-mrro", "2026-04-17", "2", None), "no regime asks for a series of this name: do you mean ecb-mro?"),
        (("ecb-mro", "2026-06-11", "2", None), "what holds from 2026-04-17 to 2026-06-10 is not known: add that first"),
        (
            ("ecb-mro", "2026-01-11", "2", None),
            "2 contradicts what is known of 2026-01-11, 2.15: it comes with Dunwell",
        ),
        (("ecb-mro", "2026-04-17", "2", "2026-04-16"), "it cannot hold until 2026-04-16: that is before 2026-04-17"),
        (("ecb-mro", "2026-04-17", "2", "2028-01-01"), "nobody knows until 2028-01-01: 2027-11-29 is the last day"),
        (("ecb-mro", "2026-04-17", "1001", None), "1001 is no rate: percent points a year between -20 and 1000 are"),
        (("ecb-mro", "2026-04-17", "-21", None), "-21 is no rate"),
        (("ecb-mro", "2026-04-17", "2,15", None), "'2,15' is no number: decimals stand after a point"),
        (("ecb-mro", "2026-04-17", "2.1234567", None), "'2.1234567' has more than six decimals"),
        (("ecb-mro", "2026-04-17", "NaN", None), "'NaN' is no rate"),
        (("ecb-eur-usd", "2026-04-14", "0", None), "0 is no value: sums of money are above 0"),
        ((OWN, "1850-01-01", "4", "2026-01-01"), "1850-01-01 is before 1900"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(town: Town, given: tuple[Any, ...], said: str) -> None:
    assert said in refused(lambda: add(*given))
    assert not RateSeries.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="rates.").exists()


def test_what_was_added_before_is_corrected_with_a_reason_alone(town: Town) -> None:
    add(OWN, "2025-01-01", "2.53", until="2025-06-30")
    add(OWN, "2025-07-01", "1.53", until="2025-12-31")
    assert "say why it was wrong with --correct TEXT" in refused(lambda: add(OWN, "2025-03-01", "9", "2025-03-31"))
    kept = add(OWN, "2025-03-01", "9", "2025-03-31", correct="read the wrong line")
    assert (kept.added, kept.corrected) == (1, 1)
    assert (kept.resumes_on, kept.resumes) == (day("2025-04-01"), "2.53")
    series = known_series({OWN})[OWN]
    values = [series.at(day(on)) for on in ("2025-02-28", "2025-03-01", "2025-03-31", "2025-04-01", "2025-07-01")]
    assert values == [2_530_000, 9_000_000, 9_000_000, 2_530_000, 1_530_000]
    assert series.complete_until_on == day("2025-12-31")
    event = AuditEvent.objects.get(action="rates.corrected")
    assert event.detail["reason"] == "read the wrong line"
    assert event.detail["rates"] == {"2025-03-01": "9", "2025-04-01": "2.53"}


def test_a_series_of_ones_own_may_begin_earlier_but_not_with_a_hole(town: Town) -> None:
    add(OWN, "2025-01-01", "2.53", until="2025-06-30")
    add(OWN, "2024-07-01", "3.04", until="2024-12-31")
    assert known_series({OWN})[OWN].days == (day("2024-07-01"), day("2025-01-01"))
    told = refused(lambda: add(OWN, "2023-01-01", "1.88", until="2023-06-30"))
    assert "what holds from 2023-07-01 to 2024-06-30 is not known: say that too" in told


def test_a_file_is_taken_whole_and_twice_is_once(town: Town, tmp_path: Path) -> None:
    head = "# title: Basiszinssatz\n# source: OeNB\n# complete_until: 2025-12-31\n"
    text = f"{head}from,value\n2025-01-01,2.53\n2025-07-01,1.53\n"
    (kept,) = take(tmp_path, text, OWN)
    assert (kept.series, kept.added, kept.until_on) == (OWN, 2, day("2025-12-31"))
    assert take(tmp_path, text, OWN)[0].changed is False
    assert described_series({OWN})[OWN].title == "Basiszinssatz"


def test_the_shipped_files_themselves_are_taken_and_change_nothing(town: Town, tmp_path: Path) -> None:
    for name in ("ecb-mro", "boe-bank-rate", "de-basiszinssatz", "ecb-eur-usd"):
        assert take(tmp_path, series_text(name), file=f"{name}.csv")[0].changed is False


def test_every_bad_row_of_a_file_is_told_with_its_line(town: Town, tmp_path: Path) -> None:
    rows = ["from,value", "2025-01-01,x", "2025-02-30,1", "2025-03-01,1", "2025-03-01,1", "2025-02-01,2", "2025-04-01"]
    told = refused(lambda: take(tmp_path, "\n".join(rows), OWN)).splitlines()
    assert told == [
        "rates.csv: nothing is taken",
        "rates.csv:2: value: 'x' is no number: decimals stand after a point",
        f"rates.csv:3: from: '2025-02-30' is no date of the calendar between 1900 and 2199: {WRITTEN}",
        "rates.csv:5: 2025-03-01 stands here twice: keep one of lines 4 and 5",
        "rates.csv:6: 2025-02-01 does not follow 2025-03-01: rows stand in order of days",
        "rates.csv:7: value: '' is no number: decimals stand after a point",
    ]
    assert not RateSeries.objects.exists()


def test_contradictions_and_gaps_of_a_file_are_told_with_their_line(town: Town, tmp_path: Path) -> None:
    text = "from,value\n2025-06-11,2.15\n2026-02-01,2.40\n2026-04-30,2.00\n"
    told = refused(lambda: take(tmp_path, text, "ecb-mro"))
    assert "rates.csv:3: ecb-mro: 2.4 contradicts what is known of 2026-02-01, 2.15" in told
    assert "rates.csv:2: ecb-mro: what holds from 2026-04-17 to 2026-05-31 is not known" in refused(
        lambda: take(tmp_path, "from,value\n2026-06-01,2.00\n", "ecb-mro")
    )


def test_files_of_central_banks_are_read_as_they_are(town: Town, tmp_path: Path) -> None:
    daily = (
        "observation_date,ECBMRRFR\n2026-04-15,2.15\n2026-04-16,2.15\n2026-04-17,.\n2026-04-18,2.15\n2026-04-19,2.00\n"
    )
    (kept,) = take(tmp_path, daily, "ecb-mro")
    assert (kept.added, kept.until_on) == (1, day("2026-04-19"))
    newest_first = "Date Changed,Rate\n06 Aug 26,3.50\n18 Dec 25,3.75\n"
    (kept,) = take(tmp_path, newest_first, until_on=day("2026-09-30"))
    assert (kept.series, kept.added, kept.until_on) == ("boe-bank-rate", 1, day("2026-09-30"))
    table = "Date,USD,SEK,XTS,\n2026-04-14,1.1700,10.90,N/A,\n2026-04-13,1.1684,10.892,N/A,\n"
    found = {each.series: each for each in take(tmp_path, table)}
    assert set(found) == {"ecb-eur-usd", "ecb-eur-sek"}
    assert known_series({"ecb-eur-usd"})["ecb-eur-usd"].at(day("2026-04-14")) == 1_170_000


def test_days_without_a_quotation_are_no_gap_between_exchange_rates(town: Town) -> None:
    ends = packaged_series({"ecb-eur-usd"})["ecb-eur-usd"].series.complete_until_on
    assert ends == day("2026-04-13")
    assert "from 2026-04-14 to 2026-04-14 is not known" in refused(lambda: add("ecb-eur-usd", "2026-04-15", "1.17"))
    assert add("ecb-eur-usd", "2026-04-14", "1.17", until="2026-04-17").added == 1
    assert "is not known" in refused(lambda: add("ecb-eur-usd", "2026-04-21", "1.18"))  # Monday is quoted
    add("ecb-eur-usd", "2026-04-20", "1.18", until="2026-04-30")
    add("ecb-eur-usd", "2026-05-04", "1.19")  # after a holiday of the ECB, and a weekend
    assert "is not known" in refused(lambda: add("ecb-eur-usd", "2026-06-04", "1.17"))


@pytest.mark.parametrize(
    ("name", "on", "values"),
    [("ecb-eur-usd", "2026-04-14", ("117", "0.0117")), ("ecb-mro", "2026-04-17", ("215", "27.16", "-22.86"))],
)
def test_a_value_far_from_the_one_before_is_refused(town: Town, name: str, on: str, values: tuple[str, ...]) -> None:
    for value in values:
        assert "off the value before" in refused(partial(add, name, on, value))
    if name == "ecb-mro":
        assert add(name, on, "27.15").added == 1


def test_a_misplaced_point_within_a_file_is_told_with_its_line(town: Town, tmp_path: Path) -> None:
    text = "from,value\n2025-01-01,2.53\n2025-07-01,153\n2026-01-01,1.53\n"
    told = refused(lambda: take(tmp_path, text, OWN))
    assert "rates.csv:3: at-basiszinssatz: 153 of 2025-07-01 is more than 25 percent points off the value bef" in told


def test_a_file_for_half_years_is_known_as_long_as_what_is_added(town: Town, tmp_path: Path) -> None:
    name = "de-basiszinssatz"
    (kept,) = take(tmp_path, "from,value\n2026-01-01,1.27\n", name)
    assert kept.until_on == add(name, "2026-01-01", "1.27").until_on == day("2026-06-30")
    (said,) = take(tmp_path, "from,value\n2026-07-01,1.52\n", name, until_on=day("2026-07-31"))
    assert said.until_on == day("2026-07-31")
    daily = "from,value\n2026-08-01,1.52\n2026-08-14,1.52\n"  # which says nothing of the days to come
    assert take(tmp_path, daily, name)[0].until_on == day("2026-08-14")


def test_a_correction_without_a_reason_is_refused(town: Town) -> None:
    add(OWN, "2025-01-01", "2.53")
    assert "--correct: say why it was wrong" in refused(lambda: add(OWN, "2025-01-01", "9", correct=" "))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the table begins with the line `from,value`"),
        ("day,rate\n2025-01-01,1\n", "the table begins with the line `from,value`"),
        ("from,value\n", "there is no rate of"),
        ("from,value,more\n2025-01-01,1,2\n", "several columns of values"),
        ("# complete_until: 2024-12-31\nfrom,value\n2025-01-01,1\n", "it is said to be known until 2024-12-31"),
        ("# complete_until: soon\nfrom,value\n2025-01-01,1\n", "'soon' is no date of the calendar"),
        ("# source: a\n# source: b\nfrom,value\n2025-01-01,1\n", "it stands here twice"),
    ],
)
def test_files_that_are_none_are_refused(town: Town, tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(lambda: take(tmp_path, text, OWN))


@pytest.mark.parametrize(("above", "line"), [("", 1), ("from,value\n2026-01-01,1.5\n", 3)])
def test_a_cell_beyond_all_bounds_is_refused_with_its_line(town: Town, tmp_path: Path, above: str, line: int) -> None:
    told = refused(lambda: take(tmp_path, f"{above}{'1' * 200_000},1\n", name=OWN))
    assert f"rates.csv:{line}: it is no table of days and rates" in told


def test_what_is_no_text_is_refused(town: Town, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"from,value\n2025-01-01,1\xff\n")
    told = refused(lambda: import_rates(tmp_path / "x.csv", name=OWN, by="anna", at=noon(TODAY)))
    assert "x.csv:2: it is not UTF-8" in told


def test_one_bad_series_of_a_table_keeps_all_of_it_out(town: Town, tmp_path: Path) -> None:
    table = "Date,USD,SEK\n2026-04-14,1.1700,10.90\n2026-04-13,1.1684,11.892\n"
    assert "11.892 contradicts" in refused(lambda: take(tmp_path, table))
    assert not RateSeries.objects.exists()


def test_what_regimes_ask_for_and_nobody_has_given_is_listed(town: Town) -> None:
    found = {each.series: each for each in listed(described_series())}
    assert found["ecb-mro"].comes_with_dunwell
    assert found["ecb-mro"].regimes
    assert (found[OWN].until_on, found[OWN].regimes) == (None, ("AT",))
    add(OWN, "2026-01-01", "1.53")
    (own,) = listed(described_series(), OWN)
    assert (own.value, own.added_here, own.comes_with_dunwell) == ("1.53", True, False)
    assert own.rates == ((day("2026-01-01"), "1.53"),)
    with pytest.raises(NotFound, match="there is no series 'nothing'"):
        listed(described_series(), "nothing")


def test_what_was_decided_by_other_rates_is_not_posted(town: Town) -> None:
    town.apply(FLOATING.replace("policy: german", "policy: standard"), own=True)
    town.item("A-17", "MEYER", "10000.00 EUR", "2026-03-31")
    other = Town(town.folder, "OTHER", policy=None)
    other.item("B-1", "SMITH", "1.00 EUR", "2026-03-31")
    add("de-basiszinssatz", "2026-01-01", "1.27", until="2026-06-30")
    run, plain = town.propose("2026-04-10"), other.propose("2026-04-10")
    add(OWN, "2026-01-01", "1.53")  # nobody here asks that
    add("de-basiszinssatz", "2026-01-01", "1.27", until="2026-06-30")  # nothing new
    run.refresh_from_db()
    assert run.state == "proposed"
    add("de-basiszinssatz", "2026-01-01", "-1.70", until="2026-06-30", correct="misread")
    run.refresh_from_db()
    plain.refresh_from_db()
    assert (run.state, plain.state) == ("superseded", "proposed")
    with pytest.raises(Conflict):
        town.post(run)
    again = town.run("2026-04-10")
    interest = Charge.objects.get(notice__run=again, charge="interest")
    assert interest.amount_minor == 2000  # at 7.3 %


def test_what_was_decided_of_another_class_of_debtor_is_not_posted(town: Town) -> None:
    town.apply(FLOATING.replace("policy: german", "policy: standard").replace(", class: business", ""))
    add("de-basiszinssatz", "2026-01-01", "-1.70", until="2026-06-30")
    town.item("A-17", "MEYER", "10000.00 EUR", "2026-03-31")
    Account.objects.update(debtor_class="consumer")
    run = town.propose("2026-04-10")
    header, more = "account,number,amount,class,due", "debtor_class: {column: class}\n"
    bring(town, "MEYER,A-17,10000.00,business", on="2026-04-10", how="keep", header=header, more=more)
    run.refresh_from_db()
    assert run.state == "superseded"


def test_a_policy_that_nobody_can_read_any_more_stops_no_rate(town: Town) -> None:
    town.item("A-17", "MEYER", "10.00 EUR", "2026-03-31")
    run = town.propose("2026-04-10")
    PolicyVersion.objects.update(text="policy: standard")
    assert add(OWN, "2026-01-01", "1.53").changed
    run.refresh_from_db()
    assert run.state == "superseded"
