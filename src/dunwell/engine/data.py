"""The one loader of package data: policies, regimes of the law and reference rates that come with Dunwell."""

from importlib.resources import files
from typing import Final

SHIPPED_POLICIES: Final = ("standard-b2b", "key-accounts", "consumer")


def shipped_policy(name: str) -> str:
    """Return the text of a policy of SHIPPED_POLICIES."""
    return files("dunwell.engine").joinpath("policies", f"{name}.yaml").read_text(encoding="utf-8")


def regime_names() -> list[str]:
    """Return the names of the regimes that come with Dunwell."""
    found = files("dunwell.engine").joinpath("regimes").iterdir()
    return sorted(each.name.removesuffix(".yaml").upper() for each in found if each.name.endswith(".yaml"))


def regime_text(name: str) -> str:
    """Return the text of a regime. Errors: KeyError for one that does not come with Dunwell."""
    if name not in regime_names():
        raise KeyError(name)
    return files("dunwell.engine").joinpath("regimes", f"{name.lower()}.yaml").read_text(encoding="utf-8")


def series_names() -> list[str]:
    """Return the names of the series that come with Dunwell."""
    found = files("dunwell.engine").joinpath("rates").iterdir()
    return sorted(each.name.removesuffix(".csv") for each in found if each.name.endswith(".csv"))


def series_text(name: str) -> str:
    """Return the text of a series file: `# key: value` lines, then `from,value` rows. Errors: KeyError."""
    if name not in series_names():
        raise KeyError(name)
    return files("dunwell.engine").joinpath("rates", f"{name}.csv").read_text(encoding="utf-8")
