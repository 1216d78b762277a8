"""What letters show of an entity: who it is, how it is reached, and where it is paid."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from dunwell.engine.references import SCHEMES, misfit
from dunwell.flows.errors import Invalid
from dunwell.letters.plain import one_line
from dunwell.letters.reader import LANGUAGES
from dunwell.records import audit
from dunwell.records.models import Entity
from dunwell.sources.places import COUNTRIES, TIME_ZONES

FIELDS: Final = (
    "name", "address_lines", "email", "phone", "iban", "bic", "bank_name", "footer_lines", "reference_scheme",
    "language", "country", "time_zone",
)  # fmt: skip
_LINES: Final = {"address_lines", "footer_lines"}
_LINES_MAX: Final = 8
_LINE_MAX: Final = 200


@dataclass(frozen=True)
class EntityDetails:
    """An entity as its letters show it; addresses and footers as lines."""

    entity: str
    currency: str
    name: str
    address_lines: list[str]
    email: str
    phone: str
    iban: str
    bic: str
    bank_name: str
    footer_lines: list[str]
    reference_scheme: str
    language: str
    country: str
    time_zone: str


def details_of(entity: Entity) -> EntityDetails:
    """Return what letters show of an entity."""
    told = {name: getattr(entity, name) for name in FIELDS}
    lines = {name: told[name].splitlines() for name in _LINES}
    return EntityDetails(entity=entity.code, currency=entity.currency, **{**told, **lines})


def change_entity(entity: Entity, changes: Mapping[str, str], *, by: str, at: datetime) -> EntityDetails:
    """Set what is given, by its name in FIELDS; an empty text takes it away.

    Bank and BIC follow a new IBAN where its country keeps a directory of them, unless they are given too.
    Errors: Invalid, with every value that cannot be, and where payments to the IBAN cannot quote what the scheme wants.
    """
    found = {name: _lines(text) if name in _LINES else one_line(text) for name, text in changes.items()}
    problems: list[str] = []
    if "iban" in found:
        found = {"bic": "", "bank_name": "", **_account(found["iban"], problems), **found}
        found["iban"] = re.sub(r"\s", "", found["iban"]).upper()
    if found.get("bic"):
        found["bic"] = re.sub(r"\s", "", found["bic"]).upper()
        problems += _bic_problems(found["bic"])
    problems += [problem for name, text in found.items() for problem in _problems(name, text)]
    problems += [] if problems else _misfits(entity, found)
    if problems:
        raise Invalid(f"{entity.code}: nothing is changed", problems)
    changed = {name: text for name, text in found.items() if text != getattr(entity, name)}
    if changed:
        with transaction.atomic():
            Entity.objects.filter(pk=entity.pk).update(**changed)
            audit.record(by, "entity.changed", entity, at=at, entity_id=entity.pk, **changed)
        entity.refresh_from_db()
    return details_of(entity)


def _lines(text: str) -> str:
    return "\n".join(line for each in text.splitlines() if (line := one_line(each)))


def _account(iban: str, problems: list[str]) -> dict[str, str]:
    """What the directory of banks says of an IBAN."""
    if not iban:
        return {}
    try:
        account = IBAN(iban)
    except SchwiftyException as error:
        problems.append(f"iban: {iban} is none: {_said(error)}")
        return {}
    return {"bic": str(account.bic or ""), "bank_name": one_line(account.bank_name)}


def _bic_problems(bic: str) -> list[str]:
    try:
        BIC(bic)
    except SchwiftyException as error:
        return [f"bic: {bic} is none: {_said(error)}"]
    return []


def _misfits(entity: Entity, found: Mapping[str, str]) -> list[str]:
    """Why the scheme and the IBAN cannot go together, where either of them is set."""
    if not {"iban", "reference_scheme"} & found.keys():
        return []
    scheme = found.get("reference_scheme", entity.reference_scheme)
    problem = misfit(scheme, found.get("iban", entity.iban))
    return [f"reference_scheme: {problem}"] if problem else []


def _said(error: SchwiftyException) -> str:
    text = str(error)
    return text[:1].lower() + text[1:]


def _problems(name: str, text: str) -> list[str]:
    """What is wrong with one value, if anything is."""
    fits, expected = _CHECKS.get(name, (None, ""))
    if fits and not fits(text):
        return [f"{name}: {text!r} {expected}"]
    most = {field.name: getattr(field, "max_length", None) for field in Entity._meta.fields}[name]
    return [f"{name}: at most {most} characters, not {len(text)}"] if most and len(text) > most else []


def _is_language(text: str) -> bool:
    return text.replace("_", "-").split("-")[0].lower() in LANGUAGES


def _fit_on_a_letter(text: str) -> bool:
    lines = text.split("\n")
    return len(lines) <= _LINES_MAX and max(map(len, lines)) <= _LINE_MAX


# By the name of a field: whether a text can be its value, and what is said of one that cannot.
_CHECKS: Final[dict[str, tuple[Callable[[str], object], str]]] = {
    "name": (bool, "is none: an entity has one"),
    "reference_scheme": (lambda text: not text or text in SCHEMES, f"is none; there are {', '.join(SCHEMES)}"),
    "language": (_is_language, f"has no letters; {', '.join(LANGUAGES)} have"),
    "country": (lambda text: not text or text in COUNTRIES, "is none: two capital letters of ISO 3166, such as DE"),
    "time_zone": (lambda text: text in TIME_ZONES, "is none, such as Europe/Berlin"),
    "email": (
        lambda text: not text or re.fullmatch(r"[^@\s]+@[^@\s]+", text),
        "is no address, such as accounts@example.com",
    ),
    "address_lines": (_fit_on_a_letter, f"is too long: {_LINES_MAX} lines of {_LINE_MAX} characters fit on a letter"),
    "footer_lines": (_fit_on_a_letter, f"is too long: {_LINES_MAX} lines of {_LINE_MAX} characters fit on a letter"),
}
