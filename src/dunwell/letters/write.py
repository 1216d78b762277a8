"""`write`: a notice becomes a message in the debtor's language."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, cast

from jinja2 import PackageLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import SandboxedEnvironment

from dunwell.letters.items import Words, set_items
from dunwell.letters.notice import Message, Notice
from dunwell.letters.plain import one_line, paragraph, shortened
from dunwell.letters.reader import Reader, reader_of

STAGES: Final = ("courtesy", "reminder", "second_reminder", "escalation", "final")
OTHER_STAGE: Final = "notice"
NUMBER_MAX: Final = 40  # of an invoice number within a sentence or subject; tables have it whole


def write(notice: Notice) -> Message:
    """Write a notice in the language of its reader, with money and dates as they are read there.

    A stage whose name has no template of its own is written as a plain notice. The text is wrapped at 78 columns.
    """
    reader = reader_of(notice.language, notice.country)
    stage = notice.stage if notice.stage in STAGES else OTHER_STAGE
    template = _environment().get_template(f"{reader.language}/{stage}.txt")
    subject, _, text = template.render(_said(notice, reader)).partition("\n")
    return Message(subject=subject, text=_spaced(text), html="", language=reader.language)


@cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=PackageLoader("dunwell.letters"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html",)),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["paragraph"] = paragraph
    return environment


@cache
def _words(language: str) -> Words:
    return cast("Words", _environment().get_template(f"{language}/words.txt").module)


def _said(notice: Notice, reader: Reader) -> Mapping[str, Any]:
    """What templates may speak of; all text is one line, whatever the data hold."""
    late = sum(line.days_past_due > 0 for line in notice.lines)
    last_due_on = max(line.due_on for line in notice.lines)
    numbers = [one_line(line.number) for line in notice.lines]
    # Nobody is asked to pay before the due date.
    deadline_on = notice.deadline_on
    if not late and deadline_on and deadline_on < last_due_on:
        deadline_on = None
    debtor = [one_line(text) for text in (notice.debtor_name, *notice.address_lines)]
    return {
        "entity": one_line(notice.entity_name),
        "debtor": "\n".join(paragraph(text) for text in debtor if text),
        "today": reader.long_date(notice.as_of),
        "reference": notice.notice_id,
        "country": reader.locale.territory,
        "count": len(notice.lines),
        "late": late,
        "early": len(notice.lines) - late,
        "number": shortened(numbers[0], NUMBER_MAX) if len(numbers) == 1 else "",
        "numbered": any(numbers),
        "last_due": reader.long_date(last_due_on),
        "deadline": reader.long_date(deadline_on) if deadline_on else None,
        "total": reader.money(notice.total_minor, notice.currency),
        "due_today": all(line.due_on == notice.as_of for line in notice.lines),
        "in_part": any(line.amount_minor != line.original_minor for line in notice.lines if line.days_past_due > 0),
        "plain": not notice.charges and not notice.fee_minor,
        "items": set_items(notice, reader, _words(reader.language)),
    }


def _spaced(text: str) -> str:
    """One blank line between the parts of a letter, however many of them do not apply."""
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"
