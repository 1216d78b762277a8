"""The totals that an advice states, and what each of them proves to be the payment."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from dunwell.sources.remittance.figures import Figure
from dunwell.sources.remittance.layout import Heading, Line, Row
from dunwell.sources.remittance.words import Role, is_of_all


@dataclass(frozen=True, slots=True)
class Total:
    """Sums that are stated; `label` is empty for a row with nothing but figures.

    `off`: the sums of what is taken off, where the row adds up the columns of amounts and those.
    """

    row: Row
    label: str
    figures: list[Figure]
    off: list[Figure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a total comes to: the sums it states, and `nets`, those less what is taken off, where it states that."""

    row: Row
    minors: list[int]
    nets: list[int]

    @property
    def minor(self) -> int:
        """What it says is paid."""
        return (self.nets or self.minors)[-1]

    def proves(self, minor: int, *, is_whole: bool) -> bool:
        """Whether it says that `minor` is paid; `is_whole`: that is what it was before anything is taken off."""
        return minor in self.nets or (minor in self.minors and not (is_whole and self.nets))


def total_below(heading: Heading, lines: Iterable[Line], row: Row, label: str) -> Total:
    """The total that a row below a heading is. A total of the column that says what is paid counts alone."""
    figures = [each for line in lines for each in line.figures.items()]
    paid, gross, off = (
        [figure for at, figure in figures if at in heading.at(role)] for role in (Role.PAID, Role.AMOUNT, Role.DISCOUNT)
    )
    if paid:
        return Total(row, label, paid)
    return Total(row, label, gross, off) if gross else Total(row, label, off)


def stated(totals: Sequence[Total], documents: int, minor_of: Callable[[Figure], int | None]) -> list[Stated]:
    """The sums that are stated: those of what is paid, where any is, or else all of them."""
    count = str(documents)  # as in `total invoices: 12`
    told = [total for total in totals if not all(each.is_bare and each.body == count for each in total.figures)]
    of_all = [total for total in told if is_of_all(total.label)]
    found = []
    for total in of_all[-1:] or told:
        minors, off = (
            [abs(minor) for figure in figures if (minor := minor_of(figure)) is not None]
            for figures in (total.figures, total.off)
        )
        nets = [minor - sum(off) for minor in minors] if off else []
        if any(minors):
            found.append(Stated(total.row, minors + off, nets))
    return found
