"""Money that waits holds its payer's reminders back, until somebody says what becomes of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.cash import holding
from dunwell.flows.cash.allowed import change_settings
from dunwell.flows.cash.applying import apply_to, set_aside, unapply
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.review import waiting
from dunwell.flows.people.holds import NewHold, end, hold, place, release
from dunwell.flows.runs.explain import explain_item
from dunwell.records.models import Account, AuditEvent, BankLine, BankMatch, Entity, Hold, KnownPayer
from tests.flows.cash.banking import AT, bank_account, take
from tests.flows.people.test_events import posted
from tests.flows.people.test_events import waiting as notices_waiting
from tests.flows.town import Town, day, noon
from tests.sources.bank.mt940_files import mt940

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}
TODAY: Final = "2026-03-10"
THEIRS: Final = "FR7630006000011234567890189"


@pytest.fixture
def bank(town: Town) -> Town:
    """ACME holds reminders back for ten days; MEYER owes 150.00 since February, and SMITH 80.00."""
    bank_account(town.entity)
    for code in ("MEYER", "SMITH"):
        town.account(code)
    town.item("INV-20170", "MEYER", "100.00 EUR", "2026-02-01")
    town.item("INV-20180", "MEYER", "50.00 EUR", "2026-02-05")
    town.item("INV-30990", "SMITH", "80.00 EUR", "2026-02-05")
    allow(town, hold_back_days="10")
    return town


def allow(town: Town, **given: str) -> None:
    """Change settings."""
    change_settings(town.entity, given, **BERT)


def arrived(town: Town, folder: Path, *entries: str, by: str = "Meyer GmbH", at: datetime = AT) -> None:
    """Money comes in from somebody, and is matched."""
    take(folder, mt940(list(entries), opens=0, on=("260101", "260310")), name=f"{BankLine.objects.count()}.sta")
    BankLine.objects.filter(party_name="").update(party_name=by)
    match(town, at)


def match(town: Town, at: datetime = AT) -> None:
    match_lines(town.entity, by="bert", at=at)


def line(amount_minor: int | None = None) -> BankLine:
    """The line of an amount, or the only one."""
    return BankLine.objects.get(**({"amount_minor": amount_minor} if amount_minor else {}))


def held(on: str = TODAY) -> list[tuple[str, str, str]]:
    """Account, last day and reason of what is held on a day."""
    found = Hold.objects.filter(released_on=None, from_on__lte=day(on)).exclude(until_on__lt=day(on)).order_by("pk")
    return [(each.account.code if each.account else "", str(each.until_on), each.reason) for each in found]


def test_money_that_waits_holds_its_payers_reminders_back(bank: Town, tmp_path: Path) -> None:
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    assert held() == [("MEYER", "2026-03-12", f"money came in on 2026-03-02: bank line {line().pk}")]
    (shown,) = waiting(bank.entity, most=9).lines
    assert shown.held_until_on == day("2026-03-12")
    counts = bank.propose(TODAY).counts["outcomes"]
    assert counts == {"on_hold": 2, "dun": 1}
    told = AuditEvent.objects.get(action="hold.placed")
    assert (told.actor, told.subject_label, told.detail["hold"]) == ("bert", "MEYER", line().hold_id)
    sentences = explain_item(bank.entity, "INV-20170", as_of=day(TODAY)).sentences
    assert (
        f"hold {line().hold_id} lasts through 2026-03-12: money came in on 2026-03-02: bank line {line().pk}"
        in sentences
    )
    assert bank.propose("2026-03-13").counts["outcomes"] == {"dun": 3}  # its last day is over


def test_it_is_off_unless_somebody_asks_for_it(bank: Town, tmp_path: Path) -> None:
    change_settings(bank.entity, {}, usual=["hold_back_days"], **BERT)
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    assert (held(), Hold.objects.count()) == ([], 0)


def test_what_waits_to_be_sent_is_withdrawn_at_once(town: Town, tmp_path: Path) -> None:
    posted(town)
    bank_account(town.entity)
    at = noon("2026-04-03")
    change_settings(town.entity, {"hold_back_days": "5"}, by="bert", at=at)
    arrived(town, tmp_path, "260302 77 //B1 hello", at=at)
    assert notices_waiting(town) == [("withdrawn", 15_000)]
    assert held("2026-04-03")[0][:2] == ("MEYER", "2026-04-03")  # an old line: through today


@pytest.mark.parametrize("how", ["applied", "to_another", "set_aside"])
def test_the_hold_is_released_with_what_becomes_of_the_line(bank: Town, tmp_path: Path, how: str) -> None:
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    placed = line().hold_id or 0
    if how == "applied":
        apply_to(bank.entity, line().pk, items=["INV-20170"], **BERT)
    elif how == "to_another":
        apply_to(bank.entity, line().pk, items=["INV-30990"], **BERT)
    else:
        set_aside(bank.entity, line().pk, reason="a loan", **BERT)
    assert (held(), line().hold_id) == ([], None)
    assert Hold.objects.get(pk=placed).released_on == day(TODAY)
    assert AuditEvent.objects.get(action="hold.released").detail["hold"] == placed


def test_what_is_taken_back_holds_again_once_it_is_matched(bank: Town, tmp_path: Path) -> None:
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    apply_to(bank.entity, line().pk, items=["INV-20180"], **BERT)
    unapply(bank.entity, line().pk, reason="not that one", **BERT)
    assert held() == []
    match(bank)
    assert [each[:2] for each in held()] == [("MEYER", "2026-03-12")]


def test_a_line_that_is_another_payers_by_now_moves_its_hold(bank: Town, tmp_path: Path) -> None:
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    first = line().hold_id
    BankLine.objects.update(party_iban=THEIRS, party_name="")
    smith = Account.objects.get(code="SMITH")
    KnownPayer.objects.create(
        entity=bank.entity, kind="iban", value=THEIRS, account=smith, since_on=day(TODAY), line=None
    )
    match(bank)
    assert [each[:2] for each in held()] == [("SMITH", "2026-03-12")]
    assert (line().hold_id != first, Hold.objects.count()) == (True, 2)


def test_matching_again_places_nothing_twice(bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived(bank, tmp_path, "260302 77 //B1 hello", "260303 80 //B2 hello")
    assert len(held()) == 2
    monkeypatch.setattr(holding, "_move", lambda *_told, **_more: pytest.fail("nothing has changed"))
    match(bank)
    assert len(held()) == 2


def test_holds_of_many_lines_are_placed_and_released_together_each_with_its_own_reason(
    bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed, ended = [], []

    def placing(entity: Entity, new: Sequence[NewHold], **told: Any) -> list[int]:
        placed.append(len(new))
        return place(entity, new, **told)

    def ending(entity: Entity, holds: Sequence[Hold], **told: Any) -> None:
        ended.append(len(holds))
        end(entity, holds, **told)

    monkeypatch.setattr(holding, "place", placing)
    monkeypatch.setattr(holding, "end", ending)
    arrived(bank, tmp_path, "260302 77 //B1 hello", "260303 80 //B2 hello")
    assert [each[2] for each in held()] == [
        f"money came in on 2026-03-02: bank line {line(7_700).pk}",
        f"money came in on 2026-03-03: bank line {line(8_000).pk}",
    ]
    ends = [Hold.objects.get(bank_line=line(each)).until_on for each in (7_700, 8_000)]
    assert ends == [day("2026-03-12"), day("2026-03-13")]
    allow(bank, hold_back_days="0")
    assert (placed, ended, held()) == ([2], [2], [])


def test_a_hold_that_ran_out_is_not_placed_again_for_the_same_line(bank: Town, tmp_path: Path) -> None:
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    match(bank, noon("2026-03-13"))
    assert (held("2026-03-13"), Hold.objects.count()) == ([], 1)
    apply_to(bank.entity, line().pk, items=["INV-20180"], by="bert", at=noon("2026-03-13"))
    unapply(bank.entity, line().pk, reason="not that one", by="bert", at=noon("2026-03-13"))
    match(bank, noon("2026-03-14"))
    assert (held("2026-03-14"), Hold.objects.count()) == ([], 1)


def test_a_hold_that_a_person_releases_is_not_placed_again(bank: Town, tmp_path: Path) -> None:
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    release(bank.entity, line().hold_id or 0, on=day(TODAY), **BERT)
    match(bank)
    assert held() == []
    set_aside(bank.entity, line().pk, reason="a loan", **BERT)  # there is nothing left to release
    assert line().state == "set_aside"


def test_holds_of_people_are_left_alone(bank: Town, tmp_path: Path) -> None:
    theirs = hold(bank.entity, account="MEYER", reason="in talks", on=day(TODAY), **BERT)
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    apply_to(bank.entity, line().pk, items=["INV-20180"], **BERT)
    allow(bank, hold_back_days="0")
    assert [each[2] for each in held()] == ["in talks"]
    assert Hold.objects.get(pk=theirs).released_on is None


def test_one_cent_holds_nothing_back(bank: Town, tmp_path: Path) -> None:
    arrived(bank, tmp_path, "260302 74 //B1 hello")
    assert held() == []  # of 150.00
    arrived(bank, tmp_path, "260304 1 //B2 more")
    assert [each[:2] for each in held()] == [("MEYER", "2026-03-12"), ("MEYER", "2026-03-14")]  # 75.00 together
    allow(bank, hold_back_share_percent="51")
    assert held() == []
    allow(bank, hold_back_share_percent="10")
    assert len(held()) == 2


def test_what_had_its_time_counts_no_more(bank: Town, tmp_path: Path) -> None:
    arrived(bank, tmp_path, "260228 77 //B1 hello")
    assert held()[0][:2] == ("MEYER", TODAY)
    arrived(bank, tmp_path, "260310 1 //B2 more", at=noon("2026-03-11"))
    assert held("2026-03-11") == []


def test_what_falls_due_while_it_lasts_counts_and_what_is_due_later_does_not(bank: Town, tmp_path: Path) -> None:
    bank.item("INV-20190", "MEYER", "1000.00 EUR", "2026-03-13")
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    assert held()[0][1] == "2026-03-12"
    bank.item("INV-20191", "MEYER", "1000.00 EUR", "2026-03-12")
    match(bank)
    assert held() == []


def test_where_nothing_is_due_nothing_is_held_back(bank: Town, tmp_path: Path) -> None:
    bank.item("INV-40001", "EARLY", "100.00 EUR", "2026-05-01")
    arrived(bank, tmp_path, "260302 77 //B1 hello", by="Early GmbH")
    assert BankMatch.objects.get().account_id == bank.get("INV-40001").account_id
    assert held() == []


def test_a_debt_in_another_currency_is_not_held_back(bank: Town, tmp_path: Path) -> None:
    bank.item("INV-20999", "MEYER", "5000.00 USD", "2026-02-05")
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    assert held() == []


def test_a_payer_is_held_with_all_it_pays_for(bank: Town, tmp_path: Path) -> None:
    Account.objects.filter(code="SMITH").update(parent=Account.objects.get(code="MEYER"))
    arrived(bank, tmp_path, "260302 114 //B1 hello")  # of 230.00
    assert held() == []
    arrived(bank, tmp_path, "260303 1 //B2 hello")
    assert {each[0] for each in held()} == {"MEYER"}
    assert bank.propose(TODAY).counts["outcomes"] == {"on_hold": 3}


def test_money_of_nobody_known_holds_nothing_back(bank: Town, tmp_path: Path) -> None:
    arrived(bank, tmp_path, "260302 77 //B1 hello", by="Unheard Of Ltd")
    take(tmp_path, mt940(["260303 180 //B2 INV-20170 INV-30990"], opens=0, on=("260101", "260310")))  # of two payers
    match_lines(bank.entity, apply=False, by="bert", at=AT)
    assert (held(), BankLine.objects.filter(state="proposed").count()) == ([], 1)


def test_a_lone_guess_by_the_payers_own_account_is_enough(bank: Town, tmp_path: Path) -> None:
    meyer = Account.objects.get(code="MEYER")
    KnownPayer.objects.create(
        entity=bank.entity, kind="iban", value=THEIRS, account=meyer, since_on=day(TODAY), line=None
    )
    allow(bank, propose_permille="90%")
    arrived(bank, tmp_path, "260302 77 //B1 hello", by="Meyer GmbH")  # known by name
    assert (BankMatch.objects.get().outcome, held()) == ("exception", [])
    BankLine.objects.update(party_iban=THEIRS)
    match(bank)
    assert (BankMatch.objects.get().outcome, [each[0] for each in held()]) == ("exception", ["MEYER"])


def test_switching_it_off_releases_at_once(bank: Town, tmp_path: Path) -> None:
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    allow(bank, hold_back_days="0")
    assert (held(), line().hold_id) == ([], None)
    allow(bank, hold_back_days="30")
    assert held()[0][1] == str(day("2026-03-02") + timedelta(days=30))


@pytest.mark.parametrize(("days", "until"), [("30", "2026-04-01"), ("9", "2026-03-11"), ("1", TODAY)])
def test_another_number_of_days_holds_for_what_is_held_at_once(
    bank: Town, tmp_path: Path, days: str, until: str
) -> None:
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    allow(bank, hold_back_days=days)
    assert [each[:2] for each in held()] == [("MEYER", until)]
    placed = line().hold_id
    match(bank)
    assert (line().hold_id, len(held())) == (placed, 1)  # and stays so


def test_more_days_bring_no_hold_back_that_ran_out(bank: Town, tmp_path: Path) -> None:
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    change_settings(bank.entity, {"hold_back_days": "30"}, by="bert", at=noon("2026-03-13"))
    assert held("2026-03-13") == []


def test_who_was_there_meanwhile_is_not_overruled(bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = holding._wanted

    def then_applied(*told: Any) -> list[Any]:  # whatever it takes
        found = list(look(*told))
        apply_to(bank.entity, line().pk, items=["INV-20180"], **BERT)
        return found

    monkeypatch.setattr(holding, "_wanted", then_applied)
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    assert (line().state, held(), Hold.objects.count()) == ("applied", [], 0)


def test_two_who_match_at_once_place_one_hold(bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = holding._wanted

    def then_matched(*told: Any) -> list[Any]:  # whatever it takes
        found = list(look(*told))
        monkeypatch.setattr(holding, "_wanted", look)
        match(bank)
        return found

    monkeypatch.setattr(holding, "_wanted", then_matched)
    arrived(bank, tmp_path, "260302 77 //B1 hello")
    assert (len(held()), Hold.objects.count()) == (1, 1)
