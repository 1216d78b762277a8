"""Every command says what it is for, and refuses words it does not know."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pytest
import typer
from typer.testing import CliRunner

from dunwell import __version__
from dunwell.cli.main import app

NAMES = {
    "init", "demo", "import", "propose", "post", "explain", "preview", "test", "doctor",
    "policy check", "policy schema", "policy show", "policy apply", "report ageing",
    "report cei", "report dso", "report lateness", "report overview", "report promises", "report responses",
    "report roll", "report snapshot", "report success", "report trend", "report turnover",
    "policy plan", "policy retire", "task list", "task close", "up", "worker", "run start", "run schedule",
    "run list", "run show", "run exclude", "run stage", "run approve", "run cancel", "run reverse",
    "replay", "audit show", "audit verify", "pay", "chargeback", "hold", "release", "dispute", "resolve", "promise",
    "plan", "promises", "end",
    "contact", "journal", "entity journal", "interest", "rates list", "rates add", "rates import",
    "entity show", "entity set", "letter check", "letter words",
    "cash account", "cash accounts", "cash apply", "cash import", "cash lines", "cash match", "cash payers",
    "cash returned", "cash review", "cash set-aside", "cash settings", "cash unapply", "cash advice", "cash advices",
    "simulate", "web", "user add", "user list", "story schema",
}  # fmt: skip
GROUPS = ("", "audit", "cash", "entity", "letter", "policy", "rates", "report", "run", "story", "task", "user")
# The schemas are nothing else, the others tell a log.
WITHOUT_JSON = {"policy schema", "story schema", "up", "web", "worker"}


class Command(Protocol):
    """What Typer makes of a function, as far as it is looked at here."""

    help: str | None
    params: list[Any]


def commands(group: Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Command]]:
    """Every command below a group, by the words that call it."""
    below: Mapping[str, Command] | None = getattr(group, "commands", None)
    if below is None:
        yield " ".join(path), group
        return
    for name, command in below.items():
        yield from commands(command, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))


def test_these_are_the_commands() -> None:
    assert set(COMMANDS) == NAMES


@pytest.mark.parametrize("name", [*GROUPS, *sorted(COMMANDS)])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_helps(name: str, option: str) -> None:
    answer = CliRunner().invoke(app, [*name.split(), option])
    assert answer.exit_code == 0
    assert answer.output.startswith("Usage: ")
    assert "Traceback" not in answer.output


@pytest.mark.parametrize("name", [*GROUPS, *sorted(COMMANDS)])
def test_help_reads_well_on_80_columns(name: str) -> None:
    text = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "80"}).output
    assert max(map(len, text.splitlines())) <= 80
    assert [odd for odd in ("{", "}", "[[", "]]", "<", ">", "list[") if odd in text] == []
    assert [line for line in text.splitlines() if line.endswith("...") and "Usage" not in line] == []  # cut short


def test_arguments_stand_in_the_usage_as_they_are_typed() -> None:
    usages = {name: CliRunner().invoke(app, [*name.split(), "--help"]).output.splitlines()[0] for name in COMMANDS}
    assert {name: usage.partition(f"{name} [OPTIONS]")[2].strip() for name, usage in usages.items()} == {
        "init": "[DIR]", "demo": "[DIR]", "import": "FILE", "propose": "", "post": "RUN", "explain": "ITEM",
        "preview": "ACCOUNT", "test": "PATH...", "doctor": "", "policy check": "FILE...", "policy schema": "",
        "policy show": "[NAME]", "policy apply": "FILE...", "run list": "",
        "policy plan": "[FILE]...", "policy retire": "NAME", "task list": "", "task close": "NUMBER",
        "journal": "", "entity journal": "CODE",
        "interest": "[ITEM]", "rates list": "[SERIES]", "rates add": "SERIES DATE VALUE", "rates import": "FILE",
        "up": "", "web": "", "worker": "", "user add": "NAME", "user list": "", "run start": "", "run schedule": "",
        "replay": "RUN", "audit show": "", "audit verify": "",
        "pay": "ACCOUNT AMOUNT", "chargeback": "PAYMENT", "hold": "", "release": "HOLD", "dispute": "ITEM",
        "resolve": "DISPUTE", "promise": "ACCOUNT AMOUNT",
        "plan": "ACCOUNT", "promises": "[ACCOUNT]", "end": "", "entity show": "[CODE]", "entity set": "CODE",
        "contact": "ACCOUNT", "letter check": "", "letter words": "TEMPLATE", "story schema": "",
        **{name: "" for name in NAMES if name.startswith("report ")},
        "simulate": "", "cash account": "NUMBER", "cash accounts": "", "cash import": "FILE...", "cash lines": "",
        "cash match": "", "cash payers": "", "cash review": "", "cash apply": "LINE", "cash unapply": "LINE",
        "cash set-aside": "LINE", "cash returned": "LINE", "cash settings": "", "cash advice": "FILE...",
        "cash advices": "",
        **{f"run {name}": "RUN" for name in ("show", "exclude", "stage", "approve", "cancel", "reverse")},
    }  # fmt: skip


def test_help_says_which_entities_a_policy_is_for_and_that_the_schema_is_json() -> None:
    assert (
        "For this entity alone. [default: for every entity]"
        in CliRunner().invoke(app, ["policy", "apply", "-h"]).output
    )
    assert "JSON, without any option" in CliRunner().invoke(app, ["policy", "schema", "-h"]).output


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_and_command_is_explained(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert [each.name for each in command.params if not getattr(each, "help", None)] == []


def test_every_command_with_a_result_has_json() -> None:
    options = {name: {option for each in command.params for option in each.opts} for name, command in COMMANDS.items()}
    assert {name for name, given in options.items() if "--json" not in given} == WITHOUT_JSON


@pytest.mark.parametrize(
    "words",
    ["nonsense", "propose --nonsense", "post", "post many", "import items.csv", "propose --as-of 31.03.2026", "test"],
)
def test_wrong_usage_leaves_with_2(words: str) -> None:
    answer = CliRunner().invoke(app, words.split())
    assert answer.exit_code == 2
    assert "Error" in answer.output


def test_a_wrong_date_is_told_how_to_write_it() -> None:
    answer = CliRunner().invoke(app, ["propose", "--as-of", "31.03.2026"])
    assert "'31.03.2026' is not a date, such as 2026-03-31" in answer.output


def test_the_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"dunwell {__version__}\n"
