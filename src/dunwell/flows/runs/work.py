"""What there is to do for workers, piece by piece: runs in shards, from the beginning to the last message.

What is due follows from what is on record, and a piece done before does nothing: a worker that dies leaves its piece to
the next, and two who take the same do no harm.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from dunwell.engine.book import BookError
from dunwell.flows.cash.beforehand import match_first
from dunwell.flows.entities import local_day
from dunwell.flows.errors import FlowError
from dunwell.flows.runs import propose
from dunwell.flows.runs.approve import guard_is_approved
from dunwell.flows.runs.deliver import claimable, deliver_run
from dunwell.flows.runs.done import UNDER_WAY, end_runs, over
from dunwell.flows.runs.heldup import ask_no_more
from dunwell.flows.runs.locked import OPEN, run_called
from dunwell.flows.runs.post import open_posting, post_shard
from dunwell.flows.runs.proposal import SCHEDULE
from dunwell.flows.runs.schedule import due_on
from dunwell.records import proposals, queue
from dunwell.records.models import Delivery, Entity, Notice, NoticeState, Run, RunShard, RunState, Task

NOTICES_PER_BLOCK: Final = 500
LEFT_ALONE: Final = timedelta(minutes=15)  # how long a person's own posting is not taken over

Step: TypeAlias = Literal["measure", "begin", "decide", "gather", "keep", "complete", "open", "post", "deliver", "end"]
Clock: TypeAlias = Callable[[], datetime]


class Piece(NamedTuple):
    """One step of a run, `of` its id; to begin, of an entity. `number`: the shard; to deliver, a block of notices."""

    step: Step
    of: int
    number: int = 0


class Done(NamedTuple):
    """What came of a piece: what is to be done next because of it, or why it was refused."""

    following: Sequence[Piece] = ()
    refused: str = ""


def start_run(entity: Entity, *, as_of: date, posts: bool, by: str, at: datetime) -> Run:
    """Begin a run, and leave the rest of it to workers. Errors: as `begin_run`.

    Money that waits is matched first; where that fails, the run is a proposal, and posted by a person.
    """
    is_matched = match_first(entity, by=by, at=at)
    with transaction.atomic():
        run = propose.begin_run(entity, as_of=as_of, at=at, by=by, by_workers=True, posts=posts and is_matched)
        queue.put(piece._asdict() for piece in due_of(run, at))
    return run


def due(now: datetime) -> Iterator[Piece]:
    """All that workers can do now, runs in the order of their beginning."""
    for entity in Entity.objects.exclude(run_at=None).order_by("code"):
        if due_on(entity, now) and not propose.being_posted(entity).exists():
            yield Piece("begin", entity.pk)
    theirs = Q(by_workers=True) & Q(state__in=[RunState.DECIDING, *OPEN])
    under_way = Delivery.objects.filter(notice__run=OuterRef("pk"), state__in=UNDER_WAY)
    waits = Q(state=RunState.POSTED) | Q(Exists(under_way), state=RunState.REVERSED)
    for run in Run.objects.filter(theirs | waits).select_related("entity").order_by("pk"):
        yield from due_of(run, now)


def due_of(run: Run, now: datetime) -> Iterator[Piece]:
    """What workers can do now for one run."""
    if run.state == RunState.DECIDING and run.by_workers:
        yield from _to_decide(run)
    elif run.state in OPEN and run.posts and guard_is_approved(run):
        yield Piece("open", run.pk)
    elif run.state in (RunState.POSTED, RunState.REVERSED) and _is_theirs(run, now):
        if run.state == RunState.POSTED:
            yield from _to_post(run)
        free = Delivery.objects.filter(claimable(now), notice__run=run)
        silent = Notice.objects.filter(run=run, state=NoticeState.POSTED, deliveries=None)
        blocks = set(_blocks(free, "notice_id")) | set(_blocks(silent, "pk"))
        yield from (Piece("deliver", run.pk, block) for block in sorted(blocks))
        if over().filter(pk=run.pk).exists():  # whoever did the last of it did not live to say so
            yield Piece("end", run.pk)


def do(piece: Piece, *, clock: Clock, by: str) -> Done:
    """Do one piece.

    What is refused becomes a task for a person, and a run that cannot be decided is cancelled. Errors: OSError,
    Django's DatabaseError; the piece stays due.
    """
    try:
        run_id = _take(piece, clock, by)
    except (FlowError, BookError) as error:
        _refused(piece, str(error), clock())
        return Done(refused=str(error))
    if run_id is None:
        return Done()
    run = run_called(run_id)
    if piece.step in {"post", "deliver", "end"}:
        end_runs(run.entity)
        ask_no_more(run.entity, clock(), by)
    if piece.step == "deliver":
        return Done()
    return Done(list(due_of(run, clock())))


def _to_decide(run: Run) -> Iterator[Piece]:
    shards = RunShard.objects.filter(run=run).order_by("number")
    undecided = shards.filter(archive_digest="").values_list("number", flat=True)
    unkept = shards.filter(is_kept=False).values_list("number", flat=True)
    if undecided:
        yield from (Piece("decide", run.pk, number) for number in undecided)
    elif not run.archive_digest:
        yield Piece("gather", run.pk)
    elif unkept:
        yield from (Piece("keep", run.pk, number) for number in unkept)
    else:
        yield Piece("complete", run.pk)


def _to_post(run: Run) -> Iterator[Piece]:
    """The shards that are not posted, and those of which something was approved since."""
    shards = set(RunShard.objects.filter(run=run, is_posted=False).values_list("number", flat=True))
    proposed = Notice.objects.filter(run=run, state=NoticeState.PROPOSED)
    if run.posts and not shards and proposed.exists():
        shards |= {payer_id % run.shards for payer_id in proposals.notices(run.pk)["payer_id"]}
    yield from (Piece("post", run.pk, number) for number in sorted(shards))


def _is_theirs(run: Run, now: datetime) -> bool:
    """Whether workers go on with a posted run: it is theirs, or whoever posted it seems to be gone."""
    return run.by_workers or (run.posted_at is not None and run.posted_at < now - LEFT_ALONE)


def _blocks(rows: "QuerySet[Delivery] | QuerySet[Notice]", notice_id: str) -> Iterator[int]:
    found = rows.annotate(block=F(notice_id) / NOTICES_PER_BLOCK).order_by().values_list("block", flat=True).distinct()
    return (int(block) for block in found)


def _take(piece: Piece, clock: Clock, by: str) -> int | None:
    """Do a piece; return the id of its run, or None where another worker was first. Errors: FlowError, BookError."""
    match piece.step:
        case "begin":
            return _begin(piece.of, clock())
        case "decide":
            propose.decide_shard(piece.of, piece.number)
        case "gather":
            propose.gather(piece.of)
        case "keep":
            propose.keep_shard(piece.of, piece.number)
        case "complete":
            propose.complete(piece.of, at=clock())
        case "open":
            _open(piece.of, clock(), by)
        case "post":
            post_shard(piece.of, piece.number, at=clock(), by=by)
        case "deliver":
            first = piece.number * NOTICES_PER_BLOCK
            block = range(first, first + NOTICES_PER_BLOCK)
            # A delivery that another holds for a moment is passed by, and nobody puts its block into the queue again.
            while deliver_run(piece.of, clock=clock, by=by, notice_ids=block).sent and _waits(block, clock()):
                pass
    return piece.of


def _waits(notice_ids: range, now: datetime) -> bool:
    within = Delivery.objects.filter(notice_id__gte=notice_ids.start, notice_id__lt=notice_ids.stop)
    return within.filter(claimable(now)).exists()


def _begin(entity_id: int, now: datetime) -> int | None:
    entity = Entity.objects.get(pk=entity_id)
    # Outside the transaction, in which others could change nothing of the entity as long as it takes.
    is_matched = due_on(entity, now) is None or match_first(entity, by=SCHEDULE, at=now)
    with transaction.atomic():
        entity = Entity.objects.select_for_update(no_key=True).get(pk=entity_id)
        today = due_on(entity, now)
        if today is None:
            return None
        entity.ran_on = today
        entity.save(update_fields=["ran_on"])
        posts = entity.run_posts and is_matched
        return propose.begin_run(entity, as_of=today, at=now, by=SCHEDULE, by_workers=True, posts=posts).pk


def _open(run_id: int, now: datetime, by: str) -> None:
    run = run_called(run_id)
    if run.state in OPEN:
        open_posting(run_id, today=local_day(run.entity, now), at=now, by=by)


def _still_asked(piece: Piece, run: Run, reason: str) -> bool:
    """Give up what was refused of a run; tell whether somebody has to know. Not where another got there first."""
    match piece.step:
        case "open":
            return bool(Run.objects.filter(pk=run.pk, state__in=OPEN).update(posts=False))
        case "post":
            return run.state == RunState.POSTED
        case "deliver":
            return True
    if not propose.abandon(run.pk, reason):
        return False
    if run.proposed_by == SCHEDULE and propose.is_overtaken(run):
        Entity.objects.filter(pk=run.entity_id).update(ran_on=None)  # it begins again
        return False
    return True


def _refused(piece: Piece, reason: str, now: datetime) -> None:
    """Ask a person, once. A run that could not be decided, or not be opened for posting, is not tried again."""
    with transaction.atomic():
        if piece.step == "begin":
            entity, text = Entity.objects.get(pk=piece.of), f"no run was begun: {reason}"
            Entity.objects.filter(pk=entity.pk).update(ran_on=due_on(entity, now))
        else:
            run = run_called(piece.of)
            entity, text = run.entity, reason
            if not _still_asked(piece, run, reason):
                return
        if not Task.objects.filter(entity=entity, kind="run_refused", detail=text, closed_at=None).exists():
            on = local_day(entity, now)
            Task.objects.create(entity=entity, kind="run_refused", detail=text, opened_on=on)
