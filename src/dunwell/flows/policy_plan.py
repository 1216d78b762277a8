"""What policies would change on the live book before they take effect. It reads, and writes nothing anywhere."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import Any, Final

from dunwell.engine.decide import decide
from dunwell.engine.difference import Difference, compared, difference, joined, nothing
from dunwell.engine.policy.model import Policy
from dunwell.flows import policies
from dunwell.flows.entities import entity_called
from dunwell.flows.errors import Conflict, Invalid
from dunwell.flows.policy_doubts import tie_text
from dunwell.flows.progress import Progress, untold
from dunwell.flows.runs.basis import read_basis, shards_for
from dunwell.records.connect import WrongReleaseError, require_this_release
from dunwell.records.frames import Shard
from dunwell.records.models import Entity, PolicyVersion

STEPS: Final = 4  # of each shard: read, decide, decide again, compare


@dataclass(frozen=True)
class Draft:
    """A policy that is to take effect, and the file it was read from."""

    source: str
    text: str
    policy: Policy

    @property
    def digest(self) -> str:
        """What its version would be known by."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Change:
    """What would be applied and retired: for `entity` alone, or for every one that has no version of its own."""

    drafts: Sequence[Draft]
    retired: Sequence[str] = ()
    entity: Entity | None = None


@dataclass
class OfEntity:
    """What a change does to the policies of one entity.

    `replaced`: version by name; `same`: in force with this very text; `kept`: the entity's own versions, which stay.
    """

    entity: str
    as_of: date
    replaced: dict[str, int] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    retired: dict[str, int] = field(default_factory=dict)
    same: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)

    @property
    def is_concerned(self) -> bool:
        """Whether its policies would be other ones."""
        return bool(self.replaced or self.added or self.retired)


@dataclass(frozen=True)
class Planned:
    """What would change, by entity; entities that keep their policies are in `entities` alone."""

    entities: list[OfEntity]
    codes: dict[int, str]
    difference: Difference
    ties: list[str]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table of the difference, with the code of their entity in place of its id."""
        rows: list[dict[str, Any]] = getattr(self.difference, table).to_dicts()
        told = [{"entity": self.codes[row.pop("entity_id")], **row} for row in rows]
        return sorted(told, key=itemgetter("entity"))


@dataclass
class _Roster:
    """The policies of an entity as they are, and as they would be."""

    before: list[PolicyVersion]
    after: list[PolicyVersion | Draft]
    told: OfEntity


def entities_meant(code: str | None) -> tuple[Entity | None, list[Entity]]:
    """The one entity of a code, and it alone; without a code none, and all there are, which may be none.

    Errors: NotFound.
    """
    if code:
        one = entity_called(code)
        return one, [one]
    return None, list(Entity.objects.order_by("code"))


def plan_policies(change: Change, asked: Sequence[tuple[Entity, date]], *, progress: Progress = untold) -> Planned:
    """Decide for each of these entities as it is and as it would be on its date, and say what comes out otherwise.

    Errors: NotFound for a policy to retire that is not in force; Invalid for one of two files, or for one in force that
    cannot be read any more; Conflict for a database of another release; BookError.
    """
    try:
        require_this_release()
    except WrongReleaseError as error:
        raise Conflict(str(error)) from None
    _require_one_each(change)
    for name in change.retired:
        policies.version_to_retire(name, change.entity)
    rosters = [(entity, _roster(change, entity, as_of)) for entity, as_of in asked]
    concerned = [(entity, roster, shards_for(entity)) for entity, roster in rosters if roster.told.is_concerned]
    total, done = STEPS * sum(shards for _entity, _roster, shards in concerned), 0
    found: list[Difference] = []
    ties: dict[str, None] = {}
    for entity, roster, shards in concerned:
        before, after = policies.parsed(roster.before), _parsed(roster.after)
        ties |= dict.fromkeys(_ties(change, after))
        for number in range(shards):
            shard = Shard(number, shards)
            tell = _counted(progress, done, total)
            found.append(_of_shard(entity, shard, before, after, as_of=roster.told.as_of, progress=tell))
            done += STEPS
    codes = {entity.pk: entity.code for entity, _as_of in asked}
    told = [roster.told for _entity, roster in rosters]
    return Planned(told, codes, joined(found) if found else nothing(), list(ties))


def _of_shard(
    entity: Entity, shard: Shard, before: Sequence[Policy], after: Sequence[Policy], *, as_of: date, progress: Progress
) -> Difference:
    """Decide twice; of the first plan only what is compared is kept beside the second."""
    of = f" ({shard.number + 1} of {shard.shards})" if shard.shards > 1 else ""
    progress(f"reading the book of {entity.code}{of}", 0)
    book = read_basis(entity.pk, [*before, *after], as_of=as_of, shard=shard)
    progress(f"deciding for {entity.code} by what is in force{of}", 1)
    plan = compared(decide(book, before, as_of))
    progress(f"deciding for {entity.code} by what would be{of}", 2)
    other = compared(decide(book, after, as_of))
    progress(f"comparing{of}", 3)
    return difference(plan, other, book)


def _counted(progress: Progress, before: int, total: int) -> Progress:
    """Tell steps as part of the whole."""
    return lambda step, done=0, _total=0: progress(step, before + done, total)


def _require_one_each(change: Change) -> None:
    """Errors: Invalid where two files, or a file and a retirement, are about one policy."""
    by_name: dict[str, str] = {}
    named = [(draft.policy.policy, draft.source) for draft in change.drafts]
    for name, source in [*named, *((name, "--retire") for name in dict.fromkeys(change.retired))]:
        if name in by_name:
            raise Invalid(f"{by_name[name]} and {source} are both about the policy {name}: give one of them")
        by_name[name] = source


def _roster(change: Change, entity: Entity, as_of: date) -> _Roster:
    """Put the drafts in the place of the versions of their name, as `policy apply` would, and take out the retired."""
    before = policies.versions_in_force(entity)
    drafts = {draft.policy.policy: draft for draft in change.drafts}
    after: list[PolicyVersion | Draft] = []
    told = OfEntity(entity.code, as_of)
    for version in before:
        name, is_own = version.policy.name, version.entity_id is not None
        if name not in drafts and name not in change.retired:
            after.append(version)
        elif is_own and change.entity is None:
            told.kept[name] = version.number
            after.append(version)
        elif name in change.retired:
            told.retired[name] = version.number
            after += _beneath(name) if is_own else []
        else:
            is_same = version.digest == drafts[name].digest
            (told.same if is_same else told.replaced)[name] = version.number
            after.append(version if is_same else drafts[name])
    there = {version.policy.name for version in before}
    new = [draft for name, draft in drafts.items() if name not in there]
    told.added = [draft.policy.policy for draft in new]
    return _Roster(before, [*after, *new], told)


def _beneath(name: str) -> list[PolicyVersion]:
    """The version for every entity, which decides for one whose own is retired."""
    return [version for version in policies.versions_in_force(None) if version.policy.name == name]


def _parsed(roster: Sequence[PolicyVersion | Draft]) -> list[Policy]:
    return [each.policy if isinstance(each, Draft) else policies.parsed([each])[0] for each in roster]


def _ties(change: Change, after: Sequence[Policy]) -> Iterator[str]:
    """Say which drafts would have the priority of another policy that decides beside them."""
    for draft in change.drafts:
        mine = draft.policy
        others = [each.policy for each in after if each.policy != mine.policy and each.priority == mine.priority]
        if mine in after and others:
            yield tie_text(draft.source, mine.priority, sorted(others))
