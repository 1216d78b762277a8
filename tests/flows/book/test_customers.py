"""Files of accounts: customers and how they are reached, apart from what they owe."""

from datetime import date
from pathlib import Path

import pytest

from dunwell.flows.book.customers import AccountsReport, import_accounts
from dunwell.flows.book.importing import import_file, import_items
from dunwell.flows.errors import Invalid
from dunwell.records.models import Account, AuditEvent, Contact, Entity, Run, Task
from tests.flows.town import Town, day, noon

ON = "2026-04-03"
MAPPING = """\
rows: accounts
entity: ACME
account: {column: Kunde, strip_suffix: ".0"}
name: {column: Name}
language: {column: Sprache, values: {D: de, F: fr}}
email: {column: Mail}
address: {columns: [Strasse, Ort]}
attributes: {region: {column: Gebiet}}
"""
HEADER = "Kunde,Name,Sprache,Mail,Strasse,Ort,Gebiet\n"
MEYER = "MEYER,Meyer AG,D,ap@meyer.example,Hauptstr. 1,10115 Berlin,north\n"
DUPONT = "DUPONT.0,Dupont SA,F,,1 rue X,75001 Paris,south\n"


class Desk:
    """Where files of customers arrive, in a town with an entity."""

    def __init__(self, town: Town) -> None:
        self.town = town

    def paths(self, rows: str, mapping: str = MAPPING) -> tuple[Path, Path]:
        file, mapping_file = self.town.folder / "customers.csv", self.town.folder / "map.yaml"
        file.write_text(HEADER + rows)
        mapping_file.write_text(mapping)
        return file, mapping_file

    def bring(self, rows: str, mapping: str = MAPPING) -> AccountsReport:
        file, mapping_file = self.paths(rows, mapping)
        return import_accounts(file, mapping_file, by="anna", at=noon(ON), on=day(ON))

    def refused(self, rows: str, mapping: str = MAPPING) -> str:
        with pytest.raises(Invalid) as caught:
            self.bring(rows, mapping)
        return str(caught.value)


@pytest.fixture
def desk(town: Town) -> Desk:
    return Desk(town)


def counts(report: AccountsReport) -> tuple[int, int, int]:
    return report.accounts.added, report.accounts.changed, report.accounts.unchanged


def test_customers_come_in_with_how_they_are_reached(desk: Desk) -> None:
    report = desk.bring(MEYER + DUPONT)
    assert (report.rows, counts(report), report.tasks, report.warnings) == (2, (2, 0, 0), 0, ())
    meyer, dupont = Account.objects.get(code="MEYER"), Account.objects.get(code="DUPONT")
    assert (meyer.name, meyer.language, meyer.attributes) == ("Meyer AG", "de", {"region": "north"})
    assert (dupont.name, dupont.language) == ("Dupont SA", "fr")
    contact = Contact.objects.get(account=dupont)
    assert (contact.email, contact.address_lines) == ("", "1 rue X\n75001 Paris")
    event = AuditEvent.objects.get(action="accounts.imported")
    assert (event.detail["rows"], event.detail["accounts_added"]) == (2, 2)


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    desk.bring(MEYER + DUPONT)
    assert counts(desk.bring(MEYER + DUPONT)) == (0, 0, 2)
    assert Contact.objects.count() == 2


def test_who_moved_has_changed_and_an_empty_field_says_nothing(desk: Desk) -> None:
    desk.bring(MEYER + DUPONT)
    report = desk.bring("MEYER,,,,Nebenstr. 2,20095 Hamburg,\n" + DUPONT)
    assert counts(report) == (0, 1, 1)
    meyer = Account.objects.get(code="MEYER")
    assert (meyer.name, meyer.language, meyer.contacts.get().email) == ("Meyer AG", "de", "ap@meyer.example")
    assert meyer.contacts.get().address_lines == "Nebenstr. 2\n20095 Hamburg"


