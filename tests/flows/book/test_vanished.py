"""Whole exports: what they name no longer is settled or shown, and is open again when they name it again."""

import pytest

from dunwell.flows.book import vanished
from dunwell.flows.book.importing import ImportReport, import_items
from dunwell.flows.cash.pay import pay
from dunwell.flows.errors import Invalid
from dunwell.flows.people.promises import promise
from dunwell.records.models import AuditEvent, Entity, Item, ItemState, Notice, Promise, Task
from tests.flows.book.test_importing import everything
from tests.flows.town import Town, day, noon

ON = "2026-04-03"
LATER = "2026-04-10"
MAPPING = """\
entity: ACME
account: {column: account}
number: {column: number}
currency: EUR
due: {column: due}
vanished: %s
%s
"""
AMOUNT, OPEN = "amount: {column: amount}", "open: {column: amount}"
KIND, WITH_KIND = "kind: {column: kind}\n", "account,number,kind,amount,due"
CREDITS, SIGNED = "kind: credit\n", "negative: credit\n"
FOUR = ("MEYER,A-1,100.00", "MEYER,A-2,60.00", "SMITH,B-1,90.00", "JONES,C-1,90.00")


def bring(
    town: Town,
    *rows: str,
    how: str = "settle",
    column: str = OPEN,
    on: str = ON,
    force: bool = False,
    header: str = "account,number,amount,due",
    more: str = "",
) -> ImportReport:
    """Import an export of `account,number,amount`, all due on the same day."""
    file, mapping = town.folder / "items.csv", town.folder / "map.yaml"
    file.write_text("\n".join([header, *(f"{row},2026-03-31" for row in rows)]) + "\n")
    mapping.write_text(MAPPING % (how, column) + more)
    return import_items(file, mapping, by="anna", at=noon(on), on=day(on), force=force)


def of_kind(kind: str, *rows: str) -> list[str]:
    """Rows that say of which kind they are: `account,number,kind,amount`."""
    return [f"{account},{number},{kind},{amount}" for account, number, amount in (row.split(",") for row in rows)]


def open_now() -> dict[str, int]:
    """What is open, by number."""
    return dict(Item.objects.filter(closed_on=None).order_by("number").values_list("number", "open_minor"))


@pytest.mark.parametrize("column", [OPEN, AMOUNT])
def test_what_an_export_names_no_longer_is_settled_and_open_again_when_it_is_back(town: Town, column: str) -> None:
    bring(town, *FOUR, column=column)
    ItemState.objects.create(item=town.get("A-2"), level=2, stage="second_reminder", last_notice_on=day(ON))
    report = bring(town, FOUR[0], *FOUR[2:], column=column, on=LATER)
    assert report.vanished == vanished.Vanished(
        items=1, accounts=1, settled=True, by_entity={town.entity.pk: 1}
    )  # fmt: skip
    assert (town.open("A-2"), town.get("A-2").closed_on) == (0, day(LATER))
    assert open_now() == {"A-1": 10000, "B-1": 9000, "C-1": 9000}
    before = everything()[:-1]
    again = bring(town, FOUR[0], *FOUR[2:], column=column, on=LATER)
    assert (again.vanished, everything()[:-1]) == (
        vanished.Vanished(items=0, accounts=0, settled=True, by_entity={}), before,
    )  # fmt: skip
    back = bring(town, *FOUR, column=column, on="2026-04-11")
    assert back.items.changed == 1
    assert (town.open("A-2"), town.get("A-2").closed_on, town.level("A-2")) == (6000, None, 2)
    assert bring(town, *FOUR, column=column, on="2026-04-11").items.changed == 0


def test_each_item_settled_so_is_on_record(town: Town) -> None:
    bring(town, *FOUR)
    report = bring(town, FOUR[0], *FOUR[2:])
    event = AuditEvent.objects.get(action="items.vanished")
    assert event.detail == {"file": "items.csv", "digest": report.digest, "items": [town.get("A-2").pk]}
    imported = AuditEvent.objects.filter(action="items.imported").last()
    assert imported is not None
    assert imported.detail["items_vanished"] == 1


def test_by_default_items_that_are_not_named_stay(town: Town) -> None:
    bring(town, *FOUR)
    report = bring(town, FOUR[0], how="keep")
    assert (report.vanished, len(open_now())) == (None, 4)


