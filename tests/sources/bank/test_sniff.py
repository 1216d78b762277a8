"""A bank's file is known by what is in it."""

from pathlib import Path

import pytest

from dunwell.sources.bank import bai2, mt940, ofx, sniff
from tests.sources.bank import test_bai2, test_mt940, test_ofx
from tests.sources.bank.reading import DATA, Reader, heard, needs

CAMT = '<?xml version="1.0"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'


@pytest.mark.parametrize(
    ("content", "reader"),
    [
        (test_mt940.STATEMENT, mt940.read),
        ("\r\n\r\n" + test_mt940.REPORT, mt940.read),
        ("ABNANL2A\r\n940\r\nABNANL2A\r\n" + test_mt940.STATEMENT.replace("\n", "\r\n"), mt940.read),
        ("\x01{1:F01BANKDEFFXXXX0000000000}{2:O9401200}{4:\n" + test_mt940.STATEMENT, mt940.read),
        (test_bai2.FILE, bai2.read),
        ("\ufeff" + test_bai2.FILE, bai2.read),
        (test_ofx.XML, ofx.read),
        (test_ofx.SGML, ofx.read),
        ("\n\n" + test_ofx.SGML.partition("\n\n")[2], ofx.read),
    ],
)
def test_every_format_has_its_reader(tmp_path: Path, content: str, reader: Reader) -> None:
    path = tmp_path / "file.txt"
    path.write_text(content, encoding="utf-8")
    assert sniff.reader_of(path) is reader
    assert heard(sniff.read, path, adding_up=False).heads == heard(reader, path, adding_up=False).heads


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_camt_has_its_reader(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "file.txt"
    path.write_text(CAMT, encoding=encoding)
    assert sniff.reader_of(path).__module__.startswith("dunwell.sources.bank.camt")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"Date;Amount\n2026-03-31;1,00\n", "nothing in it looks like a bank's format"),
        (b"<html><body>no</body></html>", "it is HTML or XML, and no message of ISO 20022"),
        (b"PK\x03\x04aaaa", "it is a packed file or an Excel file"),
        (b"\x1f\x8baaaa", "it is a packed file or an Excel file"),
        (b"%PDF-1.7", "it is a PDF"),
        (b"PAR1aaa", "it is a table"),
        (b"\xff\xfe:\0" + b"2\x000\0", "nothing in it looks like a bank's format"),
    ],
)
def test_what_no_reader_knows_is_refused_with_what_is_read(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    read = heard(sniff.read, path)
    assert read.told[0].startswith(f"file.txt:1: {told}")
    assert "camt.052, 053 and 054, MT940 and MT942, BAI2, OFX, tables" in read.told[0]


@needs("bank-mt940-wolph")
@pytest.mark.parametrize(
    ("folder", "pattern", "reader"),
    [("bank-mt940-wolph", "jejik/*.sta", mt940.read), ("bank-bai2-moov", "sample*.txt", bai2.read),
     ("bank-ofx", "*.ofx", ofx.read)],
)  # fmt: skip
def test_the_samples_are_known(folder: str, pattern: str, reader: Reader) -> None:
    paths = [path for path in sorted((DATA / folder).rglob(pattern)) if path.name != "sample-parseError.txt"]
    assert paths
    assert [path.name for path in paths if sniff.reader_of(path) is not reader] == []
