"""Runs: the list, one with its notices, and what is done with a run as a whole."""

from datetime import date
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from dunwell.flows.cash.allowed import settings_of
from dunwell.flows.cash.beforehand import unmatched
from dunwell.flows.entities import entity_called
from dunwell.flows.errors import Invalid
from dunwell.flows.runs.approve import approve_run
from dunwell.flows.runs.cancel import cancel_run
from dunwell.flows.runs.hand_over import post_by_workers
from dunwell.flows.runs.seen import require_seen, sign_of_run
from dunwell.flows.runs.work import start_run
from dunwell.records.views import money as money_views
from dunwell.records.views import notices, runs
from dunwell.records.views.entities import EntityLine
from dunwell.records.views.notices import Wanted
from dunwell.records.views.people import person
from dunwell.records.views.runs import RunFacts, RunLine
from dunwell.web import clock
from dunwell.web.pages.bounds import require_few_lines
from dunwell.web.pages.confirm import Question, ask
from dunwell.web.pages.scope import number, of_entity, of_run, sought, who
from dunwell.web.security import is_part
from dunwell.web.templatetags.figures import money

RUN_STATES: Final = ("proposed", "approved", "posted", "done", "cancelled", "superseded", "reversed")
NOTICE_STATES: Final = ("proposed", "excluded", "superseded", "posted", "sent", "failed", "withdrawn")
asks = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@of_entity
def run_list(request: HttpRequest, entity: EntityLine) -> HttpResponse:
    """Show the runs of an entity, of one state or of all."""
    state = request.GET.get("state", "")
    page = runs.runs(entity.id, before=number(request.GET.get("before")), state=state)
    about = {"entity": entity, "here": "runs", "page": page, "state": state, "states": RUN_STATES}
    return render(request, "runs/table.html" if is_part(request) else "runs/list.html", about)


@require_safe
@of_run
def run_page(request: HttpRequest, entity: EntityLine, run: RunLine) -> HttpResponse:
    """Show a run and its notices; to HTMX only what it asks for: the table, or how far the run is."""
    part = request.GET.get("part", "")
    about = {"entity": entity, "here": "runs", "run": run}
    if is_part(request) and part == "progress":
        progress = _progress(request, run)
        if not progress["goes_on"]:
            return HttpResponse(headers={"HX-Refresh": "true"})  # the whole page is another one now
        return render(request, "runs/progress.html", about | progress)
    seen = sign_of_run(run.id, run)
    wanted = Wanted(**{name: sought(request.GET.get(name, "")) for name in Wanted.__dataclass_fields__})
    after = number(request.GET.get("after"), 0) or 0
    about |= {"wanted": wanted, "page": notices.notices(entity.id, run.id, wanted, after=after), "after": after}
    if is_part(request):
        return render(request, "notices/table.html", about)
    about |= (progress := _progress(request, run)) | {
        "seen": seen,
        "sums_minor": progress["facts"].binding_minor if run.posted_at else run.sums_minor,
        "stages": run.counts.get("stages", {}),
        "outcomes": sorted(run.counts.get("outcomes", {}).items(), key=lambda each: -each[1]),
        "states": NOTICE_STATES,
        "own": person(run.proposed_by) == person(who(request)),
        "is_yet_to_come": run.is_open and run.as_of > clock.today(entity.time_zone),
    }
    return render(request, "runs/run.html", about)


def _progress(request: HttpRequest, run: RunLine) -> dict[str, Any]:
    facts = runs.facts(run.id, asked_by=who(request))
    under_way = sum(facts.deliveries.get(state, 0) for state in ("queued", "claimed", "retrying"))
    unposted = facts.shards["all"] - facts.shards["posted"]
    goes_on = run.state == "deciding" or (run.state == "posted" and bool(unposted or under_way))
    return {"facts": facts, "goes_on": goes_on, "under_way": under_way, "unposted": unposted}


@asks
@of_entity
def propose(request: HttpRequest, entity: EntityLine) -> HttpResponse:
    """Let the workers decide a new run."""
    today = clock.today(entity.time_zone)
    if _matches_first(entity, today):
        require_few_lines(money_views.waiting(entity.id))
    if request.method == "POST":
        as_of = _day(request.POST.get("as_of", ""), today)
        run = start_run(entity_called(entity.code), as_of=as_of, posts=False, by=who(request), at=clock.now())
        messages.success(request, f"Run {run.pk} is begun. Nothing is sent before somebody posts it.")
        return redirect("run", entity.id, run.pk)
    says = [
        f"Every open item of {entity.name} is decided, and what comes of it is kept as a proposal for you to look at.",
        "Bank lines that wait are matched first: what is certain is applied.",
        "Nothing is sent. A proposal that nobody has posted is replaced by this one.",
        "The worker decides it; a run with a date in the future can be looked at, and not posted.",
    ]
    back = reverse("runs", args=[entity.id])
    question = Question("Propose a run", says, "Propose the run", back, asks_date=today.isoformat())
    return ask(request, entity, question)


