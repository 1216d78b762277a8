"""How far long work is, told to whoever called; how it is shown is the door's affair."""

from typing import Protocol


class Progress(Protocol):
    """Is told the step under way, by the same name as long as it lasts, and how much of `total` is done.

    A `total` of 0: nobody knows how much there is.
    """

    def __call__(self, step: str, done: int = 0, total: int = 0) -> None: ...


def untold(step: str, done: int = 0, total: int = 0) -> None:
    """Tell nobody."""
