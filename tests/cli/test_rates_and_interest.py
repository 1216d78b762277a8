"""Rates and what a claim bears, from the shell: with a book and without one."""

from pathlib import Path

import pytest

from tests.cli.conftest import filled
from tests.cli.shell import Answer, dunwell

CLAIM = (
    "interest", "--regime", "DE", "--class", "business", "--amount", "10000.00", "--due", "2025-03-31",
    "--until", "2025-09-30",
)  # fmt: skip


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder without a book."""
    return tmp_path_factory.mktemp("nowhere")


def test_interest_needs_no_book(nowhere: Path) -> None:
    answer = dunwell(*CLAIM, "--json", cwd=nowhere)
    assert (answer.code, answer.err) == (0, "")
    found = answer.json
    assert (found["interest_minor"], found["flat_minor"]) == (53_984, 4_000)
    first, second = found["periods"]
    assert (first["from_on"], first["until_on"], first["days"]) == ("2025-04-01", "2025-06-30", 91)
    assert (second["reference_percent"], second["rate_percent"]) == ("1.27", "10.27")
    assert [first["interest_minor"], second["interest_minor"]] == ["28097.808219", "25886.027397"]
    assert list(nowhere.iterdir()) == []


def test_interest_is_shown_period_by_period(nowhere: Path) -> None:
    shown = dunwell(
        "interest", "--regime", "UK", "--class", "business", "--amount", "8500.00", "--currency", "GBP",
        "--due", "2025-05-31", "--until", "2025-10-31", "--paid", "2025-08-01:300.00", cwd=nowhere,
    ).out  # fmt: skip
    assert "2025-06-01  2025-08-01    62   8,500.00  4.75 %     12.75 %  184.0890" in shown
    assert "2025-08-02  2025-10-31    91   8,200.00  4.75 %     12.75 %  260.6589" in shown
    assert "interest  444.75 GBP, days as act/365" in shown
    assert "flat sum  70.00 GBP" in shown
    assert "1998 Act" in shown


def test_interest_is_set_on_paper(nowhere: Path, tmp_path: Path) -> None:
    for language in ("en", "de", "fr"):
        file = tmp_path / f"{language}.pdf"
        assert dunwell(*CLAIM, "--pdf", file, "--language", language, cwd=nowhere).code == 0
        assert file.read_bytes().startswith(b"%PDF")


def test_an_agreed_rate_needs_neither_regime_nor_class(nowhere: Path) -> None:
    words = ("interest", "--rate", "8", "--currency", "USD", "--amount", "100", "--due", "2025-01-31")
    found = dunwell(*words, "--until", "2026-01-31", "--json", cwd=nowhere).json
    assert (found["interest_minor"], found["flat_minor"], found["regime"], found["by_law"]) == (800, 0, None, [])
    assert "flat sum" not in dunwell(*words, "--until", "2026-01-31", cwd=nowhere).out


def test_a_rate_stands_in_for_a_series_that_is_not_there(nowhere: Path) -> None:
    words = ("interest", "--regime", "PL", "--class", "business", "--amount", "30000", "--due", "2025-03-31")
    refused = dunwell(*words, "--until", "2025-05-31", cwd=nowhere)
    assert (refused.code, refused.out) == (3, "")
    assert "pl-nbp" in refused.err
    assert "or say the rate that holds with --rate PERCENT" in refused.err
    shown = dunwell(*words, "--until", "2025-05-31", "--rate", "16", cwd=nowhere).out
    assert "interest  802.19 PLN" in shown
    assert "flat sum  not known: the series pl-nbp-eur is not there" in shown


def test_interest_is_told_where_the_flat_sum_cannot_be_converted(nowhere: Path) -> None:
    words = (
        "interest", "--regime", "DE", "--class", "business", "--amount", "100", "--currency", "KWD",
        "--due", "2025-03-31", "--until", "2025-09-30",
    )  # fmt: skip
    found = dunwell(*words, "--json", cwd=nowhere).json
    assert (found["interest_minor"], found["flat_minor"], found["by_law"]) == (5_398, None, [])
    shown = dunwell(*words, cwd=nowhere)
    assert (shown.code, shown.err) == (0, "")
    assert "flat sum  not known: the series ecb-eur-kwd is not there" in shown.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--regime DE --class business --amount 1e3 --due 2025-01-01", 3, "--amount: '1e3' is no amount: write it out"),
        (
            "--rate 8 --currency EUR --amount 100 --due 2025-01-01 --until 2025-02-01 --paid 2025-01-15:1e1",
            3,
            "--paid: '1e1' is no amount: write it out",
        ),
        ("--regime DX --amount 1 --due 2025-01-01", 3, "--regime: there is none called 'DX'; there are AT, "),
        ("--regime DE --amount 1 --due 2025-01-01 --until 2025-02-01", 3, "--class: the law asks"),
        ("--regime DE --class firm --amount 1 --due 2025-01-01", 3, "--class: 'firm' is none of business, consumer"),
        ("--regime DE --class business --amount x --due 2025-01-01", 3, "--amount: "),
        ("--regime DE --class business --amount 1.001 --due 2025-01-01", 3, "--amount: "),
        ("--regime DE --class business --amount -1 --due 2025-01-01", 3, "--amount: -1 is not above 0"),
        ("--regime DE --class business --amount 1 --currency XXX --due 2025-01-01", 3, "--currency: 'XXX'"),
        ("--rate 8 --amount 1 --due 2025-01-01", 3, "--currency: say in which currency it is"),
        ("--rate x --currency EUR --amount 1 --due 2025-01-01", 3, "--rate: 'x' is no number of percent a year"),
        ("--rate 101 --currency EUR --amount 1 --due 2025-01-01", 3, "--rate: '101' is not between 0 and 100 "),
        ("--rate 8.00001 --currency EUR --amount 1 --due 2025-01-01", 3, "with at most 4 decimals"),
        ("--regime de --amount 1 --due 2025-01-01", 3, "there is none called 'de': do you mean DE?"),
        ("--regime DE --class business --amount 1 --due 2025-01-01 --paid 2025-02-01:-1", 3, "--paid: -1 is not above"),
        ("--regime DE --class business --amount 1 --due 2025-01-01 --paid 2025-02-01:0", 3, "--paid: 0 is not above"),
        ("--regime DE --class business --amount 1 --due 2025-01-01 --paid 2025-02-01:1.01", 3, "--paid: 1.01 EUR is m"),
        ("--rate 8 --currency EUR --amount 1 --due 0001-01-01", 3, "--due: 0001-01-01 is not between 1900 and 2199"),
        ("--rate 8 --currency EUR --amount 1 --due 2025-01-01 --language xx", 2, "--language: there are en, de, fr"),
        (
            "--rate 8 --currency EUR --amount 1 --due 2025-01-01 --day-count act/364",
            3,
            "--day-count: 'act/364' is no",
        ),
        (
            "--rate 8 --currency EUR --amount 1 --due 2025-01-01 --paid 1.00",
            3,
            "--paid: '1.00' is not a day and an am",
        ),
        ("--regime DE --class business --amount 1 --due 2024-01-01 --until 2026-01-01", 3, "de-basiszinssatz is known"),
        ("--amount 1 --due 2025-01-01", 3, "say by which law with --regime"),
        ("--regime DE", 2, "say the claim with --amount and --due, or the number of an item"),
        ("A-1 --amount 1", 4, "there is no book"),
    ],
)
def test_what_cannot_be_worked_out_is_refused_by_its_field(nowhere: Path, words: str, code: int, said: str) -> None:
    answer = dunwell("interest", *words.split(), cwd=nowhere)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("until", ["2025-03-30", "2025-03-31"])
def test_a_claim_that_is_not_late_bears_nothing(nowhere: Path, until: str) -> None:
    found = dunwell(*CLAIM[:-1], until, "--json", cwd=nowhere).json
    assert (found["interest_minor"], found["flat_minor"], found["periods"]) == (0, 0, [])
    shown = dunwell(*CLAIM[:-1], until, cwd=nowhere).out
    assert shown == "nothing is late yet: it is due on 2025-03-31, and interest begins a day later\n"


def test_series_are_listed_without_a_book_too(nowhere: Path) -> None:
    found = {each["series"]: each for each in dunwell("rates", "list", "--json", cwd=nowhere).json["series"]}
    assert found["de-basiszinssatz"]["regimes"] == ["DE"]
    assert found["at-basiszinssatz"]["until_on"] is None
    one = dunwell("rates", "list", "ecb-mro", cwd=nowhere).out
    assert "European Central Bank" in one
    assert "2025-06-11   2.15" in one
    shown = dunwell("rates", "list", cwd=nowhere).out
    assert "Asked for, and given by nobody yet" in shown
    assert "dunwell rates add " in shown
    assert dunwell("rates", "list", "nothing", cwd=nowhere).code == 4


def test_rates_are_added_to_a_book_and_used_by_it(tmp_path: Path) -> None:
    filled(tmp_path)

    def type_in(*words: str | Path) -> Answer:
        return dunwell("--home", "book", *words, cwd=tmp_path)

    item = ("interest", "A-17", "--regime", "DE", "--class", "business", "--until", "2026-03-31", "--json")
    refused = type_in(*item)
    assert (refused.code, "de-basiszinssatz is known until 2025-12-31" in refused.err) == (3, True)
    added = type_in("rates", "add", "de-basiszinssatz", "2026-01-01", "1.27", "--source", "Bundesbank")
    assert added.out == "de-basiszinssatz: 1 added, 0 corrected; known until 2026-06-30\n"
    found = type_in(*item)
    assert found.code == 0, found.err
    assert (found.json["item"], found.json["principal_minor"]) == ("A-17", 10_000)
    assert (found.json["due_on"], found.json["periods"][-1]["until_on"]) == ("2020-03-31", "2026-03-31")
    paid = type_in("pay", "MEYER", "40.00", "--item", "A-17", "--on", "2026-01-15")
    assert paid.code == 0, paid.err
    after = type_in(*item).json
    assert [each["principal_minor"] for each in after["periods"]][-2:] == [10_000, 6_000]
    assert after["periods"][-1]["from_on"] == "2026-01-16"
    again = type_in("rates", "add", "de-basiszinssatz", "2026-01-01", "1.27")
    assert again.out == "de-basiszinssatz: nothing new; known until 2026-06-30\n"
    day = ("rates", "add", "de-basiszinssatz", "2026-02-01", "9", "--until", "2026-02-01", "--correct", "misread")
    assert type_in(*day).out == (
        "de-basiszinssatz: 1 added, 1 corrected; known until 2026-06-30; 1.27 again from 2026-02-02\n"
    )
    back = type_in(*(word if word != "9" else "1.27" for word in day), "--json").json["series"][0]
    assert (back["corrected"], back["resumes_on"], back["resumes"]) == (1, None, "")
    wrong = type_in("rates", "add", "de-basiszinssatz", "2026-02-01", "--until", "2026-02-28", "--", "-0.88")
    assert (wrong.code, "-0.88 contradicts what is known of 2026-02-01, 1.27" in wrong.err) == (3, True)
    (tmp_path / "r.csv").write_text("from,value\n2026-07-01,1.5\n2026-13-01,1\n")
    bad = type_in("rates", "import", tmp_path / "r.csv", "--series", "de-basiszinssatz")
    assert (bad.code, "r.csv:3: from: '2026-13-01' is no date" in bad.err) == (3, True)
    assert type_in("audit", "verify").code == 0
    assert type_in("interest", "A-17", "--until", "2026-03-31").code == 3  # its policy has no law
    assert type_in("interest", "NONE", "--regime", "DE").code == 4
