"""Who was learned to pay from where, and forgetting it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dunwell.flows.cash.review import forget
from dunwell.flows.entities import entity_called
from dunwell.flows.errors import NotFound
from dunwell.records.views import statements
from dunwell.records.views.entities import EntityLine
from dunwell.web import clock
from dunwell.web.pages.confirm import Question, ask
from dunwell.web.pages.runs import asks
from dunwell.web.pages.scope import number, of_entity, sought, who
from dunwell.web.security import is_part


@require_safe
@of_entity
def payer_list(request: HttpRequest, entity: EntityLine) -> HttpResponse:
    """Show who is known to pay from where, or those that are searched for."""
    search, after = sought(request.GET.get("search", "")), number(request.GET.get("after"), 0) or 0
    page = statements.payers(entity.id, search, after=after)
    about = {"entity": entity, "here": "cash", "tab": "payers", "page": page, "search": search, "after": after}
    return render(request, "cash/payer_table.html" if is_part(request) else "cash/payers.html", about)


@asks
@of_entity
def forget_payer(request: HttpRequest, entity: EntityLine, payer: int) -> HttpResponse:
    """Forget that somebody pays from somewhere."""
    found = statements.payer(entity.id, payer)
    if found is None:
        raise NotFound(f"there is no known payer {payer} of {entity.code}")
    back = reverse("payers", args=[entity.id])
    if request.method == "POST":
        forget(entity_called(entity.code), payer, by=who(request), at=clock.now())
        messages.success(request, f"Nobody takes {found.value} for {found.account} any more.")
        return redirect(back)
    says = [
        f"Money from {found.value} is no longer known to come from {found.name or found.account}.",
        "What was applied stays so. The next line of it that a person applies is learned again.",
    ]
    return ask(request, entity, Question(f"Forget {found.value}", says, "Forget it", back, is_danger=True))
