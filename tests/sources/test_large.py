"""A large file is read and checked in a bounded part of memory: 20 MB, or 200 MB under `make soak`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sources.files import HEADER, MAPPING

MEGABYTES = 200 if "DUNWELL_SOAK" in os.environ else 20
PEAK_MB_MAX = 700
READ = """
import sys
from pathlib import Path
from dunwell.sources.items import read_items
from dunwell.sources.mapping import read_mapping
found = read_items(Path(sys.argv[1]), read_mapping(Path(sys.argv[2]).read_text(), "map.yaml"))
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(found.rows, sum(part.height for part in found.parts), int(peak.split()[1]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc, which is Linux's")
def test_a_large_file_is_read_in_parts(tmp_path: Path) -> None:
    file, mapping = tmp_path / "items.csv", tmp_path / "map.yaml"
    mapping.write_text(MAPPING)
    n = 0
    with file.open("w") as lines:
        lines.write(f"{HEADER}\n")
        while lines.tell() < MEGABYTES * 10**6:
            block = range(n, n + 10_000)
            lines.writelines(
                f"ACME,{i // 10:08},Account {i // 10} GmbH,2026-{i:08},EUR,{i % 9999}.50,2026-03-01,2026-03-31\n"
                for i in block
            )
            n += 10_000
    answer = subprocess.run(
        [sys.executable, "-c", READ, file, mapping], capture_output=True, text=True, check=True, timeout=300
    )
    rows, kept, peak_mb = map(int, answer.stdout.split())
    assert (rows, kept) == (n, n)
    assert peak_mb < PEAK_MB_MAX
