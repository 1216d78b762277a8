"""What payers advised in files of their own, and which bank line each advice goes with."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from dunwell.flows.cash.remittances import advices, forget_advice
from dunwell.flows.entities import entity_called
from dunwell.flows.errors import FlowError, NotFound
from dunwell.records.views import advices as views
from dunwell.records.views.entities import EntityLine
from dunwell.web import clock
from dunwell.web.pages.runs import asks
from dunwell.web.pages.scope import of_entity, who
from dunwell.web.refusals import status_of

SHOWN: Final = 100


@require_safe
@of_entity
def advice_list(request: HttpRequest, entity: EntityLine) -> HttpResponse:
    """Show what payers advised: what waits for its bank line first, then the newest."""
    found = advices(entity_called(entity.code), most=SHOWN)
    about = {"entity": entity, "here": "cash", "tab": "advices", "found": found}
    return render(request, "cash/advices.html", about)


@asks
@of_entity
def advice_page(request: HttpRequest, entity: EntityLine, advice: int) -> HttpResponse:
    """Show what an advice says, and forget it if that is asked for."""
    found = views.advice(entity.id, advice)
    if found is None:
        raise NotFound(f"there is no advice {advice} of {entity.code}")
    refusal, status = None, 200
    if request.method == "POST":
        try:
            forget_advice(entity_called(entity.code), advice, by=who(request), at=clock.now())
        except FlowError as error:
            status, title = status_of(error)
            refusal = {"at": "forget", "title": title, "lines": str(error).splitlines()}
        else:
            messages.success(request, f"Advice {advice} is forgotten.")
            return redirect("advices", entity.id)
    about = {"entity": entity, "here": "cash", "found": found, "refusal": refusal}
    return render(request, "cash/advice.html", about, status=status)
