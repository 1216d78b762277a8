"""Words: the templates of every language and stage, those of the house over those that come with Dunwell."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final, Protocol, cast

from jinja2 import FunctionLoader, StrictUndefined, TemplateRuntimeError
from jinja2.sandbox import SandboxedEnvironment

from dunwell.letters.reader import LANGUAGES

STAGES: Final = ("courtesy", "reminder", "second_reminder", "escalation", "final")
OTHER_STAGE: Final = "notice"
CLOSE: Final = "close"  # the message that nothing is overdue any more
LETTER: Final = "letter"  # what all letters of a language share
PHRASES: Final = "phrases"
WORDS: Final = "words"
# The parts of a letter that are sentences, in their order; each is a block of a template.
PARTS: Final = ("subject", "salutation", "opening", "upcoming", "request", "costs", "remark", "closing")
SHAPE: Final = "parts"
SHIPPED: Final = "shipped/"  # before a name: the template that comes with Dunwell, whatever the house has
FILTERS: Final[Mapping[str, Callable[[str], str]]] = {
    "capitalize": str.capitalize,
    "lower": str.lower,
    "trim": str.strip,
    "upper": str.upper,
}
_PART_ENDS: Final = "\x1e"  # no data and no template can hold it: both are cleared of control characters


class Words(Protocol):
    """The words of one language in tables, sums and labels: what `templates/<language>/words.txt` sets."""

    number: str
    issued: str
    due: str
    falls_due: str
    days: str
    original: str
    amount: str
    paid_by: str
    discount: str
    also_open: str
    still_open: str
    carried: str
    subtotal: str
    overdue: str
    upcoming: str
    charge: str
    fee: str
    interest: str
    compensation: str
    earlier_interest: str
    earlier_compensation: str
    interest_from: str
    interest_until: str
    interest_on: str
    interest_rate: str
    interest_sum: str
    reference_rate: str
    interest_days: str
    legal_basis: str
    working: str
    counted: str
    compounding: str
    rounded_daily: str
    total: str
    date: str
    reference: str
    account: str
    phone: str
    email: str
    payment: str
    payee: str
    bank: str
    to_pay: str
    to_pay_now: str
    quoting: str
    scan: str
    code: str
    page: str
    of: str
    colon: str


class Wording:
    """Templates by name, such as `de/final.txt`; `own` ones come before those that are shipped.

    They are taken as they are: `check.wording_of` says first what is wrong with them.
    """

    def __init__(self, own: Mapping[str, str] = MappingProxyType({})) -> None:
        self._own = dict(own)
        self._words: dict[str, Words] = {}
        self.environment = SandboxedEnvironment(
            loader=FunctionLoader(self.source),
            undefined=StrictUndefined,
            finalize=_text,
            autoescape=False,  # these are words: who lays them out as HTML escapes them
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.environment.filters = {name: _filter(change) for name, change in FILTERS.items()}

    def source(self, name: str) -> str | None:
        """The text of a template, or None."""
        if name == SHAPE:
            return _PART_ENDS.join(f"{{% block {part} %}}{{% endblock %}}" for part in PARTS)
        return self._own[name] if name in self._own else _shipped(name.removeprefix(SHIPPED))

    def parts(self, language: str, stage: str, fields: Mapping[str, Any], *, closes: bool = False) -> dict[str, str]:
        """Render the sentences of a letter, by the name of their part.

        A stage without a template of its own is written as a plain notice. What `closes` has words of its own.
        """
        stage = CLOSE if closes else stage
        known = closes or stage in STAGES or f"{language}/{stage}.txt" in self._own
        template = self.environment.get_template(f"{language}/{stage if known else OTHER_STAGE}.txt")
        return dict(zip(PARTS, template.render(fields).split(_PART_ENDS), strict=True))

    def words(self, language: str) -> Words:
        """The single words of a language."""
        if language not in self._words:
            name = f"{language}/{WORDS}.txt"
            said = {**self._said(f"{SHIPPED}{name}"), **(self._said(name) if name in self._own else {})}
            self._words[language] = cast("Words", SimpleNamespace(**said))
        return self._words[language]

    def _said(self, name: str) -> dict[str, object]:
        module = self.environment.get_template(name).module
        return {word: value for word, value in vars(module).items() if not word.startswith("_")}


def _text(value: object) -> str:
    """What a template prints: text or a number. Errors: TemplateRuntimeError for anything else, such as no deadline."""
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise TemplateRuntimeError(f"it prints what is no text ({value}): ask by `if` whether it is there")


def _filter(change: Callable[[str], str]) -> Callable[[object], str]:
    return lambda value: change(_text(value))


@cache
def _shipped(name: str) -> str | None:
    language, _, file = name.partition("/")
    if language not in LANGUAGES or file.removesuffix(".txt") not in {
        *STAGES,
        OTHER_STAGE,
        CLOSE,
        LETTER,
        PHRASES,
        WORDS,
    }:
        return None
    return files("dunwell.letters").joinpath("templates", language, file).read_text(encoding="utf-8")


@cache
def shipped() -> Wording:
    """The words that come with Dunwell."""
    return Wording()
