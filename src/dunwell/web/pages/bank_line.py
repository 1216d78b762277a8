"""One bank line: say whose money it is and for what, set it aside, or take back what it was applied to."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from dunwell.flows.cash.applying import apply_to, set_aside
from dunwell.flows.cash.by_payer import OfPayer
from dunwell.flows.cash.returning import TakenBack, return_line
from dunwell.flows.cash.seen import (
    apply_seen,
    return_seen,
    sign_of_earlier,
    sign_of_end,
    sign_of_match,
    take_up_seen,
    unapply_seen,
    unreturn_seen,
)
from dunwell.flows.cash.taking_back import Earlier, GoingBack
from dunwell.flows.entities import entity_called
from dunwell.flows.errors import FlowError, Invalid, NotFound
from dunwell.records.views import accounts, bank_line
from dunwell.records.views.bank_line import BankLinePage, EventRow
from dunwell.records.views.entities import EntityLine
from dunwell.web import clock
from dunwell.web.pages.runs import asks
from dunwell.web.pages.scope import number, of_entity, sought, who
from dunwell.web.refusals import status_of
from dunwell.web.security import is_part
from dunwell.web.templatetags.figures import money

PAYERS_OFFERED: Final = 10
# What was done, by the audit's word for it; another word says itself.
DONE: Final = {
    "payment.received": "Applied",
    "payment.unapplied": "Taken back",
    "payer.learned": "Payer learned",
    "line.set_aside": "Set aside",
    "line.taken_up": "Waits again",
    "line.returned": "Returned by the bank",
    "line.return_undone": "Waits again",
    "payment.reversed": "Taken back by the bank",
}


@asks
@of_entity
def line_page(request: HttpRequest, entity: EntityLine, line: int) -> HttpResponse:
    """Show a line, and do with it what its forms ask for; what cannot be done is said beside its form."""
    deed, refusal, status = request.POST.get("deed", ""), None, 200
    if deed in DEEDS:
        try:
            told = DEEDS[deed](request, entity, line)
        except FlowError as error:
            status, title = status_of(error)
            refusal = {"deed": deed, "title": title, "lines": str(error).splitlines(), "at": deed}
        else:
            messages.success(request, told)
            return redirect("bank-line", entity.id, line)
    seen, ended = sign_of_match(line), sign_of_end(line)  # before the rest: what is newer counts as unseen
    goes = GoingBack(entity_called(entity.code))
    found = bank_line.line(entity.id, line, back=goes.line_ids)
    if found is None:
        raise NotFound(f"there is no bank line {line} of {entity.code}")
    about = {"entity": entity, "here": "cash", "found": found, "refusal": refusal, "seen": seen, "typed": request.POST}
    about["ended"] = ended
    about |= {"today": clock.today(entity.time_zone)} | _pick(request, entity, found) | _back(found, goes)
    if refusal and deed not in _forms(found, has_payer=bool(about.get("payer"))):
        refusal["at"] = "top"
    if is_part(request):
        return render(request, "cash/sum.html" if request.method == "POST" else "cash/pick.html", about)
    about["done"] = [_done(each, found) for each in found.events]
    return render(request, "cash/line.html", about, status=status)


def _forms(found: BankLinePage, *, has_payer: bool) -> set[str]:
    """The deeds that a line still has forms for, as it is now."""
    forms = {"applied": {"unapply"}, "set_aside": {"take-up"}, "returned": {"unreturn"}}.get(found.line.state, set())
    if found.waits and not found.came_in:
        forms |= {"return", "return-other"}
    elif found.waits:
        forms |= {"apply"} | ({"guess"} if found.guesses else set()) | ({"items", "account"} if has_payer else set())
    return forms | ({"set-aside"} if found.waits else set())


def _back(found: BankLinePage, goes: GoingBack) -> dict[str, Any]:
    """What a line that is no money that came in may take back: each guess with the sign of what there is to see."""
    if found.came_in or not found.waits:
        return {}
    about = goes.about([found.line.pk]).get(found.line.pk)
    of = about.of if about else None
    rows: list[tuple[Earlier, bool, str]] = [
        (each, each.line is not None and each.line == of, sign_of_earlier(each))
        for each in (about.earlier if about else ())
    ]
    return {"takes_back": about, "earlier": rows}


def _pick(request: HttpRequest, entity: EntityLine, found: BankLinePage) -> dict[str, Any]:
    """What stands beside the form to choose items: the payer's open items, or payers that are called so, and a sum."""
    if not (found.waits and found.came_in):
        return {}
    guess = next((each.account for each in found.guesses if each.account), "")
    given = request.POST.get("payer", request.GET.get("payer"))
    wanted = sought(given if given is not None else found.account.code if found.account else guess)
    payer = bank_line.account_of(entity.id, wanted)
    numbers = _numbers(request)
    pick: dict[str, Any] = {"wanted": wanted, "payer": payer, "chosen": numbers}
    if payer:
        pick["open"] = bank_line.open_items(payer.pk, found.line.currency)
    elif wanted:
        pick["offered"] = accounts.accounts(entity.id, wanted).accounts[:PAYERS_OFFERED]
    if numbers and payer:
        pick["sum"] = _sum(entity.id, payer.pk, found, numbers)
    return pick


