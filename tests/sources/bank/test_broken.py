"""Whatever bytes a file has, a reader of bank files tells what is wrong, and raises nothing."""

import tracemalloc
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dunwell.sources.bank import bai2, mt940, ofx, sniff
from dunwell.sources.problems import Problems
from tests.sources.bank import test_bai2, test_ofx, test_table
from tests.sources.bank.reading import Reader, heard
from tests.sources.bank.test_mt940 import REPORT, STATEMENT

WHOLE: Final[dict[str, tuple[Reader, list[str]]]] = {
    "mt940": (mt940.read, [STATEMENT, REPORT]),
    "bai2": (bai2.read, [test_bai2.FILE]),
    "ofx": (ofx.read, [test_ofx.XML, test_ofx.SGML]),
    "any": (sniff.read, [STATEMENT, test_bai2.FILE, test_ofx.SGML]),
    "table": (test_table.reader_by_mapping(), ["\n".join([test_table.HEADER, *test_table.ROWS, ""])]),
}
HAS_AN_END: Final = [name for name in WHOLE if name != "table"]
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
formats = pytest.mark.parametrize("name", WHOLE)


@formats
@FEW
@given(content=st.binary(max_size=400))
def test_random_bytes_are_refused(name: str, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert heard(WHOLE[name][0], path).told


@formats
@FEW
@given(data=st.data())
def test_a_file_with_a_damaged_place_is_refused_or_adds_up(name: str, tmp_path: Path, data: st.DataObject) -> None:
    reader, samples = WHOLE[name]
    whole = bytearray(data.draw(st.sampled_from(samples)).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at, length = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 12))
        whole[at : at + length] = data.draw(st.binary(max_size=12))
    path = tmp_path / "file"
    path.write_bytes(bytes(whole))
    read = heard(reader, path)  # which checks that pieces come in order where nothing is told
    assert read.told or read.heads


@pytest.mark.parametrize("name", HAS_AN_END)
def test_a_file_cut_anywhere_is_never_half_a_statement(name: str, tmp_path: Path) -> None:
    reader, samples = WHOLE[name]
    path = tmp_path / "file"
    for sample in samples:
        whole = sample.encode()
        path.write_bytes(whole)
        amounts = [line.amount_minor for line in heard(reader, path).lines]
        for at in range(len(whole)):
            path.write_bytes(whole[:at])
            read = heard(reader, path)
            assert read.told or [line.amount_minor for line in read.lines] == amounts, at


def _many(name: str, n: int) -> str:
    """A file of many movements; what it adds up to is of no concern here."""
    if name == "mt940":
        begins, _, ends = STATEMENT.partition(":61:")
        movement = ":61:2603310331C150,NTRFNONREF//B-1\n:86:Invoice A-17 of Meyer and Sons, of March\n"
        return begins + movement * n + ends[ends.index(":62F:") :]
    if name == "bai2":
        begins, _, ends = test_bai2.FILE.partition("16,195")
        return (
            begins + "16,195,15000,V,260402,1200,W-1,A-17,INVOICE A-17\n88,AND A-18\n" * n + ends[ends.index("49,") :]
        )
    begins, _, ends = test_ofx.XML.partition("<STMTTRN>")
    movement, _, ends = ends.partition("</STMTTRN>")
    return begins + f"<STMTTRN>{movement}</STMTTRN>" * n + ends


def _peak_bytes(name: str, path: Path, n: int) -> int:
    """What reading a file of so many movements holds at most."""
    path.write_text(_many(name, n), encoding="utf-8")
    problems = Problems(path.name)
    tracemalloc.start()
    try:
        assert sum(1 for _piece in WHOLE[name][0](path, problems, None)) > n
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["mt940", "bai2", "ofx"])
def test_a_file_four_times_as_large_holds_no_more(name: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    little, much = (_peak_bytes(name, path, n) for n in (1_500, 6_000))
    assert path.stat().st_size > 350_000
    assert much < little + 100_000
