"""The standard's own examples of the three messages, and a statement with payments that came back."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.sources.bank.balances import balanced
from dunwell.sources.bank.camt import read
from dunwell.sources.bank.pieces import Closed, Kind, Line, Opened, Party, Piece
from dunwell.sources.problems import Problems
from tests.sources.bank.camt_files import whole
from tests.tidy.tree import ROOT

SAMPLES = ROOT.parent / "shared" / "data" / "bank-camt-sebastien" / "tests" / "gold_master"
pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data/bank-camt-sebastien is not there")
ACCOUNT = "50000000054910000003"
DAY = date(2010, 10, 18)


def sample(name: str) -> tuple[Opened, list[Line], Closed]:
    problems = Problems(name)
    found: list[Piece] = list(balanced(read(SAMPLES / name, problems), problems))
    problems.refuse()
    opened, *lines, closed = found
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    return opened, [line for line in lines if isinstance(line, Line)], closed


def test_the_statement_of_the_standard() -> None:
    opened, (credit, batch, exchange), closed = sample("business_sample_camt.053.001.04.xml")
    assert (opened.kind, opened.account, opened.currency) == (Kind.STATEMENT, ACCOUNT, "SEK")
    assert (opened.statement_id, opened.bank) == ("AAAASESS-FP-STAT001", "AAAA BANKEN")
    assert (opened.from_on, opened.to_on) == (DAY, DAY)
    assert (opened.opening_minor, closed.closing_minor) == (50_000_000, 43_567_850)
    assert (credit.amount_minor, credit.party, credit.end_to_end_ref) == (
        10_567_850, Party("MUELLER"), "MUELL/FINP/RA12345",
    )  # fmt: skip
    assert (credit.bank_ref, credit.code) == ("AAAASESS-FP-CN_98765/01", "PAYM/0001/0005")
    assert (batch.amount_minor, batch.end_to_end_ref) == (-20_000_000, "FINP-0055/001")
    assert (exchange.amount_minor, exchange.instructed_minor, exchange.instructed_currency) == (
        3_000_000,
        325_500,
        "EUR",
    )


def test_the_report_within_the_day_of_the_standard() -> None:
    opened, (booked, pending), closed = sample("business_sample_camt.052.001.04.xml")
    assert (opened.kind, opened.opening_minor, closed.closing_minor) == (Kind.INTERIM, None, None)
    assert (booked.amount_minor, booked.is_booked, booked.booked_on) == (-20_000_000, True, DAY)
    assert (pending.amount_minor, pending.is_booked, pending.booked_on) == (3_000_000, False, None)


def test_the_advice_of_the_standard() -> None:
    opened, (credit,), _ = sample("business_sample_camt.054.001.04.xml")
    assert (opened.kind, opened.account) == (Kind.ADVICE, ACCOUNT)
    assert (credit.amount_minor, credit.party.name, credit.valued_on) == (10_567_850, "MUELLER", DAY)


def test_payments_that_came_back_say_why() -> None:
    opened, lines, closed = sample("statement_ac04.xml")
    assert (opened.account, opened.currency, opened.bank) == ("GB29NWBK60161331926819", "EUR", "NWBKGB2LXXX")
    assert closed.closing_minor == 1_000_000
    assert [(line.amount_minor, line.return_reason) for line in lines] == [
        (150_000, "AC04 Beneficiary account closed"), (98_050, "AC06"), (-4_200, ""),
    ]  # fmt: skip
    assert lines[0].party == Party("Globex SA", "DE89370400440532013000")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(path.name for path in SAMPLES.glob("*.xml"))) if SAMPLES.exists() else st.nothing(),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.binary(max_size=4)), min_size=1, max_size=3),
)
def test_spoilt_examples_are_read_whole_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, changes: list[tuple[float, int, bytes]]
) -> None:
    content = (SAMPLES / name).read_bytes()
    for share, cut, put in changes:
        at = int(share * len(content))
        content = content[:at] + put + content[at + cut :]
    whole(tmp_path_factory.getbasetemp(), content)
