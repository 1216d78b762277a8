"""What is decided on: the book of an entity with all that its policies ask for, in shards where it is large."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from django.conf import settings

from dunwell.engine.book import Book
from dunwell.engine.policy.model import Policy
from dunwell.flows.law.rated import rated_book
from dunwell.records import frames
from dunwell.records.connect import snapshot
from dunwell.records.frames import WHOLE, Shard
from dunwell.records.models import Entity, Item

SHARDS_MAX: Final = 16  # each shard looks through all items for its own


def shards_for(entity: Entity) -> int:
    """In how many shards an entity is decided, by its open items and the setting `shard_items`."""
    items = Item.objects.filter(entity=entity, closed_on=None).count()
    return min(-(-items // settings.CONFIG.shard_items) or 1, SHARDS_MAX)


def read_basis(entity_id: int, rules: Sequence[Policy], *, as_of: date, shard: Shard = WHOLE) -> Book:
    """Read what deciding by these policies on `as_of` needs, as of one instant. Errors: as `frames.book`."""
    with snapshot():
        book = rated_book(entity_id, rules, as_of=as_of, shard=shard)
        if any(policy.contact and policy.contact.per_7_days for policy in rules):
            heard = frames.heard(entity_id, as_of=as_of, shard=shard)
            book = replace(book, notices=heard.notices, contacts=heard.contacts)
    return book
