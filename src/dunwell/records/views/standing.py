"""How many open items and accounts stand how: what a policy is held against before it takes effect. Sums, no rows."""

from collections.abc import Collection

from django.db.models import Count

from dunwell.engine.book import CHANNELS
from dunwell.records.frames import REACHED_BY
from dunwell.records.models import Account, AnchorState, Contact, Item, ItemState

DUNNED_KINDS = ("invoice", "instalment")


def open_by_currency(entity_ids: Collection[int]) -> dict[str, int]:
    """Count the open claims of these entities by currency, alphabetically."""
    found = Item.objects.filter(
        entity_id__in=entity_ids, closed_on=None, open_minor__gt=0, draft=False, kind__in=DUNNED_KINDS
    )
    counted = found.values("currency").annotate(n=Count("pk")).order_by("currency")
    return dict(counted.values_list("currency", "n"))


def owing_without_class(entity_ids: Collection[int]) -> int:
    """Count the accounts of these entities with open claims of which nobody says what class of debtor they are."""
    owing = Item.objects.filter(
        entity_id__in=entity_ids, closed_on=None, open_minor__gt=0, draft=False, kind__in=DUNNED_KINDS
    )
    return owing.filter(account__debtor_class=None).values("account").distinct().count()


def items_at(stages: Collection[str], entity_ids: Collection[int]) -> dict[str, int]:
    """Count the open items of these entities that stand at stages of these names, by name; none that is at none."""
    found = ItemState.objects.filter(stage__in=stages, item__entity_id__in=entity_ids, item__closed_on=None)
    counted = found.values("stage").annotate(n=Count("pk")).order_by("stage")
    return {str(stage): n for stage, n in counted.values_list("stage", "n")}


def groups_at(stages: Collection[str], policy: str, entity_ids: Collection[int]) -> dict[str, int]:
    """Count the accounts that an account-anchored policy has brought to these stages, by name of the stage."""
    found = AnchorState.objects.filter(stage__in=stages, policy=policy, entity_id__in=entity_ids)
    counted = found.values("stage").annotate(n=Count("payer", distinct=True)).order_by("stage")
    return {str(stage): n for stage, n in counted.values_list("stage", "n")}


def channels_without_anybody(entity_ids: Collection[int]) -> set[str]:
    """The channels over which no account of these entities is reached."""
    contacts = Contact.objects.filter(account__entity_id__in=entity_ids)
    return {channel for channel in CHANNELS if not contacts.exclude(**{REACHED_BY[channel]: ""}).exists()}


def accounts_of(entity_ids: Collection[int]) -> int:
    """Count the accounts of these entities."""
    return Account.objects.filter(entity_id__in=entity_ids).count()
