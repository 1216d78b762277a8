"""Which entity is meant, which account of it, and what day it is there."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from dunwell.flows.errors import Invalid, NotFound
from dunwell.records.models import Account, Entity


def entity_called(code: str | None) -> Entity:
    """Return the entity of a code; without one, the only entity there is. Errors: NotFound, Invalid."""
    entities = all_entities()
    known = ", ".join(entity.code for entity in entities)
    if code is None:
        if len(entities) > 1:
            raise Invalid(f"there are several entities: say which with --entity ({known})")
        return entities[0]
    for entity in entities:
        if entity.code == code:
            return entity
    raise NotFound(f"there is no entity {code!r}; known: {known}")


def all_entities() -> list[Entity]:
    """Return the entities of the book, by their codes. Errors: NotFound."""
    entities = list(Entity.objects.order_by("code"))
    if not entities:
        raise NotFound("there is no entity yet: import a book first (dunwell import --help), or try dunwell demo")
    return entities


def local_day(entity: Entity, at: datetime) -> date:
    """The date at an instant where the entity is."""
    return at.astimezone(ZoneInfo(entity.time_zone)).date()


def account_called(entity: Entity, code: str) -> Account:
    """Return an account by its code. Errors: NotFound."""
    account = Account.objects.filter(entity=entity, code=code).first()
    if account is None:
        raise NotFound(f"there is no account {code!r} of {entity.code}")
    return account
