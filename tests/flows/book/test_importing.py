"""A file of items into the book: all of it or nothing, twice as good as once, and never over what Dunwell knows."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dunwell.engine.advance import advance
from dunwell.engine.events import Event, Paid, Reversed
from dunwell.flows.book.importing import ImportReport, import_items
from dunwell.flows.errors import Invalid, NotFound
from dunwell.records import bulk, frames
from dunwell.records.models import Account, AttributeType, AuditEvent, Contact, Entity, Item, ItemState, Payment
from tests.sources.files import HEADER, MAPPING, ROWS, csv

NOON = datetime(2026, 4, 7, 12, tzinfo=UTC)
DAY = date(2026, 4, 7)
OPEN = MAPPING.replace("amount: {column: amount}", "open: {column: amount}")


class Desk:
    """Where files arrive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bring(self, content: str, more: str = "", mapping: str = MAPPING, on: date = DAY) -> ImportReport:
        """Import a file."""
        file, mapping_file = self.folder / "items.csv", self.folder / "map.yaml"
        file.write_text(content)
        mapping_file.write_text(mapping + more)
        return import_items(file, mapping_file, by="anna", at=NOON, on=on)

    def refused(self, content: str, more: str = "", mapping: str = MAPPING) -> str:
        """Import a file that is refused, and see that nothing was written."""
        before = everything()
        with pytest.raises(Invalid) as caught:
            self.bring(content, more, mapping)
        assert everything() == before
        return str(caught.value)


@pytest.fixture
def desk(db: str, tmp_path: Path) -> Desk:
    """A desk before an empty book."""
    return Desk(tmp_path)


def test_how_far_it_is_is_told_by_step(db: str, tmp_path: Path) -> None:
    file, mapping = tmp_path / "items.csv", tmp_path / "map.yaml"
    file.write_text(csv())
    mapping.write_text(MAPPING)
    told: list[tuple[str, int, int]] = []

    def tell(step: str, done: int = 0, total: int = 0) -> None:
        told.append((step, done, total))

    import_items(file, mapping, by="anna", at=NOON, on=DAY, progress=tell)
    size = file.stat().st_size
    assert told == [
        ("reading items.csv", 0, 0), ("reading items.csv", size, size), ("writing accounts", 0, 0),
        ("writing items", 0, 0),
    ]  # fmt: skip


def everything() -> list[object]:
    """Every row that an import could touch."""
    models = (Entity, Account, Contact, Item, ItemState, AttributeType, Payment, AuditEvent)
    return [list(model.objects.order_by("pk").values()) for model in models]


def happen(*events: Event) -> None:
    """Let events about ACME's items happen, as the cash desk would."""
    book = frames.account_book(Account.objects.values_list("pk", flat=True))
    _after, effects = advance(book, events)
    for effect in effects:
        bulk.save(effect.changes, on=DAY)


def pay(number: str, amount_minor: int) -> int:
    """Receive money for an item; returns the payment's id."""
    item = Item.objects.get(number=number)
    payment_id = bulk.allocate_ids(Item, 1)[0]
    happen(
        Paid(on=DAY, item_id=payment_id, account_id=item.account_id, entity_id=item.entity_id, currency=item.currency,
             amount_minor=amount_minor, applies_to=[item.pk])
    )  # fmt: skip
    return int(payment_id)


def open_minor(number: str) -> int:
    """What the book has open of an item."""
    return int(Item.objects.get(number=number).open_minor)


