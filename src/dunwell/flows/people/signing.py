"""Who guesses somebody's password is made to wait, in whichever process they are heard."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from dunwell.records.models import SignInTry
from dunwell.records.tries import count_try
from dunwell.records.views.people import person

TRIES_MAX: Final = 5  # from one address
TRIES_ANYWHERE_MAX: Final = 50  # so that nobody keeps others out with a handful of tries
WAIT: Final = timedelta(minutes=15)


def may_try(name: str, address: str, *, at: datetime) -> bool:
    """Count an attempt to sign in under a name, before it is made; whether it may be. What is over is forgotten."""
    SignInTry.objects.filter(until_at__lte=at).delete()
    from_here, from_anywhere = (count_try(key, at=at, until_at=at + WAIT) for key in _keys(name, address))
    return from_here <= TRIES_MAX and from_anywhere <= TRIES_ANYWHERE_MAX


def forget_tries(name: str, address: str) -> None:
    """Forget what was tried in vain under a name: it was theirs."""
    SignInTry.objects.filter(name__in=_keys(name, address)).delete()


def _keys(name: str, address: str) -> tuple[str, str]:
    who = person(name.strip())
    here, anywhere = (hashlib.sha256(repr(each).encode()).hexdigest() for each in ((who, address), who))
    return here, anywhere
