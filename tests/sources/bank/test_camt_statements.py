"""What a statement says of itself: which balances are those of booked money, and whether the sums are right."""

from datetime import date
from pathlib import Path

import pytest

from dunwell.sources.bank.pieces import Closed, Line, Opened
from tests.sources.bank.camt_files import ACCOUNT, balance, entry, message, pieces, refused


def ends(folder: Path, *within: str, kind: str = "053") -> tuple[int | None, int | None]:
    """What a statement without problems opens and closes with."""
    found, problems = pieces(folder, message(*within, kind=kind))
    opened, closed = found[0], found[-1]
    assert problems == []
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    return opened.opening_minor, closed.closing_minor


@pytest.mark.parametrize("opening", ["OPBD", "PRCD", "ITBD"])
def test_a_statement_opens_and_closes_with_booked_money(tmp_path: Path, opening: str) -> None:
    others = balance("OPAV", "7.00") + balance("CLAV", "8.00") + balance("FWAV", "9.00")
    within = balance(opening, "-50.00") + balance("CLBD", "50.00") + others
    assert ends(tmp_path, within, entry("100.00")) == (-5000, 5000)


def test_what_is_booked_at_the_beginning_goes_before_the_end_of_the_day_before(tmp_path: Path) -> None:
    within = balance("PRCD", "1.00", "2026-03-01") + balance("OPBD", "0.00") + balance("CLBD", "100.00")
    assert ends(tmp_path, within, entry("100.00")) == (0, 10000)


def test_of_several_days_the_first_opens_and_the_last_closes(tmp_path: Path) -> None:
    within = (
        balance("OPBD", "60.00", "2026-03-03"), balance("CLBD", "100.00", "2026-03-03"),
        balance("OPBD", "0.00", "2026-03-02"), balance("CLBD", "60.00", "2026-03-02"),
    )  # fmt: skip
    assert ends(tmp_path, *within, entry("60.00"), entry("40.00")) == (0, 10000)


def test_balances_of_another_currency_of_the_account_do_not_count(tmp_path: Path) -> None:
    within = balance("OPBD", "5.00", currency="USD") + balance("OPBD", "0.00") + balance("CLBD", "100.00")
    assert ends(tmp_path, within, entry("100.00")) == (0, 10000)


def test_a_page_opens_and_closes_where_it_is(tmp_path: Path) -> None:
    assert ends(tmp_path, balance("OPBD", "0.00"), balance("ITBD", "100.00"), entry("100.00")) == (0, 10000)
    assert ends(tmp_path, balance("ITBD", "1.00"), balance("ITBD", "101.00"), entry("100.00")) == (100, 10100)
    assert ends(tmp_path, balance("CLBD", "100.00"), entry("100.00")) == (None, 10000)
    assert ends(tmp_path, balance("ITBD", "100.00"), entry("100.00")) == (None, 10000)
    assert ends(tmp_path, entry("100.00")) == (None, None)


def test_a_report_within_the_day_may_tell_less_than_the_day(tmp_path: Path) -> None:
    within = balance("OPBD", "0.00") + balance("ITBD", "500.00")
    assert ends(tmp_path, within, entry("100.00"), kind="052") == (0, None)
    within = balance("ITBD", "400.00") + balance("ITBD", "500.00") + balance("ITAV", "450.00")
    assert ends(tmp_path, within, entry("100.00"), kind="052") == (40000, 50000)
    assert ends(tmp_path, balance("PRCD", "0.00"), balance("CLBD", "100.00"), entry("100.00"), kind="052") == (0, 10000)


def test_what_is_pending_does_not_count(tmp_path: Path) -> None:
    within = balance("OPBD", "0.00") + balance("CLBD", "100.00")
    assert ends(tmp_path, within, entry("100.00"), entry("7.00", status="<Cd>PDNG</Cd>")) == (0, 10000)


def test_a_statement_that_does_not_add_up_is_refused_with_the_difference(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, balance("OPBD", "10.00"), balance("CLBD", "100.00"), entry("100.00"))
    assert found.startswith("6: the statement does not add up: it opens with 10.00 EUR, its lines come to 100.00 EUR")
    assert found.endswith("and it closes with 100.00 EUR; -10.00 EUR are missing or too many")


def test_a_closing_balance_may_stand_after_the_entries_an_opening_may_not(tmp_path: Path) -> None:
    assert ends(tmp_path, balance("OPBD", "0.00"), entry("100.00"), balance("CLBD", "100.00")) == (0, 10000)
    found = refused(tmp_path, entry("100.00"), balance("OPBD", "0.00"))
    assert found == ["6: the balance OPBD stands after the entries: it belongs before them"]


def summary(kind: str, n: str = "", total: str = "", more: str = "") -> str:
    n, total = (f"<{name}>{said}</{name}>" if said else "" for name, said in (("NbOfNtries", n), ("Sum", total)))
    return f"<TxsSummry><{kind}>{n}{total}{more}</{kind}></TxsSummry>"


ENTRIES = entry("100.00") + entry("30.00", sign="DBIT") + entry("5.00", status="<Cd>PDNG</Cd>")


