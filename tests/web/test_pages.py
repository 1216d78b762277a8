"""Every page, for whoever has signed in and for nobody else."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from dunwell.records.models import Entity, Run
from tests.flows.town import Town
from tests.web.desk import browser
from tests.web.places import NAMES, address

OPEN = {"sign-in"}
CASH = ("cash-match", "bank-line", "bank-files", "payer-forget", "advice")  # what changes something there
OF_ONE = {"account", "bank-line", "payer-forget", "advice"}  # of an entity, besides its runs


@pytest.fixture
def proposed(town: Town) -> Town:
    """The town with a run proposed."""
    town.propose("2026-04-03")
    return town


def test_nobody_sees_a_page_without_signing_in(proposed: Town) -> None:
    for name in NAMES:
        where = address(name, proposed)
        for answer in (browser().get(where), browser().post(where)):
            if name in OPEN:
                assert answer.status_code == 200, name
            else:
                assert answer.status_code == 302, name
                assert answer.headers["Location"].startswith(reverse("sign-in")), name


def test_whoever_signed_in_sees_every_page(proposed: Town, bert: Client) -> None:
    expected = {"sign-in": 302, "sign-out": 405}
    for name in NAMES:
        answer = bert.get(address(name, proposed))
        assert answer.status_code == expected.get(name, 200), name
        if answer.status_code == 200 and name not in {"notice-letter", "notice-mail"}:
            text = answer.content.decode()
            assert "<script>alert" not in text, name
            assert re.search(r"<h1[ >]", text), name


def test_every_answer_tells_the_browser_what_it_may_do(proposed: Town, bert: Client) -> None:
    for name in NAMES:
        for client in (bert, browser()):
            headers = client.get(address(name, proposed)).headers
            assert "default-src 'none'" in headers["Content-Security-Policy"], name
            assert "unsafe-inline" not in headers["Content-Security-Policy"] or name == "notice-mail", name
            assert headers["X-Frame-Options"] in {"DENY", "SAMEORIGIN"}, name
            assert headers["X-Content-Type-Options"] == "nosniff", name
            assert headers["Cache-Control"] == "no-store", name


def test_what_is_refused_to_a_part_of_a_page_is_no_page_in_it(proposed: Town, bert: Client) -> None:
    part = {"HX-Request": "true"}
    stranger = browser("bert", enforce_csrf_checks=True)
    for answer, status, told in (
        (stranger.post(address("bank-line", proposed), {"payer": "MEYER"}, headers=part), 403, "load the page again"),
        (bert.get(f"{reverse('cash', args=[proposed.entity.pk])}?account=999", headers=part), 404, "no account 999"),
        (bert.get("/nowhere", headers=part), 404, "The address is wrong"),
    ):
        text = answer.content.decode()
        assert (answer.status_code, told in text, 'role="alert"' in text) == (status, True, True)
        assert not re.search(r"<(html|main|h1|head)\b", text), text


def test_what_htmx_is_told_to_go_to_comes_with_the_same_headers(town: Town) -> None:
    answer = browser().get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, f"{reverse('sign-in')}?next=/")
    assert "Location" not in answer.headers
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_behind_a_proxy_that_speaks_tls_browsers_come_by_tls_alone(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Strict-Transport-Security" not in browser().get(reverse("sign-in")).headers
    monkeypatch.setattr(settings, "IS_TLS", True)
    assert browser().get(reverse("sign-in")).headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("where", ["query", "form", "name", "cookie"])
def test_what_no_database_takes_is_refused_in_words(proposed: Town, bert: Client, where: str) -> None:
    if where == "cookie":
        bert.cookies["dunwell_session"] = "a\0" * 20
    run, cancel = address("run", proposed), address("run-cancel", proposed)
    given = {"query": {"search": "\0"}, "name": {"\0": "x"}}
    answer = bert.post(cancel, {"reason": "a\0b"}) if where == "form" else bert.get(run, given.get(where, {}))
    assert (answer.status_code, "This was not understood" in answer.content.decode()) == (400, True)
    assert Run.objects.get().state == "proposed"


def test_another_entity_has_nothing_to_do_with_it(proposed: Town, bert: Client) -> None:
    other = Entity.objects.create(code="OTHER", name="Other AG", currency="EUR")
    for name in NAMES:
        where = address(name, proposed)
        if ("/runs/" in where and name != "propose") or name in OF_ONE:
            elsewhere = where.replace(f"/entities/{proposed.entity.pk}", f"/entities/{other.pk}")
            assert bert.get(elsewhere).status_code == 404, name
            if name not in {"run", "notice", "account", "notice-mail", "notice-letter", "bank-line"}:
                assert bert.post(elsewhere, {"reason": "x"}).status_code == 404, name


def test_forms_alone_change_something(proposed: Town) -> None:
    strict = browser("bert", enforce_csrf_checks=True)
    of_runs = ("propose", "run-approve", "run-post", "run-cancel", "notice-approve", "notice-exclude")
    for name in (*of_runs, *CASH, "sign-out"):
        answer = strict.post(address(name, proposed), {"reason": "because"})
        assert answer.status_code == 403, name
        assert "This form cannot be taken" in answer.content.decode()
        assert browser(enforce_csrf_checks=True).post(address(name, proposed)).status_code == 302, name
    assert browser(enforce_csrf_checks=True).post(reverse("sign-in"), {"username": "bert"}).status_code == 403
    assert Run.objects.get().state == "proposed"


def test_an_empty_book_says_what_to_do(db: str, town: Town, bert: Client) -> None:
    other = Entity.objects.create(code="NEW", name="New AG", currency="EUR")
    for name, hint in (("runs", "No run yet"), ("accounts", "There is no account yet"), ("ageing", "Nothing is owed")):
        assert hint in unescape(bert.get(reverse(name, args=[other.pk])).content.decode())


def test_what_is_not_there_is_said_in_words(town: Town, bert: Client) -> None:
    for where in ("/nowhere", f"/entities/{town.entity.pk}/runs/99", "/entities/99/runs"):
        answer = bert.get(where)
        assert answer.status_code == 404
        assert "There is no" in answer.content.decode()


BOUNDS = {"home": 10, "runs": 5, "run": 17, "notice": 26, "accounts": 5, "account": 33, "ageing": 20}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_page_asks_no_more_of_a_larger_book(proposed: Town, bert: Client, name: str) -> None:
    before = asked(bert, address(name, proposed))
    proposed.many(30, due="2026-03-25")
    proposed.propose("2026-04-03")
    cache.clear()
    after = asked(bert, address(name, proposed))
    assert len(after) <= len(before) <= BOUNDS[name], "\n".join(after)


def asked(client: Client, where: str) -> list[str]:
    """What a page asks the database."""
    queries: list[str] = []

    def noted(execute: Callable[..., Any], sql: str, *rest: Any) -> object:
        queries.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(noted):
        assert client.get(where).status_code == 200
    return queries


def test_a_notice_says_what_people_are_to_do_and_one_that_closes_has_a_page_too(town: Town, bert: Client) -> None:
    town.apply(
        "policy: closing\npriority: 1\napplies_to: \"account = 'NEW'\"\nstages:\n"
        "  - {stage: only, days_past_due: 3, send: [email], do: [restrict_service]}\n"
        "close: {after_stage: only, send: [email], do: [restore_service]}\n"
    )
    town.item("N-1", "NEW", "10.00 EUR", "2026-03-01")
    asked = town.notice(town.run("2026-04-01"), "NEW")
    town.pay("N-1", "10.00 EUR", "2026-04-02")
    closes = town.notice(town.propose("2026-04-03"), "NEW")
    for notice, said in ((asked, "restrict_service"), (closes, "restore_service")):
        where = [town.entity.pk, notice.run_id, notice.pk]
        page = bert.get(reverse("notice", args=where)).content.decode()
        assert f"<dt>For people to do</dt><dd>{said}</dd>" in page
    assert "none of your invoices is overdue any more" in page
    assert bert.get(reverse("notice-letter", args=where)).content.startswith(b"%PDF")
