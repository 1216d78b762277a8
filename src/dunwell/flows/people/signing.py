"""Who guesses somebody's password is made to wait, in whichever process they are heard."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from dunwell.records.models import SignInTry
from dunwell.records.views.people import person

TRIES_MAX: Final = 5
WAIT: Final = timedelta(minutes=15)


def may_try(name: str, *, at: datetime) -> bool:
    """Count an attempt to sign in under a name, before it is made; whether it may be. What is over is forgotten."""
    key = _key(name)
    with transaction.atomic():
        SignInTry.objects.filter(until_at__lte=at).delete()
        SignInTry.objects.get_or_create(name=key, defaults={"until_at": at + WAIT})
        SignInTry.objects.filter(name=key).update(tries=F("tries") + 1)
        return SignInTry.objects.get(name=key).tries <= TRIES_MAX


def forget_tries(name: str) -> None:
    """Forget what was tried in vain under a name: it was theirs."""
    SignInTry.objects.filter(name=_key(name)).delete()


def _key(name: str) -> str:
    return hashlib.sha256(person(name.strip()).encode()).hexdigest()
