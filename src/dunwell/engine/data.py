"""The one loader of package data: the policies that come with Dunwell."""

from importlib.resources import files
from typing import Final

SHIPPED_POLICIES: Final = ("standard-b2b", "key-accounts", "consumer")


def shipped_policy(name: str) -> str:
    """Return the text of a policy of SHIPPED_POLICIES."""
    return files("dunwell.engine").joinpath("policies", f"{name}.yaml").read_text(encoding="utf-8")
