"""Letters on one core, from the notice to the PDF; the floor draws the codes and lets Typst set the same pages."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import segno

from bench.harness import measure, report
from dunwell.letters.letter import compose
from dunwell.letters.notice import Charged, ChargeLine, Creditor, Line, Notice
from dunwell.letters.wording import shipped
from dunwell.letters.write import typeset, write

DAY: Final = date(2026, 4, 3)
LANGUAGES: Final = ("de", "en", "fr")
ITEMS: Final = 3
LONG: Final = 300


def main(n: int = 300) -> None:
    """Measure letters of three items, long ones, and the messages without paper."""
    floor = measure(bare, n, ITEMS)
    report("letters: code and compile", n, floor)
    report("letters: on paper", n, measure(on_paper, n, ITEMS), floor)
    few = max(1, n // 30)
    floor = measure(bare, few, LONG)
    report("letters: code and compile, long", few, floor)
    report("letters: on paper, long", few, measure(on_paper, few, LONG), floor)
    report("letters: text and HTML", n, measure(as_mail, n, ITEMS))


def on_paper(n: int, items: int) -> Callable[[], object]:
    """Prepare to typeset notices, each another one."""
    notices = iter(_notices(n * 4, items))
    typeset(next(notices))
    return lambda: [typeset(notice) for notice, _ in zip(notices, range(n), strict=False)]


def as_mail(n: int, items: int) -> Callable[[], object]:
    """Prepare to write notices as text and HTML."""
    notices = iter(_notices(n * 4, items))
    write(next(notices))
    return lambda: [write(notice) for notice, _ in zip(notices, range(n), strict=False)]


def bare(n: int, items: int) -> Callable[[], object]:
    """Prepare the floor: what each code says and what each page shows are there already."""
    from dunwell.letters.layouts import pdf

    letters = [compose(notice, shipped()) for notice in _notices(n * 4, items)]
    ready = iter([(letter.payment, json.dumps(pdf.data_of(letter), ensure_ascii=False)) for letter in letters])
    compiler = pdf.new_compiler()
    stamp = datetime.combine(DAY, time(), UTC)

    def do() -> None:
        for (payment, data), _ in zip(ready, range(n), strict=False):
            assert payment is not None
            segno.make_qr(payment.code_text, error="m", boost_error=False, mask=4, encoding="utf-8")
            compiler.compile(
                input=pdf.page(),
                sys_inputs={"letter": data},
                format="pdf",
                pdf_standards=pdf.STANDARDS,
                timestamp=stamp,
            )

    return do


def _notices(n: int, items: int) -> list[Notice]:
    lines = [
        Line(
            number=f"RE-2026-{number:05}", issued_on=DAY - timedelta(60 + number), due_on=DAY - timedelta(30 + number),
            days_past_due=30 + number, amount_minor=11_900 + number, original_minor=11_900 + number,
        )
        for number in range(items)
    ]  # fmt: skip
    due = sum(line.amount_minor for line in lines)
    first = Notice(
        notice_id=1, account="C-1", debtor_name="Müller & Söhne KG", address_lines=("Hauptstraße 1", "80331 München"),
        language="de", country=None, currency="EUR", as_of=DAY, deadline_on=DAY + timedelta(10),
        stage="second_reminder", lines=tuple(lines), charges=(ChargeLine(number="M-12", amount_minor=500),),
        charged=Charged(fee_minor=500), due_minor=due, charges_minor=500, total_minor=due + 1000,
        creditor=Creditor(
            name="Nordwind Handels GmbH", address_lines=("Speicherstraße 12", "20457 Hamburg"),
            phone="+49 40 5550-120", email="buchhaltung@nordwind.example",
            iban="DE02120300000000202051", bic="BYLADEM1001",
            bank_name="Deutsche Kreditbank Berlin", footer_lines=("Amtsgericht Hamburg, HRB 104512",),
        ),
    )  # fmt: skip
    return [
        replace(
            first,
            notice_id=number,
            language=LANGUAGES[number % 3],
            debtor_name=f"Müller & Söhne KG {number}",
            lines=tuple(replace(line, number=f"{line.number}-{number}") for line in lines),
        )
        for number in range(n)
    ]
