"""Policies and their stories from the shell."""

from pathlib import Path

import pytest

from tests.cli.conftest import begun, filled
from tests.cli.shell import Answer, dunwell

TIED = "policy: gentle\ntitle: Gentle\nmin_gap_days: 7\nstages: [{stage: reminder, days_past_due: 3, send: [email]}]\n"
GOOD = TIED + "priority: 70\n"
BROKEN = GOOD.replace("days_past_due", "days_pastdue")
STORY = """\
story: a reminder after three days
policy: gentle.yaml
accounts: [{account: MEYER, email: ap@meyer.example}]
steps:
  - {on: 2026-03-01, invoice: {number: A-17, account: MEYER, amount: 100.00 EUR, due: 2026-03-31}}
  - {on: 2026-04-03, run: {}, expect: {notices: [{account: MEYER, stage: reminder, total: 100.00 EUR}]}}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with policies, stories, and no book."""
    (tmp_path / "gentle.yaml").write_text(GOOD)
    (tmp_path / "broken.yaml").write_text(BROKEN)
    (tmp_path / "good.story.yaml").write_text(STORY)
    (tmp_path / "bad.story.yaml").write_text(STORY.replace("total: 100.00", "total: 90.00"))
    return tmp_path


def test_a_check_without_a_book_names_the_series_that_one_has_to_be_given(desk: Path) -> None:
    stage = "{stage: first, days_past_due: 3, interest: true, send: [email]}"
    for regime in ("AT", "DE"):
        policy = f"{{policy: p, title: T, min_gap_days: 5, interest: {{regime: {regime}}}, stages: [{stage}]}}"
        (desk / f"law-{regime}.yaml").write_text(policy)
    (austrian, german) = dunwell("policy", "check", "law-AT.yaml", "law-DE.yaml", "--json", cwd=desk).json["policies"]
    assert ["the series at-basiszinssatz does not come with Dunwell" in each for each in austrian["warnings"]] == [True]
    assert german["warnings"] == []


def test_a_check_needs_no_book_and_makes_none(desk: Path) -> None:
    before = sorted(desk.iterdir())
    answer = dunwell("policy", "check", "gentle.yaml", cwd=desk)
    assert (answer.code, answer.out, answer.err) == (0, "gentle.yaml: the policy gentle is valid\n", "")
    assert sorted(desk.iterdir()) == before
    assert dunwell("policy", "check", "gentle.yaml", "--json", cwd=desk).json == {
        "policies": [{"file": "gentle.yaml", "policy": "gentle", "warnings": []}],
        "problems": [],
    }


def test_a_broken_policy_is_refused_with_file_and_line(desk: Path) -> None:
    answer = dunwell("policy", "check", "broken.yaml", "gentle.yaml", cwd=desk)
    assert answer.code == 3
    assert "broken.yaml:4: stages[0].days_pastdue: unknown key; did you mean 'days_past_due'?" in answer.err
    assert "gentle.yaml: the policy gentle is valid" in answer.out
    found = dunwell("policy", "check", "broken.yaml", "--json", cwd=desk)
    assert (found.code, found.json["policies"], len(found.json["problems"])) == (3, [], 1)


def test_a_file_that_is_no_text_is_refused(desk: Path) -> None:
    (desk / "latin.yaml").write_bytes("policy: café\n".encode("latin-1"))
    answer = dunwell("policy", "check", "latin.yaml", cwd=desk)
    assert answer.code == 3
    assert "latin.yaml is not UTF-8 text" in answer.err


def test_a_policy_file_that_is_not_there_leaves_with_4(desk: Path) -> None:
    answer = dunwell("policy", "check", "none.yaml", cwd=desk)
    assert answer.code == 4
    assert "none.yaml" in answer.err


def test_the_schema_is_one_json_document(desk: Path) -> None:
    schema = dunwell("policy", "schema", cwd=desk).json
    assert {"policy", "stages"} <= set(schema["properties"])
    assert {"story", "steps"} <= set(dunwell("story", "schema", cwd=desk).json["properties"])


def test_policies_are_applied_and_shown_with_their_versions(desk: Path) -> None:
    begun(desk)
    first = dunwell("--home", "book", "policy", "apply", "gentle.yaml", cwd=desk)
    assert (first.code, first.out) == (0, "gentle: version 1 is now in force\n")
    again = dunwell("--home", "book", "policy", "apply", "gentle.yaml", "--json", cwd=desk).json
    assert again == {"applied": [{"name": "gentle", "number": 1, "is_new": False}], "warnings": []}
    (desk / "gentle.yaml").write_text(GOOD.replace("3", "5"))
    dunwell("--home", "book", "policy", "apply", "gentle.yaml", cwd=desk)
    assert dunwell("--home", "book", "policy", "show", "gentle", cwd=desk).out == GOOD.replace("3", "5")
    old = dunwell("--home", "book", "policy", "show", "gentle", "--version", "1", "--json", cwd=desk).json
    assert (old["version"], old["text"]) == (1, GOOD)
    assert "gentle" in dunwell("--home", "book", "policy", "show", cwd=desk).out
    missing = dunwell("--home", "book", "policy", "show", "none", cwd=desk)
    assert missing.code == 4
    assert "known: consumer, gentle, key-accounts, standard-b2b" in missing.err


