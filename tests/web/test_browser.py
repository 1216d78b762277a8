"""As people work: sign in, look at a run and a notice, approve, post; and every page for those who see it otherwise."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from dunwell.flows.cash.pay import pay
from dunwell.flows.runs import work
from dunwell.records.models import BankLine
from tests import databases
from tests.flows.town import Town, noon
from tests.sources.bank.mt940_files import mt940
from tests.web.browser import chromium, first_pixel, overflow, served, sign_in, violations
from tests.web.desk import TODAY, looked_at
from tests.web.places import NAMES, address
from tests.web.teller import line, matched
from tests.web.test_advices import AVIS
from tests.web.test_taking_back import taken_back

NEXT = mt940(["260403 1300 //N1 hello"], opens=872, on=("260403", "260403"), statement="S2")
NO_PAGES = {"sign-out", "notice-mail", "notice-letter"}


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    """One browser for all."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def sqlite_town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The town on SQLite: a browser sees no difference."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop in this thread
    with databases.sqlite(tmp_path):
        yield looked_at(tmp_path, monkeypatch)


@pytest.fixture
def site(sqlite_town: Town) -> Iterator[str]:
    """Where the console is."""
    with served() as where:
        yield where


def visitor(window: Browser, site: str, name: str, wrong: list[str] | None = None, **how: Any) -> Page:
    """A page of a new visitor who has signed in; `wrong` gets what the browser finds wrong with pages."""
    page = window.new_context(base_url=site, **how).new_page()

    def complained(said: ConsoleMessage) -> None:
        if said.type == "error" and wrong is not None:
            wrong.append(said.text)

    page.on("console", complained)
    page.goto("/")
    sign_in(page, name)
    return page


def worked(on: str = TODAY) -> None:
    """Let a worker do what is due."""
    for _ in range(10):
        for piece in list(work.due(noon(on))):
            work.do(piece, clock=lambda: noon(on), by="worker")


def test_a_run_from_the_proposal_to_the_outbox(window: Browser, site: str, sqlite_town: Town) -> None:
    wrong: list[str] = []
    anna = visitor(window, site, "anna", wrong)
    anna.get_by_role("link", name="ACME AG").click()
    anna.get_by_role("link", name="Propose a run").click()
    anna.get_by_role("button", name="Propose the run").click()
    expect(anna.get_by_text("Being decided.")).to_be_visible()
    worked()
    expect(anna.get_by_role("link", name="Post the run")).to_be_visible()  # the page follows by itself
    expect(anna.get_by_role("link", name="Approve")).to_have_count(0)
    expect(anna.get_by_text("needs an approval by somebody else")).to_be_visible()

    bert = visitor(window, site, "bert", wrong)
    bert.get_by_role("link", name="Run 1", exact=True).first.click()
    bert.get_by_label("Account").fill("smith")
    bert.get_by_label("Account").press("Enter")
    expect(bert.get_by_role("link", name="Meyer GmbH")).to_have_count(0)
    assert "search=smith" in bert.url
    bert.get_by_role("link", name="Smith GmbH").click()
    expect(bert.get_by_role("heading", name="As the debtor reads it")).to_be_visible()
    bert.get_by_role("link", name="Approve").click()
    bert.get_by_role("button", name="Approve").click()
    expect(bert.get_by_text("You approved 1 notice.")).to_be_visible()
    bert.get_by_role("link", name="Run 1", exact=True).click()
    bert.get_by_role("link", name="Post the run").click()
    expect(bert.get_by_text("Notices that become binding, and are sent to the debtors: 3.")).to_be_visible()
    bert.get_by_role("button", name="Post the run").click()
    expect(bert.locator("#progress")).to_contain_text("Being posted.")
    worked()
    expect(bert.get_by_text("Messages: 3 sent.")).to_be_visible()
    assert len(sqlite_town.outbox) >= 3
    assert wrong == []  # no script, style or frame was refused


