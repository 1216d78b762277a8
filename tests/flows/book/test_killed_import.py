"""An import that is killed, or whose disk is full, at any step: nothing half-done, and the same file then goes in."""

import errno
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dunwell.flows.errors import Conflict
from dunwell.flows.people.promises import promise
from dunwell.records.models import (
    Account,
    AttributeType,
    AuditEvent,
    Contact,
    Delivery,
    Entity,
    Item,
    ItemState,
    Notice,
    NoticeLine,
    PayerContact,
    Payment,
    Promise,
    Task,
)  # fmt: skip
from dunwell.sources import spool
from tests.flows.book.test_vanished import FOUR, MAPPING, OPEN, bring
from tests.flows.runs.killed import FULL
from tests.flows.town import Town, day, noon

KILLS = 4
SEED = 20260410
MORE = "name: {column: name}\nemail: {column: mail}\nstage: {column: stage}\nattributes: {note: {column: name}}\n"
ROWS = (
    "account,number,amount,name,mail,stage,due",
    "MEYER,A-1,80.00,Meyer AG,new@meyer.example,,2026-03-31",  # less, of what is promised
    "SMITH,B-1,90.00,Smith,,,2026-06-30",  # put off
    "JONES,C-1,90.00,Jones,,,2026-03-31",
    "NEW,D-1,10.00,New,ap@new.example,reminder,2026-03-31",
    "NEW,D-2,0,Newer,,,2026-03-31",
    "NEW,D-3,30.00,New,,final,2026-03-31",
)
TABLES = (
    Account, AttributeType, AuditEvent, Contact, Delivery, Entity, Item, ItemState, Notice, NoticeLine, Payment,
    PayerContact, Promise, Task,
)  # fmt: skip


def everything() -> list[object]:
    """All that an import may touch."""
    return [list(model.objects.order_by("pk").values()) for model in TABLES]


@pytest.fixture
def waiting_town(town: Town) -> Town:
    """Four items, notices of them that wait, a promise; and a file that changes, adds and settles."""
    for code in ("MEYER", "SMITH", "JONES"):
        town.account(code)
    bring(town, *FOUR)
    town.post(town.propose("2026-04-03"))
    promise(town.entity, "MEYER", amount="100.00", by_on=day("2026-04-20"), on=day("2026-04-04"), by="x",
            at=noon("2026-04-04"))  # fmt: skip
    (town.folder / "next.csv").write_text("\n".join(ROWS) + "\n")
    (town.folder / "next.yaml").write_text(MAPPING % ("settle", OPEN) + MORE)
    return town


def process(town: Town, url: str, wrong_at: int, how: str) -> "subprocess.Popen[str]":
    """A process that imports the next file."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.flows.book.killed", town.folder / "next.csv", town.folder / "next.yaml",
         str(wrong_at), how],
        env={**os.environ, "DUNWELL_DATABASE_URL": url, "DUNWELL_HOME": str(town.folder)},
        cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("how", ["killed", "full"])
def test_an_import_that_ends_anywhere_leaves_nothing_half_done(waiting_town: Town, db: str, how: str) -> None:
    before = everything()
    chosen = random.Random(SEED)
    wrong_at = 0
    for _ in range(KILLS):
        wrong_at += chosen.randint(1, 11)
        ended = process(waiting_town, db, wrong_at, how)
        out, err = ended.communicate(timeout=120)
        if ended.returncode == 0:
            pytest.fail(f"step {wrong_at} is beyond the end: {out}")
        assert ended.returncode == -signal.SIGKILL if how == "killed" else FULL in err, err
        assert everything() == before
    last = process(waiting_town, db, 0, how)
    out, err = last.communicate(timeout=120)
    assert last.returncode == 0, err
    assert int(out) > wrong_at
    assert dict(Item.objects.filter(closed_on=None).values_list("number", "open_minor")) == {
        "A-1": 8000, "B-1": 9000, "C-1": 9000, "D-1": 1000, "D-3": 3000,
    }  # fmt: skip
    assert Promise.objects.get().paid_minor == 8000
    assert set(ItemState.objects.exclude(stage=None).values_list("item__number", "level")) >= {("D-1", 1), ("D-3", 3)}
    after = everything()
    again = process(waiting_town, db, 0, how)
    assert again.communicate(timeout=120)[1] == ""
    changed = {model.__name__ for model, one, other in zip(TABLES, after, everything(), strict=True) if one != other}
    assert changed == {"AuditEvent"}  # that it was imported again


def test_a_folder_for_temporary_files_that_is_full_is_named(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_told: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool, "ROWS_PER_PART", 1)
    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(Conflict, match=r"the folder for temporary files, .*, is full: make room, or set TMPDIR"):
        bring(town, *FOUR)
    assert not Item.objects.exists()
