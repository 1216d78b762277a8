"""`dunwell test`: plays stories and reports what went another way. `dunwell story`: what a story may say."""

import time
from pathlib import Path
from typing import Annotated

import typer

from dunwell.cli.command import Command
from dunwell.cli.doors import EXIT_FAILED, Json, refuses
from dunwell.cli.output import as_json, is_watched, out, progress, say
from dunwell.flows import stories

app = typer.Typer(help="What a story file may say.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def story() -> None:
    """What a story file may say."""


@app.command(cls=Command)
def schema() -> None:
    """Print the JSON Schema of a story file, for your editor.

    What it prints is JSON, without any option.
    """
    as_json(stories.story_schema())


@refuses
def play(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Story files, or folders of them.")],
    json: Json = False,
) -> None:
    """Play stories: unit tests for policies.

    Leaves with 1 if one of them fails.
    """
    files = stories.story_files(paths)
    started = time.perf_counter()
    played: list[stories.Played] = []
    dotted = not json and not is_watched()  # else a bar shows the same
    with progress(quiet=json) as tell:
        tell("playing", 0, len(files))
        for story in stories.play(files):
            played.append(story)
            tell("playing", len(played), len(files))
            if dotted:
                out.print("F" if story.failures else ".", end="", style="red" if story.failures else "green")
    seconds = time.perf_counter() - started
    failed = [story for story in played if story.failures]
    if json:
        as_json(
            {
                "stories": len(played),
                "failed": len(failed),
                "failures": [vars(failure) for story in failed for failure in story.failures],
            }
        )
    else:
        if dotted:
            say()
        for story in failed:
            for failure in story.failures:
                say(f"\n{failure}")
        verdict = f"{len(failed)} failed, " if failed else ""
        say(f"\n{verdict}{len(played) - len(failed)} passed in {seconds:.2f} s")
    if failed:
        raise typer.Exit(EXIT_FAILED)
