"""The workflow that the documentation gives for policies in a repository: every command of it, typed as it stands."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from dunwell import __version__

RECIPE: Final = Path(__file__).parents[1] / "docs" / "examples" / "github-policy-check.yml"
URL_OF_BOOK: Final = "${{ secrets.DUNWELL_DATABASE_URL }}"
POLICY: Final = """\
policy: ours
title: Ours
priority: 10
stages: [{stage: reminder, days_past_due: 3, send: [email]}]
"""
STORY: Final = """\
story: a reminder after three days
policy: ../policies/ours.yaml
accounts: [{account: MEYER, email: ap@meyer.example}]
steps:
  - {on: 2026-03-01, invoice: {number: A-17, account: MEYER, amount: 100.00 EUR, due: 2026-03-31}}
  - {on: 2026-04-03, run: {}, expect: {notices: [{account: MEYER, stage: reminder}]}}
"""
MAPPING: Final = """\
entity: ACME
account: {column: customer}
email: {column: mail}
number: {column: invoice}
currency: EUR
amount: {column: amount}
due: {column: due}
"""
ROWS: Final = "customer,mail,invoice,amount,due\nMEYER,ap@meyer.example,A-17,100.00,2020-03-31\n"


def workflow() -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    return found


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workflow()["jobs"]["policies"]["steps"]
    return found


def typed(command: str, folder: Path, **env: str) -> str:
    """Run what a step or a person types, as the runner does: the first command that fails ends it."""
    known = {name: text for name, text in os.environ.items() if not name.startswith(("DUNWELL_", "DJANGO_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", command], cwd=folder, env={**known, "PATH": path, **env}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return done.stdout


def play(repository: Path, secret: str) -> str:
    """Run all steps that type something in a repository; return the summary of the job."""
    summary = repository / "summary.md"
    for step in steps():
        if "run" in step and "pip install" not in step["run"]:
            env = {name: text.replace(URL_OF_BOOK, secret) for name, text in step.get("env", {}).items()}
            typed(step["run"], repository, GITHUB_STEP_SUMMARY=str(summary), **env)
    return summary.read_text(encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checked-out repository of policies and stories."""
    folder = tmp_path / "repository"
    for name, text in {"policies/ours.yaml": POLICY, "stories/ours.yaml": STORY}.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
    return folder


def test_a_pull_request_sees_what_it_would_change(tmp_path: Path, repository: Path) -> None:
    for name, text in {"map.yaml": MAPPING, "items.csv": ROWS}.items():
        (tmp_path / name).write_text(text)
    typed("dunwell init book && dunwell --home book import items.csv --mapping map.yaml", tmp_path)
    summary = play(repository, f"sqlite:///{tmp_path / 'book' / 'dunwell.sqlite3'}")
    assert summary.startswith(
        "**0 items change stage, 1 changes policy; 1 notice changed otherwise**\n\n- ours: new (ACME on "
    )
    assert "`MEYER`" in summary
    assert typed("dunwell --home book policy show --json", tmp_path).count('"policy"') == 3  # nothing was applied


def test_a_pull_request_from_a_fork_gets_no_secret_and_is_told_so(repository: Path) -> None:
    assert play(repository, "") == (
        "No plan: the secret DUNWELL_DATABASE_URL is not there, as in a pull request from a fork.\n"
    )


def test_both_endings_are_looked_at_and_no_policy_at_all_is_none_to_check(repository: Path) -> None:
    policies = repository / "policies"
    (policies / "theirs.yml").write_text(POLICY.replace("days_past_due", "days_past_du"))
    with pytest.raises(AssertionError, match=r"policies/theirs\.yml:4"):
        play(repository, "")
    for file in policies.iterdir():
        file.unlink()
    (repository / "stories" / "ours.yaml").write_text(STORY.replace("../policies/ours.yaml", "../ours.yaml"))
    (repository / "ours.yaml").write_text(POLICY)
    assert play(repository, "") == "No plan: no policy is in the folder policies.\n"


def test_the_secret_is_seen_by_the_steps_that_need_it_alone_and_nothing_may_be_written() -> None:
    seeing = [step["name"] for step in steps() if URL_OF_BOOK in str(step)]
    assert seeing == ["Check the policies", "Say what they would change on the live book"]
    assert URL_OF_BOOK not in str({name: part for name, part in workflow().items() if name != "jobs"})
    assert "env" not in workflow()["jobs"]["policies"]
    assert workflow()["permissions"] == {"contents": "read"}
    assert list(workflow()[True]) == ["pull_request"]  # YAML reads `on` as true; never pull_request_target


def test_the_release_that_is_installed_is_this_one() -> None:
    (install,) = (step["run"] for step in steps() if "pip install" in step.get("run", ""))
    assert install == f'python -m pip install "dunwell=={__version__}"'
