"""Policies in force: applied as new versions, read back for a run."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import F, Q, QuerySet

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


def retire_policy(name: str, *, entity: Entity | None = None, by: str, at: datetime) -> PolicyVersion:
    """Take a policy out of force: the version for every entity, or an entity's own, which then uses that for every one.

    Errors: NotFound, where no version for them is in force.
    """
    with transaction.atomic():
        PolicyRecord.objects.select_for_update().filter(name=name).first()
        found = version_to_retire(name, entity)
        found.retired_at = at
        found.save(update_fields=["retired_at"])
        detail = {"policy": name, "digest": found.digest}
        audit.record(by, "policy.retired", found, at=at, entity_id=entity.pk if entity else None, **detail)
    return found


def version_to_retire(name: str, entity: Entity | None) -> PolicyVersion:
    """The version that `retire_policy` takes out of force. Errors: NotFound, where none for them is in force."""
    found = _in_force().filter(policy__name=name, entity=entity).first()
    if found is None:
        whom = f"of {entity.code} alone" if entity else "for every entity"
        listed = ", ".join(f"{each.policy.name} ({scope(each)})" for each in _in_force()) or "none"
        raise NotFound(f"no policy {name!r} {whom} is in force; in force: {listed}")
    return found


def tied(policy: Policy, entity: Entity | None = None) -> list[str]:
    """The other policies in force with the priority of this one, for an entity for which both decide or would."""
    versions = list(_in_force())
    own = {(version.policy.name, version.entity_id) for version in versions}
    everywhere = [] if entity else Entity.objects.values_list("pk", flat=True)
    # Where it is for every entity, those with a version of their own use that one; a book may have no entity yet.
    whose = [entity.pk] if entity else [pk for pk in everywhere or [0] if (policy.policy, pk) not in own]

    def decides(version: PolicyVersion, pk: int) -> bool:
        return version.entity_id == pk or (version.entity_id is None and (version.policy.name, pk) not in own)

    others = [each for each in versions if each.policy.name != policy.policy]
    beside = [each for each in others if any(decides(each, pk) for pk in whose)]
    return sorted({each.policy for each in _readable(beside) if each.priority == policy.priority})


def versions_in_force(entity: Entity | None) -> list[PolicyVersion]:
    """The versions that decide for an entity: its own, and those for every entity that it has no own version of.

    Without an entity: those for every entity.
    """
    return versions_for(entity.pk if entity else None)


def versions_for(entity_id: int | None) -> list[PolicyVersion]:
    """The same, by the entity's id."""
    versions = _in_force()
    own = [version for version in versions if entity_id is not None and version.entity_id == entity_id]
    names = {version.policy.name for version in own}
    return own + [version for version in versions if version.entity_id is None and version.policy.name not in names]


def own_versions(name: str) -> list[PolicyVersion]:
    """The versions of a policy that entities have of their own, by their code."""
    return [version for version in _in_force() if version.policy.name == name and version.entity_id is not None]


def versions_with(digests: Sequence[str], entity: Entity) -> list[PolicyVersion]:
    """The versions by which a run of an entity was decided, by the digests it keeps; an entity's own come first.

    Errors: Invalid, where a text is no longer there.
    """
    found: dict[str, PolicyVersion] = {}
    known = PolicyVersion.objects.filter(Q(entity=entity) | Q(entity=None), digest__in=digests)
    for version in known.select_related("policy").order_by("pk"):
        if version.digest not in found or version.entity_id is not None:
            found[version.digest] = version
    if missing := [digest for digest in digests if digest not in found]:
        raise Invalid(f"the policy with the digest {missing[0][:12]} is not in this book any more")
    return [found[digest] for digest in digests]


def kept_with_a_run(versions: Sequence[PolicyVersion]) -> dict[str, Any]:
    """What a run's archive keeps of the policies, so that it can be decided again from it alone."""
    return {
        "policies": [{"name": each.policy.name, "version": each.number, "text": each.text} for each in versions],
        "attributes": dict(AttributeType.objects.order_by("name").values_list("name", "type")),
    }


def of_a_run(kept: Mapping[str, Any]) -> list[Policy]:
    """Parse the policies that a run's archive keeps. Errors: Invalid, such as after an upgrade."""
    attributes = attribute_types(kept["attributes"])
    try:
        return [
            parse_policy(each["text"], f"{each['name']} (version {each['version']})", attributes)
            for each in kept["policies"]
        ]
    except DocumentError as error:
        raise Invalid("a policy of the run can no longer be read", [str(each) for each in error.problems]) from None


def parsed(versions: Sequence[PolicyVersion]) -> list[Policy]:
    """Parse versions for the engine. Errors: Invalid for one that no longer parses, such as after an upgrade."""
    attributes = known_attributes()
    try:
        return [parse_policy(each.text, f"{each.policy.name} (version {each.number})", attributes) for each in versions]
    except DocumentError as error:
        raise Invalid("a policy in force can no longer be read", [str(each) for each in error.problems]) from None


def _readable(versions: Sequence[PolicyVersion]) -> Iterator[Policy]:
    """Those that still parse; the others are told of where they would decide."""
    for version in versions:
        with suppress(Invalid):
            yield from parsed([version])


def show_policy(name: str, number: int | None = None, entity: Entity | None = None) -> PolicyVersion:
    """Return a version of a policy: by its number, else the one in force, for an entity or whomever there is one for.

    Errors: NotFound; Invalid where several are in force and neither number nor entity says which.
    """
    versions = _in_force() if number is None else PolicyVersion.objects.filter(number=number).select_related("entity")
    found = list(versions.filter(policy__name=name))
    if entity:
        # An entity's own version, where it has one, stands after the one for every entity.
        found = [version for version in found if version.entity_id in (None, entity.pk)][-1:]
    if len(found) > 1:
        whom = [each.entity.code if each.entity else "every entity" for each in found]
        listed = ", ".join(f"version {each.number} for {whose}" for each, whose in zip(found, whom, strict=True))
        raise Invalid(f"several versions of {name} are in force: say which with --entity or --version ({listed})")
    if not found:
        which = ("" if number is None else f" version {number}") + (f" for {entity.code}" if entity else "")
        known = ", ".join(PolicyRecord.objects.order_by("name").values_list("name", flat=True)) or "none yet"
        raise NotFound(f"no policy {name!r}{which} is there; known: {known}")
    return found[0]


def in_force(entity: Entity | None = None) -> list[dict[str, object]]:
    """List the versions in force, all or an entity's: policy, version, entity (`every` for all), when and by whom."""
    versions = sorted(versions_in_force(entity), key=lambda each: each.policy.name) if entity else _in_force()
    return [
        {
            "policy": version.policy.name,
            "version": version.number,
            "entity": scope(version),
            "applied_at": version.applied_at.isoformat(timespec="minutes"),
            "applied_by": version.applied_by,
        }
        for version in versions
    ]


def scope(version: PolicyVersion) -> str:
    """The code of the entity that a version is for, or `every`."""
    return version.entity.code if version.entity else "every"


def _in_force() -> "QuerySet[PolicyVersion]":
    """Every version in force, by name; an entity's own after the one for every entity."""
    versions = PolicyVersion.objects.filter(retired_at=None).select_related("policy", "entity")
    return versions.order_by("policy__name", F("entity__code").asc(nulls_first=True))
