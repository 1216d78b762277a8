"""The wheel, as somebody gets it who has nothing but Python: built, installed in an empty environment, and played."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.messages import in_outbox

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "dunwell"
SECONDS_MAX = 300

pytestmark = pytest.mark.wheel


def run(*words: str | Path, cwd: Path) -> str:
    """Run a program in a folder, with nothing of this environment; return what it said."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DUNWELL_", "DJANGO_", "PYTHON", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=kept,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this source tree, built outside of it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an empty environment with nothing but the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    run(programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=folder)
    return programs


def test_the_wheel_holds_every_file_of_the_source_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name.removeprefix("dunwell/") for name in archive.namelist() if name.startswith("dunwell/")}
        others = {name.partition("/")[0] for name in archive.namelist() if not name.startswith("dunwell/")}
    wanted = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == wanted
    assert all(re.fullmatch(r"dunwell-[\d.]+\.dist-info", name) for name in others)
    for needed in (
        "engine/policies/consumer.yaml",
        "letters/templates/fr/final.txt",
        "letters/layouts/letter.typ",
        "letters/layouts/mail.html",
        "letters/fonts/signs.txt",
        "letters/fonts/OFL.txt",
        "letters/fonts/NotoSans-Regular.ttf",
        "records/migrations/0001_tables.py",
    ):
        assert needed in held


def test_the_demo_plays_from_the_wheel_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "dunwell", "demo", cwd=tmp_path)
    outcomes = dict(re.findall(r"^(\w+) +([\d,]+)$", said, re.MULTILINE))
    assert {"dun", "not_due", "on_hold", "disputed", "exception"} <= set(outcomes)
    messages = sum(int(n.replace(",", "")) for n in re.findall(r"([\d,]+) messages in demo/outbox", said))
    letters = in_outbox(tmp_path / "demo" / "outbox")
    assert messages == len(letters) > 100
    assert {path.name for path in tmp_path.iterdir()} == {"demo"}
    assert "WRONG" not in run(installed / "dunwell", "--home", "demo", "doctor", cwd=tmp_path)


def test_an_empty_book_is_made_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    run(installed / "dunwell", "init", cwd=tmp_path)
    assert {path.name for path in (tmp_path / "policies").iterdir()} == {
        "consumer.yaml",
        "key-accounts.yaml",
        "standard-b2b.yaml",
    }
    assert "valid" in run(installed / "dunwell", "policy", "check", "policies/consumer.yaml", cwd=tmp_path)
