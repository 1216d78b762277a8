"""Read an advice of any kind, by what is in the file and not by what it is called."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from dunwell.sources.problems import Problems
from dunwell.sources.remittance import mapped, pdf, tables
from dunwell.sources.remittance.advice import Advice
from dunwell.sources.remittance.mapping import AdviceMapping
from dunwell.sources.remittance.recognise import advice_in

Reader: TypeAlias = Callable[[Path, Problems], list[Advice]]


def reader(mapping: AdviceMapping | None, *, currency: str) -> Reader:
    """Return a reader of advices: by a mapping, or of tables and PDFs as they are, in `currency` unless they say it."""

    def read(path: Path, problems: Problems) -> list[Advice]:
        """Errors: OSError."""
        if mapping is not None:
            return mapped.read(path, mapping, problems)
        if pdf.is_pdf(path):
            rows, heading_max = pdf.rows_of(path, problems), None
        else:
            rows, heading_max = tables.rows_of(path, problems), tables.HEADING_MAX
        if problems.count:
            return []
        found = advice_in(rows, problems, currency=currency, heading_max=heading_max)
        return [found] if found else []

    return read
