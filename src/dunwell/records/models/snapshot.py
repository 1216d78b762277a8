"""The figures of each day, kept for trends."""

from django.db import models

from dunwell.records.models.book import Entity


class Snapshot(models.Model):
    """What an entity was owed in a currency at the end of a day, and what happened on it; whole numbers.

    The columns are those of `insight.daily.FIGURES`. A day is measured again until it is a week old.
    """

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    on = models.DateField()
    currency = models.CharField(max_length=3)
    not_due_minor = models.BigIntegerField()
    days_1_30_minor = models.BigIntegerField()
    days_31_60_minor = models.BigIntegerField()
    days_61_90_minor = models.BigIntegerField()
    days_over_90_minor = models.BigIntegerField()
    no_due_date_minor = models.BigIntegerField()
    charges_minor = models.BigIntegerField()
    unapplied_minor = models.BigIntegerField()
    disputed_minor = models.BigIntegerField()
    invoiced_minor = models.BigIntegerField()
    credited_minor = models.BigIntegerField()
    received_minor = models.BigIntegerField()
    promised_minor = models.BigIntegerField()
    open_count = models.BigIntegerField()
    notices_count = models.BigIntegerField()
    promises_count = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["entity", "on", "currency"], name="snapshot_day"),)