def test_a_file_fills_an_empty_book(desk: Desk) -> None:
    report = desk.bring(csv(), "entities: {ACME: {name: Acme AG, country: CH}}\n")
    assert (report.entities_added, report.accounts.added, report.items.added) == (1, 2, 3)
    entity = Entity.objects.get()
    assert (entity.code, entity.name, entity.currency, entity.country) == ("ACME", "Acme AG", "EUR", "CH")
    item = Item.objects.select_related("account").get(number="A-18")
    assert (item.account.code, item.account.name, item.kind) == ("00042", "Meyer GmbH", "invoice")
    assert (item.amount_minor, item.open_minor, item.due_on, item.closed_on) == (2050, 2050, date(2026, 4, 1), None)
    assert not ItemState.objects.exists()  # level 0
    book = frames.book(entity.pk, as_of=DAY)
    assert book.items.select("number", "level", "open_minor").sort("number").rows() == [
        ("A-17", 0, 10000), ("A-18", 0, 2050), ("A-19", 0, 1000),
    ]  # fmt: skip


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    more = "attributes: {terms: {column: name}}\nemail: {column: mail}\n"
    content = csv(*(row + ",ap@meyer.example" for row in ROWS), header=HEADER + ",mail")
    desk.bring(content, more)
    before = everything()[:-1]
    report = desk.bring(content, more)
    assert everything()[:-1] == before
    assert (report.items.added, report.items.changed, report.items.unchanged) == (0, 0, 3)
    assert (report.accounts.added, report.accounts.changed, report.accounts.unchanged) == (0, 0, 2)
    assert [(each.file_items, each.file_minor) == (each.book_items, each.book_minor) for each in report.totals] == [
        True,
        True,
    ]


def test_the_import_leaves_an_audit_event(desk: Desk) -> None:
    report = desk.bring(csv())
    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.at, event.entity_id) == (
        "anna",
        "items.imported",
        NOON,
        Entity.objects.get().pk,
    )
    counts = {"rows": 3, "items_added": 3, "items_changed": 0, "accounts_added": 2, "accounts_changed": 0}
    assert event.detail == {"file": "items.csv", "digest": report.digest, **counts}


def test_changed_rows_are_taken_over_and_the_level_stays(desk: Desk) -> None:
    desk.bring(csv(), mapping=OPEN)
    first, second = Item.objects.get(number="A-17"), Item.objects.get(number="A-18")
    ItemState.objects.create(item=first, level=2, stage="reminder", version=2)
    changed = csv(ROWS[0].replace("100.00", "60.00").replace("2026-03-31", "2026-04-15"), ROWS[1].replace("20.5", "0"))
    report = desk.bring(changed, mapping=OPEN)
    assert (report.items.changed, report.items.unchanged) == (2, 0)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.amount_minor, first.open_minor, first.due_on) == (10000, 6000, date(2026, 4, 15))
    assert (second.amount_minor, second.open_minor, second.closed_on) == (2050, 0, DAY)
    assert ItemState.objects.get().level == 2
    assert open_minor("A-19") == 1000  # not in the second file: it stays
    desk.bring(csv(ROWS[1].replace("20.5", "30")), mapping=OPEN)  # more than was known of it
    second.refresh_from_db()
    assert (second.amount_minor, second.open_minor, second.closed_on) == (3000, 3000, None)


def test_what_is_open_in_the_file_never_undoes_a_payment(desk: Desk) -> None:
    desk.bring(csv(), mapping=OPEN)
    payment = pay("A-17", 4000)
    report = desk.bring(csv(), mapping=OPEN)  # the source does not know of it yet
    assert open_minor("A-17") == 6000
    assert report.items.changed == 0
    (warning,) = report.warnings
    assert warning.startswith("1 open by more in the file than payments applied in Dunwell leave, first line 2 (A-17)")
    desk.bring(csv(ROWS[0].replace("100.00", "60.00")), mapping=OPEN)  # now it does
    assert open_minor("A-17") == 6000
    desk.bring(csv(ROWS[0].replace("100.00", "45.00")), mapping=OPEN)  # and of another one
    assert open_minor("A-17") == 4500
    desk.bring(csv(ROWS[0].replace("100.00", "60.00")), mapping=OPEN)  # which came back
    assert open_minor("A-17") == 6000
    happen(Reversed(on=DAY, item_id=payment))
    desk.bring(csv(), mapping=OPEN)
    assert open_minor("A-17") == 10000


def test_a_file_of_amounts_leaves_what_is_open_to_the_book(desk: Desk) -> None:
    desk.bring(csv())
    pay("A-17", 4000)
    assert desk.bring(csv()).items.changed == 0
    assert open_minor("A-17") == 6000
    desk.bring(csv(ROWS[0].replace("100.00", "90.00")))  # invoiced less after all
    assert open_minor("A-17") == 5000
    problem = desk.refused(csv(ROWS[0].replace("100.00", "30.00")))
    assert "items.csv:2: amount: the amount of 'A-17' is less than what is already settled of it" in problem


