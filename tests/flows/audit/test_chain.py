"""The trail is a chain: whoever changes, removes, adds or moves an event is found out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from django.db import connection, transaction
from django.db.models import F

from dunwell.flows.audit.verify import verify_chain
from dunwell.records import audit, chain
from dunwell.records.models import AuditEvent
from tests.flows.town import Town, at_home, noon


def ten(town: Town) -> list[int]:
    """The ids of ten sealed events."""
    for number in range(10):
        audit.record("anna", f"thing.{number}", town.entity, at=noon("2026-04-03"), entity_id=town.entity.pk, n=number)
    chain.seal()
    return list(AuditEvent.objects.order_by("pk").values_list("pk", flat=True))


def test_a_trail_that_nobody_touched_holds(town: Town) -> None:
    events = ten(town)
    found = verify_chain()
    assert (found.sealed, found.unsealed, found.breaks, found.is_intact) == (len(events), 0, [], True)
    assert found.head == AuditEvent.objects.get(pk=events[-1]).hash
    assert chain.seal() == 0


def test_what_is_new_continues_the_chain(town: Town) -> None:
    ten(town)
    head = verify_chain().head
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    found = verify_chain(head)
    assert found.is_intact
    assert found.head != head


def changed(field: str, value: object) -> Callable[[list[int]], int]:
    def tamper(events: list[int]) -> int:
        AuditEvent.objects.filter(pk=events[5]).update(**{field: value})
        return events[5]

    return tamper


def removed(events: list[int]) -> int:
    AuditEvent.objects.filter(pk=events[5]).delete()
    return events[6]


def added(events: list[int]) -> int:
    """One of our own making, with a hash that fits its own fields."""
    AuditEvent.objects.filter(pk=events[5]).delete()
    event = AuditEvent(pk=events[5], at=noon("2026-04-03"), actor="eve", action="thing.5", subject_type="entity")
    event.previous_hash = AuditEvent.objects.get(pk=events[4]).hash
    event.hash = chain.hash_of(event, event.previous_hash or "")
    event.save()
    return events[6]


def swapped(events: list[int]) -> int:
    first, second = (AuditEvent.objects.get(pk=events[at]) for at in (4, 5))
    first.action, second.action = second.action, first.action
    first.save()
    second.save()
    return events[4]


def unsealed(events: list[int]) -> int:
    AuditEvent.objects.filter(pk=events[5]).update(hash=None, previous_hash=None, actor="eve")
    return events[6]


@pytest.mark.parametrize(
    "tamper",
    [
        changed("actor", "eve"),
        changed("action", "nothing"),
        changed("at", F("at") + timedelta(days=1)),
        changed("detail", {"n": 99}),
        changed("subject_id", 99),
        changed("hash", "0" * 64),
        changed("previous_hash", "0" * 64),
        removed,
        added,
        swapped,
    ],
)
def test_whoever_tampers_is_found_out_and_where(town: Town, tamper: Callable[[list[int]], int]) -> None:
    where = tamper(ten(town))
    found = verify_chain()
    assert not found.is_intact
    assert found.breaks[0].event_id == where


def test_a_removed_hash_is_found_out(town: Town) -> None:
    where = unsealed(ten(town))
    found = verify_chain()  # it seals the event anew, which does not help
    assert [each.event_id for each in found.breaks] == [where]


def test_a_removed_end_is_found_out_by_the_head_that_was_noted(town: Town) -> None:
    events = ten(town)
    head = verify_chain().head
    AuditEvent.objects.filter(pk__gt=events[6]).delete()
    assert verify_chain().is_intact
    found = verify_chain(head)
    assert (found.lacks_expected, found.is_intact) == (True, False)


def test_an_event_that_is_committed_late_is_not_passed_over(
    postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_home(tmp_path, monkeypatch)
    town = Town(tmp_path)
    chain.seal()
    drawn, may_commit = Event(), Event()

    def slow() -> None:
        with transaction.atomic():
            audit.record("slow", "thing.slow", town.entity, at=noon("2026-04-03"), entity_id=None)
            drawn.set()
            assert may_commit.wait(30)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(slow)
        assert drawn.wait(30)
        audit.record("fast", "thing.fast", town.entity, at=noon("2026-04-03"), entity_id=None)
        assert chain.seal() == 0  # somebody is writing: the sealer comes back later
        may_commit.set()
        writing.result()
    assert verify_chain().is_intact
    sealed = AuditEvent.objects.filter(hash__isnull=False).order_by("pk").values_list("actor", flat=True)
    assert list(sealed)[-2:] == ["slow", "fast"]


def test_two_sealers_make_one_chain(town: Town) -> None:
    for number in range(200):
        audit.record("anna", f"thing.{number}", town.entity, at=noon("2026-04-03"), entity_id=None)

    def seal(_n: int) -> None:
        chain.seal()
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(seal, range(4)))
    found = verify_chain()
    assert (found.unsealed, found.is_intact) == (0, True)
