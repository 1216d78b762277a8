"""What waits for a person is listed, and closed with a word on what was done."""

import pytest

from dunwell.engine.consequences import late
from dunwell.engine.policy.parse import OWN_TASKS
from dunwell.flows.audit.show import of_account, of_item
from dunwell.flows.book import vanished
from dunwell.flows.cash import beforehand, exceptions
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.people.tasks import close_task, open_tasks
from dunwell.flows.runs import heldup, noting
from dunwell.records.models import AuditEvent, Task
from dunwell.sources.odd import ODD
from tests.flows.town import Town, noon


@pytest.fixture
def busy(town: Town) -> Town:
    """A town with an item that cannot be decided, and an account that nothing reaches."""
    town.item("A-1", "MEYER", "100.00 EUR", None)
    town.propose("2026-04-03")
    town.account("SMITH", email="")
    town.item("B-1", "SMITH", "100.00 EUR", "2026-03-31")
    town.propose("2026-04-04")
    return town


def test_tasks_are_listed_the_oldest_first(busy: Town) -> None:
    found = open_tasks(busy.entity, most=10)
    assert [(each.kind, each.account, each.item, str(each.opened_on)) for each in found.tasks] == [
        ("exception", "MEYER", "A-1", "2026-04-03"),
        ("unreachable", "SMITH", "", "2026-04-04"),
    ]
    assert found.tasks[1].detail == "1 items wait"
    assert (found.more, found.by_kind) == (0, {"exception": 1, "unreachable": 1})
    assert open_tasks(Town(busy.folder, "OTHER", policy=None).entity, most=10).tasks == []


def test_what_is_not_listed_is_counted(busy: Town) -> None:
    found = open_tasks(None, most=1)
    assert ([each.item for each in found.tasks], found.more) == (["A-1"], 1)
    of_kind = open_tasks(None, kind="unreachable", most=1)
    assert ([each.account for each in of_kind.tasks], of_kind.more) == (["SMITH"], 0)
    with pytest.raises(NotFound, match=r"the kind 'call' is open; open are: exception \(1\), unreachable \(1\)"):
        open_tasks(None, kind="call", most=1)


def test_a_task_is_closed_once_with_a_note(busy: Town) -> None:
    task = Task.objects.get(kind="exception")
    with pytest.raises(Invalid, match="say what was done about it"):
        close_task(task.pk, note=" ", by="bert", at=noon("2026-04-05"))
    close_task(task.pk, note="due date asked for", by="bert", at=noon("2026-04-05"))
    task.refresh_from_db()
    assert (task.closed_by, task.closed_at) == ("bert", noon("2026-04-05"))
    event = AuditEvent.objects.get(action="task.closed")
    assert (event.actor, event.entity, event.detail) == (
        "bert", busy.entity,
        {"note": "due date asked for", "kind": "exception", "account": "MEYER", "item": "A-1", "notice": None,
         "line": None},
    )  # fmt: skip
    with pytest.raises(Conflict, match=f"task {task.pk} was closed on 2026-04-05 by bert"):
        close_task(task.pk, note="again", by="anna", at=noon("2026-04-06"))
    with pytest.raises(NotFound, match="there is no task 99"):
        close_task(99, note="x", by="anna", at=noon("2026-04-06"))
    assert [each.kind for each in open_tasks(None, most=10).tasks] == ["unreachable"]
    assert [each.what for each in of_item(busy.entity, "A-1")] == ["task.closed"]
    assert "task.closed" in [each.what for each in of_account(busy.entity, "MEYER")]


def test_the_next_run_opens_a_task_again_whose_reason_is_still_there(busy: Town) -> None:
    close_task(Task.objects.get(kind="exception").pk, note="done", by="bert", at=noon("2026-04-05"))
    busy.propose("2026-04-06")
    assert {each.kind for each in open_tasks(None, most=10).tasks} == {"exception", "unreachable"}


def test_policies_know_the_tasks_of_our_own_by_name() -> None:
    ours = {*ODD, *noting.FOR_A_PERSON.values(), "run_refused", "exception", "unreachable", late.TASK}
    ours |= {beforehand.TASK, exceptions.KIND}
    assert ours == OWN_TASKS
    assert heldup.TASK.endswith("_held_up")
    assert vanished.TASK.startswith("vanished_")
