"""What is done on pages: propose, approve, post, leave out, cancel; and what is refused, in words."""

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from dunwell.flows.runs import work
from dunwell.records.models import Approval, AuditEvent, Entity, Notice, Run, RunEdit
from tests.flows.town import Town, noon
from tests.web.desk import PASSWORD, TODAY, browser


def at(name: str, run: Run, *more: int) -> str:
    """A page of a run, or of one of its notices."""
    return reverse(name, args=[run.entity_id, run.pk, *more])


def said(answer: object) -> str:
    """What a page says."""
    return unescape(answer.content.decode())  # type: ignore[attr-defined]  # Django's response


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
    assert "You approved 1 notice." in said(bert.post(at("run-approve", run), follow=True))
    assert Approval.objects.get().by == "bert"
    assert "is being posted" in said(bert.post(at("run-post", run), follow=True))
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
    answer = anna.post(at("run-approve", run))
    assert answer.status_code == 403
    assert "anna proposed run 1: somebody else approves it" in said(answer)
    assert f'href="{at("run", run)}"' in said(answer)  # leads back
    assert not Approval.objects.exists()


def test_one_notice_is_approved_and_posted_later_than_the_others(town: Town, bert: Client) -> None:
    run = town.propose(TODAY)
    bert.post(at("run-post", run))
    worked()
    assert len(town.deliveries(run)) == 2
    notice = town.notice(run, "SMITH")
    assert "Approve" in said(bert.get(at("notice", run, notice.pk)))
    bert.post(at("notice-approve", run, notice.pk))
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
    answer = bert.post(at("run-post", run))
    assert answer.status_code == 409
    assert "yet to come" in said(answer)
    assert bert.post(reverse("propose", args=[town.entity.pk]), {"as_of": "31.03.2026"}).status_code == 422


def test_the_guard_is_looked_at_by_somebody_else(town: Town, anna: Client, bert: Client) -> None:
    run = town.propose(TODAY)
    Run.objects.update(guard="900 notices, after at most 60 in the last 3 runs")
    assert "Unlike the last runs" in said(bert.get(at("run", run)))
    assert bert.post(at("run-post", run)).status_code == 409
    bert.post(at("run-approve", run))
    assert "Somebody has looked at it." in said(anna.get(at("run", run)))
    assert bert.post(at("run-post", run)).status_code == 302


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
    run = town.run(TODAY)
    page = said(bert.get(reverse("account", args=[town.entity.pk, town.notice(run, "MEYER").payer_id])))
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
    assert "written again for 2026-04-03, the day it left" in said(bert.get(where))
