"""Who looks at the console, on which day, and a town to look at."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from dunwell.flows.cash.allowed import change_settings
from dunwell.flows.people.users import add_user
from dunwell.records.models import ItemState
from dunwell.web import clock
from tests.flows.town import Town, at_home, day, noon
from tests.web.teller import banked

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

Answer: TypeAlias = "_MonkeyPatchedWSGIResponse"  # what a browser is given; Django names it for its types alone

TODAY = "2026-04-03"
PASSWORD = "correct horse battery"  # noqa: S105  # of people who do not exist
HOST = "localhost"
# A second for each password is right for people, and not for tests.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """ACME on 3 April 2026, with three debtors and what its bank said the day before."""
    at_home(tmp_path, monkeypatch)
    on_the_day(monkeypatch)
    cache.clear()
    town = Town(tmp_path)
    town.account("MEYER")
    town.account("ODD", email="b&i@odd.example", segment="smb")
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-30")
    town.item("A-18", "MEYER", "50.50 EUR", "2026-04-30")
    town.item("<script>alert(1)</script>", "ODD", "1234.50 EUR", "2026-03-20")
    late = town.item("C-1", "SMITH", "80000.00 EUR", "2026-01-02")
    ItemState.objects.create(item=late, level=2, stage="second_reminder", last_notice_on=day("2026-02-20"), version=1)
    banked(town)
    # Pages of runs are looked at with all that is owed: money is matched where a test does so.
    change_settings(town.entity, {"match_before_run": "no"}, by="test", at=noon(TODAY))
    for name in ("anna", "bert"):
        add_user(name, PASSWORD, by="test", at=noon(TODAY))
    return town


def on_the_day(monkeypatch: pytest.MonkeyPatch, on: str = TODAY) -> None:
    """Let the console's clock stand still."""

    def now() -> datetime:
        return noon(on)

    def today(_time_zone: str) -> date:
        return day(on)

    monkeypatch.setattr(clock, "now", now)
    monkeypatch.setattr(clock, "today", today)


def browser(name: str | None = None, *, enforce_csrf_checks: bool = False) -> Client:
    """A browser in which somebody has signed in, or nobody."""
    client = Client(enforce_csrf_checks=enforce_csrf_checks, SERVER_NAME=HOST)
    if name:
        assert client.login(username=name, password=PASSWORD)
    return client
