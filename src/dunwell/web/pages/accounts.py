"""Accounts: find one, and see what it owes, why each item is where it is, and what was sent."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dunwell.flows.errors import NotFound
from dunwell.flows.runs.explain import AccountDecision, explain_account
from dunwell.records.views import accounts, money, notices
from dunwell.records.views.entities import EntityLine
from dunwell.web import clock
from dunwell.web.pages.scope import number, of_entity, sought
from dunwell.web.security import is_part

ITEMS_SHOWN: Final = 50
NOTICES_SHOWN: Final = 20


@dataclass(frozen=True)
class ItemRow:
    """An item as the page shows it: why it is where it is, and what more there is to say."""

    number: str
    currency: str | None
    open_minor: int | None
    outcome: str
    why: str
    more: list[str]


@require_safe
@of_entity
def account_list(request: HttpRequest, entity: EntityLine) -> HttpResponse:
    """Show the accounts of an entity, or those that are searched for."""
    search, after = sought(request.GET.get("search", "")), request.GET.get("after", "")
    page = accounts.accounts(entity.id, search, after=after)
    about = {"entity": entity, "here": "accounts", "page": page, "search": search, "after": after}
    return render(request, "accounts/table.html" if is_part(request) else "accounts/list.html", about)


@require_safe
@of_entity
def account_page(request: HttpRequest, entity: EntityLine, account: int) -> HttpResponse:
    """Show an account as it would be decided today."""
    today = clock.today(entity.time_zone)
    found = accounts.account(entity.id, account, on=today)
    if found is None:
        raise NotFound(f"there is no account {account} of {entity.code}")
    decided = explain_account(entity.id, account, as_of=today)
    first = number(request.GET.get("from"), 0) or 0
    told = notices.notices_to(entity.id, [account], most=NOTICES_SHOWN)
    sent = notices.deliveries([each.id for each in told])
    sums: dict[str, int] = defaultdict(int)
    for each in decided:
        if each.decision["currency"] and each.decision["open_minor"] and each.decision["outcome"] != "credit":
            sums[each.decision["currency"]] += each.decision["open_minor"]
    about = {
        "entity": entity,
        "here": "accounts",
        "found": found,
        "today": today,
        "decided": [_row(each) for each in decided[first : first + ITEMS_SHOWN]],
        "items": len(decided),
        "next": first + ITEMS_SHOWN if len(decided) > first + ITEMS_SHOWN else None,
        "sums": dict(sums),
        "payments": money.payments(account),
        "told": [(each, sent.get(each.id, [])) for each in told],
    }
    return render(request, "accounts/account.html", about)


def _row(each: AccountDecision) -> ItemRow:
    """The first sentence begins with the outcome, which stands beside it already."""
    decision, (first, *more) = each.decision, each.sentences
    why = first.partition(": ")[2]
    return ItemRow(each.number, decision["currency"], decision["open_minor"], decision["outcome"], why, more)
