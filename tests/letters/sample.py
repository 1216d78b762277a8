"""Notices to write: one invoice, and several with charges, in every stage."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from dunwell.letters.notice import Charged, ChargeLine, Creditor, Interest, Line, Notice, Period

DAY = date(2026, 4, 3)
CREDITOR = Creditor(
    name="Nordlicht Handels GmbH",
    address_lines=("Speicherstadt 12", "20457 Hamburg"),
    email="buchhaltung@nordlicht.example",
    phone="+49 40 123456-0",
    iban="DE02120300000000202051",
    bic="BYLADEM1001",
    bank_name="Deutsche Kreditbank Berlin",
    footer_lines=("Amtsgericht Hamburg, HRB 12345", "Geschäftsführerin: Inga Petersen", "USt-IdNr. DE123456789"),
)


def line(number: str, *, days: int, amount: int = 11900, original: int | None = None, issued: bool = True) -> Line:
    due_on = DAY - timedelta(days=days)
    return Line(
        number=number,
        issued_on=due_on - timedelta(days=30) if issued else None,
        due_on=due_on,
        days_past_due=days,
        amount_minor=amount,
        original_minor=amount if original is None else original,
    )


def notice(
    *lines: Line,
    language: str | None = "en",
    stage: str = "reminder",
    charges: tuple[ChargeLine, ...] = (),
    fee: int = 0,
    closes: bool = False,
) -> Notice:
    due = sum(item.amount_minor for item in lines)
    charged = sum(charge.amount_minor for charge in charges)
    return Notice(
        notice_id=4711,
        creditor=CREDITOR,
        account="MUELLER",
        debtor_name="Müller & Söhne KG",
        address_lines=("Hauptstraße 1", "80331 München"),
        language=language,
        country={"en": "GB", "de": "DE", "fr": "FR"}.get(language or ""),
        currency="EUR",
        as_of=DAY,
        deadline_on=DAY + timedelta(days=10),
        stage=stage,
        lines=lines,
        charges=charges,
        charged=Charged(fee_minor=fee),
        due_minor=due,
        charges_minor=charged,
        total_minor=due + charged + fee,
        closes=closes,
    )


def one(language: str, stage: str) -> Notice:
    """One invoice, before its due date for a courtesy note and after it for the others."""
    courtesy = stage == "courtesy"
    found = notice(line("RE-2026-0017", days=-7 if courtesy else 12), language=language, stage=stage)
    return replace(found, deadline_on=None) if courtesy else found


def several(language: str, stage: str) -> Notice:
    """Two invoices overdue, one of them paid in part, and one not yet due; with charges from the second reminder on."""
    if stage == "courtesy":
        early = (line("RE-2026-0017", days=-7), line("RE-2026-0018", days=-9, amount=1_234_567, issued=False))
        return replace(notice(*early, language=language, stage=stage), deadline_on=None)
    items = (
        line("RE-2026-0017", days=33, amount=250_000, original=500_000),
        line("RE-2026-0018", days=12, issued=False),
        line("RE-2026-0031", days=-4, amount=1_234_567),
    )
    if stage == "reminder":
        return notice(*items, language=language, stage=stage)
    earlier = (ChargeLine(number="M-12", amount_minor=500), ChargeLine(description="FX-2026/3", amount_minor=350))
    return notice(*items, language=language, stage=stage, charges=earlier, fee=500)


def discounted(language: str, stage: str) -> Notice:
    """Three invoices to come: two with a cash discount, one of which ends on the day of the letter."""
    early = (
        replace(line("RE-2026-0017", days=-7, amount=100_000), discount_minor=2_000, discount_until_on=DAY),
        replace(
            line("RE-2026-0018", days=-9, amount=1_234_567), discount_minor=37_037, discount_until_on=date(2026, 4, 12)
        ),
        line("RE-2026-0019", days=-9),
    )
    return replace(notice(*early, language=language, stage=stage), deadline_on=None)


def referenced(language: str, stage: str) -> Notice:
    """Two invoices and one to come, of a creditor whose payments quote a structured reference."""
    return replace(several(language, stage), creditor=replace(CREDITOR, reference_scheme="rf"))


def closing(language: str, stage: str = "close") -> Notice:
    """Nothing is overdue any more."""
    return replace(notice(language=language, stage=stage, closes=True), deadline_on=None)


def period(days: tuple[str, str, int], principal: int, reference: str, rate: str, interest: str) -> Period:
    """A period of a working: first and last day and their number; rates in percent, interest in minor units."""
    first, last, count = days
    return Period(
        from_on=date.fromisoformat(first),
        until_on=date.fromisoformat(last),
        days=count,
        principal_minor=principal,
        reference_millionths=int(Decimal(reference) * 1_000_000),
        rate_millionths=int(Decimal(rate) * 1_000_000),
        interest=Decimal(interest),
    )


def charging(language: str, stage: str) -> Notice:
    """Two invoices with interest, one of them at two rates and on two principals, a flat sum and earlier charges."""
    items = (line("RE-2025-0911", days=181, amount=650_000, original=1_000_000), line("RE-2026-0018", days=12))
    earlier = (
        ChargeLine(number="FEE-12", amount_minor=500),
        ChargeLine(number="INT-13", amount_minor=2_211, charge="interest"),
        ChargeLine(number="COSTS-14", amount_minor=4_000, charge="compensation"),
    )
    first = (
        period(("2025-10-04", "2025-12-31", 89), 1_000_000, "1.27", "10.27", "25041.9178"),
        period(("2026-01-01", "2026-02-10", 41), 1_000_000, "1.27", "10.27", "11536.1644"),
        period(("2026-02-11", "2026-04-03", 52), 650_000, "2.02", "11.02", "10204.8219"),
    )
    source = "§ 288 Abs. 2, § 247 BGB"
    interest = (
        Interest(number="RE-2025-0911", until_on=DAY, amount_minor=46_783, periods=first, source=source),
        Interest(
            number="RE-2026-0018",
            until_on=DAY,
            amount_minor=43,
            periods=(period(("2026-03-23", "2026-04-03", 12), 11_900, "2.02", "11.02", "43.1145"),),
            source=source,
        ),
    )
    plain = notice(*items, language=language, stage=stage, charges=earlier)
    return replace(
        plain,
        charged=Charged(interest=interest, compensation_minor=4_000, legal_basis=f"{source}; § 288 Abs. 5 BGB"),
        total_minor=plain.total_minor + 46_826 + 4_000,
    )


def with_own(found: Notice, charged: Charged) -> Notice:
    """The same notice with other charges of its own, and the total that they make."""
    return replace(found, charged=charged, total_minor=found.due_minor + found.charges_minor + charged.sum_minor)


def warning(language: str, stage: str) -> Notice:
    """A consumer is told what collection will cost."""
    plain = one(language, stage)
    charged = Charged(costs_to_come_minor=4_000, costs_days=14)
    return replace(plain, deadline_on=DAY + timedelta(days=16), charged=charged)
