"""Policies in force: applied as new versions, read back for a run."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from django.db import transaction

from dunwell.engine.documents import DocumentError
from dunwell.engine.policy.model import Policy
from dunwell.engine.policy.parse import attribute_types, parse_policy
from dunwell.flows.errors import Invalid, NotFound
from dunwell.flows.policy_files import check_policy
from dunwell.records import audit
from dunwell.records.models import AttributeType, Entity, PolicyVersion
from dunwell.records.models import Policy as PolicyRecord


@dataclass(frozen=True)
class Applied:
    """A version in force; `is_new` is false where the text already was."""

    name: str
    number: int
    is_new: bool


def known_attributes() -> dict[str, pl.DataType]:
    """The `attr_*` columns that expressions may use, with their types."""
    return attribute_types(dict(AttributeType.objects.values_list("name", "type")))


def apply_policy(text: str, source: str, *, by: str, at: datetime, entity: Entity | None = None) -> Applied:
    """Put a policy in force, for one entity or for every one; the version before it is retired, and stays readable.

    Errors: Invalid.
    """
    policy, _warnings = check_policy(text, source, known_attributes())
    digest = hashlib.sha256(text.encode()).hexdigest()
    with transaction.atomic():
        record, _created = PolicyRecord.objects.get_or_create(name=policy.policy)
        record = PolicyRecord.objects.select_for_update().get(pk=record.pk)
        before = record.versions.filter(entity=entity, retired_at=None).first()
        if before and before.digest == digest:
            return Applied(policy.policy, before.number, is_new=False)
        if before:
            before.retired_at = at
            before.save(update_fields=["retired_at"])
        last = record.versions.order_by("-number").first()
        version = record.versions.create(
            entity=entity,
            number=(last.number if last else 0) + 1,
            text=text,
            digest=digest,
            applied_at=at,
            applied_by=by,
        )
        audit.record(
            by,
            "policy.applied",
            version,
            at=at,
            entity_id=entity.pk if entity else None,
            policy=policy.policy,
            digest=digest,
        )
    return Applied(policy.policy, version.number, is_new=True)


def versions_in_force(entity: Entity) -> list[PolicyVersion]:
    """The versions that decide for an entity: its own, and those for every entity that it has no own version of."""
    versions = PolicyVersion.objects.filter(retired_at=None).select_related("policy").order_by("policy__name")
    own = [version for version in versions if version.entity_id == entity.pk]
    names = {version.policy.name for version in own}
    return own + [version for version in versions if version.entity_id is None and version.policy.name not in names]


def parsed(versions: Sequence[PolicyVersion]) -> list[Policy]:
    """Parse versions for the engine. Errors: Invalid for one that no longer parses, such as after an upgrade."""
    attributes = known_attributes()
    try:
        return [parse_policy(each.text, f"{each.policy.name} (version {each.number})", attributes) for each in versions]
    except DocumentError as error:
        raise Invalid("a policy in force can no longer be read", [str(each) for each in error.problems]) from None


def show_policy(name: str, number: int | None = None) -> PolicyVersion:
    """Return a version of a policy: the one in force, or by number. Errors: NotFound."""
    versions = PolicyVersion.objects.filter(policy__name=name).select_related("policy", "entity")
    found = versions.filter(retired_at=None) if number is None else versions.filter(number=number)
    version = found.order_by("-number").first()
    if version is None:
        known = ", ".join(PolicyRecord.objects.order_by("name").values_list("name", flat=True)) or "none yet"
        raise NotFound(f"no policy {name!r}{'' if number is None else f' version {number}'} is there; known: {known}")
    return version


def in_force() -> list[dict[str, object]]:
    """List the versions in force: policy, version, entity (`every` for all), when and by whom."""
    versions = PolicyVersion.objects.filter(retired_at=None).select_related("policy", "entity").order_by("policy__name")
    return [
        {
            "policy": version.policy.name,
            "version": version.number,
            "entity": version.entity.code if version.entity else "every",
            "applied_at": version.applied_at.isoformat(timespec="minutes"),
            "applied_by": version.applied_by,
        }
        for version in versions
    ]
