"""Note that somebody spoke with a debtor, or wrote to them, otherwise than by a notice."""

from datetime import date, datetime
from typing import Final

from django.db import transaction

from dunwell.engine.events import Contacted
from dunwell.flows.entities import account_called
from dunwell.flows.errors import Invalid
from dunwell.flows.happening import Told, let_happen
from dunwell.flows.plausible import require_past
from dunwell.records import bulk
from dunwell.records.models import Entity, NotedContact

CHANNEL_MAX: Final = 40


def note_contact(entity: Entity, account: str, *, channel: str, note: str, on: date, by: str, at: datetime) -> int:
    """Note a contact, which counts towards what policies allow in seven days; return its number.

    Errors: NotFound; Invalid for a channel without a name, or too long a one, and a day that is yet to come.
    """
    channel = channel.strip()
    if not channel or len(channel) > CHANNEL_MAX:
        raise Invalid(f"say how, in at most {CHANNEL_MAX} characters, such as phone or visit")
    require_past("a contact", on, entity, at)
    about = account_called(entity, account)
    with transaction.atomic():
        contact_id = int(bulk.allocate_ids(NotedContact, 1)[0])
        event = Contacted(on=on, contact_id=contact_id, account_id=about.pk, channel=channel)
        detail = {"contact": contact_id, "channel": channel, "note": note}
        told = Told(what="contact.noted", about=about, detail=detail, columns={"contacts": {"note": note}})
        let_happen(entity, event, told, on=on, by=by, at=at)
    return contact_id