def test_a_bank_file_is_taken_in_and_its_lines_applied(window: Browser, site: str, sqlite_town: Town) -> None:
    wrong: list[str] = []
    file = sqlite_town.folder / "april.sta"
    file.write_text(NEXT, encoding="utf-8", newline="")
    bert = visitor(window, site, "bert", wrong)
    bert.get_by_role("link", name="2 bank lines").click()
    bert.get_by_role("link", name="Take a bank file in").click()
    bert.get_by_label("The file of the bank").set_input_files(file)
    bert.get_by_role("button", name="Take it in").click()
    expect(bert.get_by_text("1 line added")).to_be_visible()
    bert.get_by_role("link", name="Match what waits").click()
    bert.get_by_role("button", name="Match").click()
    expect(bert.get_by_text("3 lines looked at")).to_be_visible()
    bert.get_by_role("searchbox", name="Find").fill("1 300,00")
    bert.get_by_role("searchbox", name="Find").press("Enter")
    expect(bert.get_by_role("link", name="777.00")).to_have_count(0)
    bert.get_by_role("link", name="1,300.00").click()
    bert.get_by_label("Whose money").fill("odd")
    bert.get_by_label("Whose money").press("Enter")
    bert.get_by_role("link", name="Odd GmbH").last.click()
    bert.get_by_label("<script>alert(1)</script>").check()  # the sum follows by itself
    expect(bert.locator("#sum")).to_contain_text("65.50 EUR of the line stays on account.")
    bert.get_by_role("button", name="Apply to these").click()
    expect(bert.get_by_text("is applied, as payment")).to_be_visible()
    assert sqlite_town.open("<script>alert(1)</script>") == 0
    bert.get_by_label("Why").fill("it was somebody else's")
    bert.get_by_role("button", name="Take it back").click()
    expect(bert.get_by_text("it was somebody else's")).to_be_visible()
    assert sqlite_town.open("<script>alert(1)</script>") == 123_450
    assert wrong == []  # no script, style or frame was refused


def test_a_line_is_applied_without_scripts(window: Browser, site: str, sqlite_town: Town) -> None:
    page = visitor(window, site, "bert", java_script_enabled=False)
    page.goto(site + reverse("bank-line", args=[sqlite_town.entity.pk, line(777).pk]))
    page.get_by_label("Whose money").fill("MEYER")
    page.get_by_role("button", name="Show items").click()
    page.get_by_label("A-17").check()
    page.get_by_label("Other numbers").fill("A-18")
    page.get_by_role("button", name="Add up").click()
    expect(page.get_by_text("2 items chosen")).to_be_visible()
    page.get_by_role("button", name="Apply to these").click()
    expect(page.get_by_text("is applied, as payment")).to_be_visible()
    assert (sqlite_town.open("A-17"), sqlite_town.open("A-18")) == (0, 0)


def test_what_a_bank_takes_back_is_found_taken_back_and_waits_again(
    window: Browser, site: str, sqlite_town: Town
) -> None:
    matched(sqlite_town, apply=True)
    back = taken_back(sqlite_town, 100)
    payment = pay(
        sqlite_town.entity, "MEYER", amount="105.00", on=noon("2026-04-02").date(), external_id="X" * 60, by="bert",
        at=noon(TODAY),
    )  # fmt: skip
    BankLine.objects.filter(pk=back.pk).update(end_to_end_ref="X" * 60)
    wrong: list[str] = []
    where = site + reverse("bank-line", args=[sqlite_town.entity.pk, back.pk])
    bert = visitor(window, site, "bert", wrong)
    bert.get_by_role("link", name="1 bank line").click()
    bert.get_by_role("link", name="1 more").click()
    bert.get_by_role("link", name="100.00").first.click()
    assert bert.url == where
    for scheme, width in (("light", 1200), ("dark", 390), ("light", 360)):
        page = visitor(window, site, "bert", color_scheme=scheme, viewport={"width": width, "height": 800})
        page.goto(where)
        expect(page.get_by_text(f"payment {payment} of")).to_be_visible()
        assert (violations(page), overflow(page)) == ([], 0), (scheme, width)
    bert.get_by_label("Number of the earlier line").fill("x")
    bert.get_by_label("Number of the earlier line").press("Enter")
    expect(bert.get_by_text("'x' is no number")).to_be_visible()
    bert.get_by_role("button", name=f"Take line {line(100).pk} back").click()
    expect(bert.get_by_text("what MEYER had paid is open again")).to_be_visible()
    assert (sqlite_town.open("A-17"), violations(bert), overflow(bert)) == (10_000, [], 0)
    bert.get_by_role("button", name="Let both wait again").click()
    expect(bert.get_by_text("wait again.").first).to_be_visible()
    assert line(100).state == "open"
    assert [each for each in wrong if "422" not in each] == []  # no script, style or frame was refused