def test_another_currency_than_the_books_is_refused(desk: Desk) -> None:
    desk.bring(csv())
    problem = desk.refused(csv(ROWS[0], ROWS[1].replace("EUR", "USD")))
    assert (
        "items.csv: 1 problem; nothing was written\nitems.csv:3: currency: 'A-18' is in USD here and in EUR" in problem
    )


def test_a_bad_row_refuses_the_whole_file(desk: Desk) -> None:
    problem = desk.refused(csv(*ROWS[:2], ROWS[2].replace("JPY", "JPX")))
    assert "items.csv: 1 problem; nothing was written\nitems.csv:4: currency: 'JPX' is not" in problem
    many = desk.refused(csv(*(f"ACME,1,N,A-{n},EUR,x,,2026-04-01" for n in range(120))))
    assert many.startswith("items.csv: 120 problems; nothing was written\nitems.csv:2: amount: 'x' is no amount")
    assert many.endswith("\nand 70 more")


def test_a_file_that_is_not_there(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAPPING)
    with pytest.raises(NotFound, match=r"missing\.csv cannot be read: No such file"):
        import_items(tmp_path / "missing.csv", tmp_path / "map.yaml", by="anna", at=NOON, on=DAY)
    with pytest.raises(NotFound, match=r"the mapping .*missing\.yaml cannot be read"):
        import_items(tmp_path / "map.yaml", tmp_path / "missing.yaml", by="anna", at=NOON, on=DAY)
    assert "map.yaml:9: what: unknown key" in desk.refused(csv(), "what: is this\n")


def test_accounts_and_contacts_follow_the_file_but_an_empty_field_says_nothing(desk: Desk) -> None:
    header, more = HEADER + ",mail,seg", "email: {column: mail}\nsegment: {column: seg}\n"
    desk.bring(csv(ROWS[0] + ",ap@meyer.example,key", ROWS[2] + ",,", header=header), more)
    assert Contact.objects.get().email == "ap@meyer.example"
    report = desk.bring(
        csv(ROWS[0].replace("GmbH", "AG") + ",,", ROWS[2] + ",ap@sakura.example,smb", header=header), more
    )
    assert report.accounts.changed == 2
    meyer, sakura = Account.objects.get(code="00042"), Account.objects.get(code="00007")
    assert (meyer.name, meyer.segment, sakura.segment) == ("Meyer AG", "key", "smb")
    assert list(Contact.objects.order_by("pk").values_list("account_id", "email")) == [
        (meyer.pk, "ap@meyer.example"), (sakura.pk, "ap@sakura.example"),
    ]  # fmt: skip
    desk.bring(csv(ROWS[0] + ",new@meyer.example,", header=header), more)
    assert Contact.objects.get(account=meyer).email == "new@meyer.example"


def test_attributes_keep_their_type(desk: Desk) -> None:
    header = HEADER + ",w,d"
    rows = (ROWS[0] + ",1.5,2026-01-02", ROWS[1] + ",,")
    types = "weight: {column: w, type: number}, signed: {column: d, type: date}, note: {column: w, of: account}"
    more = f"attributes: {{{types}}}\n"
    desk.bring(csv(*rows, header=header), more)
    assert Item.objects.get(number="A-17").attributes == {"weight": 1.5, "signed": "2026-01-02"}
    assert Account.objects.get().attributes == {"note": "1.5"}
    assert desk.bring(csv(*rows, header=header), more).items.changed == 0
    frame = frames.book(Entity.objects.get().pk, as_of=DAY).items.sort("number")
    assert frame.select("attr_weight", "attr_signed").rows() == [(1.5, date(2026, 1, 2)), (None, None)]
    desk.bring(csv(ROWS[0] + ",2,", header=header), more)
    assert Item.objects.get(number="A-17").attributes == {"weight": 2.0, "signed": "2026-01-02"}
    problem = desk.refused(csv(*rows, header=header), more.replace("type: number", "type: text"))
    assert problem == "map.yaml: attributes.weight: it is of type number in the book, not text"


