"""What Pydantic finds wrong with a file that people write, in their words."""

import re
from dataclasses import replace
from typing import Final

from dunwell.engine.documents import DocumentError

_SHAPES: Final = {
    "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$": "a name of letters, digits and _ . -, at most 63",
    "^[a-z][a-z0-9_]{0,59}$": "a name of small letters, digits and _, at most 60, that begins with a letter",
    "^[A-Z]{2}$": "a country code of two capital letters, such as DE",
    "^([A-Z]{2}|account)$": "a country code of two capital letters, such as DE, or account",
    r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$": "a time of day such as 08:00-18:00",
}
_WORDS: Final = (
    (r"should be a valid dictionary( or instance of \w+)?", "should be keys with values, as in {key: value}"),
    (r"should be a valid (tuple|list)", "should be a list, such as [a, b]"),
    (r"should be a valid string", "should be a text: write it in quotes"),
    (r"should be a valid integer", "should be a whole number"),
    (r"should be a valid boolean", "should be true or false"),
    (r"string should have at least 1 character, not ''", "is empty"),
    (r"(list|tuple) should have at least 1 item after validation, not 0", "is empty"),
    (r"Decimal\('([^']*)'\)", r"\1"),
)
_PATTERN: Final = re.compile(r"string should match pattern '(.*?)'(?=, not |$)")


def in_words(error: DocumentError) -> DocumentError:
    """Say the problems of a document without the words of a library."""
    return DocumentError([replace(problem, message=_reworded(problem.message)) for problem in error.problems])


def _reworded(message: str) -> str:
    message = _PATTERN.sub(lambda found: f"should be {_SHAPES.get(found[1], 'written otherwise')}", message)
    for pattern, words in _WORDS:
        message = re.sub(pattern, words, message)
    return message
