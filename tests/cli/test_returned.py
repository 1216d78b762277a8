"""What a bank takes back, from the shell."""

from pathlib import Path

import pytest

from tests.cli.conftest import filled
from tests.cli.shell import dunwell, on_a_terminal
from tests.sources.bank.mt940_files import IBAN, mt940


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book with MEYER's payment of 100.00, and the bank's return of it, of 103.00."""
    home = filled(tmp_path) / "book"
    assert dunwell("cash", "account", IBAN, cwd=home).code == 0
    content = mt940(["260302 100 //B1 thanks", "260305 -103 //B2 back", "260305 -20 //B3 rent"], opens=500)
    returned = content.replace("D103,00NTRFNONREF", "D103,00NRTINONREF").replace(":86:back", ":86:109?00RETOURE")
    (home / "one.sta").write_bytes(returned.encode())
    assert dunwell("cash", "import", "one.sta", cwd=home).code == 0
    return home


def lines(book: Path, state: str) -> list[int]:
    """The numbers of the lines in a state, by amount."""
    found = dunwell("cash", "lines", "--state", state, "--json", cwd=book).json["lines"]
    return [line["line"] for line in sorted(found, key=lambda line: line["amount_minor"])]


def test_a_person_says_what_a_bank_took_back_and_that_it_did_not(book: Path) -> None:
    taking, _rent, paid = lines(book, "open")
    assert dunwell("cash", "apply", str(paid), "--item", "A-17", cwd=book).code == 0
    told = dunwell("cash", "match", cwd=book).out
    assert "the bank took 0 earlier lines back; 1 more wait for a person" in told
    (waiting,) = dunwell("cash", "review", "--json", cwd=book).json["lines"]
    assert (waiting["takes_back"], waiting["outcome"], waiting["amount_minor"]) == (True, "exception", -10_300)
    nothing = dunwell("cash", "returned", str(taking), cwd=book)
    assert (nothing.code, "say which line it is, or which payment" in nothing.err) == (5, True)
    answer = dunwell("cash", "returned", str(taking), "--of", str(paid), "--json", cwd=book)
    assert answer.json == {
        "line": taking, "of": paid, "payment": None, "accounts": ["MEYER"], "amount_minor": -10_300, "over_minor": 300,
        "currency": "EUR", "waits": None, "note_again": None,
    }  # fmt: skip
    assert lines(book, "returned") == [taking, paid]
    again = dunwell("cash", "returned", str(taking), "--back", cwd=book)
    assert again.out.strip() == f"line {taking} and line {paid} wait again"
    assert lines(book, "returned") == []
    assert dunwell("cash", "returned", str(taking), "--back", "--of", str(paid), cwd=book).code == 2


@pytest.mark.parametrize("huge", ["9223372036854775808", "10000000000000000000000"])
def test_a_number_that_no_row_has_is_said_not_to_be_there(book: Path, huge: str) -> None:
    taking, _rent, _paid = lines(book, "open")
    for words in ([str(taking), "--of", huge], [str(taking), "--payment", huge], [huge], [huge, "--back"]):
        refused = dunwell("cash", "returned", *words, cwd=book)
        what = "payment" if "--payment" in words else "bank line"
        assert (refused.code, f"there is no {what} {huge}" in refused.err) == (4, True)


def test_a_person_at_a_terminal_is_asked_for_it_as_for_the_others(book: Path) -> None:
    taking, _rent, paid = lines(book, "open")
    assert dunwell("cash", "apply", str(paid), "--item", "A-17", cwd=book).code == 0
    shown = on_a_terminal("cash", "review", cwd=book, answers=f"y\nA-17 x\n{'9' * 30}\n{10**19}\n{paid}\n")
    assert f"line {taking}: -103.00 EUR on 2026-03-05: taken back," in shown
    assert "LINE: that line, pNUMBER: a payment, s: skip, q: quit" in shown
    assert "nothing is proposed here" in shown
    assert "type its number, or pNUMBER for a payment" in shown
    assert "no line and no payment has such a number" in shown
    assert f"there is no bank line {10**19} of" in shown
    assert f"line {taking} takes line {paid} back: what MEYER had paid is open again" in shown
    assert "the bank took 3.00 EUR more than had come" in shown
    assert dunwell("cash", "review", cwd=book).out.strip() == "nothing waits"


def test_a_payment_without_a_line_is_taken_back_by_one(book: Path) -> None:
    taking, _rent, paid = lines(book, "open")
    assert dunwell("cash", "set-aside", str(paid), "--reason", "noted by hand", cwd=book).code == 0
    number = dunwell("pay", "MEYER", "100.00", "--on", "2026-03-02", "--json", cwd=book).json["payment"]
    shown = on_a_terminal("cash", "review", cwd=book, answers=f"p{number}\n")
    assert f"line {taking} takes payment {number} back: what MEYER had paid is open again" in shown
    assert lines(book, "returned") == [taking]
    undone = dunwell("cash", "returned", str(taking), "--back", cwd=book).out
    assert f"line {taking} waits again" in undone
    assert f"payment {number} stays taken back: if the money is there, note it again with `dunwell pay`" in undone
    assert dunwell("cash", "returned", str(taking), "--back", "--json", cwd=book).code == 5


def test_a_return_that_is_reversed_is_taken_back_in_one_step(book: Path) -> None:
    taking, _rent, paid = lines(book, "open")
    assert dunwell("cash", "returned", str(taking), "--of", str(paid), cwd=book).code == 0
    content = mt940(["260307 103 //B4 back"], opens=477, on=("260306", "260307"))
    (book / "two.sta").write_bytes(content.replace("C103,00", "RD103,00").encode())
    assert dunwell("cash", "import", "two.sta", cwd=book).code == 0
    third = max(lines(book, "open"))
    told = dunwell("cash", "returned", str(third), "--of", str(taking), cwd=book).out
    assert f"line {third} takes line {taking} back" in told
    assert f"line {paid}, which that one had taken back, waits again: `dunwell cash match` looks at it" in told
