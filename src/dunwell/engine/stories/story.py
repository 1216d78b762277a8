"""A story read from its file: who is in it, under which policies, and what happens when."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl
from pydantic import BaseModel

from dunwell.engine.book import ATTRIBUTE_TYPES
from dunwell.engine.documents import Document, DocumentError, hint, read_as, read_document
from dunwell.engine.documents import Path as KeyPath
from dunwell.engine.law.series import AllSeries
from dunwell.engine.policy.model import Policy
from dunwell.engine.policy.parse import parse_policy, policy_of
from dunwell.engine.stories.format import EVENTS, Account, Expect, WithAttributes, number_of
from dunwell.engine.stories.rates import series_in

_KEYS: Final = ("story", "policy", "policies", "attributes", "entities", "accounts", "rates", "steps")
AttributedT = TypeVar("AttributedT", bound=WithAttributes)
_WORD_OF: Final = {str: "text", bool: "boolean", int: "integer", Decimal: "number", date: "date"}
_INTEGER_MAX: Final = 2**63 - 1


@dataclass(frozen=True)
class Happening:
    """One event of a step, and the line it stands on."""

    name: str
    event: BaseModel | dict[str, Any]
    line: int


@dataclass(frozen=True)
class Step:
    """What happens on one day, and what must be so after it."""

    on: date
    happenings: tuple[Happening, ...]
    expect: Expect | None
    line: int


@dataclass(frozen=True)
class Story:
    """A timeline with its expectations."""

    title: str
    source: str
    policies: tuple[Policy, ...]
    entities: tuple[str, ...]
    accounts: tuple[Account, ...]
    attributes: Mapping[str, pl.DataType]
    series: AllSeries
    steps: tuple[Step, ...]


def read_story(path: Path) -> Story:
    """Read a story file; policies named in it are paths beside it. Errors: DocumentError, OSError."""
    return story_of(read_document(path.read_text(encoding="utf-8"), str(path)), path.parent)


def story_of(document: Document, folder: Path) -> Story:
    """Check a story that has been read. Errors: DocumentError with a line for each problem."""
    data = document.data
    if not isinstance(data, dict) or "story" not in data:
        raise DocumentError([document.problem((), "a story begins with `story: what it shows`")])
    if strange := [key for key in data if key not in _KEYS]:
        raise DocumentError([document.problem((strange[0],), f"unknown key{hint(strange[0], _KEYS)}")])
    _require_shape(document)
    accounts = tuple(
        _with_attributes(document, ("accounts", at), Account) for at in range(len(data.get("accounts") or []))
    )
    _require_own_names(document, "accounts", [account.account for account in accounts], ("account",))
    steps = tuple(_step(document, at) for at in range(len(data.get("steps") or [])))
    if not steps:
        raise DocumentError([document.problem((), "a story has steps")])
    attributes = _attributes(document)
    policies = _policies(document, folder, attributes)
    _require_own_names(document, "policies", [policy.policy for policy in policies])
    return Story(
        title=str(data["story"]),
        source=document.source,
        policies=policies,
        entities=tuple(str(each["entity"]) for each in data.get("entities") or []),
        accounts=accounts,
        attributes=attributes,
        series=series_in(document, policies),
        steps=steps,
    )


def _require_shape(document: Document) -> None:
    """Lists where lists are wanted, and mappings in them. Errors: DocumentError."""
    for key in ("accounts", "entities", "steps"):
        part = document.data.get(key) or []
        if not isinstance(part, list) or (key != "steps" and any(not isinstance(each, dict) for each in part)):
            raise DocumentError([document.problem((key,), "give a list of mappings, such as `- {...}`")])
    if not isinstance(document.data.get("attributes") or {}, dict):
        raise DocumentError([document.problem(("attributes",), "give types by name, such as {contract: text}")])
    if not isinstance(document.data.get("policies", []), list):
        raise DocumentError([document.problem(("policies",), "give a list of policies")])
    for at, entity in enumerate(document.data.get("entities") or []):
        if set(entity) != {"entity"}:
            raise DocumentError([document.problem(("entities", at), "an entity is given as {entity: CODE}")])


def _require_own_names(document: Document, key: str, names: Sequence[str], place: KeyPath = ()) -> None:
    """Each account and policy by a name of its own (levels are kept by a policy's name). Errors: DocumentError."""
    if twice := [at for at, name in enumerate(names) if name in names[:at]]:
        message = f"two {key} are called {names[twice[0]]!r}"
        raise DocumentError([document.problem((key, twice[0], *place), message)])


def _step(document: Document, at: int) -> Step:
    path: KeyPath = ("steps", at)
    data = document.data["steps"][at]
    if not isinstance(data, dict) or not isinstance(data.get("on"), date):
        raise DocumentError([document.problem(path, "a step begins with `on: YYYY-MM-DD`")])
    happenings: list[Happening] = []
    for key in data:
        if key in {"on", "expect"}:
            continue
        if key != "set" and key not in EVENTS:
            known = [*EVENTS, "set", "expect", "on"]
            raise DocumentError([document.problem((*path, key), f"no event is called {key!r}{hint(key, known)}")])
        happenings += _happenings(document, (*path, key), key)
    expect = read_as(document.part((*path, "expect")), Expect) if "expect" in data else None
    return Step(data["on"], tuple(happenings), expect, document.line(path))


def _happenings(document: Document, path: KeyPath, key: str) -> list[Happening]:
    found = []
    for place in _places(document, path):
        line = document.line(place)
        if key == "set":
            data = _data(document, place)
            if not isinstance(data, dict) or data.get("account") is None:
                raise DocumentError([document.problem(place, "give `set` as {account: NAME, field: value}")])
            found.append(Happening(key, dict(data), line))
        elif issubclass(model := EVENTS[key], WithAttributes):
            found.append(Happening(key, _with_attributes(document, place, model), line))
        else:
            found.append(Happening(key, read_as(document.part(place), EVENTS[key]), line))
    return found


def _places(document: Document, path: KeyPath) -> list[KeyPath]:
    """Where an event stands that happens once, or several times in a list."""
    data = _data(document, path)
    return [(*path, at) for at in range(len(data))] if isinstance(data, list) else [path]


def _data(document: Document, path: KeyPath) -> Any:  # noqa: ANN401  # any YAML value
    """What stands at a path, without its lines: to part a document takes as long as the document is."""
    data = document.data
    for key in path:
        data = data[key]
    return data


def _with_attributes(document: Document, path: KeyPath, model: type[AttributedT]) -> AttributedT:
    result = read_as(document.part(path), model)
    try:
        result.attributes()
    except ValueError as error:
        raise DocumentError([document.problem(path, str(error))]) from None
    return result


def _attributes(document: Document) -> dict[str, pl.DataType]:
    """The `attr_*` columns with their types: as declared, else as the values say. Errors: DocumentError."""
    given = list(_attributes_given(document))
    words = _declared(document)
    for name in dict.fromkeys(path[-1] for path, _value in given):
        if name not in words:
            words[str(name)] = _type_said(document, [(path, value) for path, value in given if path[-1] == name])
    for path, value in given:
        if value is not None:
            _require_type(document, path, value, words[str(path[-1])])
    return {name: ATTRIBUTE_TYPES[word] for name, word in words.items()}


def _declared(document: Document) -> dict[str, str]:
    """The type of each attribute declared, by the name of its column. Errors: DocumentError."""
    words: dict[str, str] = {}
    for name, word in (document.data.get("attributes") or {}).items():
        path, column = ("attributes", name), f"attr_{name.removeprefix('attr_')}"
        if not isinstance(word, str) or word not in ATTRIBUTE_TYPES:
            known = ", ".join(ATTRIBUTE_TYPES)
            raise DocumentError([document.problem(path, f"no type is called {word!r}; there are {known}")])
        if column in words:
            raise DocumentError([document.problem(path, f"{column!r} is given twice")])
        words[column] = word
    return words


def _attributes_given(document: Document) -> Iterator[tuple[KeyPath, object]]:
    """Every attribute given to an account or an item, in the order of the story, with where it stands."""
    places: list[KeyPath] = [("accounts", at) for at in range(len(document.data.get("accounts") or []))]
    for at, step in enumerate(document.data["steps"]):
        for key in step:
            if key == "set" or issubclass(EVENTS.get(key, Expect), WithAttributes):
                places += _places(document, ("steps", at, key))
    for place in places:
        for key, value in _data(document, place).items():
            if key.startswith("attr_"):
                yield (*place, key), value


def _type_said(document: Document, given: list[tuple[KeyPath, object]]) -> str:
    """The type that the values of an attribute say: that of the first, integers beside decimals being numbers."""
    said = [_WORD_OF.get(type(value)) for _path, value in given if value is not None]
    if not said:
        message = "no value says of which type it is; say so under `attributes`"
        raise DocumentError([document.problem(given[0][0], message)])
    if "number" in said and said[0] == "integer":
        return "number"
    return said[0] or "text"


def _require_type(document: Document, path: KeyPath, value: object, word: str) -> None:
    """Take no value for another: 2.5 is no integer, and 5 no date. Errors: DocumentError."""
    own = _WORD_OF.get(type(value))
    if own != word and (own, word) != ("integer", "number"):
        shown = "a list or mapping" if own is None else f"the {own} {value}" if own != "text" else repr(value)
        raise DocumentError([document.problem(path, f"is of type {word}, not {shown}")])
    if isinstance(value, int) and word == "integer" and not -_INTEGER_MAX <= value <= _INTEGER_MAX:
        raise DocumentError([document.problem(path, f"{value} is larger than an integer can be")])
    if word == "number":
        try:
            number_of(value)
        except ValueError as error:
            raise DocumentError([document.problem(path, str(error))]) from None


def _policies(document: Document, folder: Path, attributes: dict[str, pl.DataType]) -> tuple[Policy, ...]:
    data = document.data
    if ("policy" in data) == ("policies" in data):
        raise DocumentError([document.problem((), "give either `policy` or `policies`")])
    if "policy" in data:
        return (_policy(document, ("policy",), folder, attributes),)
    return tuple(_policy(document, ("policies", at), folder, attributes) for at in range(len(data["policies"])))


def _policy(document: Document, path: KeyPath, folder: Path, attributes: dict[str, pl.DataType]) -> Policy:
    part = document.part(path)
    if isinstance(part.data, dict):
        return policy_of(part, attributes)
    if not isinstance(part.data, str):
        raise DocumentError(
            [document.problem(path, "a policy is a path beside the story, or stands here as a mapping")]
        )
    file = folder / part.data
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError([document.problem(path, f"cannot read {part.data}: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise DocumentError([document.problem(path, f"cannot read {part.data}: it is not UTF-8")]) from None
    except ValueError:  # a null character
        raise DocumentError([document.problem(path, f"{part.data!r} is no path")]) from None
    return _parsed(text, str(file), tuple(sorted(attributes.items())))


@lru_cache(maxsize=256)
def _parsed(text: str, source: str, attributes: tuple[tuple[str, pl.DataType], ...]) -> Policy:
    return parse_policy(text, source, dict(attributes))
