"""Payments, what they are applied to, and what was paid elsewhere."""

from django.db import models
from django.db.models import Q

from dunwell.records.models.book import Entity, Item


class PaymentState(models.TextChoices):
    """Announced, arrived, or taken back."""

    PENDING = "pending"
    RECEIVED = "received"
    REVERSED = "reversed"


class Payment(models.Model):
    """What is known of an item of kind `payment` as money; `line`: the bank line that it came with, or a part of it."""

    item = models.OneToOneField(Item, models.PROTECT, primary_key=True, related_name="payment")
    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    state = models.CharField(max_length=10, choices=PaymentState, default=PaymentState.RECEIVED)
    received_on = models.DateField(null=True)
    external_id = models.CharField(max_length=200, blank=True, default="")
    reference = models.TextField(blank=True, default="")
    line = models.ForeignKey("BankLine", models.PROTECT, null=True, db_index=False, related_name="payments")

    class Meta:
        indexes = (models.Index(fields=["line"], name="payment_line", condition=Q(line__isnull=False)),)
        constraints = (
            models.UniqueConstraint(
                fields=["entity", "external_id"], name="payment_external_id", condition=~Q(external_id="")
            ),
            models.CheckConstraint(condition=Q(state__in=PaymentState.values), name="payment_state"),
            models.CheckConstraint(
                condition=Q(state=PaymentState.PENDING) | Q(received_on__isnull=False), name="payment_received_on"
            ),
        )


class Allocation(models.Model):
    """A ledger of money applied to items; taking it back is a row with the opposite sign.

    `for_item`: the item that it was meant for, where it went first to what was charged on that.
    """

    source_item = models.ForeignKey(Item, models.PROTECT, related_name="allocations_out")
    item = models.ForeignKey(Item, models.PROTECT, related_name="allocations_in")
    amount_minor = models.BigIntegerField()
    pending = models.BooleanField(default=False)
    on = models.DateField()
    for_item = models.ForeignKey(Item, models.PROTECT, null=True, db_index=False, related_name="allocations_for")

    class Meta:
        indexes = (
            models.Index(fields=["for_item"], name="allocation_for_item", condition=Q(for_item__isnull=False)),
            models.Index(fields=["on"], name="allocation_on"),
        )


class PaidElsewhere(models.Model):
    """A ledger of what less is open of an item by what its source says; more is a row with the opposite sign."""

    item = models.ForeignKey(Item, models.PROTECT, related_name="paid_elsewhere")
    amount_minor = models.BigIntegerField()
    on = models.DateField()

    class Meta:
        indexes = (models.Index(fields=["on"], name="paid_elsewhere_on"),)
