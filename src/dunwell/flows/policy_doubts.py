"""A policy held against the book in which it is to decide: what is valid, and would still surprise."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from dunwell.engine.documents import Path, Problem, read_document
from dunwell.engine.policy.model import Fee, Policy
from dunwell.flows import policies
from dunwell.flows.errors import Invalid
from dunwell.flows.law.doubts import law_doubts
from dunwell.records.models import Entity
from dunwell.records.views import standing


def doubts_in_book(
    policy: Policy, text: str, source: str, entity: Entity | None = None, *, today: date | None = None
) -> list[Problem]:
    """Say what of the book a policy does not reckon with; `text` is what it was read from.

    `entity`: it is to decide for this one alone; otherwise for every one that has no version of its own. What is said
    of items is said of all that are open: which of them the policy applies to is not looked at. `today`: the day to
    which series of rates must reach; they are not looked at without one.
    """
    document = read_document(text, source)
    own = {} if entity else _own_versions(policy.policy)
    ids = [entity.pk] if entity else [pk for pk in Entity.objects.values_list("pk", flat=True) if pk not in own]
    said = [*_own_versions_said(own), *_currencies(policy, ids), *_stages_gone(policy, entity, ids)]
    law = law_doubts(policy, ids, today=today) if today else ()
    return [document.problem(path, message) for path, message in [*said, *_channels(policy, ids), *law]]


def tie_text(source: str, priority: int, others: Sequence[str]) -> str:
    """Say with which policies one would tie: what both apply to nobody can decide."""
    is_are, named = "are" if len(others) > 1 else "is", ", ".join(others)
    return (
        f"{source}: priority: {named} {is_are} in force with the same priority, {priority}; what both apply to is"
        " an exception, and gets no notice: give one of them another"
    )


def _own_versions(name: str) -> dict[int, str]:
    """The entities with a version of their own in force, by id: `NORD (version 3)`."""
    found = ((version, version.entity) for version in policies.own_versions(name))
    return {entity.pk: f"{entity.code} (version {version.number})" for version, entity in found if entity}


def _own_versions_said(own: Mapping[int, str]) -> Iterator[tuple[Path, str]]:
    if own:
        have = "have versions of their own, which stay" if len(own) > 1 else "has a version of its own, which stays"
        yield ("policy",), f"{', '.join(own.values())} {have} in force there: give --entity to change it"


def _currencies(policy: Policy, entity_ids: Collection[int]) -> Iterator[tuple[Path, str]]:
    """Amounts by currency that lack one in which items are open."""
    named = list(_amounts(policy))
    if not named:
        return
    open_items = standing.open_by_currency(entity_ids)
    for path, currencies in named:
        lacking = [f"{currency} ({_counted(n, 'open item')})" for currency, n in open_items.items()
                   if currency not in currencies]  # fmt: skip
        if lacking:
            such = "such an item" if path[0] == "minimum" else "such an item that reaches the stage"
            yield path, f"no amount in {', '.join(lacking)}: {such} is an exception, and gets no notice"


def _amounts(policy: Policy) -> Iterator[tuple[Path, Collection[str]]]:
    """Every place of a policy with amounts by currency, and the currencies that it names."""
    for key, amounts in (("item", policy.minimum.item), ("account", policy.minimum.account)):
        if amounts is not None:
            yield ("minimum", key), amounts
    for index, stage in enumerate(policy.stages):
        if stage.min_overdue is not None:
            yield ("stages", index, "min_overdue"), stage.min_overdue
        if stage.fee and (fixed := _fixed(stage.fee)):
            # What one tier lacks is lacking, where an item comes to that tier.
            yield ("stages", index, "fee"), set.intersection(*fixed)


def _fixed(fee: Fee) -> list[set[str]]:
    return [set(step.fixed) for step in fee.steps if step.fixed is not None]


def _stages_gone(policy: Policy, entity: Entity | None, entity_ids: Collection[int]) -> Iterator[tuple[Path, str]]:
    """Stages of the version in force that this one has no longer, and at which something stands."""
    before = [each for each in policies.versions_in_force(entity) if each.policy.name == policy.policy]
    try:
        names = {stage.stage for each in policies.parsed(before) for stage in each.stages}
    except Invalid:  # it no longer parses, as after an upgrade; nobody can be told what it had
        return
    gone = names - {stage.stage for stage in policy.stages}
    if not gone:
        return
    items, groups = standing.items_at(gone, entity_ids), standing.groups_at(gone, policy.policy, entity_ids)
    for stage in sorted(items.keys() | groups.keys()):
        counts = [(items.get(stage, 0), "open item"), (groups.get(stage, 0), "account")]
        told = " and ".join(_counted(n, what) for n, what in counts if n)
        stand = "stands" if sum(n for n, _what in counts) == 1 else "stand"
        goes_on = "what the policy applies to goes on from the number of its level"
        yield ("stages",), f"no stage is called {stage!r} any more, at which {told} {stand}: {goes_on}"


def _channels(policy: Policy, entity_ids: Collection[int]) -> Iterator[tuple[Path, str]]:
    """Stages that send over channels by which no account is reached."""
    accounts = standing.accounts_of(entity_ids)
    nobody = standing.channels_without_anybody(entity_ids) if accounts else set()
    sending: list[tuple[Path, tuple[str, ...]]] = [
        (("stages", index, "send"), stage.send) for index, stage in enumerate(policy.stages)
    ]
    if policy.close:
        sending.append((("close", "send"), policy.close.send))
    for path, choices in sending:
        for choice in choices:
            if nobody.issuperset(choice.split("|")):
                whom = "the one account" if accounts == 1 else f"any of {accounts:,} accounts"
                yield path, f"{choice.replace('|', ' or ')} does not reach {whom}: no address for it is in the book"


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"
