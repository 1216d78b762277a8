"""Commands in processes of their own that need not read the libraries first: forked from one that has read them.

That reading is most of what a short command takes. What the command is made of is read anew in each: `dunwell.cli`,
settings, records, flows. Nothing of them is there before the fork, nor is Django set up; only the rooms that know
neither settings nor database nor door, as the walls guarantee.
"""

import atexit
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import re
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

LIBRARIES: Final = (
    "babel.dates", "babel.numbers", "jinja2", "openpyxl", "polars", "psycopg", "pydantic_settings", "rich.progress",
    "rich.table", "schwifty", "segno", "sqlglot", "typer.main", "typer.testing", "typst",
    "django.contrib.auth.hashers", "django.contrib.auth.password_validation", "django.core.management",
    "django.core.management.commands.migrate", "django.core.serializers.json", "django.db.backends.sqlite3.base",
    "django.db.migrations.executor", "django.db.models", "django.http", "django.template.backends.django",
    "django.urls",
)  # fmt: skip
ROOMS: Final = ("engine", "letters", "insight", "sources", "channels")
READ_ANEW: Final = ("dunwell.cli", "dunwell.config", "dunwell.flows", "dunwell.records", "dunwell.settings")
# What Python looks at when it starts, and a fork does not.
LOOKED_AT_EARLY: Final = ("PYTHON", "LANG", "LC_", "MALLOC_", "POLARS_", "TZ")


def is_same(env: Mapping[str, str]) -> bool:
    """Whether a process with this environment starts like this one."""
    both = env.items() ^ os.environ.items()
    return not any(name.startswith(LOOKED_AT_EARLY) for name, _text in both)


class Order(NamedTuple):
    """What to run: a script of this environment with its words, where, and with which environment and streams."""

    words: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    streams: Sequence[int]


class Forker:
    """The process that forks, for as long as this one lives."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._wire, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(its.fileno())], pass_fds=[its.fileno()]
            )

    def run(self, order: Order, seconds_max: float) -> int:
        """Return the exit code, as `subprocess.run` does. Errors: TimeoutExpired."""
        mine, its = os.pipe()
        with os.fdopen(mine, "rb", buffering=0) as told:
            with os.fdopen(its, "wb"), self._turn:
                said = json.dumps(order).encode()
                socket.send_fds(self._wire, [len(said).to_bytes(8, "big")], [*order.streams, its])
                self._wire.sendall(said)
            pid = int(told.readline())
            if not select.select([told], [], [], seconds_max)[0]:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(order.words), seconds_max)
            return int(told.readline())

    def close(self) -> None:
        """Let the process end, and wait until it has."""
        self._wire.close()
        self._process.wait()


@functools.cache
def forker() -> Forker:
    """The one of this process."""
    one = Forker()
    atexit.register(one.close)
    return one


def main(wire: int) -> None:
    """Read what all commands need, then fork one for each order until the wire ends."""
    for name in LIBRARIES:
        importlib.import_module(name)
    for room in ROOMS:
        package = importlib.import_module(f"dunwell.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"dunwell.{room}."):
            importlib.import_module(module.name)
    early = [name for name in sys.modules if name.startswith(READ_ANEW)]
    if early or threading.active_count() > 1 or _polars_works():
        raise SystemExit(f"what is forked here is not like a process of its own: {early}, or threads that work")
    gc.collect()
    gc.freeze()  # what is never freed need not be copied into each fork
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=wire) as orders:
        while order := _next(orders):
            if os.fork() == 0:
                orders.close()
                _run(order)
            for stream in order.streams:
                os.close(stream)


def _polars_works() -> bool:
    """Whether Polars has started the threads that it works with, without which it hangs after a fork."""
    names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]  # elsewhere than on Linux none
    return any(re.match(r"polars-\d|tokio|async-exec", name) for name in names)


def _next(orders: socket.socket) -> Order | None:
    said, fds, _flags, _from = socket.recv_fds(orders, 8, 4)
    if not said:
        return None
    rest = orders.recv(int.from_bytes(said, "big"), socket.MSG_WAITALL)
    words, cwd, env, _streams = json.loads(rest)
    return Order(words, cwd, env, fds)


def _run(order: Order) -> None:
    """Fork again: the one waits for the other, and tells how it ended."""
    *streams, told = order.streams
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if pid := os.fork():
        os.write(told, f"{pid}\n".encode())
        for stream in streams:
            os.close(stream)
        _pid, status = os.waitpid(pid, 0)
        os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    os.close(told)
    for at, stream in enumerate(streams):
        os.dup2(stream, at)
        os.close(stream)
    for at, name in ((1, "stdout"), (2, "stderr")):
        old = getattr(sys, name)
        new = io.TextIOWrapper(
            open(at, "wb", closefd=False),  # noqa: SIM115  # it has no path, and is never closed
            encoding=old.encoding, errors=old.errors, line_buffering=at == 2 or os.isatty(at),
        )  # fmt: skip
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)
    os.environ.clear()
    os.environ.update(order.env)
    os.chdir(order.cwd)
    script = Path(order.words[0])
    sys.argv = list(order.words)
    sys.path.insert(0, str(script.parent))
    os._exit(_code_of(script))


def _code_of(script: Path) -> int:
    """Run it to its end, that of Python included, save that of what is freed only connections are closed."""
    code: object = 0
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001  # as Python does
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as Python does
    atexit._run_exitfuncs()
    if sys.modules["django.conf"].settings.configured:  # who closes a book last writes back what its log holds
        sys.modules["django.db"].connections.close_all()
    sys.stdout.flush()
    sys.stderr.flush()
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    sys.stderr.flush()
    return 1


if __name__ == "__main__":
    main(int(sys.argv[1]))
