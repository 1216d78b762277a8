"""A real PostgreSQL server for tests and benches, started from the installed programs and stopped by its pid."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

USER = "dunwell"
START_SECONDS_MAX = 30
# A test's server may lose everything with the machine, a bench's may not: its figures are a user's.
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}
CAREFUL = {"shared_buffers": "512MB", "max_wal_size": "4GB"}


class NoServerError(RuntimeError):
    """No PostgreSQL server programs are installed, or the server did not start."""


@dataclass(frozen=True)
class Cluster:
    """A running server; `url()` names one of its databases."""

    port: int
    pid: int

    def url(self, database: str = "postgres") -> str:
        """The URL of a database, as `DUNWELL_DATABASE_URL` takes it."""
        return url_of(self.port, database)


def url_of(port: int, database: str) -> str:
    """The URL of a database on this machine's server at `port`."""
    return f"postgresql://{USER}@127.0.0.1:{port}/{database}"


def programs() -> Path | None:
    """Find the folder of `initdb` and `postgres`: by pg_config, on the path, where Debian keeps them."""
    folders = []
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        shown = subprocess.run(["pg_config", "--bindir"], capture_output=True, check=True, text=True)
        folders.append(Path(shown.stdout.strip()))
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(versions, key=lambda folder: float(folder.parent.name), reverse=True)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@contextlib.contextmanager
def cluster(**options: str) -> Iterator[Cluster]:
    """Run a server until the block ends; `options` are the server's. Errors: NoServerError."""
    folder = programs()
    if folder is None:
        raise NoServerError("initdb was not found")
    home = Path(tempfile.mkdtemp(prefix="dunwell-postgres-"))
    try:
        become = _unprivileged(home)
        data = str(home / "data")
        _initialise([*become, str(folder / "initdb"), "-D", data], home)
        port = _free_port()
        command = [*become, str(folder / "postgres"), "-D", data, "-p", str(port)]
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "50"} | options
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(
                [*command, *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))],
                cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            _wait(server, port, home / "log")
            yield Cluster(port=port, pid=server.pid)
        finally:
            _stop(server)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _unprivileged(home: Path) -> list[str]:
    """Give `home` to a user whom the server accepts; return how to become that user. The server refuses root.

    With `setpriv` the server also stops when this process dies without stopping it.
    """
    setpriv = shutil.which("setpriv")
    outlived = [setpriv, "--pdeathsig=INT"] if setpriv else []
    if os.geteuid() != 0:
        return [*outlived, "--"] if outlived else []
    user = next(u for name in ("postgres", "nobody") for u in pwd.getpwall() if u.pw_name == name)
    os.chown(home, user.pw_uid, user.pw_gid)
    if outlived:
        return [*outlived, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
    if runuser := shutil.which("runuser"):
        return [runuser, "-u", user.pw_name, "--"]
    raise NoServerError("neither setpriv nor runuser is there to leave root's rights")


def _initialise(command: list[str], home: Path) -> None:
    options = ["-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]
    done = subprocess.run([*command, *options], cwd=home, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoServerError(f"initdb failed: {done.stderr.strip()}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(url_of(port, "postgres")).close()
            return
        time.sleep(0.05)
    raise NoServerError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Ask for a fast shutdown, then insist."""
    for ask in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(ask)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=20)
            return
