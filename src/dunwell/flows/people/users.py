"""Who may sign in to the console; what they do there is on record under their name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import transaction

from dunwell.flows.errors import Conflict, Invalid
from dunwell.records import audit
from dunwell.records.views.people import names_of

NAME_MAX: Final = 150


@dataclass(frozen=True)
class UserLine:
    """Somebody in a list."""

    name: str
    added_at: datetime
    last_signed_in_at: datetime | None
    may_sign_in: bool


def add_user(name: str, password: str, *, by: str, at: datetime) -> None:
    """Let somebody sign in. Errors: Conflict where the name is taken; Invalid for a name or password, with why."""
    user = User(username=User.normalize_username(name), date_joined=at)
    try:
        MaxLengthValidator(NAME_MAX)(user.username)
        UnicodeUsernameValidator()(user.username)
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(f"{name!r} cannot be added", error.messages) from None
    user.set_password(password)
    with transaction.atomic():
        # With two names one person would approve what they proposed.
        if names_of(user.username, User.objects.values_list("username", flat=True)):
            raise Conflict(f"there is a user {name!r} already")
        user.save()
        audit.record(by, "user.added", user, at=at, entity_id=None, user=user.username)


def list_users() -> list[UserLine]:
    """List who may sign in, and who no longer may, by name."""
    return [
        UserLine(user.username, user.date_joined, user.last_login, user.is_active)
        for user in User.objects.order_by("username")
    ]
