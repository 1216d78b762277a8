"""Runs, their notices and lines. Decisions themselves live in the archive, under the run's digest."""

from django.db import models
from django.db.models import Q

from dunwell.engine.book import CHARGES, ROLES
from dunwell.records.models.book import Account, Entity, Item


class RunState(models.TextChoices):
    """Where a run stands; `proposed` and `approved` are open."""

    DECIDING = "deciding"
    PROPOSED = "proposed"
    APPROVED = "approved"
    POSTED = "posted"
    DONE = "done"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    REVERSED = "reversed"


class NoticeState(models.TextChoices):
    """Where a notice stands; from `posted` on it is part of the book."""

    PROPOSED = "proposed"
    EXCLUDED = "excluded"
    SUPERSEDED = "superseded"
    POSTED = "posted"
    SENT = "sent"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


class Run(models.Model):
    """One decision over an entity's open items, on one date; at most one per entity is open.

    `archive_digest` is empty until all shards are decided. `by_workers`: workers go on with it, not who began it;
    `posts`: they post it too.
    """

    entity = models.ForeignKey(Entity, models.PROTECT)
    as_of = models.DateField()
    state = models.CharField(max_length=10, choices=RunState, default=RunState.PROPOSED)
    proposed_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=200)
    posted_at = models.DateTimeField(null=True)
    posted_by = models.CharField(max_length=200, blank=True, default="")
    archive_digest = models.CharField(max_length=64, blank=True, default="")
    policy_digests = models.JSONField(default=list)
    counts = models.JSONField(default=dict)
    reason = models.TextField(blank=True, default="")
    guard = models.TextField(blank=True, default="")  # what is unusual about it, and so asks for an approval
    shards = models.PositiveSmallIntegerField(default=1)
    posted_before = models.PositiveIntegerField(default=0)  # how many runs of the entity were, when it was begun
    by_workers = models.BooleanField(default=False)
    posts = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["entity"],
                name="run_open",
                condition=Q(state__in=[RunState.PROPOSED, RunState.APPROVED]),
            ),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="run_state"),
        )


class RunShard(models.Model):
    """The payers of a run whose id, divided by the run's `shards`, leaves `number`; how far they are."""

    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="parts")
    number = models.PositiveSmallIntegerField()
    archive_digest = models.CharField(max_length=64, blank=True, default="")  # empty until it is decided
    counts = models.JSONField(default=dict)
    is_kept = models.BooleanField(default=False)  # its notices are on record
    is_posted = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "number"], name="shard_number"),)


class Notice(models.Model):
    """One message to one payer; `number` is the plan's `notice_no`."""

    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="notices")
    number = models.PositiveIntegerField()
    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    payer = models.ForeignKey(Account, models.PROTECT)
    currency = models.CharField(max_length=3)
    policy = models.CharField(max_length=100)
    split = models.TextField(null=True)
    stage = models.CharField(max_length=100)
    level = models.PositiveSmallIntegerField()
    anchored = models.BooleanField(default=False)
    contact = models.BooleanField(default=True)
    as_of = models.DateField()
    deadline_on = models.DateField(null=True)
    due_minor = models.BigIntegerField(default=0)
    charges_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField()
    channels = models.TextField(blank=True, default="")
    approvals = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=NoticeState, default=NoticeState.PROPOSED)
    reason = models.TextField(null=True)
    sent_on = models.DateField(null=True)
    contact_before_on = models.DateField(null=True)
    level_before = models.PositiveSmallIntegerField(null=True)
    stage_before = models.CharField(max_length=100, null=True)
    deadline_before_on = models.DateField(null=True)
    repeats = models.PositiveSmallIntegerField(default=0)
    repeats_before = models.PositiveSmallIntegerField(null=True)
    calendar = models.CharField(max_length=40, null=True)
    contacts_max = models.PositiveSmallIntegerField(null=True)
    closing = models.CharField(max_length=10, null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["run", "number"], name="notice_number"),
            models.CheckConstraint(condition=Q(state__in=NoticeState.values), name="notice_state"),
        )
        indexes = (
            models.Index(fields=["entity"], name="notice_waiting", condition=Q(state=NoticeState.POSTED)),
            models.Index(fields=["entity", "sent_on"], name="notice_sent", condition=Q(sent_on__isnull=False)),
        )


