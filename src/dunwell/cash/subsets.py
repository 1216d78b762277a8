"""Which of many amounts add up to a sum: decided exactly, in bounded work, or not at all.

With whole amounts the question is decided by whichever is less work: all sums of either half of the amounts, or one bit
for each sum there can be. A step is the making of one sum, or of 50 words of bits, which take about as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, gcd, pi, sqrt
from typing import Final, TypeAlias

WORDS_PER_STEP: Final = 50
Places: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Found:
    """How many ways there are (2: two or more, None: not decided), the first of them, and the work it took."""

    ways: int | None
    places: Places | None
    steps: int
    # How many ways there would be by chance, in thousandths, among so many amounts of that size.
    chance_permille: int = 0


def search(amounts: Sequence[int], target_minor: int, *, steps_max: int) -> Found:
    """Find the places of the `amounts` that add up to the target; negative amounts are credits to set off.

    A credit that is used up is an amount; one that is left is turned round, so that all amounts are positive.
    """
    to_set_off = sum(-amount for amount in amounts if amount < 0)
    turned = _positive([abs(amount) for amount in amounts], target_minor + to_set_off, steps_max)
    if turned.places is None:
        return turned
    chosen = set(turned.places)
    places = tuple(place for place, amount in enumerate(amounts) if (place in chosen) == (amount > 0))
    return Found(turned.ways if places else 0, places or None, turned.steps, turned.chance_permille)


def _positive(sizes: list[int], want: int, steps_max: int) -> Found:
    total = sum(sizes)
    if want < 0 or want > total:
        return Found(0, None, 1)
    if 2 * want > total:  # what is left over is the smaller question
        inner = _small(sizes, total - want, steps_max)
        if inner.places is None:
            return inner
        rest = set(inner.places)
        places = tuple(place for place in range(len(sizes)) if place not in rest)
        return Found(inner.ways, places, inner.steps, inner.chance_permille)
    return _small(sizes, want, steps_max)


def _small(sizes: list[int], want: int, steps_max: int) -> Found:
    if want == 0:  # nothing, and amounts are positive: the one way
        return Found(1, (), 1)
    places = [place for place, size in enumerate(sizes) if 0 < size <= want]
    unit = gcd(*(sizes[place] for place in places)) if places else 1
    if not places or want % unit:
        return Found(0, None, len(sizes))
    fitting, aim = [sizes[place] // unit for place in places], want // unit
    by_halves = 2 ** ((len(fitting) + 1) // 2 + 1) if len(fitting) < 64 else steps_max + 1
    by_bits = len(fitting) * (aim // 64 + WORDS_PER_STEP) // WORDS_PER_STEP
    if min(by_halves, by_bits) > steps_max:
        return Found(None, None, len(sizes))
    ways, found, steps = _halves(fitting, aim) if by_halves <= by_bits else _bits(fitting, aim)
    chosen = None if found is None else tuple(places[place] for place in found)
    return Found(ways, chosen, steps + len(sizes), _chance_permille(fitting, aim) if ways else 0)


def _halves(sizes: list[int], want: int) -> tuple[int, Places | None, int]:
    """All sums of either half, and which of them make the sum together."""
    middle = len(sizes) // 2
    left, steps_left = _sums(sizes[:middle], want)
    right, steps_right = _sums(sizes[middle:], want)
    ways, first = 0, None
    for amount, (count, mask) in right.items():
        other = left.get(want - amount)
        if other is not None:
            ways += count * other[0]
            first = first if first is not None else other[1] | mask << middle
            if ways > 1:
                break
    found = None if first is None else tuple(place for place in range(len(sizes)) if first >> place & 1)
    return min(ways, 2), found, steps_left + steps_right


def _sums(sizes: list[int], most: int) -> tuple[dict[int, tuple[int, int]], int]:
    """Every sum up to `most`, in how many ways (at most 2), and which amounts make it; and how many were made."""
    sums, steps = {0: (1, 0)}, 0
    for place, size in enumerate(sizes):
        for amount, (count, mask) in list(sums.items()):
            steps += 1
            bigger = amount + size
            if bigger <= most:
                old = sums.get(bigger)
                sums[bigger] = (count, mask | 1 << place) if old is None else (2, old[1])
    return sums, steps


def _bits(sizes: list[int], want: int) -> tuple[int, Places | None, int]:
    """One bit for each sum up to the sum wanted: whether it can be made, and whether in two ways."""
    inside = (1 << want + 1) - 1
    once, twice, before = 1, 0, []
    for size in sizes:
        before.append(once)
        more = once << size
        twice = (twice | twice << size | once & more) & inside
        once = (once | more) & inside
    steps = len(sizes) * (want // 64 + WORDS_PER_STEP) // WORDS_PER_STEP
    if not once >> want & 1:
        return 0, None, steps
    found, rest = [], want
    for place in range(len(sizes) - 1, -1, -1):
        if not before[place] >> rest & 1:
            found.append(place)
            rest -= sizes[place]
    return 2 if twice >> want & 1 else 1, tuple(reversed(found)), steps


def _chance_permille(sizes: list[int], want: int) -> int:
    """The number of ways that sums spread as by chance would have, in thousandths: 2^n sums around half the total."""
    middle, spread = sum(sizes) / 2, sqrt(sum(size * size for size in sizes)) / 2
    if len(sizes) < 3:  # too few to speak of a spread
        return 0
    density = exp(-((want - middle) ** 2) / (2 * spread**2)) / (spread * sqrt(2 * pi))
    return min(1_000_000, int(1_000 * density * 2.0 ** min(len(sizes), 200)))
