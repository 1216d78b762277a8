"""A letter as HTML for mail programs: one column, styles at their elements, nothing to load."""

from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from dunwell.letters.letter import Letter


def html_of(letter: Letter) -> str:
    """Lay a letter out as a page of HTML that reads well in the dark, on a telephone, and without its styles."""
    return _page().render(letter=letter, words=letter.words)


@cache
def _page() -> Template:
    source = files("dunwell.letters.layouts").joinpath("mail.html").read_text(encoding="utf-8")
    environment = SandboxedEnvironment(
        loader=DictLoader({"mail.html": source}),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    return environment.get_template("mail.html")
