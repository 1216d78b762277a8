"""What a letter says, before it has words; and the message it becomes."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dunwell.engine.law.regime import DayCount, LetterRule


@dataclass(frozen=True, kw_only=True)
class Line:
    """An item asked for. `amount_minor` is what is asked of it now, `original_minor` what it was issued for.

    `days_past_due` is 0 on the due date and negative before it. Who pays all of it by `discount_until_on` may take
    `discount_minor` off it.
    """

    number: str
    issued_on: date | None
    due_on: date
    days_past_due: int
    amount_minor: int
    original_minor: int
    discount_minor: int = 0
    discount_until_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class ChargeLine:
    """A charge of an earlier notice that is still open, by its description or else its kind and number."""

    amount_minor: int
    number: str = ""
    description: str = ""
    charge: str = "fee"  # one of engine.book.CHARGES


@dataclass(frozen=True, kw_only=True)
class Period:
    """Days of interest at one rate on one principal, both ends counted; `interest` is in minor units, not rounded.

    Rates are millionths of a percent point; `reference_millionths` is None where no series is asked.
    """

    from_on: date
    until_on: date
    days: int
    principal_minor: int
    reference_millionths: int | None
    rate_millionths: int
    interest: Decimal


@dataclass(frozen=True, kw_only=True)
class Interest:
    """Interest of one item, and how it was worked out; without `periods` it is not known any more how."""

    number: str
    until_on: date
    amount_minor: int
    periods: tuple[Period, ...] = ()
    day_count: DayCount = "act/365"
    is_compounding: bool = False
    is_rounded_daily: bool = False
    source: str = ""

    @property
    def from_on(self) -> date | None:
        """The first day of it."""
        return self.periods[0].from_on if self.periods else None


@dataclass(frozen=True, kw_only=True)
class Charged:
    """What one notice charges itself, what it warns of, and what the law wants it to say.

    `costs_to_come_minor`: what it warns of, due where nothing is paid within `costs_days` of its receipt; days alone
    where the sum is not known. `legal_basis`: one line. `rule`: what the law wants to be said.
    """

    fee_minor: int = 0
    interest: tuple[Interest, ...] = ()
    compensation_minor: int = 0
    costs_to_come_minor: int = 0
    costs_days: int = 0
    legal_basis: str = ""
    rule: LetterRule | None = None

    @property
    def interest_minor(self) -> int:
        """The interest of all items."""
        return sum(each.amount_minor for each in self.interest)

    @property
    def sum_minor(self) -> int:
        """All that is charged."""
        return self.fee_minor + self.interest_minor + self.compensation_minor


@dataclass(frozen=True, kw_only=True)
class Creditor:
    """Who asks: the letterhead, and where to pay. What is empty is left out.

    `footer_lines` are the particulars that the law wants on a letter: register, directors, VAT id. `reference_scheme`,
    one of engine.references.SCHEMES or empty: of the reference that payments are to quote.
    """

    name: str
    address_lines: tuple[str, ...] = ()
    email: str = ""
    phone: str = ""
    iban: str = ""
    bic: str = ""
    bank_name: str = ""
    footer_lines: tuple[str, ...] = ()
    reference_scheme: str = ""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One notice to one payer, in one currency; amounts are minor units of it.

    `account` is the payer's code, by which the creditor knows the debtor. `language` and `country` are the debtor's,
    as in `de` and `AT`; a tag such as `fr-CH` is taken too. `listed`: what is open beside the items that it asks for;
    nothing of it is in a sum. One that `closes` says that nothing is overdue any more, and asks for nothing.
    `charges` are those of earlier notices, `charged` its own.
    Errors: ValueError for a notice whose figures do not add up: it must not leave the house.
    """

    notice_id: int
    creditor: Creditor
    account: str = ""
    debtor_name: str | None
    address_lines: tuple[str, ...]
    language: str | None
    country: str | None
    currency: str
    as_of: date
    deadline_on: date | None
    stage: str
    lines: tuple[Line, ...]
    charges: tuple[ChargeLine, ...]
    due_minor: int
    charges_minor: int
    total_minor: int
    charged: Charged = Charged()
    listed: tuple[Line, ...] = ()
    closes: bool = False

    def __post_init__(self) -> None:
        """Hold the sums against the lines."""
        if self.closes and (self.lines or self.charges or self.total_minor):
            raise ValueError(f"notice {self.notice_id} says that nothing is overdue, and asks for something")
        if not self.lines and not self.closes:
            raise ValueError(f"notice {self.notice_id} asks for no item")
        for name, said, added in (
            ("due_minor", self.due_minor, sum(line.amount_minor for line in self.lines)),
            ("charges_minor", self.charges_minor, sum(charge.amount_minor for charge in self.charges)),
            ("total_minor", self.total_minor, self.due_minor + self.charges_minor + self.charged.sum_minor),
        ):
            if said != added:
                raise ValueError(f"notice {self.notice_id}: {name} is {said}, its lines come to {added}")


@dataclass(frozen=True, kw_only=True)
class Message:
    """What goes over a wire: a subject of one line, the same words as text and as HTML, and the language they are in.

    `letter` is the PDF, empty where nobody has asked for one.
    """

    subject: str
    text: str
    html: str
    language: str
    letter: bytes = b""