def test_an_advice_is_taken_in_and_forgotten(window: Browser, site: str, sqlite_town: Town) -> None:
    wrong: list[str] = []
    file = sqlite_town.folder / "avis.csv"
    file.write_text(AVIS, encoding="utf-8")
    bert = visitor(window, site, "bert", wrong)
    bert.goto(site + reverse("advices", args=[sqlite_town.entity.pk]))
    bert.get_by_role("link", name="Take an advice in").click()
    bert.get_by_label("What the payer has sent").set_input_files(file)
    bert.get_by_label("The bank line, where nobody can tell").fill(str(line(777).pk))
    bert.get_by_role("button", name="Take the advice in").click()
    expect(bert.get_by_text("2 documents, 777.00 EUR")).to_be_visible()
    assert (violations(bert), overflow(bert)) == ([], 0)
    bert.get_by_role("link", name="Advice 2").click()
    bert.get_by_role("button", name="Forget it").click()
    expect(bert.get_by_text("Advice 2 is forgotten.")).to_be_visible()
    assert wrong == []


def test_every_page_can_be_read_by_everybody(window: Browser, site: str, sqlite_town: Town) -> None:
    matched(sqlite_town)
    sqlite_town.propose(TODAY)
    wrong = {}
    for scheme in ("light", "dark"):
        page = visitor(window, site, "bert", color_scheme=scheme)
        for name in [*(name for name in NAMES if name not in NO_PAGES), "nowhere"]:
            page.goto(f"{site}/nowhere" if name == "nowhere" else site + address(name, sqlite_town))
            if found := violations(page):
                wrong[name, scheme] = found
        page.context.clear_cookies()
        page.goto(f"{site}/sign-in")
        if found := violations(page):
            wrong["sign-in", scheme] = found
    assert [f"{name} ({scheme}): {each}" for (name, scheme), found in wrong.items() for each in found] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_mail_can_be_read_in_its_frame(window: Browser, site: str, sqlite_town: Town, scheme: str) -> None:
    sqlite_town.propose(TODAY)
    page = visitor(window, site, "bert", color_scheme=scheme)
    page.goto(site + address("notice", sqlite_town))
    page.wait_for_load_state("networkidle")
    ink = page.frames[1].evaluate("getComputedStyle(document.querySelector('p')).color.match(/\\d+/g).map(Number)")
    paper = page.locator("iframe.mail").bounding_box()
    assert paper
    seen = page.screenshot(clip={"x": paper["x"] + 5, "y": paper["y"] + 5, "width": 1, "height": 1})
    assert abs(sum(ink) - sum(first_pixel(seen))) > 600  # of the 765 between black and white


def test_every_page_fits_a_phone(window: Browser, site: str, sqlite_town: Town) -> None:
    sqlite_town.account("LONG", segment="x" * 60)
    sqlite_town.item("L" * 60, "LONG", "1000000000.00 EUR", "2026-03-20")
    BankLine.objects.filter(amount_minor=77_700).update(
        party_name="N" * 70, text="T" * 140, reference="R" * 35, end_to_end_ref="E" * 35
    )
    matched(sqlite_town)
    sqlite_town.propose(TODAY)
    wide = {}
    for width in (390, 360):
        page = visitor(window, site, "bert", viewport={"width": width, "height": 800})
        for name in (name for name in NAMES if name not in NO_PAGES):
            page.goto(site + address(name, sqlite_town))
            if by := overflow(page):
                wide[name, width] = by
    assert wide == {}


def test_it_works_without_scripts_and_by_keyboard(window: Browser, site: str, sqlite_town: Town) -> None:
    sqlite_town.propose(TODAY)
    page = visitor(window, site, "bert", java_script_enabled=False)
    page.goto(site + address("run", sqlite_town))
    page.get_by_label("Account").fill("meyer")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("link", name="Meyer GmbH")).to_have_count(1)
    expect(page.get_by_role("link", name=re.compile("Smith"))).to_have_count(0)
    page.goto(site + address("run", sqlite_town))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
