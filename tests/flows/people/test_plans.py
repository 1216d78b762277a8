"""Instalment plans and repeated stages in a real book: kept, broken, ended, and what waits follows."""

from typing import Any

import pytest

from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.people.plans import end_plan, end_promise, plan
from dunwell.flows.people.promises import promise, promises
from dunwell.records.models import AuditEvent, InstalmentPlan, ItemState, Promise, Task
from tests.flows.town import Town, day, noon

BERT: dict[str, Any] = {"by": "bert", "at": noon("2026-04-03"), "on": day("2026-04-03")}
THREE = [("30.00", day("2026-04-15")), ("30.00", day("2026-05-15")), ("40.00", day("2026-06-15"))]


def states(town: Town, on: str) -> list[str]:
    """What has become of the promises, the earliest first."""
    return [each.state for each in reversed(promises(town.entity, on=day(on), most=50))]


def agreed(town: Town) -> int:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    return plan(town.entity, "MEYER", items=["A-17"], instalments=THREE, note="by telephone", **BERT)


def test_a_plan_withdraws_what_waits_and_is_dunned_again_once_it_is_broken(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    waiting = town.propose("2026-04-03")
    town.post(waiting)
    number = plan(town.entity, "MEYER", items=["A-17"], instalments=THREE, **BERT)
    notice = town.notice(waiting, "MEYER")
    assert (notice.state, notice.reason) == ("withdrawn", "in_plan")
    town.pay("A-17", "30.00 EUR", "2026-04-15")
    assert town.propose("2026-05-15").counts["outcomes"] == {"in_plan": 1}
    assert states(town, "2026-05-15") == ["kept", "open", "open"]
    assert town.propose("2026-05-16").counts["outcomes"] == {"dun": 1}
    assert states(town, "2026-05-16") == ["kept", "broken", "open"]
    event = AuditEvent.objects.get(action="plan.made")
    assert (event.detail["plan"], len(event.detail["instalments"])) == (number, 3)


def test_a_plan_is_ended_by_a_person_and_only_once(town: Town) -> None:
    number = agreed(town)
    assert town.propose("2026-04-04").counts["outcomes"] == {"in_plan": 1}
    end_plan(town.entity, number, reason="noted in error", **BERT)
    assert town.propose("2026-04-04").counts["outcomes"] == {"dun": 1}
    assert states(town, "2026-07-01") == ["ended", "ended", "ended"]
    with pytest.raises(Conflict, match=f"plan {number} is kept or ended already"):
        end_plan(town.entity, number, reason="again", **BERT)
    with pytest.raises(NotFound, match="there is no plan 999"):
        end_plan(town.entity, 999, reason="none", **BERT)
    plan(town.entity, "MEYER", items=["A-17"], instalments=THREE, **BERT)  # the item is free again


def test_what_a_plan_cannot_be_is_refused_and_leaves_nothing_behind(town: Town) -> None:
    agreed(town)
    town.item("U-1", "MEYER", "100.00 USD", "2026-03-31")
    kept = InstalmentPlan.objects.count(), Promise.objects.count()
    for items, instalments, message in (
        (["A-17"], THREE, "A-17 is in plan .*, which stands"),
        (["U-1"], THREE, "a plan in EUR cannot be for U-1"),
        ([], THREE, "a plan names the items"),
        (["A-17"], [], "1 to 120 instalments"),
        (["A-17"], [("100.01", day("2026-04-15"))], "come to 100.01 EUR, and only 100.00 EUR is open"),
        (["A-17"], [("50.00", day("2026-04-15")), ("50.00", day("2026-04-15"))], "not after the one before it"),
        (["A-17"], [("50.00", day("2026-04-02"))], "not after the plan's own day"),
        (["A-17"], [("0.00", day("2026-04-15"))], "more than 0"),
        (["A-17"], [("50.00", day("9999-04-15"))], "is not between"),
    ):
        with pytest.raises(Invalid, match=message):
            plan(town.entity, "MEYER", items=items, instalments=instalments, **BERT)
    assert (InstalmentPlan.objects.count(), Promise.objects.count()) == kept


def test_a_promise_noted_in_error_is_taken_back(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    number = promise(town.entity, "MEYER", amount="100.00", by_on=day("2026-04-10"), **BERT)
    assert town.propose("2026-04-05").counts["outcomes"] == {"promised": 1}
    end_promise(town.entity, number, reason="another account's", **BERT)
    assert town.propose("2026-04-05").counts["outcomes"] == {"dun": 1}
    assert AuditEvent.objects.get(action="promise.ended").detail == {"promise": number, "reason": "another account's"}
    number = agreed_instalment(town)
    with pytest.raises(Conflict, match="is an instalment of plan"):
        end_promise(town.entity, number, reason="no", **BERT)


def agreed_instalment(town: Town) -> int:
    plan_id = plan(town.entity, "MEYER", items=["A-17"], instalments=THREE, **BERT)
    return int(Promise.objects.filter(plan_id=plan_id).order_by("pk")[0].pk)


def test_a_stage_said_again_counts_and_a_reversed_run_does_not(town: Town) -> None:
    again = (
        "policy: standard\ntitle: t\nstages:\n"
        "  - {stage: final, days_past_due: 3, send: [email], repeat_every_days: 10, repeat_max: 2}\n"
    )
    town.apply(again)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")

    def repeats() -> int:
        return int(ItemState.objects.get(item=town.get("A-17")).repeats)

    town.run("2026-04-03")
    assert (town.level("A-17"), repeats()) == (1, 0)
    assert town.propose("2026-04-12").counts["outcomes"] == {"not_due": 1}
    town.run("2026-04-13")
    assert (town.level("A-17"), repeats()) == (1, 1)
    waiting = town.propose("2026-04-23")
    town.post(waiting)
    assert repeats() == 2
    town.hold("MEYER", "2026-04-23")
    town.deliver(waiting)
    assert repeats() == 1


def test_a_rule_names_the_plan_that_was_broken(town: Town) -> None:
    rules = "rules: [{on: promise_broken, do: [call]}]\n"
    town.apply("policy: standard\ntitle: t\nstages: [{stage: final, days_past_due: 3, send: [email]}]\n" + rules)
    number = agreed(town)
    town.run("2026-04-16")
    assert Task.objects.get(kind="call").detail == f"plan {number} was broken on 2026-04-16"
