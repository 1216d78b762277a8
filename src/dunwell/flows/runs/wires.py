"""Which channel a delivery goes over, and what is put on record on the way, so that nobody has to guess afterwards.

Of the outbox one can tell later what has been made. Of a mail nobody can: so a few at a time are marked as being on the
wire before they are, and how they went is kept before the next few.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, Q

from dunwell.channels.envelope import Envelope, Receipt
from dunwell.channels.errors import InDoubt, Permanent, Temporary
from dunwell.channels.outbox import Outbox
from dunwell.channels.smtp import Server, Smtp
from dunwell.config import smtp_server
from dunwell.letters.notice import Message
from dunwell.records.models import Attempt, Delivery, DeliveryState

NOTICES_AT_ONCE: Final = 200
MAILS_AT_ONCE: Final = 20  # as many are in doubt at most when a process dies
SENDING_MAX: Final = timedelta(minutes=4)  # of a few, so that the lease does not run out meanwhile
RETRY_SECONDS: Final = 300  # of what somebody else found out, and did not live to note
GIVE_UP_AFTER: Final = timedelta(days=3)  # of a message that its recipient's server puts off
PUT_OFF: Final = "put_off"  # the outcome of an attempt that was such; where the server failed, it is `retrying`
DOUBLINGS_MAX: Final = 6  # of the time between two attempts
NOT_MADE: Final = "whoever was to send it was gone before it was sent"
GONE_WHILE_SENDING: Final = (
    "whoever was sending it was gone before the mail server's answer was on record: look into the server's log,"
    " or ask the debtor"
)


class Outcome(NamedTuple):
    """How a delivery went: its state, where it went or why not, and when to try again.

    `of_message`: what is wrong is wrong with this message, not with the way. `note`: what else is to be known of one
    that was sent. `at`: when it was, where that is not when it is put on record.
    """

    state: str
    detail: str
    retry_after_seconds: int = 0
    of_message: bool = False
    note: str = ""
    at: datetime | None = None


class Parcel(NamedTuple):
    """A delivery with all that a channel needs."""

    delivery: Delivery
    envelope: Envelope
    message: Message


Held: TypeAlias = Callable[[Sequence[Delivery], datetime], Sequence[Delivery]]


class Wires:
    """The channels of an installation: mail over SMTP where it has a server for that, else all goes to the outbox."""

    def __init__(self) -> None:
        """Take the channels from the settings; nothing is opened yet."""
        url = settings.CONFIG.smtp_url
        self.outbox = Outbox(settings.CONFIG.outbox_dir)
        self._smtp = Smtp(Server(**smtp_server(url.get_secret_value()))) if url else None

    @property
    def at_once(self) -> int:
        """How many notices are claimed, looked at once more and sent before the next are: mails take their time."""
        return MAILS_AT_ONCE if self._smtp else NOTICES_AT_ONCE

    def close(self) -> None:
        """End the connections."""
        if self._smtp:
            self._smtp.close()

    def send(self, parcels: Sequence[Parcel], *, clock: Callable[[], datetime], held: Held) -> dict[int, Outcome]:
        """Send parcels; return how they went by delivery. `held`: those of some deliveries that are still ours.

        What is not ours any more by the time it would go over a wire does not, and has no outcome.
        """
        mailed = "email" if self._smtp else None
        mails = [parcel for parcel in parcels if parcel.delivery.channel == mailed]
        others = [parcel for parcel in parcels if parcel.delivery.channel != mailed]
        sent = self.outbox.send_all((parcel.envelope, parcel.message) for parcel in others)
        outcomes = {parcel.delivery.pk: _outcome(each) for parcel, each in zip(others, sent, strict=True)}
        rest = iter(mails)
        while self._smtp and (some := list(islice(rest, MAILS_AT_ONCE))):
            outcomes |= _mailed(self._smtp, some, clock, held)
        return _patient(outcomes, clock)

    def found(self, deliveries: Sequence[tuple[Delivery, Envelope]]) -> dict[int, Outcome]:
        """Tell how deliveries went whose sender is gone, by what is on record and in the outbox. Errors: OSError."""
        ids = [delivery.pk for delivery, _envelope in deliveries]
        last = {each.delivery_id: each for each in Attempt.objects.filter(delivery__in=ids).order_by("number")}
        return {delivery.pk: self._found(last.get(delivery.pk), envelope) for delivery, envelope in deliveries}

    def _found(self, attempt: Attempt | None, envelope: Envelope) -> Outcome:
        if attempt and attempt.ended_at:
            return _known(attempt)
        if attempt and attempt.wire_at:
            return Outcome(DeliveryState.IN_DOUBT, GONE_WHILE_SENDING)
        if receipt := self.outbox.made(envelope):
            return Outcome(DeliveryState.SENT, str(receipt.path), at=attempt.started_at if attempt else None)
        return Outcome(DeliveryState.QUEUED, NOT_MADE)


def end_attempts(outcomes: Mapping[int, Outcome], at: datetime) -> None:
    """Put on record how attempts went that have not ended yet, by delivery."""
    alike: dict[tuple[str, str], list[int]] = {}
    for delivery_id, outcome in outcomes.items():
        why = outcome.note if outcome.state == DeliveryState.SENT else outcome.detail
        how = PUT_OFF if outcome.state == DeliveryState.RETRYING and outcome.of_message else outcome.state
        alike.setdefault((how, why), []).append(delivery_id)
    for (how, why), ids in alike.items():
        begun = Attempt.objects.filter(delivery__in=ids, ended_at=None)
        begun.update(ended_at=at, outcome=how, error=why)


def _known(attempt: Attempt) -> Outcome:
    """How an attempt went that has ended, as `end_attempts` has put it on record."""
    if attempt.outcome == DeliveryState.SENT:
        return Outcome(DeliveryState.SENT, "", note=attempt.error, at=attempt.ended_at)
    if attempt.outcome == PUT_OFF:
        return Outcome(DeliveryState.RETRYING, attempt.error, RETRY_SECONDS, of_message=True)
    return Outcome(attempt.outcome, attempt.error, RETRY_SECONDS)


def _mailed(smtp: Smtp, parcels: Sequence[Parcel], clock: Callable[[], datetime], held: Held) -> dict[int, Outcome]:
    """Send a few mails, marked before and put on record after; also where we are interrupted in between."""
    with transaction.atomic():
        at = clock()
        ours = {delivery.pk for delivery in held([parcel.delivery for parcel in parcels], at)}
        Attempt.objects.filter(delivery__in=ours, ended_at=None).update(wire_at=at)
    mine = [parcel for parcel in parcels if parcel.delivery.pk in ours]
    outcomes: dict[int, Outcome] = {}
    in_hand = 1  # where we are interrupted, it may have left
    try:
        sent = smtp.send_all(((parcel.envelope, parcel.message) for parcel in mine), at=at)
        for parcel, each in zip(mine, sent, strict=True):
            outcomes[parcel.delivery.pk] = _outcome(each)._replace(at=at)
            if clock() - at > SENDING_MAX:  # a slow server: nobody may take the rest for begun when the lease runs out
                break
        in_hand = 0
    finally:
        not_begun = [parcel.delivery.pk for parcel in mine[len(outcomes) + in_hand :]]
        with transaction.atomic():
            end_attempts(outcomes, clock())
            Attempt.objects.filter(delivery__in=not_begun, ended_at=None).update(wire_at=None)
    return outcomes


def _outcome(sent: Receipt | Temporary | Permanent | InDoubt) -> Outcome:
    match sent:
        case Receipt():
            return Outcome(DeliveryState.SENT, str(sent.path or ""), note=sent.note)
        case Temporary():
            return Outcome(DeliveryState.RETRYING, sent.reason, sent.retry_after_seconds, sent.of_message)
        case InDoubt():
            return Outcome(DeliveryState.IN_DOUBT, sent.reason)
    return Outcome(DeliveryState.FAILED, sent.reason)


def _patient(outcomes: dict[int, Outcome], clock: Callable[[], datetime]) -> dict[int, Outcome]:
    """Let the time between attempts double, and give a message up that has been put off for days."""
    waiting = [delivery_id for delivery_id, outcome in outcomes.items() if outcome.state == DeliveryState.RETRYING]
    if not waiting:
        return outcomes
    at = clock()
    tried = Attempt.objects.filter(delivery__in=waiting).values("delivery_id")
    put_off = Q(outcome=PUT_OFF)
    times, first = Count("pk", filter=put_off), Min("started_at", filter=put_off)
    patient = dict(outcomes)
    for row in tried.annotate(n=Count("pk"), times=times, first=first):
        outcome = outcomes[row["delivery_id"]]
        if outcome.of_message and row["first"] and at - row["first"] >= GIVE_UP_AFTER:
            why = f"given up after {row['times']} attempts in {(at - row['first']).days} days: {outcome.detail}"
            patient[row["delivery_id"]] = Outcome(DeliveryState.FAILED, why)
        else:
            seconds = outcome.retry_after_seconds * 2 ** min(row["n"] - 1, DOUBLINGS_MAX)
            patient[row["delivery_id"]] = outcome._replace(retry_after_seconds=seconds)
    return patient
