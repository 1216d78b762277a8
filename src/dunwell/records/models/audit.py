"""Who did what, when: one event per change, written in the change's own transaction."""

from django.db import models

from dunwell.records.models.book import Entity


class AuditEvent(models.Model):
    """A change. One sealer later chains the events by hash, in order of id."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=100)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField(null=True)
    subject_label = models.TextField(blank=True, default="")
    entity = models.ForeignKey(Entity, models.PROTECT, null=True)
    detail = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64, null=True)
    hash = models.CharField(max_length=64, null=True)

    class Meta:
        indexes = (models.Index(fields=["subject_type", "subject_id"], name="audit_subject"),)
