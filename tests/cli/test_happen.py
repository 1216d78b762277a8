"""What happens to an account, from the shell."""

from pathlib import Path

import pytest

from tests.cli.conftest import filled
from tests.cli.shell import Answer, dunwell

ON = ("--on", "2020-04-03")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a book."""
    return filled(tmp_path)


def type_in(folder: Path, *words: str) -> Answer:
    return dunwell("--home", "book", *words, *ON, cwd=folder)


def outcome(folder: Path, item: str) -> str:
    answer = dunwell("--home", "book", "explain", item, "--as-of", "2020-04-03", "--json", cwd=folder)
    return str(answer.json["decision"]["outcome"])


def test_an_account_is_held_and_released(desk: Path) -> None:
    assert type_in(desk, "hold", "--account", "MEYER", "--reason", "talks", "--until", "2020-04-10").out == (
        "hold 1: on MEYER, through 2020-04-10\n"
    )
    assert outcome(desk, "A-17") == "on_hold"
    assert type_in(desk, "release", "1").out == "hold 1: released\n"
    assert outcome(desk, "A-17") == "dun"


def test_an_item_is_disputed_promised_and_paid(desk: Path) -> None:
    assert type_in(desk, "dispute", "A-17", "--reason", "not delivered").out == "dispute 1: over A-17\n"
    assert outcome(desk, "A-17") == "disputed"
    assert type_in(desk, "resolve", "1", "--json").json == {"dispute": 1}
    said = type_in(desk, "promise", "MEYER", "100.00", "--by", "2020-04-20", "--item", "A-17").out
    assert said == "promise 1: of MEYER: 100.00 EUR by 2020-04-20\n"
    assert outcome(desk, "A-17") == "promised"
    paid = type_in(desk, "pay", "MEYER", "100.00", "--item", "A-17", "--id", "BANK-1", "--json").json["payment"]
    assert outcome(desk, "A-17") == "settled"
    assert type_in(desk, "pay", "MEYER", "100.00", "--id", "BANK-1").code == 5
    assert type_in(desk, "chargeback", str(paid), "--reason", "bounced").out == f"payment {paid}: taken back\n"
    assert outcome(desk, "A-17") == "promised"


def test_a_plan_is_agreed_on_and_taken_back(desk: Path) -> None:
    instalments = ("--instalment", "60.00@2020-04-20", "--instalment", "40.00@2020-05-20")
    assert type_in(desk, "plan", "MEYER", "--item", "A-17", *instalments).out == "plan 1: 2 instalments of MEYER\n"
    assert outcome(desk, "A-17") == "in_plan"
    listed = type_in(desk, "promises", "MEYER", "--json").json["promises"]
    assert [(each["promise"], each["plan"], each["amount_minor"], each["state"]) for each in listed] == [
        (2, 1, 4000, "open"), (1, 1, 6000, "open"),
    ]  # fmt: skip
    assert "60.00 EUR" in type_in(desk, "promises").out
    assert type_in(desk, "end", "--plan", "1", "--reason", "in error").out == "plan 1 has ended\n"
    assert outcome(desk, "A-17") == "dun"
    assert type_in(desk, "promises", "--on", "2020-04-03").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("hold --reason x", 2, "say what to hold: --account CODE or --item ITEM"),
        ("hold --account NOBODY --reason x", 4, "there is no account 'NOBODY' of ACME"),
        ("dispute A-99 --reason x", 4, "there is no item 'A-99' in the book of ACME"),
        ("pay MEYER 1.005", 3, "1.005 has more decimals than EUR has (2)"),
        ("pay MEYER ten", 3, "'ten' is not a number"),
        ("promise MEYER 10.00 --by 2020-04-01", 3, "cannot be for 2020-04-01, which is over"),
        ("plan MEYER --item A-17 --instalment 50.00", 2, "'50.00' is no instalment: an amount and its day"),
        ("plan MEYER --item A-17 --instalment 500.00@2020-05-01", 3, "and only 100.00 EUR is open of the items"),
        ("end --reason x", 2, "say what is taken back: --promise NUMBER or --plan NUMBER"),
        ("end --plan 9 --reason x", 4, "there is no plan 9 of ACME"),
        ("release 9", 4, "there is no hold 9 of ACME"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(desk: Path, words: str, code: int, said: str) -> None:
    answer = type_in(desk, *words.split())
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_a_contact_is_noted(desk: Path) -> None:
    assert type_in(desk, "contact", "MEYER", "--channel", "visit", "--note", "shop closed").out == (
        "contact 1: with MEYER, by visit\n"
    )
    assert type_in(desk, "contact", "MEYER", "--json").json == {"contact": 2}
