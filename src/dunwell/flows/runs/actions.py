"""Actions are work: what stages, `close` and event rules ask for becomes tasks, and ends with what it was asked for."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import polars as pl
from django.db.models import Exists, OuterRef, QuerySet

from dunwell.records import audit, bulk, proposals
from dunwell.records.models import Entity, Notice, NoticeAction, Task
from dunwell.records.pieces import in_pieces

# What a task says of the event it is about.
_WORDS: Final = {
    "promise_broken": "promise {subject_id} was broken on {since_on}",
    "dispute_overdue": "dispute {subject_id} has been open for {measure} days since {since_on}",
    "delivery_failed": "notice {subject_id} reached nobody on {since_on}",
    "credit_limit_exceeded": "more than the credit limit is open in {measure} on {since_on}",
    "risk_above": "the risk is above {measure} on {since_on}",
    "payment_reversed": "a payment was taken back on {since_on}",
}


def ask_for_actions(entity: Entity, notices: pl.DataFrame, on: date) -> None:
    """Open a task for each action of notices that were just posted. `notices`: the plan's columns and `notice_id`."""
    asked = proposals.actions(notices["notice_id"])
    tasks = notices.join(asked, on="notice_id").select(
        "notice_id",
        account_id="payer_id",
        kind="action",
        detail=pl.format("stage {} of {}", "stage", "policy"),
        entity_id=pl.lit(entity.pk),
        opened_on=pl.lit(on),
    )
    bulk.insert(Task, tasks)


def _said(alert: Mapping[str, Any]) -> str:
    """What a task says of an alert. The subject of a plan's is its number, negative."""
    if alert["event"] == "promise_broken" and alert["subject_id"] < 0:
        return f"plan {-alert['subject_id']} was broken on {alert['since_on']}"
    return _WORDS[alert["event"]].format(**alert)


def ask_about_alerts(entity: Entity, alerts: pl.DataFrame, on: date) -> None:
    """Open a task about the account for each action that rules ask for. One that is open already is told what is new.

    `alerts`: rows of the plan's table.
    """
    details: dict[tuple[int, str], list[str]] = {}
    for alert in alerts.filter(pl.col("actions") != "").iter_rows(named=True):
        for action in alert["actions"].split(","):
            details.setdefault((alert["account_id"], action), []).append(_said(alert))
    about_accounts = Task.objects.filter(entity=entity, closed_at=None, item=None, notice=None)
    known = {
        (task.account_id, task.kind): task
        for some in in_pieces({account_id for account_id, _action in details})
        for task in about_accounts.filter(account__in=some).order_by("pk").select_for_update()
    }
    for key, told in details.items():
        if task := known.get(key):
            task.detail = "; ".join(filter(None, [task.detail, *told]))
            task.save(update_fields=["detail"])
    Task.objects.bulk_create(
        Task(entity=entity, account_id=account_id, kind=action, detail="; ".join(told), opened_on=on)
        for (account_id, action), told in details.items()
        if (account_id, action) not in known
    )


def end_actions(entity: Entity, notice_ids: Iterable[int], note: str, *, by: str, at: datetime) -> None:
    """Close the open tasks for actions of some notices, with a word on why: nobody has to do them any more."""
    _end(entity, Task.objects.filter(notice__in=list(notice_ids)), note, by=by, at=at)


def end_actions_before(entity: Entity, closing_ids: Iterable[int], *, by: str, at: datetime) -> None:
    """Close what stages asked to be done, up to closings that were just sent: what was done already stays.

    What a stage of the closing's own run or a later one asks for is about items that the closing says nothing of.
    """
    closings = Notice.objects.filter(pk__in=list(closing_ids))
    about = {
        "payer": OuterRef("notice__payer"),
        "policy": OuterRef("notice__policy"),
        "run__gt": OuterRef("notice__run"),
    }
    of_payers = Task.objects.filter(Exists(closings.filter(**about)), account__in=closings.values("payer"))
    _end(entity, of_payers.exclude(notice__closing="closes"), "nothing is overdue any more", by=by, at=at)


def _end(entity: Entity, tasks: "QuerySet[Task]", note: str, *, by: str, at: datetime) -> None:
    is_action = NoticeAction.objects.filter(notice=OuterRef("notice"), action=OuterRef("kind"))
    asked = tasks.filter(Exists(is_action), closed_at=None).select_related("account").order_by("pk")
    found: Sequence[Task] = list(asked.select_for_update(of=("self",)))  # somebody may be closing one
    Task.objects.filter(pk__in=[task.pk for task in found]).update(closed_at=at, closed_by=by)
    for task in found:
        about = {"kind": task.kind, "account": task.account.code if task.account else "", "notice": task.notice_id}
        audit.record(by, "task.closed", task, at=at, entity_id=entity.pk, note=note, item="", **about)
