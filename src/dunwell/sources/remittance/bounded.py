"""Run a program of ours within bounds: a program of its own, so that no file can take this one's memory or time.

It is told the program, the file to read and the file to write, and knows nothing of the rest.
"""

import runpy
import sys
from typing import Final

MEMORY_BYTES_MAX: Final = 1_000_000_000
CPU_SECONDS_MAX: Final = 20
OUT_BYTES_MAX: Final = 100_000_000


def bound() -> None:
    """Let the system end this process where it takes too much; systems without such bounds have the caller's time."""
    try:
        import resource  # noqa: PLC0415  # not on every system
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUT_BYTES_MAX, OUT_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    bound()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
