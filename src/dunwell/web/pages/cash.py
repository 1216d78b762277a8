"""What banks say came in, and waits for somebody to say whose it is; and looking at all of it at once."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.taking_back import GoingBack
from dunwell.flows.entities import entity_called
from dunwell.flows.errors import NotFound
from dunwell.records.views import accounts, cash, money
from dunwell.records.views.cash import Wanted
from dunwell.records.views.entities import EntityLine
from dunwell.web import clock
from dunwell.web.pages.bounds import require_few_lines
from dunwell.web.pages.confirm import Question, ask
from dunwell.web.pages.runs import asks
from dunwell.web.pages.scope import number, of_entity, sought, who
from dunwell.web.security import is_part

SHOWS: Final = {
    "": "all that wait",
    "proposed": "proposed",
    "unknown": "nobody knows",
    "taken_back": "taken back",
    "applied": "applied",
    "set_aside": "set aside",
    "returned": "returned by the bank",
}


@require_safe
@of_entity
def line_list(request: HttpRequest, entity: EntityLine) -> HttpResponse:
    """Show the lines that wait, or those that are asked for; of one account, where its number is given."""
    today = clock.today(entity.time_zone)
    wanted = Wanted(**{name: sought(request.GET.get(name, "")) for name in Wanted.__dataclass_fields__})
    after, account_id = request.GET.get("after", ""), number(request.GET.get("account"))
    about = {"entity": entity, "here": "cash", "tab": "cash", "wanted": wanted, "after": after, "shows": SHOWS}
    about |= {"today": today, "backs": {}}
    if account_id is not None:
        account = accounts.account(entity.id, account_id, on=today)
        if account is None:
            raise NotFound(f"there is no account {account_id} of {entity.code}")
        about |= {"account": account.account, "page": cash.lines_of_account(entity.id, account_id, after=after)}
    else:
        goes = GoingBack(entity_called(entity.code))
        sums = [] if is_part(request) and not wanted.search else money.sums(entity.id, on=today, back=goes.line_ids)
        currencies = [each.currency for each in sums]
        page = cash.lines(entity.id, wanted, after=after, currencies=currencies, back=goes.line_ids)
        about |= {"sums": sums, "page": page, "backs": goes.about([each.id for each in page.lines])}
    if is_part(request):
        return render(request, "cash/table.html", about)
    about["banks"] = money.bank_accounts(entity.id, on=today)
    return render(request, "cash/list.html", about)


@asks
@of_entity
def match(request: HttpRequest, entity: EntityLine) -> HttpResponse:
    """Let the ladder look at all lines that wait, and apply what is certain."""
    waiting = money.waiting(entity.id)
    require_few_lines(waiting)
    back = reverse("cash", args=[entity.id])
    if request.method == "POST":
        done = match_lines(entity_called(entity.code), by=who(request), at=clock.now())
        told = f"{_lines(done.lines)} looked at: {done.applied:,} applied, {done.proposed:,} proposed."
        rest = f" Of {done.exceptions:,} nobody can tell by what they say." if done.exceptions else ""
        taken = f" {done.returned:,} took an earlier one back." if done.returned else ""
        late = f" {done.passed_by:,} could not be applied as they were matched." if done.passed_by else ""
        messages.success(request, told + rest + taken + late)
        return redirect(back)
    says = [
        f"{_lines(waiting).capitalize()} that wait{'s' * (waiting == 1)} {'is' if waiting == 1 else 'are'} looked at.",
        "What is certain is applied at once, and what waits to be sent to whoever paid is looked at again.",
        "The rest is proposed to you. Whatever was applied can be taken back, line by line.",
    ]
    return ask(request, entity, Question("Match what waits", says, "Match", back))


def _lines(count: int) -> str:
    return f"{count:,} line{'s' * (count != 1)}"
