"""What is written as a bank writes it is read back to the cent, the day and the letter, in every format."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dunwell.engine.money import exponent
from dunwell.sources.bank import sniff
from tests.sources.bank.reading import heard, units

Writer = Callable[[str, int, "list[Booked]"], str]
WORDS: Final = st.text("ABCdef0123456789äöüß.,-+()", min_size=1, max_size=12)
CURRENCIES: Final = st.sampled_from(["EUR", "JPY", "KWD"])


@dataclass(frozen=True)
class Booked:
    """A movement to be written."""

    minor: int
    on: date
    ref: str
    text: str


BOOKED: Final = st.builds(
    Booked,
    minor=st.integers(-(10**11), 10**11).filter(bool),
    on=st.dates(date(1981, 1, 2), date(2078, 12, 30)),
    ref=st.text("AB0123456789", min_size=1, max_size=12),
    text=st.lists(WORDS.filter(lambda word: word[0].isalpha()), min_size=1, max_size=4).map(" ".join),
)


def _mt940(currency: str, opening: int, booked: list[Booked]) -> str:
    def amount(minor: int) -> str:
        return f"{units(abs(minor), currency):f}".replace(".", ",") + ("" if exponent(currency) else ",")

    def balance(minor: int) -> str:
        return f"{'D' if minor < 0 else 'C'}260331{currency}{amount(minor)}"

    lines = [":20:X", ":25:4711", ":28C:1/1", f":60F:{balance(opening)}"]
    for one in booked:
        mark = "D" if one.minor < 0 else "C"
        lines += [f":61:{one.on:%y%m%d%m%d}{mark}{amount(one.minor)}NTRFNONREF//{one.ref}", f":86:{one.text}"]
    return "\n".join([*lines, f":62F:{balance(opening + sum(one.minor for one in booked))}", "-", ""])


def _bai2(currency: str, opening: int, booked: list[Booked]) -> str:
    closing = opening + sum(one.minor for one in booked)
    days = [one.on for one in booked] or [date(2026, 3, 31)]
    total = opening + closing + sum(abs(one.minor) for one in booked)
    lines = [
        "01,B,C,260401,0600,1,,,2/", f"02,C,B,1,{days[0]:%y%m%d},,{currency},2/",
        f"03,4711,,010,{opening},,,015,{closing},,/",
    ]  # fmt: skip
    lines += [
        f"16,{195 if one.minor > 0 else 495},{abs(one.minor)},V,{one.on:%y%m%d},,{one.ref},,{one.text}"
        for one in booked
    ]
    n = len(booked) + 2
    return "\n".join([*lines, f"49,{total},{n}/", f"98,{total},1,{n + 2}/", f"99,{total},1,{n + 4}/", ""])


def _ofx(currency: str, opening: int, booked: list[Booked]) -> str:
    movements = "".join(
        f"<STMTTRN><TRNTYPE>OTHER<DTPOSTED>{one.on:%Y%m%d}120000<TRNAMT>{units(one.minor, currency):f}"
        f"<FITID>{one.ref}<MEMO>{one.text}</STMTTRN>\n"
        for one in booked
    )
    closing = units(opening + sum(one.minor for one in booked), currency)
    return (
        f"OFXHEADER:100\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>{currency}<BANKACCTFROM><ACCTID>4711"
        f"</BANKACCTFROM><BANKTRANLIST>{movements}</BANKTRANLIST><LEDGERBAL><BALAMT>{closing:f}<DTASOF>20260331"
        "</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("write", [_mt940, _bai2, _ofx])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    currency=CURRENCIES,
    opening=st.integers(-(10**11), 10**11),
    booked=st.lists(BOOKED, max_size=6),
)
def test_what_is_written_is_read(
    write: Writer, tmp_path: Path, encoding: str, *, currency: str, opening: int, booked: list[Booked]
) -> None:
    path = tmp_path / "file"
    path.write_text(write(currency, opening, booked), encoding=encoding)
    read = heard(sniff.read, path)
    assert read.told == []
    assert [Booked(line.amount_minor, line.valued_on or line.booked_on, line.bank_ref, line.text)  # type: ignore[arg-type]  # each has a text here
            for line in read.lines] == booked  # fmt: skip
    assert read.ends[0].closing_minor == opening + sum(one.minor for one in booked)