def test_an_item_moves_to_another_account_unless_a_notice_is_on_its_way(desk: Desk) -> None:
    desk.bring(csv())
    moved = csv(ROWS[0].replace("00042", "00007"))
    item = Item.objects.get(number="A-17")
    state = ItemState.objects.create(item=item, level=1, pending_notice_id=77)
    assert "items.csv:2: customer: 'A-17' belongs to another account in the book, and notice 77" in desk.refused(moved)
    state.pending_notice_id = None
    state.save()
    assert "1 moved to another account, first line 2 (A-17)" in desk.bring(moved).warnings
    item.refresh_from_db()
    assert item.account.code == "00007"


def test_credits_and_payments_and_what_is_settled_already(desk: Desk) -> None:
    header = HEADER + ",type"
    rows = (ROWS[0] + ",credit", ROWS[1] + ",payment", ROWS[2].replace("1000", "0") + ",invoice")
    desk.bring(csv(*rows, header=header), "kind: {column: type}\n")
    assert set(Item.objects.values_list("number", "kind", "closed_on")) == {
        ("A-17", "credit", None), ("A-18", "payment", None), ("A-19", "invoice", DAY),
    }  # fmt: skip
    assert Payment.objects.get().received_on == date(2026, 3, 2)


def test_an_export_may_say_when_items_were_settled(desk: Desk) -> None:
    header, more = HEADER + ",paid", "settled: {column: paid}\n"
    desk.bring(csv(ROWS[0] + ",2026-04-02", ROWS[1] + ",", header=header), more)
    assert set(Item.objects.values_list("number", "open_minor", "closed_on")) == {
        ("A-17", 0, date(2026, 4, 2)), ("A-18", 2050, None),
    }  # fmt: skip
    report = desk.bring(csv(ROWS[0] + ",", ROWS[1] + ",2026-04-05", header=header), more)
    assert report.items.changed == 2
    assert set(Item.objects.values_list("number", "open_minor", "closed_on")) == {
        ("A-17", 10000, None), ("A-18", 0, date(2026, 4, 5)),
    }  # fmt: skip
    assert desk.bring(csv(ROWS[0] + ",", ROWS[1] + ",2026-04-05", header=header), more).items.changed == 0


def test_two_entities_in_one_file_each_with_its_totals(desk: Desk) -> None:
    report = desk.bring(csv(ROWS[0], ROWS[1].replace("ACME", "BETA"), ROWS[2].replace("ACME", "BETA")))
    assert [(each.entity, each.currency, each.kind, each.file_items, each.book_minor) for each in report.totals] == [
        ("ACME", "EUR", "invoice", 1, 10000), ("BETA", "EUR", "invoice", 1, 2050), ("BETA", "JPY", "invoice", 1, 1000),
    ]  # fmt: skip
    assert [event.detail["rows"] for event in AuditEvent.objects.order_by("entity__code")] == [1, 2]
    assert Account.objects.filter(code="00042").count() == 2


def test_the_book_holds_more_than_the_file(desk: Desk) -> None:
    desk.bring(csv())
    (total,) = [each for each in desk.bring(csv(ROWS[0])).totals if each.currency == "EUR"]
    assert (total.file_items, total.file_minor, total.book_items, total.book_minor) == (1, 10000, 2, 12050)


def test_numbers_that_only_look_alike(desk: Desk) -> None:
    odd = ["0042", "42", "042 ", 'a "b"', "a,b", "%s", "\\N", "NULL", "Ü", "ü", "u\u0308"]
    rows = ['ACME,1,N,"{}",EUR,1.00,,2026-04-01'.format(number.replace('"', '""')) for number in odd]
    assert desk.bring(csv(*rows)).items.added == len(odd)
    assert desk.bring(csv(*rows)).items.unchanged == len(odd)
    assert sorted(Item.objects.values_list("number", flat=True)) == sorted(number.strip() for number in odd)
