"""The texts of the repository: links lead somewhere, the changelog knows the version, nothing is of one machine."""

import re
import tomllib
from urllib.parse import unquote

from dunwell import __version__
from tests.tidy.tree import ROOT, files

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
# Put together, so that this file does not find itself.
MACHINE = re.compile(rf"(?<![\w.~-])/(?:{'|'.join(('work', 'home', 'root'))})/[\w.]")


def test_every_link_to_a_file_leads_to_one() -> None:
    broken = []
    for path in (path for path in files() if path.suffix == ".md"):
        for found in LINK.finditer(CODE.sub("", path.read_text(encoding="utf-8"))):
            target = next(group for group in found.groups() if group)
            if re.match(r"[a-z][a-z0-9+.-]*:|#", target):
                continue
            place = (path.parent / unquote(target.partition("#")[0])).resolve()
            if not place.exists() or not place.is_relative_to(ROOT):
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_the_changelog_names_the_version() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert any(re.search(rf"(?<![\d.]){re.escape(__version__)}(?![\d.])", heading) for heading in headings)


def test_the_version_is_said_once() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r'^version = "([^"]+)"$', project, re.MULTILINE) == [__version__]


def test_every_dependency_has_its_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
    ]
    names = {re.findall(r"^[\w-]+", text)[0].lower() for text in wanted}
    page = (ROOT / "docs" / "decisions" / "0005-dependencies.md").read_text(encoding="utf-8").lower()
    assert {name for name in names if name not in page and not name.startswith("types-")} == set()


def test_nothing_is_of_one_machine() -> None:
    found = []
    for path in files():
        content = path.read_bytes()
        if b"\0" in content[:8000]:
            continue
        lines = content.decode("utf-8", "replace").splitlines()
        found += [f"{path.relative_to(ROOT)}:{number}" for number, text in enumerate(lines, 1) if MACHINE.search(text)]
    assert found == []


def test_every_decision_says_what_would_change_our_mind() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    assert [page.name for page in pages if "What would change our mind" not in page.read_text(encoding="utf-8")] == []
