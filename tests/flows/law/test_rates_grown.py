"""A newer or older Dunwell brings more or fewer days of a series than people have added to: who says what holds."""

from collections.abc import Callable
from functools import partial

import pytest

from dunwell.cli.rates import _say_one
from dunwell.engine.law.shipped import SeriesFile, read_series, shipped_file
from dunwell.flows.audit.verify import verify_chain
from dunwell.flows.checkup import check_up
from dunwell.flows.law.listing import ListedOverruled, listed
from dunwell.flows.law.series import described_series, known_series
from dunwell.flows.law.working import Terms, work_claim
from dunwell.records.models import Rate
from tests.flows.law.test_rates import MRO_ENDS, OWN, TODAY, add, refused
from tests.flows.town import Town, day, noon

Ship = Callable[..., None]


@pytest.fixture
def ship(monkeypatch: pytest.MonkeyPatch) -> Ship:
    """Another Dunwell, with this series: what came with the last one, and these rows, or as the text says."""

    def bring(name: str, until: str, *rows: str, text: str | None = None) -> None:
        if text is None:
            now = shipped_file(name).series
            before = [f"{on},{value / 1_000_000:.6f}" for on, value in zip(now.days, now.values, strict=True)]
            text = "\n".join(row for row in [*before, *rows] if row[:10] <= until)
        read = read_series(name, f"# title: t\n# source: s\n# complete_until: {until}\nfrom,value\n{text}\n")

        def file_of(asked: str) -> SeriesFile:
            return read if asked == name else shipped_file(asked)

        monkeypatch.setattr("dunwell.flows.law.series.shipped_file", file_of)
        names = sorted({*known_series(), name})
        monkeypatch.setattr("dunwell.flows.law.series.series_names", lambda: names)

    return bring


def mro(on: str) -> int:
    return known_series({"ecb-mro"})["ecb-mro"].at(day(on))


def interest_of_july() -> int:
    claim = work_claim(
        Terms("FR", "business"), amount="1000", currency=None,
        due_on=day("2026-06-30"), until_on=day("2026-07-31"), series=known_series(),
    )  # fmt: skip
    return claim.working.interest_minor


def test_what_was_added_holds_again_from_the_day_after_a_newer_dunwell_ends(town: Town, ship: Ship) -> None:
    add("ecb-mro", "2026-04-17", "9", until="2026-12-31")
    before = interest_of_july()
    ship("ecb-mro", "2026-07-10", "2026-06-11,2.50")
    assert [mro(on) for on in ("2026-04-17", "2026-06-11", "2026-07-10")] == [2_150_000, 2_500_000, 2_500_000]
    assert [mro(on) for on in ("2026-07-11", "2026-12-31")] == [9_000_000, 9_000_000]
    assert (before, interest_of_july()) == (1614, 1062)


def test_what_a_newer_dunwell_says_otherwise_is_listed_and_told_by_the_doctor(
    town: Town, ship: Ship, capsys: pytest.CaptureFixture[str]
) -> None:
    add("ecb-mro", "2026-04-17", "2.15", until="2026-06-10")
    add("ecb-mro", "2026-06-11", "9", until="2026-12-31")
    ship("ecb-mro", "2026-07-10", "2026-06-18,2.50")
    assert listed(described_series(), "ecb-mro")[0].overruled == (
        ListedOverruled(day("2026-06-11"), day("2026-06-17"), "9", "2.15"),
        ListedOverruled(day("2026-06-18"), day("2026-07-10"), "9", "2.5"),
    )
    (told,) = [each for each in check_up(at=noon(TODAY)) if each.what == "rates ecb-mro"]
    assert told.found.startswith("9 was added from 2026-06-11 to 2026-06-17, where 2.15 comes with Dunwell and holds")
    assert told.is_fine
    _say_one(listed(described_series(), "ecb-mro")[0])
    shown = capsys.readouterr().out
    assert "Added here, and said otherwise by this Dunwell, whose value holds" in shown
    assert "ecb-mro  2026-06-11  2026-06-17  9" in shown