@asks
@of_run
def approve(request: HttpRequest, entity: EntityLine, run: RunLine) -> HttpResponse:
    """Approve all of a run that waits for it, and what the guard found."""
    if request.method == "POST":
        done = approve_run(run.id, by=who(request), at=clock.now(), seen=request.POST.get("seen", ""))
        messages.success(request, approved_text(done.approved, done.waiting))
        return redirect("run", entity.id, run.id)
    fields = _seen(request, run)
    facts = runs.facts(run.id, asked_by=who(request))
    says = [f"Notices that you approve: {facts.approvable:,} of {facts.unapproved:,} that wait for it.", *_sums(run)]
    if run.guard and run.is_open:
        says.append("You have looked at what is unusual about this run, and find it right.")
    says.append("Approving sends nothing: the run is posted after it.")
    warns = f"Unlike the last runs: {run.guard}" if run.guard else ""
    back = reverse("run", args=[entity.id, run.id])
    return ask(request, entity, Question(f"Approve run {run.id}", says, "Approve", back, warns=warns, fields=fields))


@asks
@of_run
def post(request: HttpRequest, entity: EntityLine, run: RunLine) -> HttpResponse:
    """Make a run binding; workers post and deliver it."""
    if request.method == "POST":
        today = clock.today(entity.time_zone)
        seen = request.POST.get("seen", "")
        post_by_workers(run.id, today=today, at=clock.now(), by=who(request), seen=seen)
        messages.success(request, f"Run {run.id} is being posted. The worker delivers its notices.")
        return redirect("run", entity.id, run.id)
    fields = _seen(request, run)
    facts = runs.facts(run.id, asked_by=who(request))
    says = _post_says(run, facts)
    back = reverse("run", args=[entity.id, run.id])
    return ask(request, entity, Question(f"Post run {run.id}", says, "Post the run", back, fields=fields))


def _post_says(run: RunLine, facts: RunFacts) -> list[str]:
    ready = facts.notices.get("proposed", 0) - facts.unapproved
    says = [f"Notices that become binding, and are sent to the debtors: {ready:,}.", *_sums(run)]
    if facts.unapproved:
        says.append(f"Without an approval: {facts.unapproved:,}. Each is posted as soon as it has one, by itself.")
    says.append("Items that have changed since the decision drop out; paid, held or disputed ones are not sent.")
    return says


@asks
@of_run
def cancel(request: HttpRequest, entity: EntityLine, run: RunLine) -> HttpResponse:
    """Drop a proposal."""
    if request.method == "POST":
        cancel_run(run.id, reason=request.POST.get("reason", ""), by=who(request), at=clock.now())
        messages.success(request, f"Run {run.id} is cancelled.")
        return redirect("run", entity.id, run.id)
    says = ["Nothing comes of this proposal. The next run decides anew."]
    back = reverse("run", args=[entity.id, run.id])
    question = Question(f"Cancel run {run.id}", says, "Cancel the run", back, is_danger=True, asks_reason=True)
    return ask(request, entity, question)


def approved_text(approved: int, waiting: int) -> str:
    """Say what an approval came to."""
    notices_ = f"{approved:,} notice{'s' * (approved != 1)}"
    rest = f"{waiting:,} still wait for another person." if waiting else "Nothing waits for an approval any more."
    return f"You approved {notices_}. {rest}"


def _matches_first(entity: EntityLine, today: date) -> bool:
    """Whether a run that begins now would match what waits: the browser is to wait no longer than on the page Cash."""
    found = entity_called(entity.code)
    return unmatched(found, on=today).lines > 0 and settings_of(found).match_before_run


def _seen(request: HttpRequest, run: RunLine) -> dict[str, str]:
    """The sign of what a form is about, for the form to hand on. Errors: Changed since the page that led to it."""
    now = sign_of_run(run.id, run)
    require_seen(request.GET.get("seen"), now, f"Run {run.id}")
    return {"seen": now}


def _sums(run: RunLine) -> list[str]:
    if not run.sums_minor or not run.is_open:
        return []
    return [
        f"Together the run asks for {', '.join(money(each, currency) for currency, each in run.sums_minor.items())}."
    ]


def _day(text: str, default: date) -> date:
    """Read the date of a form. Errors: Invalid."""
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise Invalid(f"{text!r} is not a date, such as 2026-03-31") from None
