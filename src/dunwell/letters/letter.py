"""A notice put into words: everything a letter says, before anybody lays it out as text, HTML or on paper."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import TemplateRuntimeError

from dunwell.engine.references import reference_of, shown
from dunwell.letters.lawful import Working, basis_of, interest_table, lacking, workings_of
from dunwell.letters.notice import Creditor, Notice
from dunwell.letters.payment import REMITTANCE_MAX, Payment, payment_of
from dunwell.letters.plain import one_line, paragraphs, shortened
from dunwell.letters.reader import Reader, reader_of
from dunwell.letters.tables import Sum, Table, overdue_and_upcoming, sums_of, table_of
from dunwell.letters.wording import Wording, Words

# What templates may speak of, and what it means. Texts are in the reader's format, and single lines.
FIELDS: Final[Mapping[str, str]] = {
    "entity": "the creditor's name",
    "debtor": "the debtor's name, empty where unknown",
    "account": "the debtor's account, as the creditor calls it",
    "today": "the date of the letter",
    "reference": "the number of the notice",
    "country": "the reader's country, such as `CH`",
    "count": "how many items there are",
    "late": "how many of them are past due",
    "early": "how many are not",
    "listed": "how many items are shown as open, too, without being asked for",
    "number": "the number of the only item, empty where there are several",
    "numbered": "whether the payment names the items, rather than our reference",
    "payment_reference": "the reference that the payment is to quote, empty where the creditor has no scheme for it",
    "quoting": "what the payment is to name",
    "last_due": "the last due date",
    "deadline": "the date to pay by, or nothing",
    "total": "the total, with its currency",
    "due_today": "whether all items fall due on the date of the letter",
    "in_part": "whether part of a late item is paid",
    "plain": "whether there are no charges",
    "interest": "the interest that this letter charges, empty where there is none",
    "costs_to_come": "the collection costs that this letter warns of, empty where it does not",
    "costs_days": "within how many days of its receipt they can still be avoided",
}
COUNTS: Final = ("count", "late", "early", "listed", "costs_days")  # the fields that are numbers
FLAGS: Final = ("numbered", "due_today", "in_part", "plain")  # those that are asked for, and never printed
NEVER_EMPTY: Final = ("subject", "salutation", "opening", "request", "closing")
NEVER_ASKED: Final = "request"  # by a letter that asks for nothing
NUMBER_MAX: Final = 40  # of an invoice number within a sentence or subject; tables have it whole


@dataclass(frozen=True)
class Letter:
    """What a letter says, in the order it says it. Texts are single lines; a tuple of them are paragraphs.

    With items of one sort alone there is one table, and none where nothing is asked for; `upcoming_said` leads over to
    a second one. `interest` stands between them and the sums, which rest on `basis`; `costs` warns of those to come.
    What is open, too, is `listed` after all that is asked for. `workings` go on pages of their own. `facts` are pairs
    of label and value: date, reference, account.
    """

    language: str
    territory: str | None
    words: Words
    creditor: Creditor
    debtor: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    subject: str
    salutation: str
    opening: tuple[str, ...]
    items: Table | None
    upcoming_said: tuple[str, ...]
    upcoming: Table | None
    interest: Table | None
    sums: tuple[Sum, ...]
    basis: str
    request: tuple[str, ...]
    costs: tuple[str, ...]
    payment: Payment | None
    remark: tuple[str, ...]
    listed: Table | None
    closing: str
    workings: tuple[Working, ...]

    @property
    def small_print(self) -> tuple[str, ...]:
        """Where the creditor is and how to reach it, as it stands below its name at the foot of a message."""
        reached = ((self.words.phone, self.creditor.phone), (self.words.email, self.creditor.email))
        return (
            *filter(None, [", ".join(self.creditor.address_lines)]),
            *(f"{label}{self.words.colon}{value}" for label, value in reached if value),
            *self.creditor.footer_lines,
        )


def compose(notice: Notice, wording: Wording) -> Letter:
    """Put a notice into the words of its reader, with money and dates as they are read there.

    Errors: TemplateError for a template that says what is no text, or leaves a part empty that every letter has;
    ValueError for a letter that does not say what the law wants it to.
    """
    reader = reader_of(notice.language, notice.country)
    words = wording.words(reader.language)
    late, early = overdue_and_upcoming(notice)
    tables = [table_of(lines, notice.currency, reader, words, asked_on=notice.as_of) for lines in (late, early)]
    items, upcoming = tables if late else (tables[1], None)
    fields = fields_of(notice, reader)
    said = wording.parts(reader.language, notice.stage, fields, closes=notice.closes)
    debtor = (one_line(text) for text in (notice.debtor_name, *notice.address_lines))
    facts = (
        (words.date, fields["today"]),
        (words.reference, str(notice.notice_id)),
        (words.account, fields["account"]),
    )
    letter = Letter(
        language=reader.language,
        territory=reader.locale.territory,
        words=words,
        creditor=_cleared(notice.creditor),
        debtor=tuple(text for text in debtor if text),
        facts=tuple((label, value) for label, value in facts if value),
        subject=one_line(said["subject"]),
        salutation=one_line(said["salutation"]),
        opening=paragraphs(said["opening"]),
        items=items,
        upcoming_said=paragraphs(said["upcoming"]) if late and early else (),
        upcoming=upcoming,
        interest=interest_table(notice, reader, words),
        sums=() if notice.closes else sums_of(notice, reader, words),
        basis=basis_of(notice, words),
        request=paragraphs(said["request"]),
        costs=paragraphs(said["costs"]),
        payment=None if notice.closes else payment_of(notice, fields["quoting"], reader, words),
        remark=paragraphs(said["remark"]),
        listed=table_of(notice.listed, notice.currency, reader, words, asked_on=None),
        closing=one_line(said["closing"]),
        workings=workings_of(notice.charged.interest, notice.currency, reader, words),
    )
    needed = [part for part in NEVER_EMPTY if not notice.closes or part != NEVER_ASKED]
    if missing := [part for part in needed if not getattr(letter, part)]:
        raise TemplateRuntimeError(f"a letter of stage {notice.stage} has no {missing[0]}: {{% block {missing[0]} %}}")
    if missed := lacking(letter, notice, reader):
        raise ValueError(f"a letter of stage {notice.stage} lacks what it must say: {missed}")
    return letter


def fields_of(notice: Notice, reader: Reader) -> Mapping[str, Any]:
    """What templates may speak of; all text is one line, whatever the data hold."""
    late, early = overdue_and_upcoming(notice)
    last_due_on = max((line.due_on for line in notice.lines), default=notice.as_of)
    numbers = [one_line(line.number) for line in notice.lines]
    quoted = ", ".join(number for number in map(one_line, (line.number for line in late or early)) if number)
    scheme = notice.creditor.reference_scheme
    reference = shown(scheme, reference_of(scheme, notice.notice_id)) if scheme else ""
    numbered = not reference and 0 < len(quoted) <= REMITTANCE_MAX
    # Nobody is asked to pay before the due date.
    deadline_on = notice.deadline_on
    if not late and deadline_on and deadline_on < last_due_on:
        deadline_on = None
    return {
        "entity": one_line(notice.creditor.name),
        "debtor": one_line(notice.debtor_name),
        "account": one_line(notice.account),
        "today": reader.long_date(notice.as_of),
        "reference": notice.notice_id,
        "country": reader.locale.territory,
        "count": len(notice.lines),
        "late": len(late),
        "early": len(early),
        "listed": len(notice.listed),
        "number": shortened(numbers[0], NUMBER_MAX) if len(numbers) == 1 else "",
        "numbered": numbered,
        "payment_reference": reference.replace(" ", "\N{NO-BREAK SPACE}"),
        "quoting": quoted if numbered else reference or str(notice.notice_id),
        "last_due": reader.long_date(last_due_on),
        "deadline": reader.long_date(deadline_on) if deadline_on else None,
        "total": reader.money(notice.total_minor, notice.currency),
        "due_today": bool(notice.lines) and all(line.due_on == notice.as_of for line in notice.lines),
        "in_part": any(line.amount_minor != line.original_minor for line in late),
        "plain": not notice.charges and not notice.charged.sum_minor,
        "interest": _sum(notice.charged.interest_minor, notice, reader),
        "costs_to_come": _sum(notice.charged.costs_to_come_minor, notice, reader),
        "costs_days": notice.charged.costs_days,
    }


def _sum(amount_minor: int, notice: Notice, reader: Reader) -> str:
    return reader.money(amount_minor, notice.currency) if amount_minor else ""


def _cleared(creditor: Creditor) -> Creditor:
    """The same, with every text kept to one line."""

    def lines(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(text for line in texts if (text := one_line(line)))

    return Creditor(
        name=one_line(creditor.name),
        address_lines=lines(creditor.address_lines),
        email=one_line(creditor.email),
        phone=one_line(creditor.phone),
        iban=one_line(creditor.iban),
        bic=one_line(creditor.bic),
        bank_name=one_line(creditor.bank_name),
        footer_lines=lines(creditor.footer_lines),
        reference_scheme=creditor.reference_scheme,
    )
