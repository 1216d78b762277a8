"""Payers on clocks of their own come to what a plain fold does, day after day over the whole book."""

from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.engine.book import Book
from dunwell.engine.simulation.happenings import happenings
from dunwell.engine.simulation.play import Play, Played
from tests.engine.simulation.pasts import Past, pasts
from tests.engine.simulation.plain import CHARGE, LINE, NOTICE, Fold, Told
from tests.examples import examples

EXAMPLES = examples(12)  # each is some weeks of two scenarios, day by day
MOVE = ("item_id", "on", "less_minor")
GROUP = ("payer_id", "currency", "policy")


def told_of(played: Played, scenario: int) -> tuple[list[Any], ...]:
    """What a scenario sent, charged and was paid, in rows as `Told` has them."""
    is_mine = pl.col("scenario") == scenario
    notices, lines, charges, moves = (
        getattr(played, name).filter(is_mine) for name in ("notices", "lines", "charges", "moves")
    )
    policy_of = lines.join(notices.select("notice_id", "policy"), on="notice_id")
    return (
        sorted(map(str, notices.select("on", *NOTICE).rows())),
        sorted(map(str, policy_of.select("on", "policy", *LINE).rows())),
        sorted(map(str, charges.select("on", *CHARGE).rows())),
        sorted(moves.select(MOVE).rows()),
    )


def plain_of(told: Told) -> tuple[list[Any], ...]:
    return (
        sorted(map(str, told.notices)), sorted(map(str, told.lines)), sorted(map(str, told.charges)),
        sorted(told.moves),
    )  # fmt: skip


def play_of(past: Past) -> Play:
    return Play(happenings(past.history, past.from_on), past.scenarios, entities={1: "North"}, rates=past.rates)


def levels(book: Book, scenario: int = 0, count: int = 1) -> tuple[dict[int, Any], dict[Any, Any]]:
    """The stage of what is open, and of account-anchored groups."""
    claims = book.items.filter(pl.col("open_minor") > 0, pl.col("kind") != "charge")
    mine = claims.filter(pl.col("item_id") % count == scenario)
    of_items = {row[0] // count: row[1:] for row in mine.select("item_id", "level", "stage", "open_minor").rows()}
    groups = book.anchors.filter(pl.col("payer_id") % count == scenario).select(*GROUP, "level", "stage").rows()
    return of_items, {(row[0] // count, *row[1:3]): row[3:] for row in groups}


@settings(max_examples=EXAMPLES)
@given(pasts())
def test_clocks_come_to_what_the_plain_fold_does(past: Past) -> None:
    play = play_of(past)
    play.until(past.until_on)
    for at, scenario in enumerate(past.scenarios):
        fold = Fold(happenings(past.history, past.from_on), scenario.policies, past.rates)
        told = fold.to(past.until_on)
        for mine, plain in zip(told_of(play.played(), at), plain_of(told), strict=True):
            assert mine == plain
        assert told.book is not None
        assert levels(play.book, at, len(past.scenarios)) == levels(told.book)


@settings(max_examples=EXAMPLES)
@given(pasts(), st.data())
def test_a_period_in_pieces_is_the_period(past: Past, data: st.DataObject) -> None:
    whole, parts = play_of(past), play_of(past)
    whole.until(past.until_on)
    day = past.from_on - timedelta(days=1)
    while day < past.until_on:
        day += timedelta(days=data.draw(st.integers(1, 12)))
        parts.until(min(day, past.until_on))
    for name in ("notices", "lines", "charges", "moves"):
        assert getattr(whole.played(), name).equals(getattr(parts.played(), name))


@settings(max_examples=EXAMPLES)
@given(pasts(), st.integers(1, 5))
def test_how_many_days_are_played_at_once_changes_nothing(past: Past, most: int) -> None:
    many, few = play_of(past), play_of(past)
    few.turns_max = most
    assert many.until(past.until_on) <= few.until(past.until_on)
    for name in ("notices", "lines", "charges", "moves", "problems"):
        assert getattr(many.played(), name).equals(getattr(few.played(), name))


@settings(max_examples=EXAMPLES)
@given(pasts())
def test_scenarios_and_payers_know_nothing_of_each_other(past: Past) -> None:
    together = play_of(past)
    together.until(past.until_on)
    happens = happenings(past.history, past.from_on)
    for at, scenario in enumerate(past.scenarios):
        alone: list[list[Any]] = [[], [], [], []]
        for _party, mine in happens.parties.group_by("party_id"):
            is_mine = pl.col("account_id").is_in(mine["account_id"].implode())
            items = happens.opening.filter(is_mine), happens.booked.filter(is_mine)
            moves = happens.moves.join(pl.concat(items), on="item_id", how="semi")
            part = type(happens)(happens.from_on, happens.accounts, happens.parties, *items, moves)
            one = Play(part, [scenario], entities={1: "North"}, rates=past.rates)
            one.until(past.until_on)
            alone = [rows + found for rows, found in zip(alone, told_of(one.played(), 0), strict=True)]
        assert tuple(map(sorted, alone)) == told_of(together.played(), at)
