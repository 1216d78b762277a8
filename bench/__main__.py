"""Run every bench, or those named: `python -m bench read decide`."""

import importlib
import pkgutil
import sys
from pathlib import Path

NOT_BENCHES = {"__main__", "cash_lines", "databases", "fill", "harness", "tryton_run"}


def main(names: list[str]) -> None:
    """Run the benches in alphabetical order. Errors: SystemExit for a name that is none."""
    here = str(Path(__file__).parent)
    known = sorted(module.name for module in pkgutil.iter_modules([here]) if module.name not in NOT_BENCHES)
    if strange := sorted(set(names) - set(known)):
        raise SystemExit(f"no bench is called {strange[0]!r}; there are {', '.join(known)}")
    for name in names or known:
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
