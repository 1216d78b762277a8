"""Whatever bytes a file has, a reader of bank files tells what is wrong, and raises nothing."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dunwell.sources.bank import bai2, mt940, ofx
from tests.sources.bank import test_bai2, test_ofx
from tests.sources.bank.reading import Reader, heard
from tests.sources.bank.test_mt940 import REPORT, STATEMENT

WHOLE: Final[dict[str, tuple[Reader, list[str]]]] = {
    "mt940": (mt940.read, [STATEMENT, REPORT]),
    "bai2": (bai2.read, [test_bai2.FILE]),
    "ofx": (ofx.read, [test_ofx.XML, test_ofx.SGML]),
}
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


@formats
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
