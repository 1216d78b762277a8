"""The words of letters: those that come with Dunwell, and the house's own templates over them."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings

from dunwell.engine.documents import DocumentError
from dunwell.flows.errors import Invalid, NotFound
from dunwell.letters.check import CHARS_MAX, wording_of
from dunwell.letters.reader import LANGUAGES
from dunwell.letters.wording import CLOSE, LETTER, OTHER_STAGE, PHRASES, STAGES, WORDS, Wording

ENDING: Final = ".txt"


def languages() -> tuple[str, ...]:
    """The languages that letters are written in."""
    return tuple(LANGUAGES)


def words_in_force() -> Wording:
    """The words that letters are written in now. Errors: Invalid, with file, line and what to do of each problem."""
    folder: Path = settings.CONFIG.templates_dir
    return _checked(str(folder), tuple(sorted(own_templates().items())))


def own_templates() -> dict[str, str]:
    """The texts of the house's own templates, by their names such as `de/final.txt`. Errors: Invalid."""
    folder: Path = settings.CONFIG.templates_dir
    texts, problems = {}, []
    for path in sorted(folder.rglob(f"*{ENDING}")) if folder.is_dir() else []:
        try:
            with path.open(encoding="utf-8") as file:
                texts[path.relative_to(folder).as_posix()] = file.read(CHARS_MAX + 1)
        except UnicodeDecodeError as error:
            problems.append(f"{path}:1: it is not UTF-8 (byte {error.start + 1}): save it as UTF-8")
        except OSError as error:
            problems.append(f"{path}:1: it cannot be read: {error.strerror}")
    if problems:
        raise Invalid("templates that cannot be used", problems)
    return texts


def template_text(name: str) -> str:
    """The text of a template in force, such as `de/final`, to begin a change with. Errors: NotFound, Invalid."""
    text = words_in_force().source(f"{name.removesuffix(ENDING)}{ENDING}")
    if text is None:
        names = ", ".join((*STAGES, OTHER_STAGE, CLOSE, LETTER, PHRASES, WORDS))
        raise NotFound(f"there is no template {name!r}; there are, in each of {', '.join(LANGUAGES)}: {names}")
    return text


@lru_cache(maxsize=4)
def _checked(folder: str, own: tuple[tuple[str, str], ...]) -> Wording:
    try:
        return wording_of(dict(own), folder)
    except DocumentError as error:
        raise Invalid("templates that cannot be used", [str(each) for each in error.problems]) from None
