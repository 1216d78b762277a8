"""One notice as the debtor sees it, with its items and messages; approve it, or leave items out."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from dunwell.flows.errors import FlowError, Invalid, NotFound
from dunwell.flows.law.leftout import left_out
from dunwell.flows.runs.approve import approve_notice
from dunwell.flows.runs.edit import exclude_account, exclude_item
from dunwell.flows.runs.reading import print_notice, read_notice
from dunwell.flows.runs.seen import require_seen, sign_of_notice
from dunwell.records.views import notices
from dunwell.records.views.entities import EntityLine
from dunwell.records.views.notices import NoticePage
from dunwell.records.views.people import names_of
from dunwell.records.views.runs import RunLine, changed_by
from dunwell.web import clock
from dunwell.web.pages.confirm import Question, ask
from dunwell.web.pages.runs import approved_text, asks
from dunwell.web.pages.scope import of_run, who
from dunwell.web.security import MAIL_POLICY
from dunwell.web.templatetags.figures import money, words


@require_safe
@of_run
def notice_page(request: HttpRequest, entity: EntityLine, run: RunLine, notice: int) -> HttpResponse:
    """Show a notice with all there is to know of it; where it cannot be written, why."""
    reading = None
    unwritten = ""
    try:
        reading = read_notice(notice)
    except FlowError as error:
        unwritten = str(error)
    seen = sign_of_notice(notice, reading or unwritten)  # before the rest: what is newer than it counts as unseen
    found = _notice(entity, run, notice)
    about = {
        "entity": entity,
        "here": "runs",
        "run": run,
        "found": found,
        "reading": reading,
        "unwritten": unwritten,
        "left_out": left_out(notice),
        "seen": seen,
        "may_approve": found.notice.lacks_approval
        and not names_of(who(request), [run.proposed_by, *found.approved_by])
        and not changed_by(run.id, who(request)).filter(payer__notice=notice).exists(),
        "may_change": run.is_open and found.notice.state == "proposed",
    }
    return render(request, "notices/notice.html", about)


@require_safe
@of_run
def mail(_request: HttpRequest, entity: EntityLine, run: RunLine, notice: int) -> HttpResponse:
    """The mail as HTML, for a frame that may do nothing. Errors: NotFound, Conflict."""
    _notice(entity, run, notice)
    headers = {"Content-Security-Policy": MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HttpResponse(read_notice(notice).message.html, headers=headers)


@require_safe
@of_run
def letter(_request: HttpRequest, entity: EntityLine, run: RunLine, notice: int) -> HttpResponse:
    """The letter as a PDF. Errors: NotFound, Conflict."""
    _notice(entity, run, notice)
    name = f"notice-{notice}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Content-Security-Policy": "default-src 'none'"}
    return HttpResponse(print_notice(notice), content_type="application/pdf", headers=headers)


@asks
@of_run
def approve(request: HttpRequest, entity: EntityLine, run: RunLine, notice: int) -> HttpResponse:
    """Approve a notice."""
    if request.method == "POST":
        _notice(entity, run, notice)
        done = approve_notice(notice, by=who(request), at=clock.now(), seen=request.POST.get("seen", ""))
        messages.success(request, approved_text(done.approved, done.waiting))
        return redirect("notice", entity.id, run.id, notice)
    seen = sign_of_notice(notice)  # first, as above
    found = _notice(entity, run, notice).notice
    require_seen(request.GET.get("seen"), seen, "The notice")
    asked = f"{money(found.total_minor, found.currency)}: {words(found.stage)}"
    says = [
        f"You approve that run {run.id} asks {found.name or found.account} for {asked}.",
        f"It needs {found.approvals} approval{'s' * (found.approvals != 1)}, and has {found.given} so far.",
    ]
    back = reverse("notice", args=[entity.id, run.id, notice])
    question = Question(f"Approve the notice to {found.account}", says, "Approve", back, fields={"seen": seen})
    return ask(request, entity, question)


@asks
@of_run
def exclude(request: HttpRequest, entity: EntityLine, run: RunLine, notice: int) -> HttpResponse:
    """Leave an item of a notice, or all that the account owes, out of a proposed run."""
    found = _notice(entity, run, notice).notice
    what = (request.POST if request.method == "POST" else request.GET).get("item", "")
    if what and not notices.duns(notice, what):
        raise Invalid(f"{what} is no item that this notice asks for")
    if request.method == "POST":
        reason, by, at = request.POST.get("reason", ""), who(request), clock.now()
        if what:
            exclude_item(run.id, what, reason=reason, by=by, at=at)
        else:
            exclude_account(run.id, found.account, reason=reason, by=by, at=at)
        messages.success(request, f"{what or found.account} is left out of run {run.id}; the rest is decided anew.")
        return redirect(f"{reverse('run', args=[entity.id, run.id])}?{urlencode({'search': found.account})}")
    of = f"item {what}" if what else f"all that {found.account} owes"
    says = [
        f"Run {run.id} leaves out {of}. What else the account owes is decided anew, with the book as it stands now.",
        "The next run takes it in again: to keep it out for longer, put it on hold.",
    ]
    back = reverse("notice", args=[entity.id, run.id, notice])
    title = f"Leave {what or found.account} out of run {run.id}"
    question = Question(title, says, "Leave it out", back, is_danger=True, asks_reason=True, fields={"item": what})
    return ask(request, entity, question)


def _notice(entity: EntityLine, run: RunLine, notice: int) -> NoticePage:
    """Errors: NotFound, also for another run's notice."""
    found = notices.notice(entity.id, run.id, notice)
    if found is None:
        raise NotFound(f"there is no notice {notice} in run {run.id}")
    return found
