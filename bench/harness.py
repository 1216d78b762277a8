"""Times one thing in a process of its own; one line: name, n, seconds, per second, peak memory, ratio to floor."""

import multiprocessing
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

# Prepares, untimed, and returns what is timed.
Prepare: TypeAlias = Callable[..., Callable[[], object]]
TIMES = 3


@dataclass(frozen=True)
class Figure:
    """The best or median of some times, and the most memory the process had in main memory."""

    seconds: float
    peak_mb: int


def measure(prepare: Prepare, *given: object, times: int = TIMES, keep: Callable[[list[float]], float] = min) -> Figure:
    """Run what `prepare(*given)` returns `times` times in a spawned process, and keep the best, or what `keep` says.

    Errors: RuntimeError when it fails there; the process has printed why.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(there, prepare, given, times, keep))
    process.start()
    there.close()
    try:
        figure: Figure = here.recv()
    except EOFError:
        raise RuntimeError(f"{prepare.__module__}.{prepare.__qualname__} failed") from None
    finally:
        process.join()
    return figure


def report(name: str, n: int, figure: Figure, floor: Figure | None = None) -> None:
    """Print the line of one bench."""
    ratio = f"{figure.seconds / floor.seconds:6.2f} x floor" if floor else "         floor"
    rate = n / figure.seconds
    seconds = f"{figure.seconds:8.2f}" if figure.seconds >= 0.1 else f"{figure.seconds:8.4f}"
    print(f"{name:32} {n:>11,} {seconds} s {rate:>13,.0f}/s {figure.peak_mb:>6,} MB {ratio}", flush=True)


def _child(
    answer: Connection,
    prepare: Prepare,
    given: tuple[object, ...],
    times: int,
    keep: Callable[[list[float]], float],
) -> None:
    timed = prepare(*given)
    taken: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        timed()
        taken.append(time.perf_counter() - start)
    answer.send(Figure(seconds=keep(taken), peak_mb=_peak_mb()))


def _peak_mb() -> int:
    """The peak of this program; what `getrusage` says counts the one that started it, too."""
    if sys.platform == "linux":
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
    import resource  # not there on every system

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024**2
