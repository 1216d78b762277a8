"""Whose rows a page is about: every page but the first is one entity's, and asks for nothing of another."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeAlias

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest, HttpResponse

from dunwell.flows.errors import NotFound
from dunwell.records.views import entities, runs
from dunwell.records.views.entities import EntityLine

View: TypeAlias = Callable[..., HttpResponse]
SEARCH_MAX: Final = 100  # as the forms have it; more than some thousands is too much for a database to look for


def of_entity(view: View) -> View:
    """Let a view have the entity that the address names. Errors: NotFound."""

    @wraps(view)
    def found(request: HttpRequest, entity: int, **rest: Any) -> HttpResponse:  # parts of the address
        line = entities.entity(entity)
        if line is None:
            raise NotFound(f"there is no entity {entity}")
        return view(request, line, **rest)

    return found


def of_run(view: View) -> View:
    """Let a view have entity and run that the address names. Errors: NotFound, also for another entity's run."""

    @wraps(view)
    def found(request: HttpRequest, entity: EntityLine, run: int, **rest: Any) -> HttpResponse:
        line = runs.run(entity.id, run)
        if line is None:
            raise NotFound(f"there is no run {run} of {entity.code}")
        return view(request, entity, line, **rest)

    return of_entity(found)


def who(request: HttpRequest) -> str:
    """The name under which the one who signed in acts."""
    user: AbstractBaseUser | AnonymousUser = request.user
    return user.get_username()


def number(text: str | None, default: int | None = None) -> int | None:
    """A number out of an address; what is none is taken for not given."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else default


def sought(text: str) -> str:
    """What somebody looks for, as they typed it, cut to what a form takes."""
    return text.strip()[:SEARCH_MAX].strip()
