"""From notices to what is written: the debtor, the items and the sums, gathered for the letters room."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import polars as pl
from jinja2 import TemplateError

from dunwell.flows.errors import Conflict
from dunwell.flows.runs.charged import Background, background_of, charged, charges_on_record
from dunwell.letters.notice import Charged, ChargeLine, Creditor, Line, Message, Notice
from dunwell.letters.wording import Wording
from dunwell.letters.write import write_out
from dunwell.records import proposals
from dunwell.records.models import Account, Charge, Entity, Item

Row: TypeAlias = Mapping[str, Any]


def letters_of(
    entity: Entity,
    notices: Sequence[Row],
    lines: Sequence[Row],
    *,
    charges: Sequence[Row] | None = None,
    background: Background | None = None,
) -> dict[int, Notice | str]:
    """Gather what each notice says, by its `notice_id`; or why it cannot be said, so that it holds up no other.

    `notices`: rows with `notice_id`, `as_of` and the plan's columns; `lines`: rows with `notice_id`, `item_id`, `role`
    and `amount_minor`. `charges` and `background`: what they charge, and what that rests on, where they are not on
    record yet.
    """
    items = Item.objects.in_bulk({line["item_id"] for line in lines})
    accounts = Account.objects.in_bulk({notice["payer_id"] for notice in notices})
    reached = proposals.recipients(list(accounts)).filter(pl.col("channel") == "letter")
    addresses = dict(reached.select("payer_id", "recipient").iter_rows())
    of_notice: dict[int, list[Row]] = defaultdict(list)
    earlier = {line["item_id"] for line in lines if line["role"] == "charge"}
    kinds = dict(Charge.objects.filter(charge_item__in=earlier).values_list("charge_item", "charge")) if earlier else {}
    for line in lines:
        kind = kinds.get(line["item_id"], "fee")
        of_notice[line["notice_id"]].append({**line, "item": items[line["item_id"]], "kind": kind})
    if charges is None:
        charges, background = charges_on_record([*of_notice]), background_of(entity, notices)
    said = charged(notices, of_notice, charges, background)
    return {
        notice["notice_id"]: _letter_or_reason(
            entity,
            accounts[notice["payer_id"]],
            notice,
            of_notice[notice["notice_id"]],
            said=said[notice["notice_id"]],
            address=tuple(addresses.get(notice["payer_id"], "").splitlines()),
        )
        for notice in notices
    }


def message_of(notice: Notice, words: Wording) -> Message | str:
    """Write a notice, with its letter; or why it cannot be written, so that it holds up no other."""
    try:
        with writable():
            return write_out(notice, words)
    except Conflict as error:
        return str(error)


@contextmanager
def writable() -> Iterator[None]:
    """Say why a notice cannot be written. Errors: Conflict."""
    try:
        yield
    except ValueError as error:
        raise Conflict(str(error)) from None
    except (TypeError, TemplateError, RecursionError) as error:  # of a house's own template, in a rare branch
        raise Conflict(f"a template cannot be used for it: {error}") from None


def creditor_of(entity: Entity) -> Creditor:
    """What letters show of an entity."""
    return Creditor(
        name=entity.name,
        address_lines=tuple(entity.address_lines.splitlines()),
        email=entity.email,
        phone=entity.phone,
        iban=entity.iban,
        bic=entity.bic,
        bank_name=entity.bank_name,
        footer_lines=tuple(entity.footer_lines.splitlines()),
        reference_scheme=entity.reference_scheme,
    )


def _letter_or_reason(
    entity: Entity, payer: Account, notice: Row, lines: Sequence[Row], *, said: Charged, address: tuple[str, ...]
) -> Notice | str:
    try:
        return _letter(entity, payer, notice, lines, said=said, address=address)
    except ValueError as error:
        return str(error)


def _letter(
    entity: Entity, payer: Account, notice: Row, lines: Sequence[Row], *, said: Charged, address: tuple[str, ...]
) -> Notice:
    dunned, listed = ([_line(line, notice) for line in lines if line["role"] == role] for role in ("dunned", "listed"))
    return Notice(
        notice_id=notice["notice_id"],
        creditor=creditor_of(entity),
        account=payer.code,
        debtor_name=payer.name or None,
        # Many address books begin the address with the name, which stands above it already.
        address_lines=address[1:] if address[:1] == (payer.name,) else address,
        language=payer.language or entity.language,
        country=payer.country or entity.country or None,
        currency=notice["currency"],
        as_of=notice["as_of"],
        deadline_on=notice["deadline_on"],
        stage=notice["stage"],
        closes=notice["closing"] == "closes",
        lines=tuple(sorted(dunned, key=lambda line: (line.due_on, line.number))),
        charges=tuple(
            ChargeLine(number=line["item"].number, amount_minor=line["amount_minor"], charge=line["kind"])
            for line in lines
            if line["role"] == "charge"
        ),
        charged=said,
        due_minor=notice["due_minor"],
        charges_minor=notice["charges_minor"],
        total_minor=notice["total_minor"],
        listed=tuple(sorted(listed, key=lambda line: (line.due_on, line.number))),
    )


def _line(line: Row, notice: Row) -> Line:
    item: Item = line["item"]
    if item.due_on is None:
        raise ValueError(f"item {item.number} is on a notice without a due date")
    return Line(
        number=item.number,
        issued_on=item.issued_on,
        due_on=item.due_on,
        days_past_due=(notice["as_of"] - item.due_on).days,
        amount_minor=line["amount_minor"],
        original_minor=item.amount_minor,
        discount_minor=item.discount_minor or 0,
        discount_until_on=item.discount_until_on,
    )
