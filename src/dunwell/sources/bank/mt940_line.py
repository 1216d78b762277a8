"""A movement of MT940 with its text, put together to a line."""

import re
from dataclasses import dataclass, field, replace
from typing import Final

from dunwell.engine.money import MoneyError
from dunwell.sources.bank.codes import iban_of, reference_of
from dunwell.sources.bank.mt940_fields import Movement, abroad, minor_of
from dunwell.sources.bank.mt940_text import coded, details
from dunwell.sources.bank.pieces import Line

_RETURNED: Final = re.compile(r"^OAMT\+(?:([A-Z]{3}) ?)?(\d{1,15}(?:,\d{0,3})?)$", re.MULTILINE)


@dataclass
class Pending:
    """A movement whose text may follow: lines of :86:, and of :NS:, and how many signs they have."""

    line: int
    movement: Movement
    texts: list[str] = field(default_factory=list)
    coded: list[str] = field(default_factory=list)
    chars: int = 0


def line_of(pending: Pending, entry_no: int, currency: str) -> Line:
    """Put together what a movement and its text say."""
    movement = pending.movement
    told = details(pending.texts) if pending.texts else coded(pending.coded)
    extra = coded(pending.coded).text if pending.texts and pending.coded else ""
    texts = [told.text, extra]
    reference, party = reference_of(movement.reference), told.party
    ibans = [iban_of(reference), *map(iban_of, movement.more)]
    if ibans[0]:
        reference = ""
    if not party.iban:
        party = replace(party, iban=next(filter(None, ibans), ""))
    if party.iban and not party.name and told.text.startswith(f"{party.iban} "):
        party = replace(party, name=told.text.splitlines()[0].removeprefix(party.iban).strip())
    if reference and told.end_to_end_ref:
        texts.append(reference)
    texts += [
        more.strip() for more, iban in zip(movement.more, ibans[1:], strict=True) if iban != party.iban or not iban
    ]
    line = Line(
        line=pending.line,
        entry_no=entry_no,
        entry_minor=movement.minor,
        part_no=1,
        amount_minor=movement.minor,
        currency=currency,
        booked_on=movement.booked_on,
        valued_on=movement.valued_on,
        is_booked=not movement.mark.startswith("E"),
        is_reversal=movement.mark.startswith("R"),
        code=" ".join(filter(None, (movement.code, told.code))),
        bank_ref=reference_of(movement.bank_ref),
        end_to_end_ref=told.end_to_end_ref or reference,
        mandate_ref=told.mandate_ref,
        reference=told.reference,
        text="\n".join(filter(None, texts)),
        party=party,
        on_behalf_of=told.on_behalf_of,
        return_reason=told.return_reason,
    )
    return _with_returned(_with_abroad(line, movement))


def _with_abroad(line: Line, movement: Movement) -> Line:
    """Add what was ordered in another currency and what banks kept; words that are none stay text alone."""
    told = abroad("".join(movement.more))
    try:
        if "CHGS" in told and told["CHGS"][0] == line.currency:
            line = replace(line, charges_minor=minor_of(told["CHGS"][1], line.currency))
        if "OCMT" in told:
            currency, amount = told["OCMT"]
            minor = minor_of(amount, currency) * (-1 if line.amount_minor < 0 else 1)
            if (currency, minor) != (line.currency, line.amount_minor):
                line = replace(line, instructed_minor=minor, instructed_currency=currency)
    except MoneyError:
        return line
    return line


def _with_returned(line: Line) -> Line:
    """Add what a direct debit had come to that is returned with charges: German banks say it in the text."""
    found = _RETURNED.search(line.text)
    if not found or line.amount_minor >= 0 or line.instructed_minor is not None:
        return line
    currency = found[1] or line.currency
    try:
        minor = -minor_of(found[2], currency)
    except MoneyError:
        return line
    if (currency, minor) == (line.currency, line.amount_minor):
        return line
    return replace(line, instructed_minor=minor, instructed_currency=currency)
