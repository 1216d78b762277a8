"""What an account would be sent, without anything coming of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.decide import decide
from dunwell.engine.law.series import series_of
from dunwell.engine.plan import Plan
from dunwell.engine.policy.model import Policy
from dunwell.flows import policies
from dunwell.flows.entities import account_called
from dunwell.flows.errors import Conflict, Invalid
from dunwell.flows.law.rated import with_rates
from dunwell.flows.runs.charged import Background
from dunwell.flows.runs.letters import Row, letters_of, writable
from dunwell.flows.wording import words_in_force
from dunwell.letters.notice import Notice
from dunwell.letters.wording import Wording
from dunwell.letters.write import write, write_out
from dunwell.records import frames, proposals
from dunwell.records.models import Entity


@dataclass(frozen=True)
class Preview:
    """A notice as it would read, and where it would go; `letter` is the PDF, where it was asked for."""

    stage: str
    channels: str
    recipients: str
    subject: str
    text: str
    html: str
    letter: bytes = b""


def preview_account(entity: Entity, code: str, *, as_of: date, on_paper: bool = False) -> list[Preview]:
    """Write what the payer of an account would be sent on `as_of`, `on_paper` too. Errors: NotFound, Invalid."""
    account = account_called(entity, code)
    rules = policies.parsed(policies.versions_in_force(entity))
    book = with_rates(frames.account_book([account.pk]), rules)
    plan = decide(book, rules, as_of)
    notices = plan.notices.with_columns(notice_id=pl.col("notice_no"), as_of=pl.lit(as_of)).to_dicts()
    lines = plan.lines.with_columns(notice_id=pl.col("notice_no")).to_dicts()
    charges = plan.charges.with_columns(notice_id=pl.col("notice_no")).to_dicts()
    letters = letters_of(entity, notices, lines, charges=charges, background=_background(book, plan, rules))
    words = words_in_force()
    return [_preview(notice, letters[notice["notice_id"]], words, on_paper=on_paper) for notice in notices]


def _background(book: Book, plan: Plan, rules: Sequence[Policy]) -> Background:
    """What the charges of a plan rest on, as it was decided."""
    base = pl.col("open_minor") - pl.col("disputed_minor") - pl.col("credited_minor")
    bases = dict(plan.decisions.select("item_id", base).iter_rows())
    return Background(book, {policy.policy: policy for policy in rules}, series_of(book), bases)


def _preview(notice: Row, letter: Notice | str, words: Wording, *, on_paper: bool) -> Preview:
    if isinstance(letter, str):
        raise Invalid(letter)
    try:
        with writable():
            message = write_out(letter, words) if on_paper else write(letter, words)
    except Conflict as error:
        raise Invalid(str(error)) from None
    reached = dict(proposals.recipients([notice["payer_id"]]).select("channel", "recipient").iter_rows())
    channels = [channel for channel in notice["channels"].split(",") if channel]
    return Preview(
        stage=notice["stage"],
        channels=notice["channels"],
        recipients=", ".join(f"{reached[channel]} ({channel})" for channel in channels),
        subject=message.subject,
        text=message.text,
        html=message.html,
        letter=message.letter,
    )
