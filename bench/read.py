"""A run's book out of the database, beside the same statements whose rows nobody keeps."""

from collections.abc import Callable

from bench import databases
from bench.harness import measure, report


def main(n: int = 1_000_000) -> None:
    """Measure on both databases."""
    with databases.both() as urls:
        for name, url in urls.items():
            report(f"fill {name}", n, measure(databases.filled, url, n, times=1))
            floor = measure(bare, url)
            report(f"read {name}: bare rows", n, floor)
            report(f"read {name}: book", n, measure(book, url), floor)


def book(url: str) -> Callable[[], object]:
    """Prepare to read the whole book of the one entity."""
    databases.open_database(url)
    from bench.fill import AS_OF
    from dunwell.records import frames

    return lambda: frames.book(1, as_of=AS_OF)


def bare(url: str) -> Callable[[], object]:
    """Prepare the floor: the same statements, and every row dropped as it comes."""
    databases.open_database(url)
    from bench.fill import AS_OF
    from dunwell.records import frames

    return lambda: databases.dropped(frames.selects_of_entity(1, as_of=AS_OF).values())
