"""Files that may be made to do harm are read by programs of ours, each file in a process of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dunwell.sources import parquet
from dunwell.sources.problems import Problems

SECONDS_MAX: Final = 30
BYTES_MAX: Final = 20_000_000
BOUNDED: Final = Path(__file__).with_name("bounded.py")
PARQUET: Final = Path(__file__).with_name("parquet_copy.py")


def run(program: Path, path: Path, out: Path) -> str:
    """Let a program read one file and write another; return why it was not done, or nothing."""
    command = [sys.executable, "-I", str(BOUNDED), str(program), str(path), str(out)]
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS_MAX, check=False,
            env={**os.environ, "POLARS_MAX_THREADS": "1"},  # each thread would take of the memory
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it was not read within {SECONDS_MAX} seconds"
    return "reading it takes more memory or time than a file may: it is damaged, or very large" * bool(done.returncode)


@contextmanager
def harmless(path: Path, problems: Problems) -> Iterator[Path | None]:
    """The file itself, or of a Parquet file a copy that is harmless to read, for as long as it is read.

    None for one that cannot be read, or takes too much: that goes to `problems`. One page of a small file may be more
    than a machine has memory for. What is larger than a reader takes is not looked at here. Errors: OSError.
    """
    with path.open("rb") as file:
        is_parquet = file.read(len(parquet.MAGIC)) == parquet.MAGIC
    if not is_parquet or path.stat().st_size > BYTES_MAX:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="dunwell-advice-") as folder:
        out = Path(folder) / "table.parquet"
        if not_done := run(PARQUET, path, out):
            problems.add(1, "", f"{not_done}; ask for it as CSV")
            yield None
        elif out.read_bytes()[: len(parquet.MAGIC)] != parquet.MAGIC:
            problems.add(1, "", parquet.damaged(out.read_text(encoding="utf-8")))
            yield None
        else:
            yield out
