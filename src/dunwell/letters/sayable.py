"""What a block or phrase of a template may say: words, fields and phrases, no more of them than a letter holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from jinja2 import nodes

from dunwell.letters.letter import COUNTS, FIELDS, FLAGS
from dunwell.letters.plain import unseen
from dunwell.letters.wording import FILTERS

SAID_CHARS_MAX: Final = 20_000  # that a block or phrase may come to, with the phrases it is made of
FIELD_CHARS: Final = 40  # as which a field counts there
SUPER_CHARS: Final = 10_000  # and what a block has beneath it
PHRASE_CHARS: Final = 500  # and each phrase, besides what it says: so there are no towers of them
NUMBER_MAX: Final = 10**9
NESTED_MAX: Final = 20
TO_DO: Final = "a template has blocks, if, fields and phrases, see docs/letters.md"
TOO_DEEP: Final = f"it is nested more than {NESTED_MAX} deep"
_SAID: Final = (
    nodes.Output, nodes.TemplateData, nodes.If, nodes.CondExpr, nodes.Name, nodes.Const, nodes.Call, nodes.Getattr,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Filter, nodes.Tuple,
)  # fmt: skip
_IN_ORDER: Final = {"lt", "lteq", "gt", "gteq"}


@dataclass(frozen=True)
class Known:
    """What a template may say besides fields, and its length: phrases beside it, and those of a file, by its alias."""

    names: Mapping[str, int] = field(default_factory=dict)
    phrases: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def faults(body: Sequence[nodes.Node], known: Known, depth: int = 0) -> Iterator[tuple[int, str]]:
    """What of a block or phrase is anything but words, fields and phrases, with its line."""
    for node in body:
        if fault := TOO_DEEP if depth > NESTED_MAX else _fault(node, known):
            yield node.lineno, fault
        elif not isinstance(node, nodes.Call):  # of which there is but its name
            in_a_row = isinstance(node, (nodes.And, nodes.Or))  # `a or b or c` nests nothing
            yield from faults(list(node.iter_child_nodes()), known, depth + (not in_a_row))


def _fault(node: nodes.Node, known: Known) -> str:
    """Why a node has no place in a template, or nothing; what is within it is looked at apart."""
    if not isinstance(node, _SAID):
        return f"{type(node).__name__.lower()} has no place in a template: {TO_DO}"
    if isinstance(node, nodes.Filter) and (node.name not in FILTERS or node.args or node.kwargs):
        return f"no filter is called {node.name}; there are {', '.join(FILTERS)}"
    if isinstance(node, nodes.Compare) and (fault := _compare_fault(node)):
        return fault
    if isinstance(node, nodes.Output) and any(map(_is_no_text, node.nodes)):
        return f"it prints what is no text, or not always: ask by `if`, also for {', '.join(FLAGS)}"
    return _call_fault(node, known) if isinstance(node, nodes.Call) else _bare_fault(node, known)


def _compare_fault(node: nodes.Compare) -> str:
    if any("in" in operand.op and not isinstance(operand.expr, nodes.Tuple) for operand in node.ops):
        return '`in` looks into a list in brackets, such as country in ("AT", "DE")'
    of_numbers = all(
        each.name in COUNTS
        if isinstance(each, nodes.Name)
        else isinstance(each, nodes.Const) and type(each.value) is int
        for each in (node.expr, *(operand.expr for operand in node.ops))
    )
    is_ordered = any(operand.op in _IN_ORDER for operand in node.ops)
    return f"< and > compare numbers alone: {', '.join(COUNTS)}, and such as 3" if is_ordered and not of_numbers else ""


def _is_no_text(node: nodes.Node | None) -> bool:
    """Whether what is printed is, or may be, a flag, a condition, a number written out, or nothing at all."""
    match node:
        case nodes.Const():
            return not isinstance(node.value, str)
        case nodes.And() | nodes.Or():
            return _is_no_text(node.left) or _is_no_text(node.right)
        case nodes.CondExpr():
            return _is_no_text(node.expr1) or _is_no_text(node.expr2)
        case nodes.Filter():
            return _is_no_text(node.node)
        case nodes.Name():
            return node.name in FLAGS
    return node is None or isinstance(node, (nodes.Compare, nodes.Not, nodes.Tuple))


def _const_fault(value: object) -> str:
    if isinstance(value, str):
        return text_fault(value)
    return "" if isinstance(value, int) and abs(value) < NUMBER_MAX else f"numbers are whole, and below {NUMBER_MAX:,}"


def text_fault(text: str) -> str:
    """Why a text has no place in a template, or nothing."""
    return "it holds a sign that cannot be seen, such as a control character" if unseen(text) else ""


def _call_fault(node: nodes.Call, known: Known) -> str:
    if node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
        return f"a phrase is said without anything in its brackets: {TO_DO}"
    said = node.node
    if isinstance(said, nodes.Getattr):
        return _phrase_fault(said, known)
    name = said.name if isinstance(said, nodes.Name) else "this"
    return "" if name in known.names else f"no phrase is called {name}: {TO_DO}"


def _phrase_fault(node: nodes.Getattr, known: Known) -> str:
    if not isinstance(node.node, nodes.Name) or node.node.name not in known.phrases:
        return f".{node.attr}: nothing is within a field: {TO_DO}"
    there = known.phrases[node.node.name]
    return "" if node.attr in there else f"no phrase is called {node.attr}; there are {', '.join(sorted(there))}"


def _bare_fault(node: nodes.Node, known: Known) -> str:
    """Why a value has no place in a template, or a name where it is not said with brackets."""
    if isinstance(node, nodes.Const):
        return _const_fault(node.value)
    if isinstance(node, nodes.Getattr):
        return _phrase_fault(node, known) or f"a phrase is said with brackets: {node.attr}()"
    if not isinstance(node, nodes.Name):
        return ""
    name = node.name
    if name in known.names or name in known.phrases:
        return f"a phrase is said with brackets: {name if name in known.names else f'{name}.phrase'}()"
    return "" if name in FIELDS else f"no field is called {name}; there are {', '.join(FIELDS)}"


def lengths(tree: nodes.Template) -> dict[str, int]:
    """How many characters each phrase may come to; beyond the bound where it contains itself."""
    macros = {node.name: node for node in tree.body if isinstance(node, nodes.Macro)}
    found: dict[str, int] = {}

    def measure(name: str, above: tuple[str, ...]) -> int:
        if name not in found:
            if name in above:
                return SAID_CHARS_MAX + 1
            called = {each for each in _called(macros[name].body) if each in macros}
            known = Known(names={each: measure(each, (*above, name)) for each in sorted(called)})
            found[name] = length(macros[name].body, known)
        return found[name]

    return {name: measure(name, ()) for name in macros}


def _called(body: list[nodes.Node]) -> set[str]:
    return {node.node.name for node in _all(body) if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name)}


def length(body: list[nodes.Node], known: Known) -> int:
    """How many characters a block or phrase may come to, at most; all branches count."""
    return min(SAID_CHARS_MAX + 1, sum(_chars(node, known) for node in _all(body)))


def _chars(node: nodes.Node, known: Known) -> int:
    if isinstance(node, nodes.TemplateData):
        return len(node.data)
    if isinstance(node, nodes.Const):
        return len(node.value) if isinstance(node.value, str) else 1
    if isinstance(node, nodes.Call):
        return PHRASE_CHARS
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return known.phrases.get(node.node.name, {}).get(node.attr, 0)
    return known.names.get(node.name, FIELD_CHARS) if isinstance(node, nodes.Name) else 1


def _all(body: list[nodes.Node]) -> Iterator[nodes.Node]:
    for node in body:
        yield node
        yield from _all(list(node.iter_child_nodes()))
