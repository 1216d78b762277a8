"""What an entity allows matching to do by itself: shown here, changed at the shell."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dunwell.flows.cash.allowed import list_settings
from dunwell.flows.entities import entity_called
from dunwell.records.views.entities import EntityLine
from dunwell.web.pages.scope import of_entity

# What each setting is for, in words.
SAYS: Final = {
    "threshold_permille": "From here on a match is applied by itself",
    "propose_permille": "From here on it is proposed; below it, nobody knows",
    "tolerances": "How much less or more may be written off or left",
    "charges_at_most": "How much banks may have kept where nobody says so",
    "discount_grace_days": "A discount taken so many days late is granted",
    "oldest_first": "Money that names nothing and fits nothing goes to the oldest items",
    "name_score_min": "How much alike a name must be, of 100",
    "name_margin": "By how much more than the next",
    "subset_items_max": "Accounts with more open items are not searched for items that add up",
    "subset_steps_max": "The work of one such search",
    "payer_steps_max": "The work of all searches of one payer",
    "hold_back_days": "How many days money that waits holds reminders back; 0 is not at all",
    "hold_back_share_percent": "If it is at least this much of what its payer owes by then",
    "match_before_run": "What waits is matched before a run decides",
}


@require_safe
@of_entity
def settings(request: HttpRequest, entity: EntityLine) -> HttpResponse:
    """Show all settings, and which are not the usual."""
    found = [(each, SAYS.get(each.name, "")) for each in list_settings(entity_called(entity.code))]
    own = sum(each.is_own for each, _ in found)
    about = {"entity": entity, "here": "cash", "tab": "matching", "found": found, "own": own}
    return render(request, "cash/matching.html", about)