def test_a_newer_dunwell_that_says_the_same_is_no_news(town: Town, ship: Ship) -> None:
    add("ecb-mro", "2026-04-17", "2.50", until="2026-12-31")
    ship("ecb-mro", "2026-07-10", "2026-04-17,2.50")
    assert listed(described_series(), "ecb-mro")[0].overruled == ()
    assert not [each for each in check_up(at=noon(TODAY)) if each.what.startswith("rates")]
    assert mro("2026-12-31") == 2_500_000


def test_that_nothing_changes_is_said_too_and_holds_after_a_newer_dunwell_ends(town: Town, ship: Ship) -> None:
    add("ecb-mro", "2026-04-17", "2.15", until="2026-12-31")
    ship("ecb-mro", "2026-07-10", "2026-06-11,2.50")
    assert [mro(on) for on in ("2026-07-10", "2026-07-11", "2026-12-31")] == [2_500_000, 2_150_000, 2_150_000]


def test_nothing_is_left_of_what_was_added_once_a_newer_dunwell_knows_it_all(town: Town, ship: Ship) -> None:
    add("ecb-mro", "2026-04-17", "9", until="2026-06-30")
    ship("ecb-mro", "2026-07-10", "2026-06-11,2.50")
    assert known_series({"ecb-mro"})["ecb-mro"].complete_until_on == day("2026-07-10")


def test_what_is_added_after_a_newer_dunwell_leaves_what_was_said_before_it(town: Town, ship: Ship) -> None:
    add("ecb-mro", "2026-04-17", "9", until="2026-12-31")
    ship("ecb-mro", "2026-07-10", "2026-06-11,2.50")
    kept = add("ecb-mro", "2026-07-11", "2.50", until="2026-12-31", correct="was never decided")
    assert (kept.corrected, mro("2026-07-11"), mro("2026-12-31")) == (1, 2_500_000, 2_500_000)
    add("ecb-mro", "2027-01-01", "2.25", until="2027-03-31")
    assert [mro(on) for on in ("2026-12-31", "2027-01-01")] == [2_500_000, 2_250_000]
    assert [each.added for each in listed(described_series(), "ecb-mro")[0].overruled] == ["9", "9"]
    assert verify_chain().is_intact


def test_days_that_an_older_dunwell_does_not_bring_are_not_made_up(town: Town, ship: Ship) -> None:
    add("ecb-mro", "2026-04-17", "9", until="2026-12-31")
    ship("ecb-mro", "2026-01-31")
    assert known_series({"ecb-mro"})["ecb-mro"].complete_until_on == day("2026-01-31")
    for until in ("2026-03-31", "2026-05-31"):
        told = refused(partial(add, "ecb-mro", "2026-02-01", "2.15", until=until))
        assert "say what does until 2026-04-16, with --until" in told
    add("ecb-mro", "2026-02-01", "2.15", until="2026-04-16")
    assert [mro(on) for on in ("2026-04-16", "2026-04-17", "2026-12-31")] == [2_150_000, 9_000_000, 9_000_000]


def test_an_exchange_rate_after_a_weekend_follows_what_was_shipped(town: Town, ship: Ship) -> None:
    ship("ecb-eur-usd", "2026-04-10")  # a Friday
    add("ecb-eur-usd", "2026-04-13", "1.17", until="2026-04-20")
    found = known_series({"ecb-eur-usd"})["ecb-eur-usd"]
    assert (found.at(day("2026-04-13")), found.complete_until_on) == (1_170_000, day("2026-04-20"))
    assert found.at(day("2026-04-12")) == found.at(day("2026-04-10"))


def test_a_series_of_ones_own_that_comes_with_a_newer_dunwell_goes_on(town: Town, ship: Ship) -> None:
    add(OWN, "2025-01-01", "2.53", until="2025-12-31")
    ship(OWN, "2025-06-30", text="2025-01-01,2.53")
    assert known_series({OWN})[OWN].at(day("2025-12-31")) == 2_530_000
    assert Rate.objects.count() == 1
    assert day("2026-04-16") == MRO_ENDS