class NoticeLine(models.Model):
    """An item on a notice, and the state it had before.

    `binding` while the notice is posted or sent and the line duns its item: no two binding lines share
    an item's version, so one step of an item is never announced twice.
    """

    notice = models.ForeignKey(Notice, models.CASCADE, db_index=False, related_name="lines")
    item = models.ForeignKey(Item, models.PROTECT)
    role = models.CharField(max_length=10, default="dunned")
    amount_minor = models.BigIntegerField()
    level = models.PositiveSmallIntegerField(null=True)
    stage = models.CharField(max_length=100, null=True)
    level_before = models.PositiveSmallIntegerField(null=True)
    stage_before = models.CharField(max_length=100, null=True)
    deadline_before_on = models.DateField(null=True)
    repeats = models.PositiveSmallIntegerField(default=0)
    repeats_before = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(null=True)
    binding = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["notice", "item"], name="line_item"),
            models.UniqueConstraint(fields=["item", "version"], name="line_binding", condition=Q(binding=True)),
            models.CheckConstraint(condition=Q(role__in=ROLES), name="line_role"),
            models.CheckConstraint(
                condition=Q(binding=False) | Q(role="dunned", version__isnull=False), name="line_binding_dunned"
            ),
        )


class Charge(models.Model):
    """A charge that a notice raises; `charge_item` is the item it became at posting, on `posted_on`.

    `until_on`: the last day of interest. `first`: money for the item goes to it before the principal.
    """

    notice = models.ForeignKey(Notice, models.CASCADE, db_index=False, related_name="raised")
    item = models.ForeignKey(Item, models.PROTECT, related_name="raised")
    account = models.ForeignKey(Account, models.PROTECT, db_index=False)
    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveBigIntegerField()
    stage = models.CharField(max_length=100)
    waivable = models.BooleanField(default=False)
    charge = models.CharField(max_length=12, default="fee")
    until_on = models.DateField(null=True)
    first = models.BooleanField(default=False)
    charge_item = models.OneToOneField(Item, models.PROTECT, null=True, related_name="origin")
    posted_on = models.DateField(null=True)
    reversed_on = models.DateField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["notice", "item", "charge"], name="charge_item"),
            models.CheckConstraint(condition=Q(charge__in=CHARGES), name="charge_kind"),
        )


class NoticeAction(models.Model):
    """Something a stage asks for besides the message, such as a call."""

    notice = models.ForeignKey(Notice, models.CASCADE, db_index=False, related_name="actions")
    action = models.CharField(max_length=100)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["notice", "action"], name="notice_action"),)


class Approval(models.Model):
    """Somebody's word for a notice, or (`notice` null) for what the guard found about the run."""

    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="given_approvals")
    notice = models.ForeignKey(Notice, models.CASCADE, null=True, db_index=False, related_name="given_approvals")
    by = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["notice", "by"], name="approval_notice", condition=Q(notice__isnull=False)),
            models.UniqueConstraint(fields=["run", "by"], name="approval_run", condition=Q(notice__isnull=True)),
        )
        indexes = (models.Index(fields=["run"], name="approval_of_run"),)


class RunEdit(models.Model):
    """A change of a proposal by a person: an item or account left out, or the stage of an item set.

    What the payer's items come to with it, and with the changes before it, is in an archive of its own.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="edits")
    payer = models.ForeignKey(Account, models.PROTECT, db_index=False, related_name="+")
    item = models.ForeignKey(Item, models.PROTECT, null=True, db_index=False, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, null=True, db_index=False, related_name="+")
    stage = models.CharField(max_length=100, blank=True, default="")  # empty: left out
    reason = models.TextField()
    by = models.CharField(max_length=200)
    at = models.DateTimeField()
    archive_digest = models.CharField(max_length=64, blank=True, default="")
