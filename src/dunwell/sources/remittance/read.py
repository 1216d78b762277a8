"""Read an advice of any kind, by what is in the file and not by what it is called."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from dunwell.sources.problems import Problems
from dunwell.sources.remittance import apart, mapped, pdf, tables
from dunwell.sources.remittance.advice import Advice
from dunwell.sources.remittance.mapping import AdviceMapping
from dunwell.sources.remittance.recognise import advice_in

Reader: TypeAlias = Callable[[Path, Problems], list[Advice]]


def reader(mapping: AdviceMapping | None, *, currency: str) -> Reader:
    """Return a reader of advices: by a mapping, or of tables and PDFs as they are, in `currency` unless they say it."""

    def read(path: Path, problems: Problems) -> list[Advice]:
        """Errors: OSError."""
        with apart.harmless(path, problems) as table:
            if table is None:
                return []
            if mapping is not None:
                return mapped.read(table, mapping, problems)
            if pdf.is_pdf(table):
                return _of_pdf(table, problems, currency)
            return _of_table(table, problems, currency)

    return read


def _of_table(path: Path, problems: Problems, currency: str) -> list[Advice]:
    """The advice of a table, or what is wrong with it."""
    rows = tables.rows_of(path, problems)
    found = None if problems.count else advice_in(rows, problems, currency=currency, heading_max=tables.HEADING_MAX)
    if found is None and rows and (count := tables.without_values(path)):
        problems.add(1, "", f"{count:,} formulas of the workbook keep no value: open it in Excel, and save it again")
    return [found] if found else []


def _of_pdf(path: Path, problems: Problems, currency: str) -> list[Advice]:
    """The advice of a PDF, however close its columns stand; else what is wrong where they stand as most do."""
    pages = pdf.pages_of(path, problems)
    if problems.count:
        return []
    for gap in pdf.GAPS:
        found = advice_in(pdf.rows_of(pages, gap), Problems(problems.source), currency=currency)
        if found:
            return [found]
    advice_in(pdf.rows_of(pages, pdf.GAPS[0]), problems, currency=currency)
    return []
