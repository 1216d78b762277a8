"""A book made and filled from the shell."""

from pathlib import Path

import pytest

from tests.cli.conftest import MAPPING, ROWS, filled
from tests.cli.shell import dunwell


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but the database, whose bytes say nothing."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "sqlite3" not in path.name
    }


def test_init_twice_is_harmless(tmp_path: Path) -> None:
    first = dunwell("init", "book", cwd=tmp_path)
    assert first.code == 0
    assert "next: dunwell import FILE --mapping MAP.yaml" in first.out
    changed = tmp_path / "book" / "policies" / "consumer.yaml"
    changed.write_text("# mine\n" + changed.read_text())
    before = files(tmp_path / "book")
    assert set(before) == {
        "dunwell.toml",
        *(f"policies/{name}.yaml" for name in ("consumer", "key-accounts", "standard-b2b")),
    }
    again = dunwell("init", "book", "--json", cwd=tmp_path)
    assert (again.code, again.json) == (0, {"home": str(tmp_path / "book"), "policies": []})
    assert files(tmp_path / "book") == before
    assert (tmp_path / "book" / "dunwell.toml").stat().st_mode & 0o077 == 0
    in_force = dunwell("--home", "book", "policy", "show", "--json", cwd=tmp_path).json
    assert [(row["policy"], row["version"]) for row in in_force] == [
        ("consumer", 1),
        ("key-accounts", 1),
        ("standard-b2b", 1),
    ]


def test_init_without_a_folder_is_here(tmp_path: Path) -> None:
    answer = dunwell("init", "--json", cwd=tmp_path)
    assert answer.json["home"] == str(tmp_path)
    assert [policy["number"] for policy in answer.json["policies"]] == [1, 1, 1]
    assert dunwell("doctor", cwd=tmp_path).code == 0


def test_an_import_reports_what_it_did_and_the_second_does_nothing(tmp_path: Path) -> None:
    filled(tmp_path)
    again = dunwell("--home", "book", "import", "items.csv", "--mapping", "map.yaml", "--json", cwd=tmp_path)
    assert again.code == 0
    assert (again.json["rows"], again.json["items"]["added"], again.json["items"]["unchanged"]) == (3, 0, 3)
    assert again.json["totals"][0]["file_minor"] == again.json["totals"][0]["book_minor"] == 138450
    text = dunwell("--home", "book", "import", "items.csv", "--mapping", "map.yaml", cwd=tmp_path)
    assert "items:    0 added, 0 changed, 3 as they were" in text.out
    assert "1,384.50" in text.out


@pytest.mark.parametrize(
    ("rows", "mapping", "said"),
    [
        (ROWS.replace("1234.50", "12x4"), MAPPING, "items.csv:4: amount"),
        (ROWS.replace("2020-06-30", "30.06.2020"), MAPPING, "items.csv:3: due"),
        (ROWS, MAPPING.replace("number:", "nummer:"), "map.yaml:5: nummer"),
        ("", MAPPING, "items.csv"),
    ],
)
def test_a_bad_file_is_refused_with_line_and_column(shown: Path, rows: str, mapping: str, said: str) -> None:
    bad = shown / "bad"
    bad.mkdir(exist_ok=True)
    (bad / "items.csv").write_text(rows)
    (bad / "map.yaml").write_text(mapping)
    answer = dunwell("--home", "book", "import", "bad/items.csv", "--mapping", "bad/map.yaml", cwd=shown)
    assert answer.code == 3
    assert answer.out == ""
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_a_file_that_is_not_there_leaves_with_4(shown: Path) -> None:
    for words in (("none.csv", "--mapping", "map.yaml"), ("items.csv", "--mapping", "none.yaml")):
        answer = dunwell("--home", "book", "import", *words, cwd=shown)
        assert answer.code == 4
        assert "none." in answer.err
        assert "No such file" in answer.err


@pytest.mark.parametrize("words", ["propose", "doctor", "explain A-17", "policy show", "report ageing", "post 1"])
def test_without_a_book_one_is_told_to_make_one(tmp_path: Path, words: str) -> None:
    answer = dunwell(*words.split(), cwd=tmp_path)
    assert answer.code == 4
    assert "make one with `dunwell init`, or try `dunwell demo`" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_settings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    answer = dunwell("init", cwd=tmp_path, env={"DUNWELL_DATABASE_URL": "mysql://somewhere"})
    assert answer.code == 3
    assert "database_url" in answer.err
    (tmp_path / "dunwell.toml").write_text("outbux_dir = 'x'\n")
    answer = dunwell("doctor", cwd=tmp_path)
    assert answer.code == 3
    assert "outbux_dir: no setting is called so" in answer.err


def test_a_database_that_does_not_answer_is_a_conflict_and_the_doctor_says_so(tmp_path: Path) -> None:
    env = {"DUNWELL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    answer = dunwell("propose", cwd=tmp_path, env=env)
    assert answer.code == 5
    assert "See what is wrong with `dunwell doctor`." in answer.err
    doctor = dunwell("doctor", "--json", cwd=tmp_path, env=env)
    assert doctor.code == 1
    assert [finding["what"] for finding in doctor.json["findings"] if not finding["is_fine"]] == ["database"]


def test_an_empty_book_is_told_which_policies_are_in_force(tmp_path: Path) -> None:
    dunwell("init", cwd=tmp_path)
    answer = dunwell("doctor", cwd=tmp_path)
    assert answer.code == 0
    assert "ok    policies: consumer, key-accounts, standard-b2b\n" in answer.out


def test_a_sound_book_is_well(shown: Path) -> None:
    answer = dunwell("--home", "book", "doctor", cwd=shown)
    assert answer.code == 0
    assert answer.out.startswith("ok    versions: dunwell")
    assert "WRONG" not in answer.out
