"""The working of one claim on a page of its own: what it is of, the periods, the sums, and the law."""

from dataclasses import dataclass
from datetime import date

from dunwell.letters.lawful import workings_of
from dunwell.letters.layouts.pdf import shown_working, working_pdf
from dunwell.letters.notice import ChargeLine, Interest
from dunwell.letters.plain import one_line
from dunwell.letters.reader import reader_of
from dunwell.letters.tables import charge_label
from dunwell.letters.wording import Wording, shipped


@dataclass(frozen=True, kw_only=True)
class WorkingPage:
    """A claim of `amount_minor`, its interest, and the flat sum on it; amounts are minor units of the currency.

    `charges`: what was charged before, and is still open.
    """

    interest: Interest
    currency: str
    amount_minor: int
    due_on: date
    compensation_minor: int = 0
    charges: tuple[ChargeLine, ...] = ()
    legal_basis: str = ""
    language: str = "en"


def typeset_working(page: WorkingPage, wording: Wording | None = None) -> bytes:
    """Set a working as PDF/A-2a and PDF/UA-1, dated by its last day. Errors: ValueError where it cannot be set."""
    reader = reader_of(page.language, None)
    words = (wording or shipped()).words(reader.language)
    interest = page.interest
    facts = [
        (words.number, one_line(interest.number)),
        (words.amount, reader.money(page.amount_minor, page.currency)),
        (words.due, reader.long_date(page.due_on)),
        (words.interest_until, reader.long_date(interest.until_on)),
    ]
    earlier_minor = sum(charge.amount_minor for charge in page.charges)
    total_minor = page.amount_minor + earlier_minor + interest.amount_minor + page.compensation_minor
    sums = [
        (words.amount, page.amount_minor),
        *((charge_label(charge, words), charge.amount_minor) for charge in page.charges),
        (words.interest, interest.amount_minor),
        (words.compensation, page.compensation_minor),
        (words.total, total_minor),
    ]
    workings = workings_of((interest,), page.currency, reader, words)
    data = {
        "title": words.working,
        "language": reader.language,
        "page": words.page,
        "of": words.of,
        "facts": [(label, value) for label, value in facts if value],
        "working": shown_working(workings[0]) if workings else None,
        "sums": [(label, reader.money(amount, page.currency)) for label, amount in sums if amount],
        "basis": f"{words.legal_basis}{words.colon}{one_line(page.legal_basis)}" if page.legal_basis else "",
    }
    return working_pdf(data, interest.until_on)
