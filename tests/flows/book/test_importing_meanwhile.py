"""Files that come in while runs are decided, posted and sent."""

import datetime
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from dunwell.flows.book.importing import ImportReport, import_items
from dunwell.flows.book.items import ItemsWriter
from dunwell.flows.cash.pay import pay
from dunwell.flows.errors import Conflict, Invalid
from dunwell.flows.people.holds import hold
from dunwell.flows.runs.work import Piece, do, due, start_run
from dunwell.records import archive
from dunwell.records.models import Notice, Run
from tests.flows.runs.killed import work_off
from tests.flows.runs.test_two_at_once import busy_town, with_own_connection
from tests.flows.town import Town, day, noon

assert busy_town
Begun: TypeAlias = "list[Future[object]]"
ON = "2026-04-03"
MAPPING = """\
entity: ACME
account: {column: account}
number: {column: number}
currency: EUR
amount: {column: amount}
due: {column: due}
"""
ROW = "account,number,amount,due{more}\nMEYER,A-17,100.00,{due}{value}\n"


def bring(town: Town, *, due: str = "2026-03-31", **column: str) -> ImportReport:
    """Import one row; `open="40.00"` adds that column."""
    (name, value) = next(iter(column.items()), ("", ""))
    file, mapping = town.folder / "items.csv", town.folder / "map.yaml"
    file.write_text(ROW.format(due=due, more=name and f",{name}", value=name and f",{value}"))
    mapping.write_text(MAPPING + (f"{name}: {{column: {name}}}\n" if name else ""))
    return import_items(file, mapping, by="anna", at=noon(ON), on=day(ON))


def test_the_same_file_again_does_not_undo_a_payment_of_what_it_had_open(town: Town) -> None:
    town.account("MEYER")
    bring(town, open="40.00")
    pay(town.entity, "MEYER", amount="40.00", items=["A-17"], on=day(ON), by="x", at=noon(ON))
    report = bring(town, open="40.00")
    assert (town.open("A-17"), report.items.changed, report.items.unchanged) == (0, 0, 1)
    assert bring(town, open="30.00").items.changed == 0  # the source knows of a part of it
    assert bring(town, open="0.00").items.changed == 0  # and of the rest
    bring(town, open="25.00")  # something came back there
    assert town.open("A-17") == 2500


def test_an_item_that_is_due_later_now_is_taken_off_what_waits(town: Town) -> None:
    town.account("MEYER")
    bring(town)
    town.item("A-18", "MEYER", "50.00 EUR", "2026-03-31")
    run = town.propose(ON)
    town.post(run)
    bring(town, due="2026-06-30")
    notice = town.notice(run, "MEYER")
    assert (notice.state, notice.total_minor, town.level("A-17")) == ("posted", 5000, 0)
    town.deliver(run)
    (letter,) = town.letters()
    assert "A-18" in letter
    assert "A-17" not in letter


def while_deciding(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen when a run has read the book and keeps its decisions."""
    write = archive.write

    def meanwhile(*told: Any, **more: Any) -> str:
        monkeypatch.setattr(archive, "write", write)
        happens()
        return write(*told, **more)

    monkeypatch.setattr(archive, "write", meanwhile)


def test_what_was_being_decided_on_another_book_is_no_proposal(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.account("MEYER")
    bring(town)
    while_deciding(monkeypatch, lambda: bring(town, due="2026-06-30"))
    with pytest.raises(Conflict, match="the book was changed by an import"):
        town.propose(ON)
    assert not Notice.objects.filter(state="proposed").exists()
    assert town.propose(ON).counts["notices"] == 0


def test_a_run_that_began_by_itself_begins_again_after_an_import(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.account("MEYER")
    town.item("B-1", "SMITH", "10.00 EUR", "2026-03-31")
    bring(town)
    town.entity.run_at, town.entity.run_posts = datetime.time(6), True
    town.entity.save()
    while_deciding(monkeypatch, lambda: bring(town, due="2026-06-30"))
    work_off(noon(ON))
    assert list(Run.objects.order_by("pk").values_list("state", flat=True)) == ["superseded", "done"]
    assert len(town.outbox) == 1


def test_a_run_handed_over_is_not_done_on_another_book(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.account("MEYER")
    bring(town)
    run = start_run(town.entity, as_of=day(ON), posts=True, by="anna", at=noon(ON))
    do(Piece("decide", run.pk), clock=lambda: noon(ON), by="worker")
    bring(town, due="2026-06-30")
    assert list(due(noon(ON))) == []
    done = do(Piece("gather", run.pk), clock=lambda: noon(ON), by="worker")
    assert "the book was changed by an import" in done.refused


def while_importing(monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor, deed: Callable[[], object]) -> Begun:
    """Let somebody else begin something when an import has locked what it writes; return what comes of it."""
    write, begun = ItemsWriter.write, []

    def meanwhile(*told: Any) -> None:
        begun.append(pool.submit(with_own_connection, deed))
        time.sleep(0.2)
        write(*told)

    monkeypatch.setattr(ItemsWriter, "write", meanwhile)
    return begun


def test_a_hold_comes_after_an_import_that_is_being_written(
    busy_town: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parent = busy_town.account("PARENT")
    busy_town.account("MEYER", parent=parent)
    bring(busy_town, segment="old")
    with ThreadPoolExecutor(1) as pool:
        held = while_importing(
            monkeypatch,
            pool,
            lambda: hold(busy_town.entity, account="PARENT", reason="x", on=day(ON), by="x", at=noon(ON)),
        )
        assert bring(busy_town, segment="new").accounts.changed == 1
    assert isinstance(held[0].result(), int)


def test_money_for_an_item_that_an_import_moves_meanwhile_is_refused(
    busy_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_town.account("MEYER")
    busy_town.account("SMITH")
    bring(busy_town)
    file, mapping = busy_town.folder / "items.csv", busy_town.folder / "map.yaml"
    file.write_text("account,number,amount,due,open\nSMITH,A-17,100.00,2026-03-31,90.00\n")
    mapping.write_text(MAPPING + "open: {column: open}\n")
    with ThreadPoolExecutor(1) as pool:
        paid = while_importing(
            monkeypatch,
            pool,
            lambda: pay(busy_town.entity, "MEYER", amount="100.00", items=["A-17"], on=day(ON), by="x", at=noon(ON)),
        )
        import_items(file, mapping, by="anna", at=noon(ON), on=day(ON))
    assert isinstance(paid[0].result(), Invalid)
    assert busy_town.open("A-17") == 9000
