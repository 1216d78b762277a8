"""When a run has nothing more to do."""

from django.db.models import Exists, OuterRef, QuerySet

from dunwell.records.models import Delivery, DeliveryState, Entity, Notice, NoticeState, Run, RunShard, RunState

UNDER_WAY = (DeliveryState.QUEUED, DeliveryState.RETRYING, DeliveryState.CLAIMED)


def under_way(run: Run) -> "QuerySet[Delivery]":
    """The deliveries of a run that wait, or that somebody is at."""
    return Delivery.objects.filter(notice__run=run, state__in=UNDER_WAY)


def over() -> "QuerySet[Run]":
    """The posted runs of which no shard, no notice and no delivery waits any more."""
    shards = RunShard.objects.filter(run=OuterRef("pk"), is_posted=False)
    notices = Notice.objects.filter(run=OuterRef("pk"), state__in=[NoticeState.PROPOSED, NoticeState.POSTED])
    deliveries = Delivery.objects.filter(notice__run=OuterRef("pk"), state__in=UNDER_WAY)
    posted = Run.objects.filter(state=RunState.POSTED)
    return posted.exclude(Exists(shards)).exclude(Exists(notices)).exclude(Exists(deliveries))


def end_runs(entity: Entity) -> None:
    """Let the runs of an entity be done that are over."""
    over().filter(entity=entity).update(state=RunState.DONE)