def test_only_what_a_source_would_name_vanishes(town: Town) -> None:
    bring(town, *FOUR)
    invoice = town.get("A-1")
    town.item("A-1/fee", "MEYER", "5.00 EUR", None, kind="charge", parent=invoice)
    town.item("N-1", "MEYER", "50.00 EUR", None, kind="credit")
    pay(town.entity, "MEYER", amount="7.00", external_id="bank-1", on=day(ON), by="x", at=noon(ON))
    rows = [*of_kind("invoice", FOUR[0], *FOUR[2:]), "MEYER,F-1,charge,1.00", "MEYER,P-1,payment,1.00"]
    bring(town, *rows, header=WITH_KIND, more=KIND)
    assert open_now() == {
        "A-1": 10000, "A-1/fee": 500, "B-1": 9000, "C-1": 9000, "F-1": 100, "P-1": 100, "bank-1": 700,
    }  # fmt: skip  # the file may name credits, so the last one is gone


def test_another_entity_is_not_touched(town: Town) -> None:
    bring(town, *FOUR)
    other = Town(town.folder, code="BETA", policy=None)
    other.item("Z-1", "MEYER", "1000.00 EUR", "2026-03-31")
    bring(town, *FOUR[:3])
    assert other.open("Z-1") == 100000


def test_an_export_of_less_than_half_is_taken_for_a_part(town: Town) -> None:
    bring(town, *FOUR)
    before = everything()
    for how in ("settle", "flag"):
        with pytest.raises(Invalid) as caught:
            bring(town, FOUR[0], how=how)
        assert str(caught.value) == (
            "items.csv does not name more than half of what is open, so it seems to be a part of an export; nothing was"
            " written (--force takes it as the whole)\n"
            "ACME: 3 of 4 open invoices are not in it, 240.00 EUR of 340.00 EUR"
        )
    assert everything() == before
    bring(town, FOUR[0], force=True)
    assert open_now() == {"A-1": 10000}


def test_exactly_half_is_still_whole(town: Town) -> None:
    bring(town, "MEYER,A-1,50.00", "MEYER,A-2,50.00")
    bring(town, "MEYER,A-1,50.00")
    assert open_now() == {"A-1": 5000}


def test_an_export_cut_after_its_largest_items_is_taken_for_a_part(town: Town) -> None:
    rows = [f"MEYER,A-{n},{1000 // n}.00" for n in range(1, 12)]
    bring(town, *rows)
    with pytest.raises(Invalid, match=r"ACME: 6 of 11 open invoices are not in it, 734\.00 EUR of 3017\.00 EUR"):
        bring(town, *rows[:5])
    bring(town, *rows[:6])
    assert len(open_now()) == 6


def test_each_kind_must_be_whole_of_which_many_are_open(town: Town) -> None:
    many = [f"MEYER,{n},10.00" for n in range(20)]
    claims, notes = of_kind("invoice", *many), of_kind("credit", *many)
    bring(town, *claims, *notes, header=WITH_KIND, more=KIND)
    with pytest.raises(Invalid, match=r"\nACME: 11 of 20 open credits are not in it, 110\.00 EUR of 200\.00 EUR$"):
        bring(town, *claims, *notes[:9], header=WITH_KIND, more=KIND)
    bring(town, *claims, *notes[:10], header=WITH_KIND, more=KIND)
    bring(town, *claims, *notes[:9], header=WITH_KIND, more=KIND)
    report = bring(town, *claims, header=WITH_KIND, more=KIND)  # of so few it may be that none is left
    assert report.vanished is not None
    assert (report.vanished.items, len(open_now())) == (9, 20)


def test_own_charges_and_money_of_the_bank_are_no_part_of_what_an_export_has_to_name(town: Town) -> None:
    rows = [*of_kind("invoice", *FOUR), "MEYER,F-1,charge,1.00"]
    bring(town, *rows, header=WITH_KIND, more=KIND)
    for n in range(20):
        town.item(f"A-1/{n}", "MEYER", "50.00 EUR", None, kind="charge", parent=town.get("A-1"))
        pay(town.entity, "MEYER", amount="50.00", external_id=f"bank-{n}", on=day(ON), by="x", at=noon(ON))
    with pytest.raises(Invalid, match=r"ACME: 3 of 5 open items are not in it, 240\.00 EUR of 341\.00 EUR"):
        bring(town, rows[0], rows[-1], header=WITH_KIND, more=KIND)
    report = bring(town, *rows[1:], header=WITH_KIND, more=KIND)
    assert report.vanished is not None
    assert (report.vanished.items, len(open_now())) == (1, 44)


