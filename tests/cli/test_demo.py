"""The demo: the first thing that anybody types."""

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.shell import Answer, dunwell
from tests.messages import in_outbox, read

AS_OF = ("--as-of", "2026-04-07")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """A folder with a demo in it, and what was said."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, dunwell("demo", *AS_OF, cwd=folder)


def letters(folder: Path) -> list[str]:
    """What lies in the outbox."""
    return [read(path) for path in in_outbox(folder / "demo" / "outbox") if path.suffix == ".eml"]


def test_it_shows_what_became_of_a_book(played: tuple[Path, Answer]) -> None:
    _folder, answer = played
    assert (answer.code, answer.err) == (0, "")
    # The fees that the run charged are items too.
    assert re.match(r"A sample book is in demo: 2,000 accounts, 12,0\d\d items\.\n", answer.out)
    for words in ("Items by outcome", "Notices by stage", "Sums of the notices", "Why one of them stands as it does:"):
        assert words in answer.out
    for outcome in ("dun", "on_hold", "disputed", "promised", "not_due", "exception", "covered_by_credit"):
        assert re.search(rf"^{outcome} +[\d,]+$", answer.out, re.MULTILINE)


def test_the_outbox_holds_what_was_said_in_three_languages(played: tuple[Path, Answer]) -> None:
    folder, answer = played
    said = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) messages in demo/outbox", answer.out)]
    texts = letters(folder)
    assert sum(said) == len(in_outbox(folder / "demo" / "outbox")) > len(texts) > 100
    languages = {re.findall(r"^Content-Language: (\w+)", text, re.MULTILINE)[0] for text in texts}
    assert languages == {"en", "de", "fr"}


def test_what_it_tells_to_type_next_works(played: tuple[Path, Answer]) -> None:
    folder, answer = played
    typed, _, opened = answer.out.partition("Next, type:")[2].partition("\n\nand open ")
    assert "Gesamtbetrag" in (text := read(folder / opened.partition(": ")[0])) or "Total" in text
    lines = [line.split() for line in typed.strip().splitlines()]
    assert len(lines) == 4
    for words in lines:
        shown = dunwell(*words[1:], cwd=folder)
        assert shown.code == 0
        assert "would be sent nothing" not in shown.out


def test_the_entity_is_asked_for_where_no_run_tells_it(played: tuple[Path, Answer]) -> None:
    folder, answer = played
    words = next(line for line in answer.out.splitlines() if " explain " in line).split()[1:]
    assert "--entity" not in words
    assert dunwell(*words, cwd=folder).out.startswith(words[words.index("explain") + 1])
    asked = dunwell("--home", "demo", "propose", cwd=folder)
    assert (asked.code, asked.out) == (2, "")
    assert "there are several entities: say which with --entity (ALBION, NORD)" in asked.err


def test_the_doctor_finds_it_well(played: tuple[Path, Answer]) -> None:
    assert dunwell("--home", "demo", "doctor", cwd=played[0]).code == 0


def test_a_second_demo_takes_its_place_and_comes_to_the_same(tmp_path: Path) -> None:
    first = dunwell("demo", *AS_OF, "--json", cwd=tmp_path)
    before = letters(tmp_path)
    second = dunwell("demo", *AS_OF, "--json", cwd=tmp_path)
    assert first.code == second.code == 0
    assert first.json == second.json
    assert letters(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_it_can_be_made_anew_in_the_folder_one_stands_in(played: tuple[Path, Answer], tmp_path: Path) -> None:
    folder, first = played
    shutil.copytree(folder / "demo", tmp_path / "demo")
    (tmp_path / "demo" / "dunwell.sqlite3").unlink()
    again = dunwell("demo", ".", *AS_OF, cwd=tmp_path / "demo")
    assert (again.code, again.err) == (0, "")
    assert letters(tmp_path) == letters(folder)
    assert re.findall(r"[\d,]+ messages in", again.out) == re.findall(r"[\d,]+ messages in", first.out)


def test_it_clears_no_folder_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine.txt").write_text("mine")
    answer = dunwell("demo", cwd=tmp_path)
    assert (answer.code, answer.out) == (5, "")
    assert "demo holds something that is no demo: name another folder" in answer.err
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["mine.txt"]


def test_it_leaves_the_book_alone_that_the_settings_name(tmp_path: Path) -> None:
    own = tmp_path / "own"
    assert dunwell("init", own, cwd=tmp_path).code == 0
    env = {"DUNWELL_DATABASE_URL": f"sqlite:///{own / 'dunwell.sqlite3'}"}
    dunwell("demo", *AS_OF, cwd=tmp_path, env=env)
    found = dunwell("--home", own, "doctor", "--json", cwd=tmp_path).json["findings"]
    assert "0 entities" in next(finding["found"] for finding in found if finding["what"] == "book")


@pytest.mark.parametrize("as_of", ["0001-01-01", "1900-01-01", "1969-12-31", "2200-01-01"])
def test_a_day_too_far_away_is_refused_before_anything_is_cleared(tmp_path: Path, as_of: str) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / ".dunwell-demo").write_text("")
    (tmp_path / "demo" / "kept").write_text("kept")
    answer = dunwell("demo", "--as-of", as_of, cwd=tmp_path)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == f"error: a demo is of a day between 1970 and 2199, not of {as_of}\n"
    assert (tmp_path / "demo" / "kept").exists()
