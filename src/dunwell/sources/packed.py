"""Archives in which banks hand out their statements: what they call C52, C53 and C54 is a ZIP of messages (EBICS)."""

import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Final, NoReturn

from dunwell.sources.problems import Problems

FILES_MAX: Final = 1_000
BYTES_MAX: Final = 2_000_000_000  # of all that is in an archive, unpacked
NAME_CHARS_MAX: Final = 200
_OFFICE: Final = frozenset({"[Content_Types].xml", "content.xml"})  # a workbook is a ZIP, and one file
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError)
_ENCRYPTED: Final = 1
_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")  # the second: nothing is in it


def files_in(path: Path, bytes_max: int = BYTES_MAX) -> Generator[tuple[str, Path], None, None]:
    """Give each file of a ZIP archive, in the order of their names, with its name and where it is unpacked meanwhile.

    `bytes_max`: of all that is in it, unpacked. Any other file is given as it is. Nothing is unpacked that the
    directory of the archive does not announce. Close the iterator, so that the last one is removed. Errors: SourceError
    for an archive that is damaged, empty, locked by a password, or too large; OSError.
    """
    with path.open("rb") as begun:
        is_archive = begun.read(4) in _MAGIC
    if not is_archive:
        yield path.name, path
        return
    try:
        archive = zipfile.ZipFile(path)
    except (*_DAMAGED, NotImplementedError) as error:
        _refuse(path.name, f"the archive is damaged or ends early ({error}): copy it again")
    with archive:
        yield from _files_of(path, archive, bytes_max)


def _files_of(path: Path, archive: zipfile.ZipFile, bytes_max: int) -> Iterator[tuple[str, Path]]:
    entries = [each for each in archive.infolist() if not _is_litter(each)]
    if not _OFFICE.isdisjoint(each.filename for each in entries):
        yield path.name, path
        return
    _require_bounded(path, entries, bytes_max)
    for entry in sorted(entries, key=lambda each: each.filename):
        with tempfile.NamedTemporaryFile(prefix="dunwell-unpacked-") as file:
            _unpack(path, archive, entry, file)
            yield _name(path, entry), Path(file.name)


def _is_litter(entry: zipfile.ZipInfo) -> bool:
    """Whether it is a folder, or something that a computer of Apple leaves in what it packs."""
    return entry.is_dir() or entry.filename.startswith("__MACOSX/") or Path(entry.filename).name == ".DS_Store"


def _require_bounded(path: Path, entries: list[zipfile.ZipInfo], bytes_max: int) -> None:
    if not entries:
        _refuse(path.name, "the archive is empty")
    if len(entries) > FILES_MAX:
        _refuse(path.name, f"the archive has {len(entries):,} files, and at most {FILES_MAX:,} are taken in at once")
    if (size := sum(each.file_size for each in entries)) > bytes_max:
        _refuse(path.name, f"unpacked, it has {size:,} bytes, and at most {bytes_max:,} are taken in here: unpack it")


def _unpack(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, to: IO[bytes]) -> None:
    name = _name(path, entry)
    if entry.flag_bits & _ENCRYPTED:
        _refuse(name, "it is locked by a password: unpack it")
    try:
        with archive.open(entry) as packed:  # it ends where the directory says, and checks the sum
            shutil.copyfileobj(packed, to)
    except NotImplementedError:
        _refuse(name, "it is packed in a way that is not known here: unpack it")
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk; what bzip2 finds has no number
        _refuse(name, f"it is damaged or ends early ({error}): copy the archive again")
    to.flush()


def _name(path: Path, entry: zipfile.ZipInfo) -> str:
    """The name of a file for people, whatever an archive calls it."""
    called = "".join(each if each.isprintable() else "?" for each in entry.filename)
    return f"{path.name}/{called[-NAME_CHARS_MAX:]}"


def _refuse(name: str, said: str) -> NoReturn:
    problems = Problems(name)
    problems.add(1, "", said)
    problems.refuse()
    raise AssertionError("one problem is enough to be refused")