def test_what_dunwell_has_settled_itself_is_not_missing(town: Town) -> None:
    bring(town, *FOUR)
    pay(town.entity, "MEYER", amount="160.00", items=["A-1", "A-2"], on=day(ON), by="x", at=noon(ON))
    report = bring(town, *FOUR[2:])
    assert report.vanished is not None
    assert report.vanished.items == 0


def test_an_export_of_other_kinds_leaves_the_tasks_alone(town: Town) -> None:
    bring(town, *FOUR)
    bring(town, "MEYER,G-1,5.00", "SMITH,G-2,5.00", more=CREDITS)
    bring(town, *FOUR[:3], how="flag")
    for how in ("flag", "settle"):
        bring(town, "MEYER,G-1,5.00", how=how, more=CREDITS, on=LATER)
    tasks = Task.objects.order_by("pk").values_list("kind", "account__code", "detail", "closed_at")
    assert list(tasks) == [
        ("vanished_invoice", "JONES", "open here and not in items.csv: 1 invoice of 90.00 EUR (C-1)", None),
        ("vanished_credit", "SMITH", "open here and not in items.csv: 1 credit of 5.00 EUR (G-2)", noon(LATER)),
    ]
    bring(town, *FOUR, how="flag")
    assert not Task.objects.filter(closed_at=None).exists()


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (SIGNED, "MEYER,G-1,x,-5.00"),
        (KIND, "MEYER,G-1,credit,5.00"),
        ("kind: {column: kind, values: {RV: invoice, DG: credit}}\n", "MEYER,G-1,DG,5.00"),
        ("kind: {column: kind, values: {RV: invoice}, default: credit}\n", "MEYER,G-1,,5.00"),
    ],
)
def test_the_last_item_of_a_kind_vanishes_too(town: Town, kind: str, row: str) -> None:
    invoices = of_kind("RV" if "RV" in kind else "invoice", *FOUR)
    bring(town, *invoices, row, header=WITH_KIND, more=kind)
    assert town.open("G-1") == 500
    bring(town, *invoices, header=WITH_KIND, more=kind)
    assert (town.open("G-1"), len(open_now())) == (0, 4)


def test_an_export_without_rows_says_that_nothing_is_open(town: Town) -> None:
    bring(town, *FOUR)
    bring(town, "MEYER,G-1,5.00", more=CREDITS)
    with pytest.raises(Invalid, match="ACME: 1 of 1 open credits are not in it"):
        bring(town, more=CREDITS)
    report = bring(town, more=CREDITS, force=True)
    assert report.vanished is not None
    assert (report.rows, report.vanished.items, len(open_now())) == (0, 1, 4)
    assert AuditEvent.objects.filter(action="items.imported").latest("pk").detail["rows"] == 0
    assert bring(town, more=CREDITS).vanished == vanished.Vanished(settled=True)
    assert bring(town, more=CREDITS, how="flag").tasks == 0
    with pytest.raises(Invalid, match=r"items\.csv:1: the file has no rows"):
        bring(town, more=CREDITS, how="keep")


def test_an_export_without_rows_of_an_entity_that_nobody_knows_is_refused(town: Town) -> None:
    town.entity.delete()
    with pytest.raises(Invalid, match=r"items\.csv:1: the file has no rows"):
        bring(town, more=CREDITS)
    with pytest.raises(Invalid, match=r"items\.csv:1: none of the 4 rows is one where account is NOBODY"):
        bring(town, *FOUR, more="only: {account: NOBODY}\n")
    assert not Entity.objects.exists()


def test_an_export_of_which_only_leaves_nothing_is_one_without_rows(town: Town) -> None:
    bring(town, *FOUR)
    bring(town, *FOUR, more="only: {account: NOBODY}\n", force=True)
    assert open_now() == {}


