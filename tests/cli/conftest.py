"""Books to type at: one that several tests look at, and a fresh one for those that change it."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.cli.shell import dunwell

MAPPING = """\
entity: ACME
account: {column: customer}
name: {column: name}
email: {column: mail}
number: {column: invoice}
currency: EUR
amount: {column: amount}
due: {column: due}
"""
ROWS = """\
customer,name,mail,invoice,amount,due
MEYER,Meyer [bold] GmbH,ap@meyer.example,A-17,100.00,2020-03-31
MEYER,Meyer [bold] GmbH,ap@meyer.example,A-18,50.00,2020-06-30
SMITH,Smith Ltd,,B-1,1234.50,2020-03-31
"""


def begun(folder: Path) -> Path:
    """Make an empty book in a folder's `book`: a copy of one, as to make one takes seconds."""
    shutil.copytree(_empty_once(), folder / "book")
    return folder


def filled(folder: Path, env: dict[str, str] | None = None) -> Path:
    """Make a book in a folder, with two accounts and three items of 2020: a copy of one, where `env` has no other."""
    if env is None:
        return Path(shutil.copytree(_filled_once(), folder, dirs_exist_ok=True))
    assert dunwell("init", "book", cwd=folder, env=env).code == 0
    _fill(folder, env)
    return folder


def _fill(folder: Path, env: dict[str, str]) -> None:
    (folder / "map.yaml").write_text(MAPPING)
    (folder / "items.csv").write_text(ROWS)
    imported = dunwell("--home", "book", "import", "items.csv", "--mapping", "map.yaml", cwd=folder, env=env)
    assert imported.code == 0, imported.err


@cache
def _kept() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="dunwell-books-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _empty_once() -> Path:
    assert dunwell("init", "empty", cwd=_kept()).code == 0
    return _kept() / "empty"


@cache
def _filled_once() -> Path:
    folder = _kept() / "filled"
    folder.mkdir()
    _fill(begun(folder), {})
    return folder


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a book in `book`, for tests that change nothing in it."""
    return filled(tmp_path_factory.mktemp("shell"))
