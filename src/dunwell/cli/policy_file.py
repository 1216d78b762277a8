"""Policy files as the shell is given them, and what the book, if there is one, says of them."""

from pathlib import Path
from typing import TYPE_CHECKING

from dunwell.cli import clock
from dunwell.cli.doors import book_exists, open_book
from dunwell.flows.errors import Invalid, NotFound
from dunwell.flows.policy_files import missing_series

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from dunwell.engine.policy.model import Policy


def doubts(policy: "Policy", text: str, file: Path, entity: str | None = None) -> list[str]:
    """Say what of the book a policy does not reckon with; without one, which series it would have to be given."""
    if not book_exists():
        return list(map(str, missing_series(policy, text, str(file))))
    open_book()
    from dunwell.flows import policy_doubts
    from dunwell.flows.entities import entity_called

    scope = entity_called(entity) if entity else None
    return [str(each) for each in policy_doubts.doubts_in_book(policy, text, str(file), scope, today=clock.today())]


def ties(policy: "Policy", file: Path, entity: str | None = None) -> list[str]:
    """Say with which policies in force of the book, if there is one, a policy would tie."""
    if not book_exists():
        return []
    open_book()
    from dunwell.flows import policies
    from dunwell.flows.entities import entity_called
    from dunwell.flows.policy_doubts import tie_text

    others = policies.tied(policy, entity_called(entity) if entity else None)
    return [tie_text(str(file), policy.priority, others)] if others else []


def attributes_of_book() -> "Mapping[str, pl.DataType]":
    """The custom attributes of the book, if there is one."""
    if not book_exists():
        return {}
    open_book()
    from dunwell.flows import policies

    return policies.known_attributes()


def text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}") from None
    except IsADirectoryError:
        raise Invalid(f"{file} is a folder; name the policy files in it") from None
    except UnicodeDecodeError:
        raise Invalid(f"{file} is not UTF-8 text") from None
