"""What every test folder shares: fresh databases, one PostgreSQL server for all workers, and memory to write to.

Django is imported only where a test asks for a database.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres, profiles

SERVER = "DUNWELL_TEST_POSTGRES"  # the server's port, for the workers of pytest-xdist
REQUIRED = "DUNWELL_REQUIRE_POSTGRES"
PURE = ("tests/engine", "tests/conformance", "tests/stories", "tests/tidy", "tests/cash", "tests/insight")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MEMORY = Path("/dev/shm")  # noqa: S108  # Linux has it, and every user may write to it
MEMORY_BYTES_MIN = 6 * 2**30
RUNNING: pytest.StashKey[contextlib.ExitStack] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server before the workers of pytest-xdist, which take its port from the environment."""
    profiles.load()
    _write_to_memory()
    config.stash[RUNNING] = contextlib.ExitStack()
    leads = bool(getattr(config.option, "numprocesses", None)) and not hasattr(config, "workerinput")
    needed = any(not str(arg).removeprefix("./").startswith(PURE) for arg in config.args)
    if leads and needed and postgres.programs() and SERVER not in os.environ:
        server = config.stash[RUNNING].enter_context(postgres.cluster(**postgres.CARELESS))
        os.environ[SERVER] = str(server.port)


def _write_to_memory() -> None:
    """Keep what tests write in memory, where there is room: on a disk a book waits at every step it takes."""
    if "TMPDIR" in os.environ or not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < MEMORY_BYTES_MIN:
        return
    if not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:  # one test runs what it has installed
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server that this process started."""
    config.stash[RUNNING].close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say so, loudly, where half of the database tests did not run."""
    if postgres.programs() is None:
        terminalreporter.write_line(
            "NO POSTGRESQL: initdb was not found; tests ran on SQLite alone", red=True, bold=True
        )
    if not any(map(shutil.which, BROWSERS)):
        terminalreporter.write_line("NO CHROMIUM: nobody looked at the console in a browser", red=True, bold=True)


@pytest.fixture(scope="session")
def postgresql_port() -> Iterator[int]:
    """The port of the one server; skips without the programs, fails where they are required."""
    if SERVER in os.environ:
        yield int(os.environ[SERVER])
    elif postgres.programs() is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, and initdb was not found")
        pytest.skip("initdb was not found")
    else:
        with postgres.cluster(**postgres.CARELESS) as server:
            yield server.port


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated database, current in Django; the test commits to it. Yields its URL."""
    from tests import databases  # noqa: PLC0415  # tests/engine runs without Django

    if request.param == "sqlite":
        opened = databases.sqlite(tmp_path)
    else:
        opened = databases.postgresql(request.getfixturevalue("postgresql_port"))
    with opened as url:
        yield url


@pytest.fixture
def postgresql(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, migrated database on PostgreSQL, for what SQLite has no part in. Yields its URL."""
    from tests import databases  # noqa: PLC0415  # tests/engine runs without Django

    with databases.postgresql(request.getfixturevalue("postgresql_port")) as url:
        yield url
