"""`dunwell pay`, `hold`, `dispute`, `promise`, what ends them, and `contact`: one account, at once."""

from datetime import date
from typing import Annotated

import typer

from dunwell.cli import clock
from dunwell.cli.doors import EntityCode, Json, WrongUsage, date_for, day, entity_of, refuses
from dunwell.cli.output import as_json, say

On = Annotated[
    date | None,
    typer.Option("--on", parser=day, metavar="DATE", help="The day it happened. [default: today]"),
]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The code of an account.")]
ItemNumber = Annotated[str, typer.Argument(metavar="ITEM", help="The number of an item.")]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="An amount, such as 100.00.")]
Currency = Annotated[
    str | None, typer.Option("--currency", metavar="CODE", help="Of the amount. [default: the entity's]")
]
Items = Annotated[
    list[str] | None, typer.Option("--item", metavar="ITEM", help="For this item, or these: say it again.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept.")]


@refuses
def pay(
    account: Account,
    amount: Amount,
    *,
    items: Items = None,
    currency: Currency = None,
    external_id: Annotated[str | None, typer.Option("--id", metavar="TEXT", help="What the bank calls it.")] = None,
    entity: EntityCode = None,
    on: On = None,
    json: Json = False,
) -> None:
    """Take a payment in.

    What its items do not need is a credit of the account.
    """
    chosen = entity_of(entity)
    from dunwell.flows.cash import pay as cash

    number = cash.pay(
        chosen, account, amount=amount, currency=currency, items=items or [], external_id=external_id,
        on=date_for(chosen, on), by=clock.actor(), at=clock.now(),
    )  # fmt: skip
    tell("payment", number, f"{amount} {currency or chosen.currency} of {account}", json=json)


@refuses
def chargeback(
    payment: Annotated[int, typer.Argument(metavar="PAYMENT", help="The number of a payment.")],
    reason: Reason,
    entity: EntityCode = None,
    on: On = None,
    json: Json = False,
) -> None:
    """Take a payment back: what it had paid is open again."""
    chosen = entity_of(entity)
    from dunwell.flows.cash import pay as cash

    cash.take_back(chosen, payment, reason=reason, on=date_for(chosen, on), by=clock.actor(), at=clock.now())
    tell("payment", payment, "taken back", json=json)


@refuses
def hold(
    *,
    reason: Reason,
    account: Annotated[str | None, typer.Option("--account", metavar="CODE", help="The code of an account.")] = None,
    item: Annotated[str | None, typer.Option("--item", metavar="ITEM", help="The number of an item.")] = None,
    until: Annotated[
        date | None, typer.Option("--until", parser=day, metavar="DATE", help="The last day of the hold.")
    ] = None,
    entity: EntityCode = None,
    on: On = None,
    json: Json = False,
) -> None:
    """Send nothing about an account or an item for a while."""
    if (account is None) == (item is None):
        raise WrongUsage("say what to hold: --account CODE or --item ITEM")
    chosen = entity_of(entity)
    from dunwell.flows.people import holds

    number = holds.hold(
        chosen, account=account, item=item, until=until, reason=reason,
        on=date_for(chosen, on), by=clock.actor(), at=clock.now(),
    )  # fmt: skip
    tell("hold", number, f"on {account or item}{f', through {until}' if until else ''}", json=json)


@refuses
def release(
    hold: Annotated[int, typer.Argument(metavar="HOLD", help="The number of a hold.")],
    entity: EntityCode = None,
    on: On = None,
    json: Json = False,
) -> None:
    """End a hold."""
    chosen = entity_of(entity)
    from dunwell.flows.people import holds

    holds.release(chosen, hold, on=date_for(chosen, on), by=clock.actor(), at=clock.now())
    tell("hold", hold, "released", json=json)


@refuses
def dispute(
    item: ItemNumber,
    *,
    reason: Reason,
    amount: Annotated[
        str | None, typer.Option("--amount", metavar="AMOUNT", help="How much of it. [default: all of it]")
    ] = None,
    entity: EntityCode = None,
    on: On = None,
    json: Json = False,
) -> None:
    """Note that a debtor disputes an item, or a part of it."""
    chosen = entity_of(entity)
    from dunwell.flows.people import disputes

    number = disputes.dispute(
        chosen, item, amount=amount, reason=reason, on=date_for(chosen, on), by=clock.actor(), at=clock.now()
    )
    tell("dispute", number, f"over {item}", json=json)


@refuses
def resolve(
    dispute: Annotated[int, typer.Argument(metavar="DISPUTE", help="The number of a dispute.")],
    entity: EntityCode = None,
    on: On = None,
    json: Json = False,
) -> None:
    """Close a dispute, one way or another."""
    chosen = entity_of(entity)
    from dunwell.flows.people import disputes

    disputes.resolve(chosen, dispute, on=date_for(chosen, on), by=clock.actor(), at=clock.now())
    tell("dispute", dispute, "resolved", json=json)


@refuses
def promise(
    account: Account,
    amount: Amount,
    *,
    by_on: Annotated[date, typer.Option("--by", parser=day, metavar="DATE", help="The day it is promised for.")],
    items: Items = None,
    currency: Currency = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What was said.")] = "",
    entity: EntityCode = None,
    on: On = None,
    json: Json = False,
) -> None:
    """Take a promise to pay.

    Without items it is for the oldest due first.
    """
    chosen = entity_of(entity)
    from dunwell.flows.people import promises

    number = promises.promise(
        chosen, account, amount=amount, currency=currency, by_on=by_on, items=items or [], note=note,
        on=date_for(chosen, on), by=clock.actor(), at=clock.now(),
    )  # fmt: skip
    tell("promise", number, f"of {account}: {amount} {currency or chosen.currency} by {by_on}", json=json)


@refuses
def contact(
    account: Account,
    *,
    channel: Annotated[
        str, typer.Option("--channel", metavar="TEXT", help="How, such as phone, visit or mail.")
    ] = "phone",
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What was said.")] = "",
    entity: EntityCode = None,
    on: On = None,
    json: Json = False,
) -> None:
    """Note that somebody spoke with an account, or wrote to it.

    It counts towards what its policy allows in seven days.
    """
    chosen = entity_of(entity)
    from dunwell.flows.people import contacts

    number = contacts.note_contact(
        chosen, account, channel=channel, note=note, on=date_for(chosen, on), by=clock.actor(), at=clock.now()
    )
    tell("contact", number, f"with {account}, by {channel}", json=json)


def tell(kind: str, number: int, what: str, *, json: bool) -> None:
    """Say what came of it, with its number."""
    if json:
        as_json({kind: number})
        return
    say(f"{kind} {number}: {what}")