def _sum(entity_id: int, payer_id: int, found: BankLinePage, numbers: Sequence[str]) -> dict[str, Any]:
    """What the chosen items come to, which are of other payers, and what of the line they leave, or it of them."""
    line = found.line
    owed = bank_line.open_of(entity_id, numbers, line.currency)
    total_minor, own = sum(item.open_minor for item in owed.values()), bank_line.family_of(payer_id)
    return {
        "count": len(owed),
        "seen": [(number, item.open_minor) for number, item in owed.items()],
        "others": [(number, item.account) for number, item in owed.items() if item.account not in own],
        "open_minor": total_minor,
        "left_minor": max(0, line.amount_minor - total_minor),
        "lacks_minor": max(0, total_minor - line.amount_minor),
        "unknown": [number for number in numbers[: bank_line.NUMBERS_MAX] if number not in owed],
        "uncounted": max(0, len(numbers) - bank_line.NUMBERS_MAX),
    }


def _numbers(request: HttpRequest) -> list[str]:
    """The numbers of items that somebody chose or typed, once each, in the order of the page."""
    typed = [each.strip() for each in re.split(r"[,;\n]", request.POST.get("numbers", ""))]
    return list(dict.fromkeys(filter(None, [*request.POST.getlist("item"), *typed])))


def _seen(request: HttpRequest) -> list[tuple[str, int]]:
    """What the page had open of items: each number with its sum, in minor units."""
    told = [each.partition(" ") for each in request.POST.getlist("saw")]
    return [(name, minor) for text, _, name in told if (minor := number(text)) is not None]


def _applied(entity: EntityLine, line: int, payments: Sequence[OfPayer]) -> str:
    """Say what a line became: one payment, or one of each payer."""
    of = " of {}" if len(payments) > 1 else ""
    told = " and ".join(f"payment {each.payment_id}{of.format(each.about.code)}" for each in payments)
    return f"Line {line} is applied, as {told}.{_left(entity, line)}"


def _left(entity: EntityLine, line: int) -> str:
    """Say what of a line stays on the account, if any of it does."""
    left_minor, currency = bank_line.left_of(entity.id, line)
    return f" {money(left_minor, currency)} of it stays on account." if left_minor else ""


def _done(event: EventRow, found: BankLinePage) -> dict[str, Any]:
    """An event as the page shows it."""
    detail = event.detail
    parts = [detail.get("reason", "")]
    if event.action == "payment.received":
        items = ", ".join(detail.get("items") or ()) or "on account"
        parts = [f"payment {detail.get('payment')}: {items}", money(detail.get("amount_minor"), found.line.currency)]
    elif event.action == "line.returned":
        parts = [_taken(detail, found), parts[0]]
    elif event.action == "payer.learned":
        parts = [str(detail.get("value", ""))]
    what = DONE.get(event.action, event.action.replace(".", " ").replace("_", " ").capitalize())
    return {"at": event.at, "actor": event.actor, "what": what, "more": " · ".join(filter(None, parts))}


def _taken(detail: dict[str, Any], found: BankLinePage) -> str:
    """What took what back, and by how much more or less than had come."""
    what = f"line {detail['of']}" if detail.get("of") else f"payment {detail.get('payment')}"
    if detail.get("of") == found.line.pk:
        what = f"by line {found.returned_by}"
    over = detail.get("over_minor") or 0
    beyond = f" ({money(abs(over), found.line.currency)} {'more' if over > 0 else 'less'} than had come)"
    return what + beyond * bool(over)


def _apply(request: HttpRequest, entity: EntityLine, line: int) -> str:
    seen, by, at = request.POST.get("seen", ""), who(request), clock.now()
    return _applied(entity, line, apply_seen(entity_called(entity.code), line, seen=seen, by=by, at=at))


