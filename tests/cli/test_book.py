"""A book made and filled from the shell."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from tests.cli.conftest import MAPPING, ROWS, filled
from tests.cli.shell import dunwell, python


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
    assert "next: dunwell --home book import FILE --mapping MAP.yaml" in first.out
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


def test_two_at_once_make_one_book(db: str, tmp_path: Path) -> None:
    env = {"DUNWELL_DATABASE_URL": _emptied(db, tmp_path)}
    with ThreadPoolExecutor() as pool:
        # On SQLite one book has one folder; on PostgreSQL two folders may have one database.
        homes = ("book", "book" if db.startswith("sqlite") else "other")
        answers = list(pool.map(lambda home: dunwell("init", home, "--json", cwd=tmp_path, env=env), homes))
    assert [(answer.code, answer.err) for answer in answers] == [(0, ""), (0, "")]
    assert sorted(len(answer.json["policies"]) for answer in answers) == [0, 3]


def test_a_database_without_tables_is_told_to_be_made(db: str, tmp_path: Path) -> None:
    env = {"DUNWELL_DATABASE_URL": _emptied(db, tmp_path)}
    Path(tmp_path / "empty.sqlite3").touch()
    answer = dunwell("propose", cwd=tmp_path, env=env)
    assert (answer.code, answer.out) == (5, "")
    assert "the database has not the tables of this release: `dunwell init` makes them" in answer.err
    assert "relation" not in answer.err


def _emptied(db: str, folder: Path) -> str:
    """The URL of a database without a table."""
    if db.startswith("sqlite"):
        return f"sqlite:///{folder / 'empty.sqlite3'}"
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return db


def test_a_database_that_a_variable_names_is_to_be_named_always(tmp_path: Path) -> None:
    env = {"DUNWELL_DATABASE_URL": f"sqlite:///{tmp_path / 'elsewhere.sqlite3'}"}
    said = dunwell("init", "book", cwd=tmp_path, env=env).out
    assert "its database is the one that DUNWELL_DATABASE_URL names: set it for every command" in said
    assert "DUNWELL_DATABASE_URL" not in dunwell("init", "second", cwd=tmp_path).out
    forgotten = dunwell("--home", "book", "propose", cwd=tmp_path)
    assert (forgotten.code, "by DUNWELL_DATABASE_URL or database_url in dunwell.toml" in forgotten.err) == (4, True)


def test_what_the_disk_refuses_is_said_in_words(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "book" / "archive").write_text("a file where a folder should be")
    answer = dunwell("--home", "book", "propose", cwd=tmp_path)
    folder = tmp_path / "book" / "archive"
    assert (answer.code, answer.err) == (
        3, f"error: {folder} cannot be used: something else is where a folder should be\n",
    )  # fmt: skip


NO_PAGE_MORE = """
from django.db.backends.signals import connection_created
from dunwell.cli.main import app
connection_created.connect(lambda connection, **_more: connection.connection.execute("PRAGMA max_page_count = 1"),
    weak=False)
app("--home book import more.csv --mapping map.yaml".split())
"""


def test_a_disk_without_room_for_the_database_is_said_so_and_loses_nothing(tmp_path: Path) -> None:
    filled(tmp_path)
    more = "\n".join(f"MEYER,Meyer GmbH,,N-{number},100.00,2020-03-31" for number in range(2_000))
    (tmp_path / "more.csv").write_text(f"{ROWS.splitlines()[0]}\n{more}\n")
    before = dunwell("--home", "book", "report", "ageing", cwd=tmp_path).out
    answer = python(NO_PAGE_MORE, cwd=tmp_path)
    assert (answer.code, answer.err) == (
        5, "error: the database's disk is full: make room, and say it again. What was not finished is not written\n",
    )  # fmt: skip
    assert dunwell("--home", "book", "report", "ageing", cwd=tmp_path).out == before
    again = dunwell("--home", "book", "import", "more.csv", "--mapping", "map.yaml", cwd=tmp_path)
    assert "items:    2,000 added" in again.out
