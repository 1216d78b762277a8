"""Deliveries, their attempts, and the tasks that wait for a person."""

from django.db import models
from django.db.models import Q

from dunwell.records.models.book import Account, Entity, Item
from dunwell.records.models.cash import BankLine
from dunwell.records.models.run import Notice


class DeliveryState(models.TextChoices):
    """Where a delivery stands; one `in_doubt` is never sent again without a person."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    RETRYING = "retrying"
    SENT = "sent"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    IN_DOUBT = "in_doubt"


# Something of it has left, or perhaps has.
PERHAPS_GONE = (DeliveryState.SENT, DeliveryState.CLAIMED, DeliveryState.IN_DOUBT)


class Delivery(models.Model):
    """One notice over one channel to one recipient; it is not tried before `not_before_at`."""

    notice = models.ForeignKey(Notice, models.PROTECT, db_index=False, related_name="deliveries")
    channel = models.CharField(max_length=20)
    recipient = models.TextField()
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.QUEUED)
    not_before_at = models.DateTimeField(null=True)
    lease_until_at = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=200, blank=True, default="")
    sent_at = models.DateTimeField(null=True)
    message_id = models.TextField(blank=True, default="")
    content_path = models.TextField(blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["notice", "channel", "recipient"], name="delivery_recipient"),
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state"),
        )
        indexes = (
            models.Index(
                fields=["state", "id"],
                name="delivery_under_way",
                condition=Q(state__in=[DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.RETRYING]),
            ),
        )


class Attempt(models.Model):
    """One try of a delivery, written before the wire is touched; without `ended_at` nobody knows how it went."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, db_index=False, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    wire_at = models.DateTimeField(null=True)  # of a mail: from then on it may have left
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True, default="")
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number"),)


class Task(models.Model):
    """Work for a person. One kind is open at most once per bank line, else per item, per notice, per account."""

    entity = models.ForeignKey(Entity, models.PROTECT)
    account = models.ForeignKey(Account, models.PROTECT, null=True)
    item = models.ForeignKey(Item, models.PROTECT, null=True)
    notice = models.ForeignKey(Notice, models.PROTECT, null=True)
    line = models.ForeignKey(BankLine, models.PROTECT, null=True, db_index=False)
    kind = models.CharField(max_length=100)
    detail = models.TextField(blank=True, default="")
    opened_on = models.DateField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["kind", "item"], name="task_item", condition=Q(closed_at__isnull=True, item__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["kind", "notice"],
                name="task_notice",
                condition=Q(closed_at__isnull=True, item__isnull=True, notice__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["kind", "account"],
                name="task_account",
                condition=Q(
                    closed_at__isnull=True,
                    item__isnull=True,
                    notice__isnull=True,
                    line__isnull=True,
                    account__isnull=False,
                ),
            ),
            models.UniqueConstraint(
                fields=["kind", "line"], name="task_line", condition=Q(closed_at__isnull=True, line__isnull=False)
            ),
        )