@pytest.mark.parametrize(
    "said",
    [
        summary("TtlNtries", "3", "135.00"),
        summary("TtlNtries", "2", "130"),
        summary("TtlCdtNtries", "2", "105.00"),
        summary("TtlDbtNtries", "1", "30.00"),
        summary("TtlNtries", more="<TtlNetNtryAmt>75.00</TtlNetNtryAmt><CdtDbtInd>CRDT</CdtDbtInd>"),
        summary("TtlNtries", more="<TtlNetNtry><Amt>70.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry>"),
    ],
)
def test_a_summary_may_count_all_entries_or_those_booked(tmp_path: Path, said: str) -> None:
    assert ends(tmp_path, said, ENTRIES) == (None, None)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (summary("TtlNtries", "4"), "TtlNtries/NbOfNtries: there are said to be '4' entries, and there are 3"),
        (summary("TtlNtries", "many"), "TtlNtries/NbOfNtries: there are said to be 'many' entries, and there are 3"),
        (
            summary("TtlCdtNtries", "2", "105.01"),
            "TtlCdtNtries/Sum: the entries are said to come to 105.01 EUR, and come to 105.00 EUR: 0.01 EUR apart",
        ),
        (
            summary("TtlNtries", more="<TtlNetNtryAmt>75.00</TtlNetNtryAmt><CdtDbtInd>DBIT</CdtDbtInd>"),
            "TtlNtries/TtlNetNtryAmt: the entries are said to come to 75.00 EUR, and come to -75.00 EUR: 150.00 EUR",
        ),
        (
            summary("TtlNtries", more="<TtlNetNtry><Amt>75</Amt><CdtDbtInd>DBIT</CdtDbtInd></TtlNetNtry>"),
            "TtlNtries/TtlNetNtry/Amt: the entries are said to come to 75.00 EUR, and come to -75.00 EUR: 150.00 EUR",
        ),
        (summary("TtlNtries", total="1,00"), "TtlNtries/Sum: '1,00' is no amount: decimals stand after a point"),
    ],
)
def test_a_summary_that_is_wrong_is_refused_with_the_difference(tmp_path: Path, said: str, problem: str) -> None:
    (found,) = refused(tmp_path, said, ENTRIES)
    assert problem in found
    assert found.startswith("5: Ttl")


def test_a_balance_without_an_amount_is_refused(tmp_path: Path) -> None:
    bare = balance("CLBD", "1.00").replace('<Amt Ccy="EUR">1.00</Amt>', "")
    assert refused(tmp_path, bare, entry("100.00")) == ["5: Amt: the balance CLBD has no amount"]


def test_the_summary_of_all_pages_is_not_that_of_one(tmp_path: Path) -> None:
    page = "<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"
    assert ends(tmp_path, page, summary("TtlNtries", "40"), ENTRIES) == (None, None)


def test_the_days_are_those_it_names_or_those_of_its_balances(tmp_path: Path) -> None:
    named = "<FrToDt><FrDtTm>2026-03-01T00:00:00+01:00</FrDtTm><ToDtTm>2026-03-02T24:00:00</ToDtTm></FrToDt>"
    first, last = date(2026, 3, 1), date(2026, 3, 2)
    within = balance("OPBD", "0.00", "2026-03-01") + balance("CLBD", "100.00", "2026-03-02")
    for head in (ACCOUNT, ACCOUNT + named):
        found, problems = pieces(tmp_path, message(within, entry("100.00"), head=head))
        assert problems == []
        assert isinstance(found[0], Opened)
        assert (found[0].from_on, found[0].to_on) == (first, last)


@pytest.mark.parametrize(
    ("servicer", "bank"),
    [
        ("<BICFI>COBADEFF</BICFI><Nm>Bank</Nm>", "COBADEFF"),
        ("<BIC>COBADEFF</BIC>", "COBADEFF"),
        ("<Nm>Bank</Nm>", "Bank"),
    ],
)
def test_the_bank_is_called_by_its_bic_or_its_name(tmp_path: Path, servicer: str, bank: str) -> None:
    head = f"<Acct><Id><Othr><Id>12-3</Id></Othr></Id><Svcr><FinInstnId>{servicer}</FinInstnId></Svcr></Acct>"
    found, problems = pieces(tmp_path, message(entry("100.00"), head=head))
    assert problems == []
    assert isinstance(found[0], Opened)
    assert (found[0].account, found[0].bank, found[0].currency) == ("12-3", bank, "EUR")


def test_each_statement_of_a_file_counts_by_itself(tmp_path: Path) -> None:
    one = message(balance("OPBD", "0.00"), balance("CLBD", "100.00"), entry("100.00"))
    begin, end = one.index("<Stmt>"), one.index("</Stmt>") + len("</Stmt>")
    other = one[begin:end].replace("100.00", "7.00").replace("S1", "S2")
    found, problems = pieces(tmp_path, one[:end] + other + one[end:])
    assert problems == []
    assert [piece.statement_id for piece in found if isinstance(piece, Opened)] == ["S1", "S2"]
    assert [(piece.entry_no, piece.amount_minor) for piece in found if isinstance(piece, Line)] == [
        (1, 10000),
        (1, 700),
    ]


def test_a_statement_without_entries_is_one(tmp_path: Path) -> None:
    assert ends(tmp_path, balance("OPBD", "5.00"), balance("CLBD", "5.00")) == (500, 500)


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    found, _ = pieces(tmp_path, message("\n" * 70_000, entry("1.00"), entry("1.00", "<AddtlTxInf>x</AddtlTxInf>")))
    assert [piece.line for piece in found if isinstance(piece, Line)] == [70_005, 70_006]
