"""A file of any size is read in a bounded part of memory, and what never ends is refused before it is held."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.sources.bank.camt_files import balance, entry, message

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc, Linux's")

MEGABYTES: Final = 20
GROWTH_MB_MAX: Final = 12
ELEMENT_MB_MAX: Final = 150  # of one element of 4 MB, in the parser's own form
# Reads each file, and says how many pieces and problems it has, and how many MB the process grew meanwhile.
READ: Final = """
import sys
from pathlib import Path
from dunwell.sources.bank.balances import balanced
from dunwell.sources.bank.camt import read
from dunwell.sources.problems import Problems
def peak():
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024
for name in sys.argv[1:]:
    before, problems = peak(), Problems(name)
    pieces = sum(1 for piece in balanced(read(Path(name), problems), problems))
    print(pieces, problems.count, peak() - before)
"""
PART: Final = (
    "<Refs><EndToEndId>E{0}</EndToEndId><TxId>T{0}</TxId></Refs><Amt Ccy='EUR'>1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
    "<RltdPties><Dbtr><Pty><Nm>Payer {0}</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>Invoice {0}</Ustrd></RmtInf>"
)


def read_all(*files: Path) -> list[tuple[int, int, int]]:
    """Read files in a process of their own."""
    answer = subprocess.run(
        [sys.executable, "-c", READ, *files], capture_output=True, text=True, check=True, timeout=300
    )
    found = [tuple(map(int, line.split())) for line in answer.stdout.splitlines()]
    return [(pieces, problems, growth) for pieces, problems, growth in found]


def in_single_entries(path: Path, n: int) -> Path:
    """A statement of `n` entries."""
    head, tail = message(balance("OPBD", "0.00"), balance("CLBD", f"{n}.00"), "@").split("@")
    with path.open("w") as file:
        file.write(head)
        file.writelines(entry("1.00", PART.format(i)) for i in range(n))
        file.write(tail)
    return path


def in_one_batch(path: Path, n: int) -> Path:
    """A statement of one entry with `n` parts."""
    whole = entry(f"{n}.00", "@", after="<AddtlNtryInf>batch</AddtlNtryInf>")
    head, tail = message(balance("OPBD", "0.00"), balance("CLBD", f"{n}.00"), whole).split("<TxDtls>@</TxDtls>")
    with path.open("w") as file:
        file.write(head)
        file.writelines(f"<TxDtls>{PART.format(i)}</TxDtls>\n" for i in range(n))
        file.write(tail)
    return path


@pytest.mark.parametrize("write", [in_single_entries, in_one_batch])
def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path, write: type) -> None:
    few = 3_000
    small = write(tmp_path / "small.xml", few)
    many = few * MEGABYTES * 10**6 // small.stat().st_size
    large = write(tmp_path / "large.xml", many)
    assert large.stat().st_size > MEGABYTES * 10**6 * 0.95
    first, second = read_all(small, large)
    assert first[:2] == (few + 2, 0)
    assert second[:2] == (many + 2, 0)
    assert second[2] < GROWTH_MB_MAX


BEGUN: Final = message(entry("100.00", "<RmtInf>@</RmtInf>")).partition("@")[0]
# What a file begins with, and what then comes again and again.
ENDLESS: Final = {
    "a text": (f"{BEGUN}<Ustrd>", "x"),
    "an attribute": (f'{BEGUN}<Ustrd a="', "x"),
    "a name": (f"{BEGUN}<", "x"),
    "a comment": (f"{BEGUN}<!--", "x"),
    "blanks": (BEGUN, " "),
    "elements": (BEGUN, "<A/>"),
    "texts": (BEGUN, "<Ustrd>x</Ustrd>"),
    "attributes of one name": (f"{BEGUN}<Ustrd", ' a="1"'),
    "a comment before the message": ("<!--", "x"),
    "elements before the message": ("<a>", "<b/>"),
    "blanks after the message": (message(entry()), " "),
    "elements after the message": (message(entry()), "<b/>"),
}


def test_what_never_ends_is_refused_before_it_is_held(tmp_path: Path) -> None:
    files = []
    for number, (begin, again) in enumerate(ENDLESS.values()):
        files.append(tmp_path / f"{number}.xml")
        block = again * (10**6 // len(again))
        with files[-1].open("w") as file:
            file.write(begin)
            file.writelines(block for _ in range(60))
    for what, (_, problems, growth) in zip(ENDLESS, read_all(*files), strict=True):
        assert problems, what
        assert growth < ELEMENT_MB_MAX, what