def test_a_proposal_is_decided_anew_where_a_debtor_can_be_reached_now(desk: Desk) -> None:
    desk.town.item("A-1", "MEYER", "100.00 EUR", "2026-03-01")
    Contact.objects.all().delete()
    run = desk.town.propose(ON)
    desk.bring(MEYER)
    run.refresh_from_db()
    assert run.state == "superseded"
    again = desk.town.propose(ON)
    desk.bring(MEYER)
    again.refresh_from_db()
    assert again.state == "proposed"
    assert Run.objects.count() == 2


def test_an_account_of_two_names_is_a_task(desk: Desk) -> None:
    report = desk.bring(MEYER + MEYER.replace("Meyer AG", "Meyer A.G.") + MEYER)
    assert (counts(report), report.tasks) == ((1, 0, 0), 1)
    assert report.warnings == (
        "1 account with more than one name (1 too many; MEYER has 2); the most frequent is kept",
    )
    assert Task.objects.get().kind == "several_names"
    Task.objects.update(closed_at=noon(ON))
    moved = MEYER.replace("Hauptstr. 1", "Nebenstr. 2")
    report = desk.bring(moved + moved.replace("Meyer AG", "Meyer A.G.") + moved)
    assert (counts(report), report.tasks) == ((0, 1, 0), 0)


def test_what_is_wrong_is_named_with_its_place(desk: Desk) -> None:
    told = desk.refused(",Nobody,,,,,\nX,,klingon,,,,\n")
    assert "customers.csv:2: Kunde: the field is empty, and every row needs it" in told
    assert "customers.csv:3: Sprache: 'klingon' is not a language code" in told
    assert not Account.objects.exists()


def test_an_entity_that_is_new_needs_a_currency(desk: Desk) -> None:
    other = MAPPING.replace("entity: ACME", "entity: NEW")
    told = desk.refused(MEYER, other)
    assert "customers.csv:2: entity: there is no entity 'NEW' in the book, and nothing tells its currency" in told
    assert desk.bring(MEYER, other + "entities: {NEW: {currency: CHF}}\n").entities_added == 1
    assert Entity.objects.get(code="NEW").currency == "CHF"


def test_a_book_may_refuse_customers_it_does_not_know(desk: Desk) -> None:
    desk.town.account("MEYER")
    told = desk.refused(MEYER + DUPONT, MAPPING + "unknown_accounts: refuse\n")
    assert "customers.csv:3: Kunde: ACME has no account 'DUPONT' in the book" in told
    assert counts(desk.bring(MEYER, MAPPING + "unknown_accounts: refuse\n")) == (0, 1, 0)


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        (MAPPING + "number: {column: Name}\n", "unknown key"),
        (MAPPING.replace("rows: accounts", "rows: customers"), "has rows of items or accounts, not 'customers'"),
        (MAPPING.replace("rows: accounts", "rows: [accounts]"), "has rows of items or accounts, not ['accounts']"),
        ("rows: accounts\nentity: {column: Name}\naccount: {column: Kunde}\n", "something is told of it"),
        (MAPPING.replace("{column: Gebiet}", "{column: Gebiet, of: item}"), "attributes.region.of"),
        ("rows: accounts\nentity: ACME\naccount: {column: Kunde}\n", "something is told of it"),
    ],
)
def test_a_mapping_of_accounts_speaks_of_accounts(desk: Desk, mapping: str, told: str) -> None:
    assert told in desk.refused(MEYER, mapping)


def test_the_mapping_tells_what_a_file_is_of(desk: Desk) -> None:
    file, mapping = desk.paths(MEYER)
    report = import_file(file, mapping, by="anna", at=noon(ON), on=date(2026, 4, 3))
    assert type(report) is AccountsReport
    with pytest.raises(Invalid, match="--force is about open items"):
        import_file(file, mapping, by="anna", at=noon(ON), on=date(2026, 4, 3), force=True)
    with pytest.raises(Invalid, match="is of accounts, and these are items"):
        import_items(file, mapping, by="anna", at=noon(ON), on=date(2026, 4, 3))
