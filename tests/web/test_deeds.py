"""What is done on pages: propose, approve, post, leave out, cancel; and what is refused, in words."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from dunwell.flows.errors import Conflict
from dunwell.flows.people import signing
from dunwell.flows.people.users import add_user
from dunwell.flows.runs import work
from dunwell.flows.runs.edit import exclude_account, exclude_item, set_stage
from dunwell.records.models import Approval, AuditEvent, Entity, Notice, Run, RunEdit, SignInTry
from dunwell.web import clock
from tests.flows.town import Town, noon
from tests.web.desk import PASSWORD, TODAY, Answer, browser


def at(name: str, run: Run, *more: int) -> str:
    """A page of a run, or of one of its notices."""
    return reverse(name, args=[run.entity_id, run.pk, *more])


def said(answer: Answer) -> str:
    """What a page says."""
    return unescape(answer.content.decode())


def press(client: Client, name: str, run: Run, *more: int, follow: bool = False) -> Answer:
    """Ask for the page that asks once more, and send its form as it is."""
    where = at(name, run, *more)
    seen = re.search(r'name="seen" value="(\w+)"', said(client.get(where)))
    return client.post(where, {"seen": seen[1] if seen else ""}, follow=follow)


def worked() -> None:
    """Let a worker do what is due."""
    for _ in range(10):
        for piece in list(work.due(noon(TODAY))):
            work.do(piece, clock=lambda: noon(TODAY), by="worker")


def test_a_run_is_proposed_approved_posted_and_sent(town: Town, anna: Client, bert: Client) -> None:
    answer = anna.post(reverse("propose", args=[town.entity.pk]), {"as_of": TODAY}, follow=True)
    assert "Run 1 is begun." in said(answer)
    run = Run.objects.get()
    assert (run.proposed_by, run.state, run.by_workers) == ("anna", "deciding", True)
    worked()
    assert "You approved 1 notice." in said(press(bert, "run-approve", run, follow=True))
    assert Approval.objects.get().by == "bert"
    assert "is being posted" in said(press(bert, "run-post", run, follow=True))
    run.refresh_from_db()
    assert (run.state, run.posted_by) == ("posted", "bert")
    worked()
    run.refresh_from_db()
    assert (run.state, len(town.deliveries(run))) == ("done", 3)
    assert {"run.approved", "run.handed_over", "run.posted"} <= set(AuditEvent.objects.values_list("action", flat=True))


def test_nobody_approves_what_they_proposed(town: Town, anna: Client) -> None:
    run = town.propose(TODAY)
    page = said(anna.get(at("run", run)))
    assert at("run-approve", run) not in page
    assert "an approval by somebody else" in page
    answer = press(anna, "run-approve", run)
    assert answer.status_code == 403
    assert "anna proposed run 1: somebody else approves it" in said(answer)
    assert f'href="{at("run", run)}"' in said(answer)  # leads back
    assert not Approval.objects.exists()


def test_one_notice_is_approved_and_posted_later_than_the_others(town: Town, bert: Client) -> None:
    run = town.propose(TODAY)
    press(bert, "run-post", run)
    worked()
    assert len(town.deliveries(run)) == 2
    notice = town.notice(run, "SMITH")
    assert "Approve" in said(bert.get(at("notice", run, notice.pk)))
    press(bert, "notice-approve", run, notice.pk)
    again = press(bert, "notice-approve", run, notice.pk)
    assert (again.status_code, "the notice is proposed, and waits for no approval" in said(again)) == (409, True)
    worked()
    assert len(town.deliveries(run)) == 3


def test_an_item_is_left_out_with_a_reason(town: Town, bert: Client) -> None:
    run = town.propose(TODAY)
    notice = town.notice(run, "MEYER")
    where = at("notice-exclude", run, notice.pk)
    assert "It is kept with your name." in said(bert.get(where, {"item": "A-17"}))
    refused = bert.post(where, {"item": "A-17", "reason": " "})
    assert refused.status_code == 422
    assert "say why" in said(refused)
    answer = bert.post(where, {"item": "A-17", "reason": "they called"}, follow=True)
    assert "A-17 is left out of run 1" in said(answer)
    assert (RunEdit.objects.get().by, RunEdit.objects.get().reason) == ("bert", "they called")
    notice.refresh_from_db()
    assert notice.state == "excluded"
    assert "they called" in said(bert.get(at("run", run)))


def test_an_account_is_left_out(town: Town, bert: Client) -> None:
    run = town.propose(TODAY)
    notice = town.notice(run, "MEYER")
    bert.post(at("notice-exclude", run, notice.pk), {"reason": "insolvent"})
    assert RunEdit.objects.get().account == notice.payer


@pytest.mark.parametrize("what", ["A-17", "A-18", "NOWHERE"])
def test_an_item_is_left_out_of_a_notice_that_asks_for_it_alone(town: Town, bert: Client, what: str) -> None:
    run = town.propose(TODAY)
    where = at("notice-exclude", run, town.notice(run, "SMITH").pk)
    for answer in (bert.get(where, {"item": what}), bert.post(where, {"item": what, "reason": "they called"})):
        assert (answer.status_code, f"{what} is no item that this notice asks for" in said(answer)) == (422, True)
    assert not RunEdit.objects.exists()


def test_a_posted_run_shows_what_was_posted_of_it(town: Town, bert: Client) -> None:
    run = town.propose(TODAY)
    assert "of 3 proposed" not in said(bert.get(at("run", run)))
    town.pay("A-17", "100.00 EUR", TODAY)
    town.post(run)
    page = said(bert.get(at("run", run)))
    assert "of 3 proposed" in page
    assert '<div class="big">1</div>' in page  # MEYER has paid, SMITH's lacks an approval
    assert '<div class="big">1,234.50\xa0EUR</div>' in page


def test_a_run_is_cancelled_for_a_reason(town: Town, bert: Client) -> None:
    run = town.propose(TODAY)
    assert bert.post(at("run-cancel", run)).status_code == 422
    bert.post(at("run-cancel", run), {"reason": "wrong day"})
    run.refresh_from_db()
    assert (run.state, run.reason) == ("cancelled", "wrong day")
    again = bert.post(at("run-cancel", run), {"reason": "wrong day"})
    assert again.status_code == 409
    assert "run 1 is cancelled; only a proposed run can be cancelled" in said(again)


def test_a_date_yet_to_come_is_looked_at_and_not_posted(town: Town, bert: Client) -> None:
    run = town.propose("2026-05-01")
    assert at("run-post", run) not in said(bert.get(at("run", run)))
    answer = press(bert, "run-post", run)
    assert answer.status_code == 409
    assert "yet to come" in said(answer)
    assert bert.post(reverse("propose", args=[town.entity.pk]), {"as_of": "31.03.2026"}).status_code == 422


def test_the_guard_is_looked_at_by_somebody_else(town: Town, anna: Client, bert: Client) -> None:
    run = town.propose(TODAY)
    Run.objects.update(guard="900 notices, after at most 60 in the last 3 runs")
    assert "Unlike the last runs" in said(bert.get(at("run", run)))
    assert press(bert, "run-post", run).status_code == 409
    press(bert, "run-approve", run)
    assert "Somebody has looked at it." in said(anna.get(at("run", run)))
    assert press(bert, "run-post", run).status_code == 302


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"search": "mey"}, {"MEYER"}),
        ({"search": "Odd G"}, {"ODD"}),
        ({"search": "%"}, set()),
        ({"stage": "final"}, {"SMITH"}),
        ({"currency": "EUR"}, {"MEYER", "ODD", "SMITH"}),
        ({"state": "sent"}, set()),
        ({"stage": "' OR 1=1 --"}, set()),
    ],
)
def test_notices_are_filtered(town: Town, bert: Client, asked: dict[str, str], found: set[str]) -> None:
    run = town.propose(TODAY)
    part = said(bert.get(at("run", run), asked, headers={"HX-Request": "true"}))
    assert "<html" not in part
    assert {code for code in ("MEYER", "ODD", "SMITH") if f">{code}<" in part} == found


def test_many_notices_come_in_pages(town: Town, bert: Client) -> None:
    town.many(60, due="2026-03-25")
    run = town.propose(TODAY)
    first = said(bert.get(at("run", run)))
    assert (first.count("of 0 approval") == 0, first.count("/notices/") >= 50, "Next page" in first) == (
        True,
        True,
        True,
    )
    last = Notice.objects.filter(run=run).order_by("number")[49].number
    second = said(bert.get(at("run", run), {"after": last}))
    assert ("Next page" in second, "First page" in second) == (False, True)
    assert said(bert.get(at("run", run), {"after": "x"})) is not None


def test_an_account_says_why_and_what_was_sent(town: Town, bert: Client) -> None:
    run = town.propose(TODAY)
    where = reverse("account", args=[town.entity.pk, town.notice(run, "MEYER").payer_id])
    assert at("notice", run, town.notice(run, "MEYER").pk) not in said(bert.get(where))  # only proposed
    run = town.run(TODAY)
    page = said(bert.get(where))
    assert "the conditions of the next stage are not met" in page
    assert "ap@meyer.example" in page
    assert at("notice", run, town.notice(run, "MEYER").pk) in page


def test_sign_in_goes_to_pages_of_this_console_alone(town: Town) -> None:
    form = {"username": "anna", "password": PASSWORD}
    elsewhere = browser().post(f"{reverse('sign-in')}?next=https://evil.example/", form | {"next": "//evil.example"})
    assert elsewhere.headers["Location"] == "/"
    here = browser().post(reverse("sign-in"), form | {"next": "/entities/1/runs"})
    assert here.headers["Location"] == "/entities/1/runs"
    cookie = here.cookies["dunwell_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", "")


def test_whoever_guesses_waits(town: Town) -> None:
    guesser = browser()
    for _ in range(5):
        answer = guesser.post(reverse("sign-in"), {"username": "Anna", "password": "guess"})
        assert "do not fit together" in said(answer)
    answer = guesser.post(reverse("sign-in"), {"username": "anna", "password": PASSWORD})
    assert (answer.status_code, "Too many attempts" in said(answer)) == (429, True)
    assert guesser.post(reverse("sign-in"), {"username": "bert", "password": PASSWORD}).status_code == 302


def test_who_guesses_waits_in_every_process_for_a_quarter_of_an_hour_and_keeps_nobody_else_out(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tried(password: str, come_from: str) -> int:
        cache.clear()  # as in another process
        client = browser()
        form = {"username": "anna", "password": password}
        status: int = client.post(reverse("sign-in"), form, REMOTE_ADDR=come_from).status_code
        return status

    assert [tried("guess", "10.0.0.1") for _ in range(6)] == [200] * 5 + [429]
    assert (tried(PASSWORD, "10.0.0.1"), tried(PASSWORD, "10.0.0.9")) == (429, 302)
    monkeypatch.setattr(signing, "TRIES_ANYWHERE_MAX", 3)
    assert [tried("guess", f"10.0.1.{i}") for i in range(4)] == [200] * 3 + [429]
    assert tried(PASSWORD, "10.0.0.9") == 429
    monkeypatch.setattr(clock, "now", lambda: noon(TODAY) + timedelta(minutes=15))
    assert tried("guess", "10.0.0.9") == 200
    assert tried(PASSWORD, "10.0.0.9") == 302
    assert not SignInTry.objects.exists()


def test_a_name_is_one_persons_however_it_is_written(town: Town) -> None:
    add_user("Müller", PASSWORD, by="test", at=noon(TODAY))
    for name in ("MÜLLER", "müller", "Mu\u0308ller"):
        with pytest.raises(Conflict, match="there is a user"):
            add_user(name, PASSWORD, by="test", at=noon(TODAY))


def test_signed_out_is_signed_out(town: Town) -> None:
    client = browser("anna")
    client.post(reverse("sign-out"))
    assert client.get("/").status_code == 302
    part = client.get("/", headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"].startswith(reverse("sign-in"))


def test_other_host_names_are_refused(town: Town) -> None:
    answer = Client(SERVER_NAME="evil.example").get(reverse("sign-in"))
    assert answer.status_code == 400


def test_a_notice_that_was_sent_is_shown_as_it_was_sent(town: Town, bert: Client) -> None:
    run = town.run(TODAY)
    where = at("notice", run, town.notice(run, "MEYER").pk)
    Entity.objects.update(name="Other AG")
    assert "As it was sent" in said(bert.get(where))
    assert "ACME AG" in said(bert.get(f"{where}/mail"))
    for path in town.outbox:
        path.unlink()
    assert "are written again" in said(bert.get(where))


CHANGED = "has changed since you looked. This is how it is now: look again."


def test_what_was_changed_since_it_was_looked_at_is_neither_approved_nor_posted(town: Town, bert: Client) -> None:
    run = town.propose(TODAY)
    page = said(bert.get(at("run", run)))
    approve, post = (re.findall(rf'"({at(name, run)}\?seen=\w+)"', page)[0] for name in ("run-approve", "run-post"))
    forms = {where: re.findall(r'name="seen" value="(\w+)"', said(bert.get(where)))[0] for where in (approve, post)}
    exclude_account(run.pk, "MEYER", reason="they called", by="carl", at=noon(TODAY))
    for where, seen in forms.items():
        for answer in (bert.get(where, follow=True), bert.post(where, {"seen": seen}, follow=True)):
            assert f"Run {run.pk} {CHANGED}" in said(answer)
            assert "they called" in said(answer)  # the run as it is now
    assert not Approval.objects.exists()
    run.refresh_from_db()
    assert run.state == "proposed"
    assert press(bert, "run-post", run).status_code == 302
    run.refresh_from_db()
    assert run.state == "posted"


def other_words(town: Town, _run: Run) -> None:
    (town.folder / "templates" / "en").mkdir(parents=True)
    words = '{% extends "en/letter.txt" %}{% block subject %}Quite another subject{% endblock %}'
    (town.folder / "templates" / "en" / "final.txt").write_text(words, encoding="utf-8")


def other_stage(_town: Town, run: Run) -> None:
    set_stage(run.pk, "C-1", "second_reminder", reason="too harsh", by="carl", at=noon(TODAY))


def other_items(_town: Town, run: Run) -> None:
    exclude_item(run.pk, "C-1", reason="they called", by="carl", at=noon(TODAY))


@pytest.mark.parametrize("change", [other_words, other_stage, other_items])
def test_a_notice_is_approved_as_it_was_seen(town: Town, bert: Client, change: Callable[[Town, Run], None]) -> None:
    run = town.propose(TODAY)
    notice = town.notice(run, "SMITH")
    page = said(bert.get(at("notice", run, notice.pk)))
    link = re.search(rf'"({at("notice-approve", run, notice.pk)}\?seen=(\w+))"', page)
    assert link
    change(town, run)
    for answer in (bert.get(link[1], follow=True), bert.post(link[1], {"seen": link[2]}, follow=True)):
        assert f"The notice {CHANGED}" in said(answer)
        assert (answer.status_code, answer.request["PATH_INFO"]) == (200, at("notice", run, notice.pk))
    assert not Approval.objects.exists()


def test_a_form_that_says_not_what_was_seen_approves_nothing(town: Town, bert: Client) -> None:
    run = town.propose(TODAY)
    bert.post(at("run-approve", run))
    bert.post(at("run-post", run))
    bert.post(at("notice-approve", run, town.notice(run, "SMITH").pk))
    run.refresh_from_db()
    assert (Approval.objects.count(), run.state) == (0, "proposed")
