"""Templates of the house, held against what a letter has before any is written: nothing but words gets through."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain, product
from typing import Final

from jinja2 import TemplateError, TemplateSyntaxError, nodes

from dunwell.engine.documents import DocumentError, Problem
from dunwell.letters.letter import compose
from dunwell.letters.notice import Charged, ChargeLine, Creditor, Interest, Line, Notice, Period
from dunwell.letters.reader import LANGUAGES
from dunwell.letters.sayable import (
    SAID_CHARS_MAX,
    SUPER_CHARS,
    TO_DO,
    TOO_DEEP,
    Known,
    faults,
    length,
    lengths,
    text_fault,
)
from dunwell.letters.wording import (
    CLOSE,
    LETTER,
    OTHER_STAGE,
    PARTS,
    PHRASES,
    SHAPE,
    SHIPPED,
    STAGES,
    WORDS,
    Wording,
    Words,
)

CHARS_MAX: Final = 50_000


def wording_of(own: Mapping[str, str], folder: str = "templates") -> Wording:
    """Take templates by their names, such as `de/final.txt`, over those that come with Dunwell.

    Errors: DocumentError, with file and line of every problem: a name, field, phrase, block or word that is none, a
    syntax error, anything that reaches beyond words, and a letter that would lack one of its parts.
    """
    problems = [replace(each, source=f"{folder}/{each.source}") for each in _problems(own)]
    if problems:
        raise DocumentError(problems)
    return Wording(own)


def _problems(own: Mapping[str, str]) -> list[Problem]:
    wording = Wording(own)
    found = [problem for name in sorted(own) for problem in _File(name, own[name], wording).problems()]
    return found or [problem for name in sorted(own) for problem in _tried(name, wording)]


class _File:
    """One template, taken apart."""

    def __init__(self, name: str, text: str, wording: Wording) -> None:
        self.name, self.text, self.wording = name, text, wording
        self.language, _, file = name.partition("/")
        self.stem = file.removesuffix(".txt")

    def problems(self) -> list[Problem]:
        """What is wrong with it."""
        if found := self._as_a_file():
            return [self._problem(1, found)]
        try:
            tree = self.wording.environment.parse(self.text)
            read = {WORDS: self._words, PHRASES: self._phrases}.get(self.stem, self._letter)
            return list(read(tree))
        except TemplateSyntaxError as error:
            return [self._problem(error.lineno, str(error.message).rstrip("."))]
        except RecursionError:  # of the parser
            return [self._problem(1, TOO_DEEP)]
        except ValueError:  # of thousands of digits
            return [self._problem(1, "it holds a number that is too large")]

    def _as_a_file(self) -> str:
        if self.language not in LANGUAGES or "/" in self.stem:
            there = ", ".join(f"{language}/" for language in LANGUAGES)
            return f"it stands in no folder of a language: there are {there}"
        if len(self.text) > CHARS_MAX:
            return f"at most {CHARS_MAX:,} characters, not {len(self.text):,}"
        return text_fault(self.text)

    def _problem(self, line: int, message: str) -> Problem:
        return Problem(self.name, line, (), message)

    def _words(self, tree: nodes.Template) -> Iterator[Problem]:
        for node in _without_space(tree.body):
            name = node.target if isinstance(node, nodes.Assign) else None
            if not isinstance(node, nodes.Assign) or not isinstance(node.node, nodes.Const):
                yield self._problem(node.lineno, 'it sets words alone, such as {% set fee = "Charge" %}')
            elif not isinstance(name, nodes.Name) or name.name not in Words.__annotations__:
                called = name.name if isinstance(name, nodes.Name) else "it"
                known = ", ".join(Words.__annotations__)
                yield self._problem(node.lineno, f"{called} is no word of a letter; there are {known}")
            elif not isinstance(node.node.value, str):
                yield self._problem(node.lineno, f"{name.name} is a text in quotation marks")
            elif fault := text_fault(node.node.value):
                yield self._problem(node.lineno, fault)

    def _phrases(self, tree: nodes.Template) -> Iterator[Problem]:
        known = Known(names=lengths(tree))
        for node in _without_space(tree.body):
            if isinstance(node, nodes.Macro) and node.name.startswith("_"):
                yield self._problem(node.lineno, f"{node.name} cannot be said by others: a phrase begins with a letter")
            elif isinstance(node, nodes.Macro) and not node.args:
                yield from self._faults(node, known)
            else:
                yield self._problem(node.lineno, "it has phrases alone: {% macro name() %} ... {% endmacro %}")

    def _letter(self, tree: nodes.Template) -> Iterator[Problem]:
        base = SHAPE if self.stem == LETTER else f"{self.language}/{LETTER}.txt"
        allowed = {base, f"{SHIPPED}{self.name}" if _is_shipped(self.stem) else base}
        body = list(_without_space(tree.body))
        aliases: dict[str, Mapping[str, int]] = {}
        if not body or not isinstance(body[0], nodes.Extends):
            yield self._problem(1, f'it begins with {{% extends "{base}" %}}')
        for node in body:
            if isinstance(node, nodes.Extends):
                if not isinstance(node.template, nodes.Const) or node.template.value not in allowed:
                    quoted = " or ".join(f'{{% extends "{name}" %}}' for name in sorted(allowed))
                    yield self._problem(node.lineno, f"it extends what is not its base: {quoted}")
            elif isinstance(node, nodes.Import):
                name = node.template.value if isinstance(node.template, nodes.Const) else ""
                if name not in {f"{self.language}/{PHRASES}.txt", f"{SHIPPED}{self.language}/{PHRASES}.txt"}:
                    yield self._problem(node.lineno, f"phrases are in {self.language}/{PHRASES}.txt alone")
                elif not node.with_context:
                    yield self._problem(node.lineno, "phrases speak of the notice: say `with context`")
                else:
                    aliases[node.target] = lengths(self._parsed(name))
            elif isinstance(node, nodes.Block):
                if node.name not in PARTS:
                    yield self._problem(node.lineno, f"no part is called {node.name}; there are {', '.join(PARTS)}")
                yield from self._faults(node, Known(names={"super": SUPER_CHARS}, phrases=aliases))
            else:
                yield self._problem(node.lineno, f"what stands outside a block is never read: {TO_DO}")

    def _parsed(self, name: str) -> nodes.Template:
        try:
            return self.wording.environment.parse(self.wording.source(name) or "")
        except TemplateSyntaxError:  # that file tells of it
            return nodes.Template([])

    def _faults(self, node: nodes.Macro | nodes.Block, known: Known) -> Iterator[Problem]:
        yield from (self._problem(line, fault) for line, fault in faults(node.body, known))
        if length(node.body, known) > SAID_CHARS_MAX:
            told = f"{node.name} may come to more than {SAID_CHARS_MAX:,} characters, or is made of itself"
            yield self._problem(node.lineno, told)


def _without_space(body: list[nodes.Node]) -> Iterator[nodes.Node]:
    """What stands at the top of a template, but for the white space between."""
    for node in body:
        is_space = isinstance(node, nodes.Output) and all(
            isinstance(each, nodes.TemplateData) and not each.data.strip() for each in node.nodes
        )
        if not is_space:
            yield node


def _is_shipped(stem: str) -> bool:
    return stem in {*STAGES, OTHER_STAGE, CLOSE, LETTER}


def _tried(name: str, wording: Wording) -> Iterator[Problem]:
    """Write letters of all shapes with a template; those that all letters share are tried with every stage."""
    language, _, file = name.partition("/")
    stem = file.removesuffix(".txt")
    for stage in (*STAGES, OTHER_STAGE, CLOSE) if stem in {LETTER, PHRASES, WORDS} else (stem,):
        asking = chain(_notices(language, stage), _charging(language, stage))
        for notice in _closing(language) if stage == CLOSE else asking:
            try:
                compose(notice, wording)
            except (TemplateError, TypeError, ValueError, RecursionError, SyntaxError) as error:
                yield Problem(name, 1, (), f"no {stage} can be written with it: {error}")
                return


def _notices(language: str, stage: str) -> Iterator[Notice]:
    """One notice of each shape that templates tell apart."""
    day = date(2026, 4, 3)
    late = Line(
        number="A-1", issued_on=day, due_on=day - timedelta(9), days_past_due=9, amount_minor=100, original_minor=100
    )
    early = replace(late, number="A-2", due_on=day + timedelta(9), days_past_due=-9)
    today = replace(late, due_on=day, days_past_due=0)
    part, unnumbered = replace(late, amount_minor=50), replace(late, number="")
    shapes = (
        (late,),
        (late, part),
        (early,),
        (early, early),
        (late, early),
        (part, part, early),
        (today,),
        (unnumbered,),
    )
    deadlines = ((day + timedelta(7), ()), (None, ()), (day + timedelta(7), (late, early)))
    for lines, (deadline_on, listed) in product(shapes, deadlines):
        due = sum(line.amount_minor for line in lines)
        yield Notice(
            notice_id=1, creditor=Creditor(name="A"), debtor_name="B", address_lines=(), language=language,
            country=None, currency="EUR", as_of=day, deadline_on=deadline_on, stage=stage, lines=lines,
            charges=(ChargeLine(amount_minor=1),), due_minor=due, charges_minor=1, total_minor=due + 2,
            charged=Charged(fee_minor=1), listed=listed,
        )  # fmt: skip
    yield Notice(
            notice_id=1, creditor=Creditor(name="A"), debtor_name="B", address_lines=(), language=language,
            country=None, currency="EUR", as_of=day, deadline_on=day + timedelta(7), stage=stage, lines=lines,
            charges=(ChargeLine(amount_minor=1),), due_minor=due, charges_minor=1, total_minor=due + 2,
            charged=Charged(fee_minor=1),
        )  # fmt: skip
    yield Notice(
        notice_id=1, creditor=Creditor(name="A", reference_scheme="rf"), debtor_name=None, address_lines=(),
        language=language, country="CH",
        currency="EUR", as_of=day, deadline_on=None, stage=stage, lines=(late,), charges=(), due_minor=100,
        charges_minor=0, total_minor=100,
    )  # fmt: skip


def _charging(language: str, stage: str) -> Iterator[Notice]:
    """Notices with interest and a flat sum, and with a warning of costs to come that names amount and deadline."""
    day = date(2026, 4, 3)
    line = Line(
        number="A-1", issued_on=day, due_on=day - timedelta(9), days_past_due=9, amount_minor=100, original_minor=100
    )
    period = Period(
        from_on=day - timedelta(8), until_on=day, days=9, principal_minor=100, reference_millionths=1_270_000,
        rate_millionths=10_270_000, interest=Decimal(25),
    )  # fmt: skip
    plain = Notice(
        notice_id=1, creditor=Creditor(name="A"), debtor_name="B", address_lines=(), language=language, country=None,
        currency="EUR", as_of=day, deadline_on=day + timedelta(14), stage=stage, lines=(line,), charges=(),
        due_minor=100, charges_minor=0, total_minor=100,
    )  # fmt: skip
    interest = (Interest(number="A-1", until_on=day, amount_minor=25, periods=(period,)),)
    charged = Charged(interest=interest, compensation_minor=4000, legal_basis="A § 1")
    yield replace(plain, charged=charged, total_minor=4125)
    yield replace(plain, charged=Charged(costs_to_come_minor=4000, costs_days=14))


def _closing(language: str) -> Iterator[Notice]:
    """A notice that asks for nothing any more."""
    yield Notice(
        notice_id=1, creditor=Creditor(name="A"), debtor_name="B", address_lines=(), language=language, country=None,
        currency="EUR", as_of=date(2026, 4, 3), deadline_on=None, stage=CLOSE, lines=(), charges=(),
        due_minor=0, charges_minor=0, total_minor=0, closes=True,
    )  # fmt: skip
