"""What an entity allows matching to do by itself: read, listed and changed."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from dunwell.cash.confidence import CASES
from dunwell.cash.settings import TOLERANCES, Settings
from dunwell.engine.documents import hint
from dunwell.engine.money import AMOUNT_MINOR_MAX, CURRENCIES, format_minor, not_in_use
from dunwell.flows.cash.holding import hold_back
from dunwell.flows.errors import Invalid
from dunwell.flows.happening import minor_of
from dunwell.records import audit
from dunwell.records.models import Entity

USUAL: Final[dict[str, Any]] = {
    name: dict(value) if isinstance(value, Mapping) else value
    for name, value in ((field.name, getattr(Settings(), field.name)) for field in fields(Settings))
}
# What docs/cash.md says is never applied by itself, as far as a threshold is all that keeps it from being so.
GUESSES: Final = (
    "alike", "several_ways", "run_of_ways", "numbers_less", "number_late_discount", "item_exchange", "payer_only",
    "amount_only",
)  # fmt: skip
GUESSED_MAX: Final = max(permille for case in GUESSES for permille in CASES[case].permille if permille is not None)
BOUNDS: Final = {
    "threshold_permille": (GUESSED_MAX + 1, 1000),
    "propose_permille": (500, 1000),
    "discount_grace_days": (0, 60),
    "name_score_min": (80, 100),
    "name_margin": (1, 50),
    "subset_items_max": (0, 5_000),
    "subset_steps_max": (1_000, 1_000_000),
    "payer_steps_max": (1_000, 20_000_000),
    "hold_back_days": (0, 60),
    "hold_back_share_percent": (1, 100),
}
# The most that a difference or charges may be: a hundred times the usual, and a bound for currencies of small units.
MOST_MINOR: Final = {currency: 100 * minor for currency, minor in TOLERANCES.items()}
OTHERS_MOST_MINOR: Final = 10_000_000
PER: Final = {"_permille": 10, "_percent": 1}  # so much is one percent of what has such a name
NUMBER: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(%?)")
YES_AND_NO: Final = {"yes": True, "no": False}


@dataclass(frozen=True, kw_only=True)
class ShownSetting:
    """A setting as people write it; `value` as it is kept: permille, days, yes or no, minor units by currency."""

    name: str
    written: str
    value: object
    usual: str
    is_own: bool


def settings_of(entity: Entity) -> Settings:
    """Return what an entity allows. Errors: Invalid, with each name and value that is kept and can be none."""
    own = _plain(entity)
    if problems := _problems(own):
        raise Invalid(f"{entity.code}: what is kept of how money is matched cannot be", problems)
    return Settings(**{**USUAL, **own})


def list_settings(entity: Entity) -> list[ShownSetting]:
    """List all settings of an entity, with what is usual. Errors: as `settings_of`."""
    found = settings_of(entity)
    return [
        ShownSetting(
            name=name, written=_written(name, getattr(found, name)), value=getattr(found, name),
            usual=_written(name, usual), is_own=name in entity.cash,
        )
        for name, usual in USUAL.items()
    ]  # fmt: skip


def change_settings(
    entity: Entity, given: Mapping[str, str], *, usual: Collection[str] = (), by: str, at: datetime
) -> list[ShownSetting]:
    """Set what is given, as people write it, and let what is named in `usual` be the usual again; list all settings.

    What money holds back follows at once. Errors: Invalid, with everything that is wrong; nothing is changed then.
    """
    said, problems = _said(given)
    problems += [f"{name}: it is set and to be the usual at once" for name in sorted(set(given) & set(usual))]
    with transaction.atomic():
        locked = Entity.objects.select_for_update(no_key=True).get(pk=entity.pk)
        was = _plain(locked)
        problems += [_unknown(name) for name in usual if name not in {*USUAL, *was}]
        kept = {name: value for name, value in {**was, **said}.items() if name not in usual}
        own = {name: value for name, value in kept.items() if name not in USUAL or value != USUAL[name]}
        problems += _problems(own)
        if problems:
            raise Invalid(f"{entity.code}: nothing is changed", problems)
        changed = [name for name in {**USUAL, **was} if own.get(name) != was.get(name)]
        if changed:
            locked.cash = own
            locked.save(update_fields=["cash"])
            old, new = ({name: each.get(name, USUAL.get(name)) for name in changed} for each in (was, own))
            audit.record(by, "cash.settings_changed", entity, at=at, entity_id=entity.pk, old=old, new=new)
    entity.refresh_from_db(fields=["cash"])
    hold_back(entity, settings_of(entity), by=by, at=at)
    return list_settings(entity)


def _said(given: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """What people wrote, as it is kept, and what of it cannot be read."""
    said: dict[str, Any] = {}
    problems = []
    for name, text in given.items():
        try:
            said[name] = _read(name, text)
        except Invalid as error:
            problems.append(f"{name}: {error}")
    return said, problems


def _plain(entity: Entity) -> dict[str, Any]:
    """What is kept, as it is kept. Errors: Invalid for what is no list of names and values."""
    if not isinstance(entity.cash, dict):
        raise Invalid(f"{entity.code}: what is kept of how money is matched is no list of settings: {entity.cash!r}")
    return dict(entity.cash)


def _unknown(name: str) -> str:
    return f"{name}: there is no such setting{hint(name, USUAL)}"


def _problems(own: Mapping[str, object]) -> list[str]:
    """Say what is wrong with settings that are not the usual, one by one and together."""
    found = [problem for name, value in own.items() if (problem := _wrong(name, value))]
    return found or _contradicts({**USUAL, **own})


def _wrong(name: str, value: object) -> str:
    """Say what is wrong with a value, or nothing."""
    if name not in USUAL:
        return _unknown(name)
    usual = USUAL[name]
    if isinstance(usual, bool):
        return "" if isinstance(value, bool) else f"{name}: {value!r} is not yes or no"
    if isinstance(usual, Mapping):
        return _wrong_amounts(name, value)
    if not isinstance(value, int) or isinstance(value, bool):
        return f"{name}: {value!r} is no whole number"
    least, most = BOUNDS[name]
    if name == "threshold_permille" and value < least:
        return (
            f"{name}: {_written(name, value)} is too low: up to {_written(name, least - 1)} are guesses, such as a sum"
            " that adds up in two ways, and guesses are never applied by themselves"
        )
    is_within = least <= value <= most
    shown = (_written(name, each) for each in (value, least, most))
    return "" if is_within else "{}: {} is not between {} and {}".format(name, *shown)


def _wrong_amounts(name: str, value: object) -> str:
    if not isinstance(value, Mapping):
        return f"{name}: {value!r} are no amounts by currency"
    for currency, minor in value.items():
        if currency not in CURRENCIES:
            return f"{name}: {not_in_use(currency)}"
        if not isinstance(minor, int) or isinstance(minor, bool) or not 0 <= minor <= AMOUNT_MINOR_MAX:
            return f"{name}: {minor!r} is no amount of {currency}"
        if minor > (most := MOST_MINOR.get(currency, OTHERS_MOST_MINOR)):
            return f"{name}: {format_minor(minor, currency)} is more than {format_minor(most, currency)}"
    return ""


def _contradicts(found: Mapping[str, Any]) -> list[str]:
    if found["propose_permille"] <= found["threshold_permille"]:
        return []
    propose, threshold = (_written(name, found[name]) for name in ("propose_permille", "threshold_permille"))
    return [f"propose_permille: {propose} is above threshold_permille, which is {threshold}"]


def _read(name: str, text: str) -> object:
    """Read a value as people write it. Errors: Invalid."""
    usual, plain = USUAL.get(name), text.strip()
    if usual is None:
        return plain
    if isinstance(usual, bool):
        if plain.lower() not in YES_AND_NO:
            raise Invalid(f"{plain!r} is not yes or no")
        return YES_AND_NO[plain.lower()]
    return _amounts(plain) if isinstance(usual, Mapping) else _whole(name, plain)


def _amounts(text: str) -> dict[str, int]:
    """Read EUR:2.00,USD:0. Errors: Invalid."""
    found: dict[str, int] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        currency, colon, amount = (each.strip() for each in part.partition(":"))
        if not colon:
            raise Invalid(f"{part!r} is no amount of a currency, such as EUR:2.00")
        if currency.upper() in found:
            raise Invalid(f"{currency.upper()} is said twice")
        minor = minor_of(amount, currency.upper())
        if minor < 0:
            raise Invalid(f"{part} is less than nothing")
        found[currency.upper()] = minor
    return found


def _whole(name: str, text: str) -> int:
    """Read a whole number; of a permille or percent also as 98.5%. Errors: Invalid."""
    factor = next((each for ending, each in PER.items() if name.endswith(ending)), 0)
    found = NUMBER.fullmatch(text)
    if not found or (found[2] and not factor):
        raise Invalid(f"{text!r} is no number{', such as 98.5%' if factor > 1 else ''}")
    value = Decimal(found[1]) * (factor if found[2] else 1)
    if value != value.to_integral_value():
        raise Invalid(f"{text!r} is finer than {f'{1 / factor:g} %' if found[2] else 'a whole number'}")
    return int(value)


def _written(name: str, value: Any) -> str:  # noqa: ANN401  # as kept
    """A value as people write it, and can type it again."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ",".join(f"{currency}:{format_minor(minor, currency).split()[0]}" for currency, minor in value.items())
    if name.endswith("_permille"):
        return f"{value / 10:.1f}%"
    return f"{value}%" if name.endswith("_percent") else str(value)