@pytest.mark.parametrize("how", ["keep", "flag", "settle"])
def test_a_number_whose_balance_turns_is_open_once(town: Town, how: str) -> None:
    bring(town, *FOUR, how=how, more=SIGNED)
    promise(town.entity, account="MEYER", amount="60.00", items=["A-2"], by_on=day("2026-04-20"), on=day(ON), by="x",
            at=noon(ON))  # fmt: skip
    turned = [FOUR[0], "MEYER,A-2,-20.00", *FOUR[2:]]
    report = bring(town, *turned, how=how, more=SIGNED, on=LATER)
    assert report.warnings[-1] == (
        "1 turned from claims into credits, or back, first A-2: nothing is open of the invoice any more"
    )
    claim, credit = Item.objects.filter(number="A-2").order_by("kind").values_list("kind", "open_minor")[::-1]
    assert (claim, credit) == (("invoice", 0), ("credit", 2000))
    assert Promise.objects.get().paid_minor == 6000
    event = AuditEvent.objects.get(action="items.turned")
    assert event.detail["items"] == [Item.objects.get(number="A-2", kind="invoice").pk]
    before = everything()[:-1]
    again = bring(town, *turned, how=how, more=SIGNED, on=LATER)
    assert (again.warnings, everything()[:-1]) == ((), before)
    bring(town, *FOUR, how=how, more=SIGNED, on=LATER)
    assert dict(Item.objects.filter(number="A-2").values_list("kind", "open_minor")) == {"invoice": 6000, "credit": 0}
    assert not Task.objects.exists()


def test_a_notice_about_a_balance_that_turned_is_withdrawn(town: Town) -> None:
    town.account("SMITH")
    bring(town, *FOUR, how="keep", more=SIGNED)
    run = town.propose(ON)
    town.post(run)
    bring(town, *FOUR[:2], "SMITH,B-1,-5.00", FOUR[3], how="keep", more=SIGNED)
    assert (town.notice(run, "SMITH").state, town.notice(run, "SMITH").reason) == ("withdrawn", "settled")


def test_a_balance_of_nothing_settles_the_credit_it_was(town: Town) -> None:
    bring(town, *FOUR[:3], "JONES,C-1,-90.00", how="keep", more=SIGNED)
    town.propose(ON)
    bring(town, *FOUR[:3], "JONES,C-1,0.00", how="keep", more=SIGNED)
    bring(town, *FOUR[:3], "JONES,C-1,0.00", how="keep", more=SIGNED)
    assert open_now() == {"A-1": 10000, "A-2": 6000, "B-1": 9000}
    assert not Notice.objects.filter(state="proposed").exists()


@pytest.mark.parametrize(
    ("column", "rows", "more"),
    [
        (OPEN, ["MEYER,A-1,100.00", "MEYER,A-1,-20.00"], SIGNED),  # two documents of one number
        (AMOUNT, ["MEYER,A-1,-20.00"], SIGNED),  # a document of its own: an invoice's amount is no balance
        (OPEN, ["SMITH,A-1,-20.00"], SIGNED),  # another account's
        (OPEN, ["MEYER,A-1,20.00"], CREDITS),  # another export
    ],
)
def test_what_has_not_turned_stays(town: Town, column: str, rows: list[str], more: str) -> None:
    bring(town, *FOUR, how="keep", column=column, more=SIGNED)
    for _ in range(2):
        bring(town, *rows, how="keep", column=column, more=more)
        bring(town, rows[-1], how="keep", column=column, more=more)
    assert dict(Item.objects.filter(number="A-1").values_list("kind", "open_minor")) == {
        "invoice": 10000, "credit": 2000,
    }  # fmt: skip


def test_signs_the_other_way_round_are_refused(town: Town) -> None:
    bring(town, *FOUR, how="keep", more=SIGNED)
    before = everything()
    other = [row.replace("1,", "1,-").replace("2,", "2,-") for row in FOUR]
    with pytest.raises(Invalid, match=r"so its signs seem .*\nACME: 4 of 4 open invoices have the other sign in it, "):
        bring(town, *other, how="keep", more=SIGNED)
    assert everything() == before
    bring(town, *other, how="keep", more=SIGNED, force=True)
    assert sum(Item.objects.filter(kind="invoice").values_list("open_minor", flat=True)) == 0


