"""`dunwell cash match`, `review`, `apply`, `unapply`, `set-aside`, and who is known to pay from where."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dunwell.cli import clock, returning
from dunwell.cli.doors import EntityCode, Json, WrongUsage, entity_of, refuses, typed
from dunwell.cli.output import as_json, is_watched, money, progress, say, table
from dunwell.flows.errors import FlowError

if TYPE_CHECKING:
    from dunwell.flows.cash.review import Waiting

LISTED: Final = 50
LineNumber = Annotated[int, typer.Argument(metavar="LINE", help="The number of a bank line.")]
Items = Annotated[
    list[str] | None, typer.Option("--item", metavar="ITEM", help="For this item, or these: say it again.")
]


@refuses
def match(
    *,
    propose: Annotated[bool, typer.Option("--propose", help="Apply nothing: leave it all to a person.")] = False,
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """Say whose money bank lines are, and apply what is certain.

    What waits to be sent to whoever paid is looked at again at once. The rest is proposed, or waits for a person.
    """
    chosen = entity_of(entity)
    from dunwell.flows.cash.matching import match_lines

    with progress(quiet=json) as tell:
        report = match_lines(chosen, apply=not propose, by=clock.actor(), at=clock.now(), progress=tell)
    if json:
        as_json(asdict(report))
        return
    say(f"{report.entity}: {report.lines:,} lines: {report.applied:,} applied, {report.proposed:,} proposed,")
    say(f"  {report.exceptions:,} nobody can tell by what they say")
    if report.passed_by:
        say(f"  {report.passed_by:,} could not be applied as it was matched: see them with the others")
    for currency, of in report.sums.items():
        lines, applied, left, waiting = (money(of[name], currency) for name in ("lines", "applied", "left", "waiting"))
        say(f"  {lines} {currency} = {applied} applied + {left} left on accounts + {waiting} waiting")
    if report.returned or report.returns_waiting:
        say(
            f"  the bank took {report.returned:,} earlier lines back; {report.returns_waiting:,} more wait for a person"
        )
    for currency, over in report.return_charges.items():
        say(f"  {money(over, currency)} {currency} it took beyond what had come, such as charges")
    if report.lines > report.applied or report.returns_waiting:
        say(f"next: {typed('cash review')}")


@refuses
def review(entity: EntityCode = None, json: Json = False) -> None:
    """Go through the lines that wait, the largest first.

    At a terminal each is asked for; otherwise the 50 largest are listed.
    """
    chosen = entity_of(entity)
    from dunwell.flows.cash.review import waiting

    found = waiting(chosen, most=LISTED)
    if json:
        as_json({"lines": [asdict(each) for each in found.lines], "more": found.more})
        return
    if not found.lines:
        say("nothing waits")
        return
    for line in found.lines:
        (returning.show if line.takes_back else _show)(line)
        if is_watched() and sys.stdin.isatty() and not _asked(chosen.code, line):
            return
    if found.more:
        say(f"and {found.more:,} more, smaller ones")


@refuses
def apply(
    line: LineNumber,
    *,
    items: Items = None,
    account: Annotated[str | None, typer.Option("--account", metavar="CODE", help="Whose money it is.")] = None,
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """Apply a line as it is proposed, or as you say.

    Items may be of several payers: each gets a payment. What they do not need is a credit of the account that you say,
    or else of the payer who pays most. Who pays from the line's IBAN is known from then on, unless it is several.
    """
    _said(entity, line, items or [], account, json=json)


@refuses
def unapply(
    line: LineNumber,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept.")],
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """Take back what a line was applied to; it waits again.

    It is only proposed from then on. Who was learned to pay from its IBAN is forgotten.
    """
    chosen = entity_of(entity)
    from dunwell.flows.cash import applying

    applying.unapply(chosen, line, reason=reason, by=clock.actor(), at=clock.now())
    if json:
        as_json({"line": line})
        return
    say(f"line {line} waits again")


@refuses
def set_aside(
    line: LineNumber,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept.")],
    *,
    back: Annotated[bool, typer.Option("--back", help="Let a line wait again that was set aside.")] = False,
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """Set a line aside that is none of ours, or take it up again."""
    chosen = entity_of(entity)
    from dunwell.flows.cash import applying

    applying.set_aside(chosen, line, reason=reason, back=back, by=clock.actor(), at=clock.now())
    if json:
        as_json({"line": line})
        return
    say(f"line {line} waits again" if back else f"line {line} is set aside")


@refuses
def payers(
    forget: Annotated[int | None, typer.Option("--forget", metavar="NUMBER", help="Forget this one.")] = None,
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """List who was learned to pay from where, or forget one."""
    chosen = entity_of(entity)
    from dunwell.flows.cash import review as flow

    if forget is not None:
        flow.forget(chosen, forget, by=clock.actor(), at=clock.now())
    found = flow.payers(chosen)
    if json:
        as_json({"payers": [asdict(each) for each in found]})
        return
    if not found:
        say("nobody is known to pay from anywhere yet")
        return
    rows = [(each.number, each.kind, each.value, each.account, each.since_on) for each in found]
    table("Known payers", ("number", "by", "value", "account", "since"), rows)


def _said(entity: str | None, line: int, items: list[str], account: str | None, *, json: bool) -> None:
    """Apply a line, and tell."""
    chosen = entity_of(entity)
    from dunwell.flows.cash import applying

    by, at = clock.actor(), clock.now()
    if items or account:
        payments = applying.apply_to(chosen, line, account=account, items=items, by=by, at=at)
    else:
        payments = applying.apply_match(chosen, line, by=by, at=at)
    if json:
        as_json({"line": line, "payments": [each.payment_id for each in payments]})
        return
    of = " of {}" if len(payments) > 1 else ""
    told = ", ".join(f"payment {each.payment_id}{of.format(each.about.code)}" for each in payments)
    say(f"line {line} is applied: {told}")


def _show(line: "Waiting") -> None:
    """Say what a bank says of a line, and what was found."""
    said = line.reference or " ".join(line.text.split())
    who = f"{line.party or 'somebody'}{f' ({line.iban})' if line.iban else ''}"
    say(f"line {line.line}: {money(line.amount_minor, line.currency)} {line.currency} on {line.booked_on} from {who}")
    if said:
        say(f"  {said}")
    if line.held_until_on:
        say(f"  reminders of its payer: held back through {line.held_until_on}")
    if line.outcome and line.outcome != "exception":
        of = "" if line.account else " of {}"
        shares = ", ".join(
            f"{each.item}{of.format(each.account)} {money(each.amount_minor, line.currency)}" for each in line.shares
        )
        whose = f"{line.account}: " * bool(line.account)
        say(f"  proposed: {whose}{shares or 'on account'} ({line.confidence_permille / 10:.1f} %: {line.why})")
        return
    for each in line.guesses:
        items = ", ".join(each.items) or "on account"
        say(f"  perhaps {each.account or '?'}: {items} ({each.confidence_permille / 10:.1f} %: {each.why})")


def _asked(entity: str, line: "Waiting") -> bool:
    """Ask what a line is for, and do it, until it can be done; False where somebody has had enough."""
    is_proposed = bool(line.outcome) and line.outcome != "exception"
    what = "y: as proposed, " if is_proposed else ""
    others = returning.ASKED if line.takes_back else "item numbers, =ACCOUNT"
    while True:
        answer = typer.prompt(f"  {what}{others}, s: skip, q: quit", default="s", show_default=False)
        words = answer.replace(",", " ").split()
        if words in (["q"], ["s"]):
            return bool(words == ["s"])
        try:
            if line.takes_back:
                returning.answered(entity, line, words)
            else:
                _answered(entity, line, words, is_proposed=is_proposed)
        except (FlowError, WrongUsage) as error:  # a typing error is no reason to begin again
            say(f"  {error}")
        else:
            return True


def _answered(entity: str, line: "Waiting", words: list[str], *, is_proposed: bool) -> None:
    """Apply a line as somebody typed. Errors: those of applying; WrongUsage."""
    if words == ["y"]:
        if not is_proposed:
            raise WrongUsage("nothing is proposed here")
        _said(entity, line.line, [], None, json=False)
        return
    accounts = [word[1:] for word in words if word.startswith("=")]
    if len(accounts) > 1:
        raise WrongUsage("one line is the money of one account")
    items = [word for word in words if not word.startswith("=")]
    if words:
        _said(entity, line.line, items, accounts[0] if accounts else None, json=False)
