"""Archives of banks: each file once, in bounds, and refused by its name where it cannot be read."""

import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from dunwell.sources import packed
from dunwell.sources.packed import files_in
from dunwell.sources.problems import SourceError


def archive(folder: Path, files: dict[str, bytes], name: str = "c53.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for called, content in files.items():
            written.writestr(called, content)
    return path


def refusal(path: Path, bytes_max: int = packed.BYTES_MAX) -> str:
    with pytest.raises(SourceError) as refused:
        list(files_in(path, bytes_max))
    return str(refused.value)


def test_the_files_of_an_archive_come_one_by_one_and_leave_nothing_behind(tmp_path: Path) -> None:
    path = archive(
        tmp_path, {"b.xml": b"<b/>", "a/one.xml": b"<a/>", "a/": b"", "__MACOSX/._b.xml": b"", ".DS_Store": b""}
    )
    with closing(files_in(path)) as files:
        seen = [(name, file, file.read_bytes()) for name, file in files]
    assert [(name, content) for name, _file, content in seen] == [
        ("c53.zip/a/one.xml", b"<a/>"),
        ("c53.zip/b.xml", b"<b/>"),
    ]
    assert not any(file.exists() for _name, file, _content in seen)


@pytest.mark.parametrize("name", ["[Content_Types].xml", "content.xml"])
def test_a_workbook_is_one_file(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path, {name: b"", "xl/workbook.xml": b""}, "table.xlsx")
    assert list(files_in(path)) == [("table.xlsx", path)]


def test_what_is_no_archive_is_given_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bank.sta"
    path.write_bytes(b":20:1")
    assert list(files_in(path)) == [("bank.sta", path)]


def test_a_name_is_printable_and_short(tmp_path: Path) -> None:
    path = archive(tmp_path, {f"{'x' * 300}\x1b[2J.xml": b""})
    ((name, _file),) = files_in(path)
    assert name.isprintable()
    assert name.endswith("?[2J.xml")
    assert len(name) == len("c53.zip/") + packed.NAME_CHARS_MAX


def test_an_archive_that_is_cut_damaged_or_empty_is_refused(tmp_path: Path) -> None:
    whole = archive(tmp_path, {"a.xml": b"a" * 5000}).read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole[:60])
    assert "cut.zip:1: the archive is damaged or ends early" in refusal(cut)
    spoilt = tmp_path / "spoilt.zip"
    spoilt.write_bytes(whole.replace(whole[40:44], b"\xff\xff\xff\xff", 1))
    assert "spoilt.zip/a.xml:1: it is damaged or ends early" in refusal(spoilt)
    assert refusal(archive(tmp_path, {}, "none.zip")) == "none.zip:1: the archive is empty"


def test_a_password_is_told(tmp_path: Path) -> None:
    path = archive(tmp_path, {"a.xml": b"<a/>"})
    content = bytearray(path.read_bytes())
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + flags] |= 1
    path.write_bytes(content)
    assert refusal(path) == "c53.zip/a.xml:1: it is locked by a password: unpack it"


def test_an_archive_is_bounded_in_files_and_in_bytes(tmp_path: Path) -> None:
    many = archive(tmp_path, {f"{i}.xml": b"" for i in range(packed.FILES_MAX + 1)})
    assert "the archive has 1,001 files, and at most 1,000" in refusal(many)
    assert "unpacked, it has 1,001 bytes, and at most 1,000" in refusal(archive(tmp_path, {"a": b"a" * 1_001}), 1_000)


def test_an_archive_cannot_unpack_to_more_than_it_announces(tmp_path: Path) -> None:
    path = archive(tmp_path, {"a.xml": b"a" * 100_000})
    content = path.read_bytes()
    size = (100_000).to_bytes(4, "little")
    path.write_bytes(content.replace(size, (10).to_bytes(4, "little")))
    assert "c53.zip/a.xml:1: it is damaged" in refusal(path)


def test_an_archive_that_is_packed_by_bzip2_or_lzma_and_damaged_is_refused(tmp_path: Path) -> None:
    for packing in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        path = tmp_path / f"{packing}.zip"
        with zipfile.ZipFile(path, "w", packing) as written:
            written.writestr("a.xml", b"<a/>" * 500)
        content = bytearray(path.read_bytes())
        content[50:70] = b"\xff" * 20
        path.write_bytes(content)
        assert f"{packing}.zip/a.xml:1: it is" in refusal(path)