def test_a_policy_of_which_entities_have_their_own_is_shown_for_one_of_them(tmp_path: Path) -> None:
    filled(tmp_path)
    for name, text in {"every.yaml": GOOD, "own.yaml": GOOD.replace("3", "5")}.items():
        (tmp_path / name).write_text(text)

    def policy(*words: str) -> Answer:
        return dunwell("--home", "book", "policy", *words, cwd=tmp_path)

    policy("apply", "every.yaml")
    policy("apply", "own.yaml", "--entity", "ACME")
    unclear = policy("show", "gentle")
    assert (unclear.code, unclear.out) == (3, "")
    assert "say which with --entity or --version (version 1 for every entity, version 2 for ACME)" in unclear.err
    assert policy("show", "gentle", "--entity", "ACME").out == GOOD.replace("3", "5")
    shown = policy("show", "gentle", "--version", "1", "--json").json
    assert (shown["entity"], shown["text"]) == ("every", GOOD)
    listed = policy("show", "--entity", "ACME", "--json").json
    assert {row["policy"]: row["entity"] for row in listed}["gentle"] == "ACME"
    assert len(listed) == 4
    assert policy("show", "gentle", "--entity", "NOPE").code == 4


def test_one_broken_policy_keeps_all_out(desk: Path) -> None:
    begun(desk)
    answer = dunwell("--home", "book", "policy", "apply", "gentle.yaml", "broken.yaml", cwd=desk)
    assert (answer.code, answer.out) == (3, "")
    assert "broken.yaml:4" in answer.err
    assert dunwell("--home", "book", "policy", "show", "gentle", cwd=desk).code == 4


def test_a_story_that_holds(desk: Path) -> None:
    answer = dunwell("test", "good.story.yaml", cwd=desk)
    assert answer.code == 0
    assert "1 passed in" in answer.out
    assert dunwell("test", "good.story.yaml", "--json", cwd=desk).json == {"stories": 1, "failed": 0, "failures": []}


def test_a_story_that_fails_says_what_was_expected_what_came_and_why(desk: Path) -> None:
    answer = dunwell("test", ".", cwd=desk)
    assert answer.code == 1
    assert "bad.story.yaml:6: " in answer.out
    for word in ("expected", "90.00", "got", "100.00", "dun: a notice is due", "1 failed, 1 passed"):
        assert word in answer.out
    found = dunwell("test", "bad.story.yaml", "--json", cwd=desk)
    assert (found.code, found.json["failed"], found.json["failures"][0]["line"]) == (1, 1, 6)


def test_a_story_that_is_not_there_leaves_with_4(desk: Path) -> None:
    assert dunwell("test", "none.yaml", cwd=desk).code == 4
    (desk / "empty").mkdir()
    answer = dunwell("test", "empty", cwd=desk)
    assert answer.code == 4
    assert "no story is in empty: a story is a YAML file with the key `story`" in answer.err


def test_a_story_that_cannot_be_read_is_a_failure(desk: Path) -> None:
    (desk / "odd.yaml").write_text("story: odd\nsteps: [{on: 2026-03-01, invoyce: {}}]\n")
    answer = dunwell("test", "odd.yaml", cwd=desk)
    assert answer.code == 1
    assert "odd.yaml:2: " in answer.out


def test_a_tie_with_a_policy_in_force_is_warned_of_and_ended(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "gentle.yaml").write_text(TIED)
    tie = "gentle.yaml: priority: standard-b2b is in force with the same priority, 100"

    def type_in(*words: str) -> Answer:
        return dunwell("--home", "book", *words, cwd=tmp_path)

    assert tie in type_in("policy", "check", "gentle.yaml").err
    applied = type_in("policy", "apply", "gentle.yaml")
    assert (applied.code, tie in applied.err) == (0, True)
    proposed = type_in("propose", "--as-of", "2020-04-03")
    assert (
        "3 items are exceptions: nothing is sent about them until somebody sees to it\n  3: two policies"
        in proposed.out
    )
    (exceptions,) = type_in("propose", "--as-of", "2020-04-03", "--json").json["exceptions"].values()
    assert exceptions == 3
    retired = type_in("policy", "retire", "gentle")
    assert retired.out == ("gentle: version 1 is no longer in force; in force: consumer, key-accounts, standard-b2b\n")
    assert type_in("propose", "--as-of", "2020-04-03", "--json").json["exceptions"] == {}
    assert type_in("policy", "retire", "gentle").code == 4


def test_what_a_policy_does_not_reckon_with_in_the_book_is_warned_of(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "gentle.yaml").write_text(GOOD.replace("[email]", "[sms], fee: {CHF: 5.00}"))
    (tmp_path / "later.yaml").write_text(GOOD.replace("stage: reminder", "stage: first"))
    check, apply = (("--home", "book", "policy", word, "gentle.yaml") for word in ("check", "apply"))
    checked = dunwell(*check, "--json", cwd=tmp_path)
    (sent, fee) = sorted(checked.json["policies"][0]["warnings"])[::-1]
    assert checked.code == 0
    assert sent.startswith("gentle.yaml:4: stages[0].send: sms does not reach any of ")
    assert fee.startswith("gentle.yaml:4: stages[0].fee: no amount in EUR (")
    applied = dunwell(*apply, cwd=tmp_path)
    assert (applied.code, "warning: gentle.yaml:4: stages[0].fee: " in applied.err) == (0, True)
    assert dunwell(*check, "--entity", "NOPE", cwd=tmp_path).code == 4
    assert dunwell("policy", "check", "gentle.yaml", "--entity", "ACME", cwd=tmp_path).code == 4  # there is no book
