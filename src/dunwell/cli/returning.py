"""`dunwell cash returned`, and lines that take others back as `review` shows and asks for them."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dunwell.cli import clock
from dunwell.cli.doors import EntityCode, Json, WrongUsage, entity_of, refuses, typed
from dunwell.cli.output import as_json, money, say

if TYPE_CHECKING:
    from dunwell.flows.cash.review import Waiting
    from dunwell.flows.cash.taking_back import Earlier

DIGITS_MAX: Final = 20  # of what may be typed, with a p before it
ASKED: Final = "LINE: that line, pNUMBER: a payment"


@refuses
def returned(
    line: Annotated[int, typer.Argument(metavar="LINE", help="The line by which the bank takes money back.")],
    *,
    of: Annotated[int | None, typer.Option("--of", metavar="LINE", help="The earlier line that it takes back.")] = None,
    payment: Annotated[
        int | None, typer.Option("--payment", metavar="NUMBER", help="Or a payment that no line had brought.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="It does not: let both lines wait again.")] = False,
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """Take back what a bank takes back.

    Without --of and --payment, as it is proposed. What the money had paid is open again, as of the day on which the
    bank took it.
    """
    chosen = entity_of(entity)
    if not back:
        take_back(chosen.code, line, of=of, payment=payment, json=json)
        return
    if of is not None or payment is not None:
        raise WrongUsage("--back lets both lines wait again, whichever they are: say it alone")
    from dunwell.flows.cash.returning import unreturn

    undone = unreturn(chosen, line, by=clock.actor(), at=clock.now())
    if json:
        as_json(asdict(undone))
        return
    say(f"line {' and line '.join(map(str, undone.lines))} {'wait' if len(undone.lines) > 1 else 'waits'} again")
    if undone.set_aside:
        say(f"line {undone.set_aside} is set aside again, as it was")
    _say_gone(undone.note_again)


def take_back(entity: str, line: int, *, of: int | None = None, payment: int | None = None, json: bool = False) -> None:
    """Take back an earlier line or a payment, and tell."""
    chosen = entity_of(entity)
    from dunwell.flows.cash.returning import return_line

    told = return_line(chosen, line, of=of, payment=payment, by=clock.actor(), at=clock.now())
    if json:
        as_json(asdict(told))
        return
    what = f"line {told.of}" if told.of else f"payment {told.payment}"
    paid = f": what {' and '.join(told.accounts)} had paid is open again" if told.accounts else ""
    say(f"line {line} takes {what} back{paid}")
    if told.over_minor:
        amount = f"{money(abs(told.over_minor), told.currency)} {told.currency}"
        say(f"  the bank took {amount} {'more' if told.over_minor > 0 else 'less'} than had come")
    if told.waits:
        say(f"  line {told.waits}, which that one had taken back, waits again: `{typed('cash match')}` looks at it")
    _say_gone(told.note_again)


def _say_gone(payment: int | None) -> None:
    """Say what to do for a payment that stays taken back."""
    if payment:
        say(f"payment {payment} stays taken back: if the money is there, note it again with `{typed('pay')}`,")
        say("  without --id or with another: that one is in the book already")


def show(line: "Waiting") -> None:
    """Say what a bank took back, and what that may have been."""
    who = f"{line.party or 'somebody'}{f' ({line.iban})' if line.iban else ''}"
    say(f"line {line.line}: {money(line.amount_minor, line.currency)} {line.currency} on {line.booked_on}: taken back,")
    say(f"  {who}: {' '.join((line.reference or line.text).split())}")
    for each in line.earlier:
        is_proposed = each.line is not None and each.line == line.of
        say(f"  {'proposed' if is_proposed else 'perhaps'}: {_called(each, line.currency)}")


def _called(earlier: "Earlier", currency: str) -> str:
    of = f" of {earlier.party}" if earlier.party else ""
    accounts = ", ".join(earlier.accounts)
    whose = f", {earlier.state}{f' to {accounts}' if accounts else ''}" if earlier.line else f" by {accounts}"
    amount = f"{money(earlier.amount_minor, currency)} {currency}"
    how = f"({earlier.confidence_permille / 10:.1f} %: {earlier.why})"
    return f"{earlier.called}, {amount} on {earlier.booked_on}{of}{whose} {how}"


def answered(entity: str, line: "Waiting", words: list[str]) -> None:
    """Take back what somebody typed. Errors: those of taking back; WrongUsage."""
    if words == ["y"]:
        if line.of is None:
            raise WrongUsage("nothing is proposed here")
        take_back(entity, line.line, of=line.of)
        return
    word = words[0] if len(words) == 1 else ""
    if len(word) > DIGITS_MAX:
        raise WrongUsage("no line and no payment has such a number")
    if word.removeprefix("p").isdecimal():
        number = int(word.removeprefix("p"))
        of, payment = (None, number) if word.startswith("p") else (number, None)
        take_back(entity, line.line, of=of, payment=payment)
    elif words:
        raise WrongUsage("one line takes back one other: type its number, or pNUMBER for a payment")
