"""Pictures, drawn in a process of their own: what draws brings an SQLite along, and here the book may be open."""

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

from dunwell.insight.simulated import Spec

Drawn = TypeVar("Drawn")


def elsewhere(draw: Callable[[Spec], Drawn], specs: Sequence[Spec]) -> list[Drawn]:
    """Draw specifications by a function of `insight.pictures`; who interrupts reaches this process alone."""
    unheard = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=unheard) as pool:
        return list(pool.map(draw, specs))
