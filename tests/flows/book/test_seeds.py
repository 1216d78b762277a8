"""Items that come with a history: level, stage, last notice and last deadline, taken for items that are new."""

from datetime import date

import pytest

from dunwell.flows.errors import Invalid
from dunwell.records.models import Account, Item, ItemState, PayerContact
from tests.flows.book.test_importing import Desk, desk
from tests.flows.town import POLICY, Town
from tests.sources.files import HEADER, ROWS, csv

assert desk
MORE = """\
level: {column: level}
stage: {column: stage}
last_notice: {column: noticed}
last_deadline: {column: deadline}
"""
SEEDED = HEADER + ",level,stage,noticed,deadline"


def states() -> dict[str, tuple[object, ...]]:
    """The states kept, by the item's number."""
    fields = ("item__number", "level", "stage", "last_notice_on", "last_deadline_on", "version")
    return {number: tuple(rest) for number, *rest in ItemState.objects.values_list(*fields)}


def seeds(*of_rows: str) -> str:
    """The usual rows, each with its seeds."""
    return csv(*(f"{row},{of_row}" for row, of_row in zip(ROWS, of_rows, strict=False)), header=SEEDED)


@pytest.fixture
def town(desk: Desk) -> Town:
    """An entity of other stages beside; the policy of three stages is in force for every one."""
    town = Town(desk.folder)
    town.apply(POLICY.replace("final", "last_call").replace("standard", "other") + "priority: 7\n", own=True)
    return town


def test_a_new_item_has_the_history_that_comes_along(town: Town, desk: Desk) -> None:
    desk.bring(seeds("2,second_reminder,2026-04-05,2026-04-15", ",,,", ",reminder,,"), MORE)
    assert states() == {
        "A-17": (2, "second_reminder", date(2026, 4, 5), date(2026, 4, 15), 0),
        "A-19": (1, "reminder", None, None, 0),
    }
    assert list(PayerContact.objects.values_list("payer__code", "last_contact_on")) == [("00042", date(2026, 4, 5))]


def test_the_run_goes_on_from_there(town: Town, desk: Desk) -> None:
    desk.bring(seeds("1,reminder,2026-04-05,", ",,,"), MORE)
    for account in town.entity.account_set.all():
        account.contacts.create(email="ap@meyer.example")
    assert town.propose("2026-04-11").counts["notices"] == 0  # less than seven days
    run = town.propose("2026-04-14")
    assert run.counts["notices"] == 1
    assert town.notice(run, "00042").stage == "second_reminder"


def test_a_notice_before_the_due_date_is_no_contact(town: Town, desk: Desk) -> None:
    desk.bring(seeds("1,reminder,2026-03-20,"), MORE)
    assert not PayerContact.objects.exists()


def test_an_item_in_the_book_keeps_its_own(town: Town, desk: Desk) -> None:
    desk.bring(csv())
    report = desk.bring(seeds("2,second_reminder,2026-04-05,", "9,never_heard_of,,", ",,,"), MORE)
    assert (states(), report.items.unchanged) == ({}, 3)
    desk.bring(seeds("2,second_reminder,2026-04-05,"), MORE)
    assert states() == {}


def test_the_same_file_again_changes_no_history(town: Town, desk: Desk) -> None:
    content = seeds("2,second_reminder,2026-04-05,2026-04-15", "1,reminder,2026-04-06,", ",,,")
    desk.bring(content, MORE)
    before = states(), list(PayerContact.objects.values())
    report = desk.bring(content, MORE)
    assert (report.items.changed, (states(), list(PayerContact.objects.values()))) == (0, before)


def test_a_stage_that_nobody_knows_is_refused_with_its_line(town: Town, desk: Desk) -> None:
    problem = desk.refused(seeds(",reminder,,", ",final_remindr,,", ",Mahnstufe 7,,"), MORE)
    first, typo, strange = problem.splitlines()
    assert first == "items.csv: 2 problems; nothing was written"
    assert typo == (
        "items.csv:3: stage: no policy in force has a stage 'final_remindr'; did you mean 'reminder'?; translate it"
        " under `values`"
    )
    assert strange == (
        "items.csv:4: stage: no policy in force has a stage 'Mahnstufe 7'; there are final, last_call, reminder,"
        " second_reminder; translate it under `values`"
    )
    assert "no policy in force has a stage" in desk.refused(
        seeds(",last_call,,").replace("ACME", "BETA"), MORE
    )  # fmt: skip  # it is a stage of ACME's own policy


@pytest.mark.parametrize(
    ("seed", "problem"),
    [
        ("-1,,,", "items.csv:2: level: '-1' is no level, a whole number from 0 to 100"),
        ("two,,,", "items.csv:2: level: 'two' is no level"),
        ("101,,,", "items.csv:2: level: '101' is no level"),
        (",,2026-04-08,", "items.csv:2: noticed: the last notice cannot have been on 2026-04-08, after this import"),
        (",,soon,", "items.csv:2: noticed: 'soon' is not written as YYYY-MM-DD"),
        (",,,2026-02-30", "items.csv:2: deadline: '2026-02-30' is no date of the calendar"),
    ],
)
def test_a_history_that_cannot_be_is_refused(town: Town, desk: Desk, seed: str, problem: str) -> None:
    assert problem in desk.refused(seeds(seed), MORE)


def test_a_seed_may_be_the_same_for_all(town: Town, desk: Desk) -> None:
    desk.bring(csv(), "stage: reminder\nlevel: '1'\n")
    assert set(states().values()) == {(1, "reminder", None, None, 0)}


def test_without_a_policy_there_is_no_stage(desk: Desk) -> None:
    with pytest.raises(Invalid, match="no policy in force has a stage 'reminder'; no policy is in force"):
        desk.bring(csv(), "stage: reminder\n")


def test_a_last_stage_of_an_item_and_of_an_account_comes_along_and_changes(town: Town, desk: Desk) -> None:
    mapping = "item_max_stage: {column: stage}\nmax_stage: {column: level}\n"
    desk.bring(seeds("final,reminder,,", ",second_reminder,,", ",,,"), mapping)
    ends = dict(Item.objects.values_list("number", "max_stage"))
    assert ends == {"A-17": "reminder", "A-18": "second_reminder", "A-19": None}
    assert Account.objects.get(code="00042").max_stage == "final"
    desk.bring(seeds("final,final,,", ",second_reminder,,", ",,,"), mapping)
    assert Item.objects.get(number="A-17").max_stage == "final"
    assert desk.bring(seeds("final,final,,", ",,,", ",,,"), mapping).items.changed == 0  # what is empty says nothing
