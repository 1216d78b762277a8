"""Policies and their versions: the text that decided stays for as long as its runs."""

from django.db import models
from django.db.models import Q

from dunwell.records.models.book import Entity


class Policy(models.Model):
    """A policy by its name."""

    name = models.CharField(max_length=100, unique=True)


class PolicyVersion(models.Model):
    """One text of a policy, for one entity or (`entity` null) for every one; in force until `retired_at`."""

    policy = models.ForeignKey(Policy, models.PROTECT, db_index=False, related_name="versions")
    entity = models.ForeignKey(Entity, models.PROTECT, null=True)
    number = models.PositiveIntegerField()
    text = models.TextField()
    digest = models.CharField(max_length=64)
    applied_at = models.DateTimeField()
    applied_by = models.CharField(max_length=200)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["policy", "number"], name="policy_number"),
            models.UniqueConstraint(
                fields=["policy", "entity"],
                name="policy_in_force",
                condition=Q(retired_at__isnull=True, entity__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["policy"],
                name="policy_in_force_everywhere",
                condition=Q(retired_at__isnull=True, entity__isnull=True),
            ),
        )
