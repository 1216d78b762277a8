"""`dunwell demo`: a made-up company, from its book to the letters, in one go."""

import os
import shlex
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from dunwell.cli import clock
from dunwell.cli.doors import AsOf, Json, open_book, refuses
from dunwell.cli.output import as_json, progress, say
from dunwell.cli.runs import show_counts
from dunwell.config import write_settings
from dunwell.flows.errors import Conflict, Invalid

MARK: Final = ".dunwell-demo"
SEED: Final = 2026
YEAR_MIN: Final = 1970
YEAR_MAX: Final = 2199


@refuses
def demo(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where it is to be; made anew. [default: demo]")
    ] = Path("demo"),
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Make a sample book, run it, and write the letters.

    The book has 2,000 accounts. The folder of an earlier demo is cleared, and no other.
    """
    as_of, home = as_of or clock.today(), directory.absolute()
    if not YEAR_MIN <= as_of.year <= YEAR_MAX:
        raise Invalid(f"a demo is of a day between {YEAR_MIN} and {YEAR_MAX}, not of {as_of}")
    _make_anew(directory)
    # Whatever the settings name is somebody's own; the demo has everything in its folder.
    for name in [name for name in os.environ if name.startswith("DUNWELL_")]:
        del os.environ[name]
    os.environ["DUNWELL_HOME"] = str(directory)
    write_settings(home)
    open_book(must_exist=False)
    from dunwell.flows.demo import play_demo

    with progress(quiet=json) as tell:
        played = play_demo(home, seed=SEED, as_of=as_of, clock=clock.now, by=clock.actor(), progress=tell)
    if json:
        as_json(asdict(played))
        return
    say(f"A sample book is in {directory}: {played.accounts:,} accounts, {played.items:,} items.")
    for run in played.runs:
        say(f"\nrun {run.run} for {run.entity} as of {run.as_of}: {run.counts['items']:,} items decided\n")
        show_counts(run.counts)
        outbox = _near(run.outbox)
        say(f"{run.posted:,} notices posted, {run.waiting:,} wait for approval, {run.sent:,} messages in {outbox}")
    say("\nWhy one of them stands as it does:\n")
    say(f"{played.example.number} of {played.example.account}")
    for sentence in played.example.sentences:
        say(f"  {sentence}")
    say("\nNext, type:")
    typed = f"{_program()} --home {shlex.quote(str(directory))}"
    say(f"  {typed} explain {played.example.number} --run {played.example.run}")
    if played.preview:
        entity, account = played.preview
        say(f"  {typed} preview {account} --entity {entity} --as-of {as_of}")
    say(f"  {typed} report ageing --entity {played.example_entity} --as-of {as_of}")
    say(f"  {typed} policy show")
    say(f"\nand open {shlex.quote(_near(played.example_file))}: a letter as its debtor gets it.")
    say(f"\nIn a browser: {typed} user add NAME, then {typed} up")


def _program() -> str:
    """What to type for this program: its name where the shell finds it, else its path."""
    if shutil.which("dunwell"):
        return "dunwell"
    return f"{_near(sys.executable)} -m dunwell" if sys.argv[0].endswith(".py") else _near(sys.argv[0])


def _near(path: str) -> str:
    """A path as seen from here, if it is below."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _make_anew(directory: Path) -> None:
    """Clear the folder of an earlier demo, and of nothing else. Errors: Conflict."""
    if directory.exists() and any(directory.iterdir()):
        if not (directory / MARK).exists():
            raise Conflict(f"{directory} holds something that is no demo: name another folder")
        for each in directory.iterdir():  # the folder itself may be the one somebody stands in
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            elif each.name != MARK:
                each.unlink()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MARK).write_text("made by `dunwell demo`, which may remove this folder\n", encoding="utf-8")
