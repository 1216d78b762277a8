"""What posting reads of a proposal: only what was asked for, as it is now."""

from dunwell.engine.since import AMOUNTS
from dunwell.records import proposals
from dunwell.records.models import Contact, Entity
from tests.records.sample import ODD


def test_a_payer_is_reached_by_the_first_contact_that_has_the_channel(book: Entity) -> None:
    Contact.objects.all().delete()
    for email, address in (("", ODD[2]), ("first@a.example", "later"), ("second@a.example", "")):
        Contact.objects.create(account_id=1, email=email, address_lines=address)
    Contact.objects.create(account_id=2, phone="+49 30 1")
    found = proposals.recipients([1, 3])
    assert sorted(found.iter_rows()) == [(1, "email", "first@a.example"), (1, "letter", ODD[2])]


def test_items_are_as_they_are_now_and_a_first_version_is_0(book: Entity) -> None:
    found = proposals.items_now([101, 108])
    assert sorted(found.select("item_id", "version").iter_rows()) == [(101, 7), (108, 0)]
    assert found.columns == ["item_id", "version", *AMOUNTS]
    assert found.filter(item_id=101).row(0)[2:4] == (1000, 50)


def test_of_nothing_there_is_nothing(book: Entity) -> None:
    for read in (proposals.lines, proposals.items_now, proposals.charges, proposals.recipients):
        assert read([]).is_empty()
