"""Bank lines that nobody can tell are asked of people: a task each, with the best guesses, until it is dealt with."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Final

from dunwell.engine.money import format_minor
from dunwell.flows.cash.guessing import Names
from dunwell.flows.cash.taking_back import Earlier, TakingBack
from dunwell.records.models import BankLine, BankMatch, Entity, Task

KIND: Final = "bank_line"


def ask_about(
    entity: Entity, lines: Iterable[BankLine], unknown: Mapping[int, BankMatch], *, on: date, by: str, at: datetime
) -> None:
    """Open a task for each of some waiting lines of which nobody can tell whose it is, and end those of the others.

    `unknown`: what was found of such lines, by line. In the caller's transaction.
    """
    names = Names(unknown.values())
    details = {line.pk: _detail(line, unknown[line.pk], names) for line in lines if line.pk in unknown}
    _ask(entity, [line.pk for line in lines], details, on=on, by=by, at=at)


def ask_about_returns(entity: Entity, returns: Iterable[TakingBack], *, on: date, by: str, at: datetime) -> None:
    """Open a task for each line by which a bank took something back, and that waits. In the caller's transaction."""
    details = {each.line.pk: _detail_of_return(each) for each in returns}
    _ask(entity, list(details), details, on=on, by=by, at=at)


def _ask(
    entity: Entity, line_ids: Collection[int], details: Mapping[int, str], *, on: date, by: str, at: datetime
) -> None:
    """Ask what `details` say, by line, and end the tasks of the other lines."""
    asked = {
        task.line_id: task
        for task in Task.objects.filter(line__in=line_ids, closed_at=None)
        if task.line_id is not None
    }
    Task.objects.bulk_create(
        Task(entity=entity, line_id=line_id, kind=KIND, detail=detail, opened_on=on)
        for line_id, detail in details.items()
        if line_id not in asked
    )
    for line_id, task in asked.items():
        if task.detail != details.get(line_id, task.detail):
            task.detail = details[line_id]
            task.save(update_fields=["detail"])
    answered([line_id for line_id in asked if line_id not in details], by=by, at=at)


def answered(line_ids: Collection[int], *, by: str, at: datetime) -> None:
    """End the tasks of lines that are dealt with, in the caller's transaction."""
    tasks = Task.objects.filter(line__in=line_ids, closed_at=None)
    tasks.update(closed_at=at, closed_by=by)


def _detail(line: BankLine, match: BankMatch, names: Names) -> str:
    """What a bank says of a line, and what it could be for."""
    said = line.reference or " ".join(line.text.split())
    told = (
        f"bank line {line.pk}: {format_minor(line.amount_minor, line.currency)} on {line.booked_on} "
        f"from {line.party_name or 'somebody'}{f' ({said})' if said else ''}"
    )
    guesses = [
        f"{guess.account or '?'} {', '.join(guess.items) or 'on account'} "
        f"({guess.confidence_permille / 10:.1f} %: {guess.why})"
        for guess in names.guesses(match)
    ]
    return f"{told}; perhaps {' or '.join(guesses)}" if guesses else told


def _detail_of_return(back: TakingBack) -> str:
    """What a bank took back, and what that could be."""
    line = back.line
    amount, said = format_minor(abs(line.amount_minor), line.currency), line.reference or " ".join(line.text.split())
    what = f"the bank took {amount} back" if line.amount_minor < 0 else f"the bank gave {amount} back"
    guesses = [_earlier(each, line.currency) for each in back.earlier]
    return (
        f"bank line {line.pk}: {what} on {line.booked_on}{f' ({said})' if said else ''}"
        f"{'; perhaps ' if guesses else ''}{' or '.join(guesses)}"
    )


def _earlier(earlier: Earlier, currency: str) -> str:
    of = f" of {earlier.party}" if earlier.party else ""
    to = f" to {', '.join(earlier.accounts)}" if earlier.accounts else ""
    return (
        f"{earlier.called}, {format_minor(earlier.amount_minor, currency)} on {earlier.booked_on}{of}{to} "
        f"({earlier.confidence_permille / 10:.1f} %: {earlier.why})"
    )
