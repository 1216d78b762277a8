"""Whatever is done with lines, in whatever order: one holds its payer back if and only if it waits and may."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from dunwell.flows.cash.allowed import change_settings, settings_of
from dunwell.flows.cash.applying import apply_match, apply_to, set_aside, unapply
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.errors import FlowError
from dunwell.flows.people.holds import hold, release
from dunwell.records.models import BANK_LINE_WAITS, BankLine, Hold, Item
from tests.examples import SOAK
from tests.flows.cash.banking import bank_account, take
from tests.flows.town import Town, noon
from tests.sources.bank.mt940_files import mt940

PAYERS = ("MEYER", "SMITH", "MILLER")
STEPS = 60
BEGINS = noon("2026-03-01")


class Desk:
    """A person who works at random, and the day it is."""

    def __init__(self, town: Town, chance: Random, folder: Path) -> None:
        self.town, self.chance, self.folder = town, chance, folder
        self.at: datetime = BEGINS
        self.theirs: set[int] = set()  # holds that people placed

    @property
    def today(self) -> date:
        return self.at.date()

    def line(self) -> int:
        return int(self.chance.choice(BankLine.objects.order_by("pk").values_list("pk", flat=True)))

    def step(self) -> bool:
        """Do one thing, which may be refused; tell whether holds have to be as the settings say then."""
        todo: list[tuple[Callable[[], object], bool]] = [
            (self.match, True), (self.match, True), (self.apply, False), (self.apply_to, False), (self.aside, False),
            (self.back, False), (self.unapply, False), (self.unapply, False), (self.allow, True),
            (self.a_person_holds, False), (self.a_person_releases, False), (self.sleep, False),
        ]  # fmt: skip
        do, follows = self.chance.choice(todo)
        try:
            do()
        except FlowError:
            return False
        return follows

    def match(self) -> None:
        match_lines(self.town.entity, apply=self.chance.random() < 0.5, by="bert", at=self.at)

    def apply(self) -> None:
        apply_match(self.town.entity, self.line(), by="bert", at=self.at)

    def apply_to(self) -> None:
        apply_to(self.town.entity, self.line(), account=self.chance.choice(PAYERS), by="bert", at=self.at)

    def aside(self) -> None:
        set_aside(self.town.entity, self.line(), reason="a loan", by="bert", at=self.at)

    def back(self) -> None:
        set_aside(self.town.entity, self.line(), reason="no loan", back=True, by="bert", at=self.at)

    def unapply(self) -> None:
        unapply(self.town.entity, self.line(), reason="wrong", by="bert", at=self.at)

    def allow(self) -> None:
        given = {
            "hold_back_days": str(self.chance.choice((0, 5, 20, 20, 20))),
            "hold_back_share_percent": str(self.chance.choice((1, 10, 40))),
        }
        change_settings(self.town.entity, given, by="bert", at=self.at)

    def a_person_holds(self) -> None:
        account = self.chance.choice(PAYERS)
        self.theirs.add(
            hold(self.town.entity, account=account, reason="in talks", on=self.today, by="bert", at=self.at)
        )

    def a_person_releases(self) -> None:
        ids = Hold.objects.exclude(pk__in=self.theirs).filter(released_on=None).values_list("pk", flat=True)
        if ids and self.chance.random() < 0.3:
            release(self.town.entity, self.chance.choice(ids), on=self.today, by="bert", at=self.at)

    def sleep(self) -> None:
        self.at += timedelta(days=self.chance.choice((0, 1, 1, 4)))


def is_in_force(found: Hold | None, on: date) -> bool:
    return found is not None and found.released_on is None and (found.until_on is None or found.until_on >= on)


def none_holds_that_may_not(desk: Desk) -> None:
    """What holds in force is a line that waits, for whoever its match says; and nobody's hold is another's."""
    lines = list(BankLine.objects.exclude(hold=None).select_related("hold", "match"))
    for line in lines:
        if is_in_force(line.hold, desk.today):
            assert line.state in BANK_LINE_WAITS
            assert getattr(line.hold, "account_id", None) == line.match.account_id
    in_force = [each for each in Hold.objects.all() if is_in_force(each, desk.today) and each.pk not in desk.theirs]
    assert {each.pk for each in in_force} <= {line.hold_id for line in lines}
    assert Hold.objects.filter(pk__in=desk.theirs, released_on=None).count() == len(desk.theirs)


def all_hold_that_may(desk: Desk, had_their_time: set[int]) -> None:
    """Of the lines that wait, those hold whose payer is known, has had no hold for it, and owes not too much."""
    allowed = settings_of(desk.town.entity)
    waiting = [
        line
        for line in BankLine.objects.filter(state__in=BANK_LINE_WAITS, amount_minor__gt=0, booked_on__lte=desk.today)
        .select_related("hold", "match").exclude(match=None)
        if line.match.account_id and line.pk not in had_their_time
    ]  # fmt: skip
    for line in waiting:
        until = max(desk.today, line.booked_on + timedelta(days=allowed.hold_back_days))
        owed = Item.objects.filter(account=line.match.account_id, kind="invoice", due_on__lte=until)
        due = sum(owed.values_list("open_minor", flat=True))
        money = sum(each.amount_minor for each in waiting if each.match.account_id == line.match.account_id)
        may = bool(allowed.hold_back_days and due and money * 100 >= due * allowed.hold_back_share_percent)
        assert is_in_force(line.hold, desk.today) == may


@pytest.mark.parametrize("seed", range(4 if SOAK else 1))
def test_a_line_holds_back_if_and_only_if_it_waits_and_may(town: Town, tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    bank_account(town.entity)
    for at, code in enumerate(PAYERS):
        town.account(code)
        for number in range(4):
            due = date(2026, 1, 1) + timedelta(days=chance.randrange(90))
            town.item(f"INV-{20170 + 10 * at + number}", code, f"{chance.randrange(20, 200)}.00 EUR", str(due))
    entries = [f"2603{day:02} {chance.randrange(5, 150)} //B{day} hello {day}" for day in range(1, 9)]
    take(tmp_path, mt940(entries, opens=0, on=("260301", "260310")))
    for line in BankLine.objects.order_by("pk"):
        line.party_name = chance.choice([f"{code.title()} GmbH" for code in PAYERS] + ["Unheard Of Ltd"])
        line.save()
    desk = Desk(town, chance, tmp_path)
    desk.allow()
    placed = 0
    for _step in range(STEPS):
        had = {
            line.pk
            for line in BankLine.objects.exclude(hold=None).select_related("hold")
            if not is_in_force(line.hold, desk.today)
        }
        follows = desk.step()
        none_holds_that_may_not(desk)
        if follows:
            all_hold_that_may(desk, had)
        placed = max(placed, Hold.objects.exclude(pk__in=desk.theirs).count())
    assert placed > 0