def _apply_to(request: HttpRequest, entity: EntityLine, line: int) -> str:
    items, account = _numbers(request), request.POST.get("payer", "").strip()
    if not items:
        raise Invalid("choose at least one item, or leave the money on account")
    payments = apply_to(
        entity_called(entity.code), line, account=account or None, items=items, seen=_seen(request), by=who(request),
        at=clock.now(),
    )  # fmt: skip
    return _applied(entity, line, payments)


def _on_account(request: HttpRequest, entity: EntityLine, line: int) -> str:
    account = request.POST.get("payer", "").strip()
    if not account:
        raise Invalid("say whose account it is")
    (payment,) = apply_to(entity_called(entity.code), line, account=account, by=who(request), at=clock.now())
    return f"Line {line} is on the account of {account}, as payment {payment.payment_id}."


def _set_aside(request: HttpRequest, entity: EntityLine, line: int) -> str:
    reason, by, at = request.POST.get("reason", ""), who(request), clock.now()
    set_aside(entity_called(entity.code), line, reason=reason, by=by, at=at)
    return f"Line {line} is set aside."


def _take_up(request: HttpRequest, entity: EntityLine, line: int) -> str:
    reason, by, at = request.POST.get("reason", ""), who(request), clock.now()
    take_up_seen(entity_called(entity.code), line, seen=request.POST.get("seen", ""), reason=reason, by=by, at=at)
    return f"Line {line} waits again."


def _unapply(request: HttpRequest, entity: EntityLine, line: int) -> str:
    reason, by, at = request.POST.get("reason", ""), who(request), clock.now()
    payments = {each for text in request.POST.getlist("payment") if (each := number(text)) is not None}
    unapply_seen(entity_called(entity.code), line, payments=payments, reason=reason, by=by, at=at)
    return f"What line {line} was applied to is taken back: it waits again."


def _return(request: HttpRequest, entity: EntityLine, line: int) -> str:
    """Take back what is proposed or guessed, as it was shown."""
    seen, by, at = request.POST.get("seen", ""), who(request), clock.now()
    of, payment = (number(request.POST.get(name)) for name in ("of", "payment"))
    if of is None and payment is None:
        raise Invalid("say which line or payment is taken back")
    told = return_seen(entity_called(entity.code), line, of=of, payment=payment, seen=seen, by=by, at=at)
    return _told(told)


def _return_other(request: HttpRequest, entity: EntityLine, line: int) -> str:
    """Take back what a person has typed the number of."""
    given = {name: request.POST.get(f"{name}-number", "").strip() for name in ("of", "payment")}
    numbers = {name: number(text) for name, text in given.items() if text}
    if wrong := next((given[name] for name, value in numbers.items() if value is None), ""):
        raise Invalid(f"{wrong!r} is no number")
    if not numbers:
        raise Invalid("type the number of the earlier line, or of a payment that no line had brought")
    of, payment = numbers.get("of"), numbers.get("payment")
    told = return_line(entity_called(entity.code), line, of=of, payment=payment, by=who(request), at=clock.now())
    return _told(told)


def _told(told: TakenBack) -> str:
    what = f"line {told.of}" if told.of else f"payment {told.payment}"
    paid = f": what {' and '.join(told.accounts)} had paid is open again" if told.accounts else ""
    return f"Line {told.line} takes {what} back{paid}."


def _unreturn(request: HttpRequest, entity: EntityLine, line: int) -> str:
    seen, by, at = request.POST.get("seen", ""), who(request), clock.now()
    undone = unreturn_seen(entity_called(entity.code), line, seen=seen, by=by, at=at)
    waits = f"Line {' and line '.join(map(str, undone.lines))} wait{'s' * (len(undone.lines) == 1)} again."
    aside = f" Line {undone.set_aside} is set aside again." if undone.set_aside else ""
    note = f" Payment {undone.note_again} stays taken back: note it again." if undone.note_again else ""
    return waits + aside + note


# What a form can ask for, by the word in it; a guess and a person's own choice are the same deed.
DEEDS: Final[dict[str, Callable[[HttpRequest, EntityLine, int], str]]] = {
    "apply": _apply,
    "guess": _apply_to,
    "items": _apply_to,
    "account": _on_account,
    "set-aside": _set_aside,
    "take-up": _take_up,
    "unapply": _unapply,
    "return": _return,
    "return-other": _return_other,
    "unreturn": _unreturn,
}
