"""Which entity is meant."""

from dunwell.flows.errors import Invalid, NotFound
from dunwell.records.models import Entity


def entity_called(code: str | None) -> Entity:
    """Return the entity of a code; without one, the only entity there is. Errors: NotFound, Invalid."""
    entities = list(Entity.objects.order_by("code"))
    if not entities:
        raise NotFound("there is no entity yet: import a book first (dunwell import --help), or try dunwell demo")
    known = ", ".join(entity.code for entity in entities)
    if code is None:
        if len(entities) > 1:
            raise Invalid(f"there are several entities: say which with --entity ({known})")
        return entities[0]
    for entity in entities:
        if entity.code == code:
            return entity
    raise NotFound(f"there is no entity {code!r}; known: {known}")
