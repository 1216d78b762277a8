"""The console in a real browser: a server in this process, and Debian's Chromium."""

import os
import shutil
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import BROWSERS
from tests.web.desk import PASSWORD

REQUIRED = "DUNWELL_REQUIRE_CHROMIUM"
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
# As root Chromium has no sandbox; the others keep it from looking for hosts of its maker.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own signature
        """Say nothing."""


@contextmanager
def served() -> Iterator[str]:
    """The console and its files on a free port of this process, which goes by the test's clock and database."""
    from dunwell.web.wsgi import application  # noqa: PLC0415  # after Django is set up

    server = make_server("localhost", 0, application, _Server, _Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium. Skips where there is none, fails where one is required."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, and there is no chromium")
        pytest.skip("NO CHROMIUM: the console was not looked at in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def sign_in(page: Page, name: str) -> None:
    """Fill in the form."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def violations(page: Page) -> list[str]:
    """What axe finds wrong with a page, for people who see, hear or move otherwise: each with the first place."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]]


def overflow(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def first_pixel(png: bytes) -> tuple[int, int, int]:
    """Red, green and blue of the first pixel of a screenshot, which no PNG filter changes."""
    packed, at = b"", 8
    while at < len(png):  # chunk by chunk: length, name, content, checksum
        end = at + 8 + int.from_bytes(png[at : at + 4])
        packed += png[at + 8 : end] if png[at + 4 : at + 8] == b"IDAT" else b""
        at = end + 4
    red, green, blue = zlib.decompress(packed)[1:4]
    return red, green, blue
