"""A run from the shell, from the decision to the outbox."""

from pathlib import Path

import pytest

from tests.cli.conftest import ROWS, filled
from tests.cli.shell import Answer, dunwell
from tests.messages import in_outbox, read

AS_OF = ("--as-of", "2020-04-03")


def test_a_run_from_proposal_to_outbox(db: str, tmp_path: Path) -> None:
    env = {"DUNWELL_DATABASE_URL": db}
    filled(tmp_path, env)

    def type_in(*words: str) -> Answer:
        return dunwell("--home", "book", *words, cwd=tmp_path, env=env)

    proposed = type_in("propose", *AS_OF, "--json").json
    assert (proposed["run"], proposed["entity"], proposed["as_of"], proposed["notices"]) == (1, "ACME", "2020-04-03", 1)
    assert proposed["outcomes"] == {"not_due": 1, "unreachable": 1, "dun": 1}
    posted = type_in("post", "1", "--json")
    assert (posted.code, posted.json["posted"], posted.json["sent"], posted.json["waiting"]) == (0, 1, 1, 0)
    (letter,) = in_outbox(tmp_path / "book" / "outbox")
    assert "Meyer [bold] GmbH" in read(letter)
    again = type_in("post", "1", "--json")
    assert (again.code, again.json["posted"], again.json["sent"]) == (0, 0, 0)
    why = type_in("explain", "A-17", "--run", "1", "--json").json
    assert (why["run"], why["decision"]["outcome"], why["as_of"], why["entity"]) == (1, "dun", "2020-04-03", "ACME")
    later = type_in("propose", *AS_OF)
    assert later.code == 0
    assert "run 2 for ACME as of 2020-04-03: 3 items decided" in later.out
    assert "dunwell --home book post 2" in later.out
    assert "0 notices posted, 0 wait for approval" in type_in("post", "2").out
    assert type_in("doctor").code == 0


def test_a_preview_shows_the_message(shown: Path) -> None:
    answer = dunwell("--home", "book", "preview", "MEYER", *AS_OF, cwd=shown)
    assert answer.code == 0
    assert answer.out.startswith("To:      ap@meyer.example (email)\nSubject: ")
    assert "Meyer [bold] GmbH" in answer.out  # as it is: no markup
    (message,) = dunwell("--home", "book", "preview", "MEYER", *AS_OF, "--json", cwd=shown).json
    assert (message["stage"], message["recipients"]) == ("reminder", "ap@meyer.example (email)")
    nothing = dunwell("--home", "book", "preview", "SMITH", *AS_OF, cwd=shown)
    assert (nothing.code, nothing.out) == (
        0,
        "SMITH would be sent nothing; `dunwell --home book explain ITEM --as-of 2020-04-03` says why\n",
    )


def test_explain_says_why(shown: Path) -> None:
    answer = dunwell("--home", "book", "explain", "B-1", *AS_OF, cwd=shown)
    assert answer.code == 0
    assert answer.out.startswith("B-1 of SMITH, on 2020-04-03, as the book stands\n  unreachable: ")
    found = dunwell("--home", "book", "explain", "B-1", *AS_OF, "--json", cwd=shown).json
    assert (found["number"], found["decision"]["open_minor"], found["run"]) == ("B-1", 123450, None)


def test_the_ageing_adds_up(shown: Path) -> None:
    answer = dunwell("--home", "book", "report", "ageing", cwd=shown)
    assert answer.code == 0
    assert "1,384.50" in answer.out
    found = dunwell("--home", "book", "report", "ageing", "--json", cwd=shown).json
    assert (found["entity"], found["rows"][0]["total_minor"]) == ("ACME", 138450)
    before = dunwell("--home", "book", "report", "ageing", *AS_OF, cwd=shown)  # it was imported long after
    assert (before.code, "nothing is known of ACME at the end of 2020-04-03" in before.err) == (3, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("explain NOPE", 4, "there is no item 'NOPE' in the book of ACME"),
        ("explain A-17 --run 99", 4, "there is no run 99"),
        ("explain A-17 --run 99 --entity ACME", 4, "there is no run 99 of ACME"),
        ("audit show", 2, "say what to show: --item ITEM, --account CODE, --run RUN, --series NAME or --entity CODE"),
        ("run schedule --post", 2, "say --at HH:MM, with --post or without, or --off"),
        ("preview NOPE", 4, "there is no account 'NOPE' of ACME"),
        ("post 99", 4, "there is no run 99"),
        ("propose --entity NOPE", 4, "there is no entity 'NOPE'; known: ACME"),
        ("report ageing --entity NOPE", 4, "there is no entity 'NOPE'; known: ACME"),
    ],
)
def test_what_is_not_there_leaves_with_4(shown: Path, words: str, code: int, said: str) -> None:
    answer = dunwell("--home", "book", *words.split(), cwd=shown)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_a_run_of_the_future_leaves_with_5(shown: Path) -> None:
    run = dunwell("--home", "book", "propose", "--as-of", "2999-01-01", "--json", cwd=shown).json["run"]
    answer = dunwell("--home", "book", "post", str(run), cwd=shown)
    assert (answer.code, answer.out) == (5, "")
    assert "is for 2999-01-01, which is yet to come: it can be looked at, not posted" in answer.err


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_messages_that_could_not_be_written_leave_with_1(tmp_path: Path, option: list[str]) -> None:
    filled(tmp_path)
    (tmp_path / "book" / "outbox").write_text("a file where a folder should be")
    dunwell("--home", "book", "propose", *AS_OF, cwd=tmp_path)
    answer = dunwell("--home", "book", "post", "1", *option, cwd=tmp_path)
    assert answer.code == 1
    assert '"failed": 1' in answer.out if option else "1 failed" in answer.out
    assert "cannot write into the outbox" in answer.out  # says why
    doctor = dunwell("--home", "book", "doctor", cwd=tmp_path)
    assert doctor.code == 1
    assert "WRONG outbox: " in doctor.out


def test_letters_of_an_earlier_book_are_not_taken_for_this_ones(tmp_path: Path) -> None:
    filled(tmp_path)

    def type_in(*words: str) -> Answer:
        return dunwell("--home", "book", *words, cwd=tmp_path)

    type_in("propose", *AS_OF)
    assert "1 messages written" in type_in("post", "1").out
    (letter,) = in_outbox(tmp_path / "book" / "outbox")
    before = letter.read_bytes()
    for file in (tmp_path / "book").glob("dunwell.sqlite3*"):
        file.unlink()
    (tmp_path / "items.csv").write_text(ROWS.replace("Meyer", "Maier"))
    assert dunwell("init", "book", cwd=tmp_path).code == 0
    type_in("import", "items.csv", "--mapping", "map.yaml")
    type_in("propose", *AS_OF)
    refused = type_in("post", "1")
    assert (refused.code, letter.read_bytes()) == (5, before)
    assert "holds messages that are not of this book" in refused.err
    (tmp_path / "book" / "outbox").rename(tmp_path / "book" / "old")
    assert "1 messages written" in type_in("post", "1").out
    assert "Maier" in letter.read_text(encoding="utf-8")