def test_a_notice_that_waits_follows_at_once(town: Town) -> None:
    for code in ("MEYER", "SMITH", "JONES"):
        town.account(code)
    bring(town, *FOUR)
    run = town.propose(ON)
    town.post(run)
    bring(town, FOUR[0], *FOUR[3:], force=True)
    meyer, smith = town.notice(run, "MEYER"), town.notice(run, "SMITH")
    assert (meyer.state, meyer.total_minor) == ("posted", 10000)
    assert (smith.state, smith.reason) == ("withdrawn", "settled")
    assert town.level("B-1") == 0


def test_a_proposal_is_made_anew(town: Town) -> None:
    bring(town, *FOUR)
    town.propose(ON)
    bring(town, *FOUR[:3])
    assert not Notice.objects.filter(state="proposed").exists()


@pytest.mark.parametrize("gone", [True, False])
def test_a_promise_counts_what_was_paid_elsewhere(town: Town, gone: bool) -> None:
    bring(town, *FOUR)
    promise(town.entity, account="MEYER", amount="60.00", items=["A-2"], by_on=day("2026-04-20"), on=day(ON), by="x",
            at=noon(ON))  # fmt: skip
    rest = [] if gone else [FOUR[1].replace("60.00", "20.00")]
    bring(town, FOUR[0], *FOUR[2:], *rest, on=LATER)
    assert Promise.objects.get().paid_minor == (6000 if gone else 4000)


def test_money_that_dunwell_knows_stays_applied_when_the_item_is_back(town: Town) -> None:
    bring(town, *FOUR, column=AMOUNT)
    pay(town.entity, "MEYER", amount="20.00", items=["A-2"], on=day(ON), by="x", at=noon(ON))
    bring(town, FOUR[0], *FOUR[2:], column=AMOUNT)
    assert town.open("A-2") == 0
    bring(town, *FOUR, column=AMOUNT)
    assert town.open("A-2") == 4000


def test_items_are_shown_in_a_task_for_each_account(town: Town) -> None:
    bring(town, *FOUR)
    report = bring(town, *FOUR[2:], how="flag", on=LATER)
    assert report.vanished is not None
    assert (report.vanished.items, report.vanished.settled) == (2, False)
    assert len(open_now()) == 4
    (task,) = Task.objects.filter(kind="vanished_invoice")
    assert (task.account and task.account.code, task.detail, task.opened_on) == (
        "MEYER", "open here and not in items.csv: 2 invoices of 160.00 EUR (A-1, A-2)", day(LATER),
    )  # fmt: skip
    before = list(Task.objects.values())
    bring(town, *FOUR[2:], how="flag", on="2026-04-12")
    assert list(Task.objects.values()) == before
    bring(town, FOUR[0], *FOUR[2:], how="flag", on="2026-04-13")
    task.refresh_from_db()
    assert (task.detail, task.closed_at) == ("open here and not in items.csv: 1 invoice of 60.00 EUR (A-2)", None)
    bring(town, *FOUR, how="flag", on="2026-04-14")
    task.refresh_from_db()
    assert task.closed_at == noon("2026-04-14")


def test_tasks_are_bounded(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vanished, "TASKS_MAX", 2)
    rows = [f"M-{n},N-{n},{n}.00" for n in range(1, 8)]
    bring(town, *rows, "BIG,B-1,1000.00")
    bring(town, "BIG,B-1,1000.00", how="flag", force=True)
    assert [(task.account and task.account.code, task.detail) for task in Task.objects.order_by("pk")] == [
        ("M-7", "open here and not in items.csv: 1 invoice of 7.00 EUR (N-7)"),
        ("M-6", "open here and not in items.csv: 1 invoice of 6.00 EUR (N-6)"),
        (None, "open here and not in items.csv: 5 invoices of 5 more accounts"),
    ]


def test_many_items_that_vanish_are_settled_by_the_table(town: Town) -> None:
    rows = [f"M-{n % 997},N-{n},1.00" for n in range(20_000)]
    bring(town, *rows, "BIG,B-1,1000000.00")
    with pytest.raises(Invalid, match="ACME: 20,000 of 20,001 open invoices are not in it"):
        bring(town, "BIG,B-1,1000000.00")
    bring(town, "BIG,B-1,1000000.00", force=True)
    assert open_now() == {"B-1": 100000000}
    assert AuditEvent.objects.filter(action="items.vanished").count() == 20
