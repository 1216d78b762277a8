"""Where one arrives: the entities, and what waits in each."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dunwell.flows.cash.taking_back import how_many_take_back
from dunwell.records.views import entities


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show every entity with its last run and what waits."""
    return render(request, "home.html", {"cards": entities.cards(how_many_take_back())})
