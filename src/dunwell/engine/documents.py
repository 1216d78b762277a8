"""YAML as Dunwell reads it: YAML 1.2 scalars, exact decimals, no aliases, no key twice, a line for every value."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Path: TypeAlias = tuple[str | int, ...]

DOCUMENT_CHARS_MAX: Final = 2_000_000
DEPTH_MAX: Final = 40


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where: file, line from 1, and the path of keys that leads there."""

    source: str
    line: int
    path: Path
    message: str

    def __str__(self) -> str:
        where = f"{dotted(self.path)}: " if self.path else ""
        return f"{self.source}:{self.line}: {where}{self.message}"


class DocumentError(ValueError):
    """A document that cannot be taken, with every problem found in it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Document:
    """Plain data (dict, list, str, int, Decimal, bool, date, None) and the line of each value by its path."""

    source: str
    data: Any
    lines: dict[Path, int]  # of all of the document that it is, or is a part of
    prefix: Path = ()  # where it stands in that

    def line(self, path: Path) -> int:
        """Return the line of `path`, or of the nearest thing above it that has one."""
        path = (*self.prefix, *path)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, message: str) -> Problem:
        """Name a problem at `path`."""
        return Problem(self.source, self.line(path), (*self.prefix, *path), message)

    def part(self, path: Path) -> "Document":
        """Return what stands at `path` as a document of its own, which keeps its lines."""
        data = self.data
        for key in path:
            data = data[key]
        return Document(self.source, data, self.lines, (*self.prefix, *path))


class _Loader(yaml.CSafeLoader):
    """libyaml with the scalars of YAML 1.2: `no` and `on` are words, not Booleans."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    # A number that begins with further zeros, such as 007, is a text: account and invoice numbers look so.
    ("float", r"[-+]?(?:0|[1-9][0-9]*)?(?:\.[0-9]*)?(?<=[0-9.])(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}$", "0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def read_document(text: str, source: str) -> Document:
    """Read one YAML document. Errors: DocumentError with the line of what cannot be read."""
    if len(text) > DOCUMENT_CHARS_MAX:
        raise DocumentError([Problem(source, 1, (), f"longer than {DOCUMENT_CHARS_MAX:,} characters")])
    try:
        _require_plain(text, source)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = error.problem or error.context or "it cannot be read"
        raise DocumentError([Problem(source, mark.line + 1 if mark else 1, (), f"not YAML: {message}")]) from None
    except yaml.YAMLError as error:
        raise DocumentError([Problem(source, 1, (), f"not YAML: {error}")]) from None
    lines: dict[Path, int] = {}
    return Document(source, None if node is None else _plain(node, (), source, lines), lines)


def _require_plain(text: str, source: str) -> None:
    """Refuse aliases (they can grow without end) and nesting too deep for a recursive reader."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if getattr(event, "anchor", None):
            raise DocumentError(
                [Problem(source, line, (), "YAML anchors and aliases are refused; write the value out")]
            )
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > DEPTH_MAX:
            raise DocumentError([Problem(source, line, (), f"nested deeper than {DEPTH_MAX} levels")])


def _plain(node: yaml.Node, path: Path, source: str, lines: dict[Path, int]) -> object:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, path, source)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*path, index), source, lines) for index, child in enumerate(node.value)]
    result: dict[str, object] = {}
    for key_node, child in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise DocumentError([Problem(source, line, path, "a key must be a plain word")])
        key = key_node.value
        if key in result:
            raise DocumentError([Problem(source, line, (*path, key), "the key is given twice")])
        result[key] = _plain(child, (*path, key), source, lines)
        lines[(*path, key)] = line
    return result


def _scalar(node: yaml.ScalarNode, path: Path, source: str) -> str | int | Decimal | bool | date | None:
    kind = node.tag.rpartition(":")[2]
    value: str = node.value
    try:
        match kind:
            case "str":
                return value
            case "int":
                return int(value)
            case "float":
                return Decimal(value)
            case "bool":
                return value.lower() == "true"
            case "null":
                return None
            case "timestamp":
                return date.fromisoformat(value)
    except (ValueError, InvalidOperation):
        message = (
            f"{value!r} is no date of the calendar" if kind == "timestamp" else f"{value[:40]!r} is too long a number"
        )
        raise DocumentError([Problem(source, node.start_mark.line + 1, path, message)]) from None
    raise DocumentError([Problem(source, node.start_mark.line + 1, path, f"the tag {node.tag!r} is refused")])


ModelT = TypeVar("ModelT", bound=BaseModel)


def read_as(document: Document, model: type[ModelT], context: dict[str, Any] | None = None) -> ModelT:
    """Check `document` against a Pydantic model. Errors: DocumentError with a line and a hint for each problem."""
    try:
        return model.model_validate(document.data, context=context)
    except ValidationError as error:
        raise DocumentError([_problem(document, model, details) for details in error.errors()]) from None


@cache
def _known_keys(model: type[BaseModel], *, within: bool) -> frozenset[str]:
    """Every key that `model` has, or that a model within it has, for hints."""
    schema = model.model_json_schema()
    parts = schema.get("$defs", {}).values() if within else [schema]
    return frozenset(key for part in parts for key in part.get("properties", ()))


def _problem(document: Document, model: type[BaseModel], details: ErrorDetails) -> Problem:
    path = _path_in(document.data, details["loc"])
    key, kind = details["loc"][-1] if details["loc"] else "", details["type"]
    if kind == "extra_forbidden":
        known = _known_keys(model, within=len(path) > 1) - {key}  # which is known in another place
        return document.problem(path, f"unknown key{hint(str(key), known)}")
    if kind == "missing":
        return document.problem(path, f"the key {key!r} is missing")
    if kind == "value_error":
        return document.problem(path, str(details["ctx"]["error"]))
    given = details["input"]
    shown = "" if isinstance(given, (dict, list)) else f", not {given!r}"
    message = details["msg"][0].lower() + details["msg"][1:]
    return document.problem(path, f"{message.removeprefix('input ')}{shown}")


def _path_in(data: object, location: Sequence[str | int]) -> Path:
    """Keep of Pydantic's location what is a key or index of the document (it also names union members)."""
    path: list[str | int] = []
    for key in location:
        if (isinstance(data, dict) and key in data) or (isinstance(data, list) and isinstance(key, int)):
            path.append(key)
            data = cast("Any", data)[key]
    return tuple(path)


def hint(word: str, known: Iterable[str]) -> str:
    """Offer the nearest known word, as `; did you mean 'x'?`, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def dotted(path: Path) -> str:
    """Write a path as `stages[1].fee`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
