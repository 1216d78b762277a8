"""What letters show of an entity, set and refused."""

import pytest

from dunwell.engine.references import reference_of, shown
from dunwell.flows.creditor import change_entity, details_of
from dunwell.flows.errors import Invalid
from dunwell.flows.runs.letters import creditor_of
from dunwell.records.models import AuditEvent, Entity, Notice
from tests.flows.town import Town, noon


def change(town: Town, **changes: str) -> None:
    change_entity(town.entity, changes, by="anna", at=noon("2026-04-03"))


def test_what_is_set_stands_on_letters_and_in_the_audit_trail(town: Town) -> None:
    change(
        town, name="Acme GmbH", address_lines="Weg 1\n\n 20457 Hamburg", footer_lines="HRB 1", email="a@acme.example"
    )
    creditor = creditor_of(town.entity)
    assert (creditor.name, creditor.address_lines) == ("Acme GmbH", ("Weg 1", "20457 Hamburg"))
    event = AuditEvent.objects.get(action="entity.changed")
    assert event.actor == "anna"
    assert event.detail["footer_lines"] == "HRB 1"


def test_bank_and_bic_follow_the_iban_where_they_are_known(town: Town) -> None:
    change(town, iban="de02 1203 0000 0000 2020 51")
    found = details_of(town.entity)
    assert (found.iban, found.bic) == ("DE02120300000000202051", "BYLADEM1001")
    assert found.bank_name == "Deutsche Kreditbank Berlin"
    change(town, iban="AT611904300234573201", bank_name="Sparkasse")
    found = details_of(town.entity)
    assert (found.iban, found.bic, found.bank_name) == ("AT611904300234573201", "", "Sparkasse")


def test_an_empty_text_takes_it_away(town: Town) -> None:
    change(town, iban="DE02120300000000202051", phone="1")
    change(town, iban="", phone="")
    assert details_of(town.entity).iban == details_of(town.entity).bic == details_of(town.entity).phone == ""


def test_the_same_again_changes_nothing(town: Town) -> None:
    change(town, phone="1")
    change(town, phone="1")
    assert AuditEvent.objects.filter(action="entity.changed").count() == 1


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("iban", "DE03120300000000202051", "checksum"),
        ("iban", "DE0212030000000020205", "length"),
        ("bic", "NOBIC", "bic"),
        ("name", " ", "an entity has one"),
        ("language", "it", "en, de, fr"),
        ("country", "Germany", "ISO 3166"),
        ("time_zone", "Mars", "Europe/Berlin"),
        ("email", "nobody", "accounts@example.com"),
        ("footer_lines", "x\n" * 9, "8 lines"),
        ("phone", "1" * 41, "at most 40"),
        ("reference_scheme", "esr", "there are rf, qrr, ogm"),
        ("reference_scheme", "qrr", "the one that your bank gave you beside the usual IBAN"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(town: Town, field: str, text: str, said: str) -> None:
    before = details_of(town.entity)
    with pytest.raises(Invalid) as refused:
        change(town, **{"address_lines": "Weg 1", field: text})
    assert said in str(refused.value)
    assert refused.value.problems[0].startswith(f"{field}:")
    town.entity.refresh_from_db()
    assert details_of(town.entity) == before


QR_IBAN, BELGIAN = "CH4431999123000889012", "BE68539007547034"


def test_what_payments_are_to_quote_stands_on_letters_and_in_the_audit_trail(town: Town) -> None:
    change(town, reference_scheme="rf")
    assert details_of(Entity.objects.get()).reference_scheme == "rf"
    assert creditor_of(Entity.objects.get()).reference_scheme == "rf"
    assert AuditEvent.objects.get(action="entity.changed").detail["reference_scheme"] == "rf"
    change(town, reference_scheme="")
    assert creditor_of(Entity.objects.get()).reference_scheme == ""


def test_a_qr_reference_goes_with_a_qr_iban_alone(town: Town) -> None:
    with pytest.raises(Invalid, match="nothing is changed") as refused:
        change(town, iban="CH93 0076 2011 6238 5295 7", reference_scheme="qrr")
    (problem,) = refused.value.problems
    assert problem.startswith("reference_scheme: qrr needs a QR-IBAN, of a Swiss bank number from 30000 to 31999: set")
    change(town, iban=QR_IBAN, reference_scheme="qrr")
    for other in ({"reference_scheme": "rf"}, {"iban": BELGIAN}, {"iban": ""}):
        with pytest.raises(Invalid) as refused:
            change(town, **other)
        assert refused.value.problems[0].startswith("reference_scheme: ")
    found = details_of(Entity.objects.get())
    assert (found.iban, found.reference_scheme) == (QR_IBAN, "qrr")
    change(town, iban=BELGIAN, reference_scheme="ogm")
    assert details_of(Entity.objects.get()).reference_scheme == "ogm"


def test_what_else_is_set_does_not_ask_whether_scheme_and_iban_fit(town: Town) -> None:
    Entity.objects.update(iban=QR_IBAN, reference_scheme="rf")
    town.entity.refresh_from_db()
    change(town, phone="1")
    assert details_of(town.entity).phone == "1"


def test_an_entity_of_before_has_no_scheme_and_letters_as_before(town: Town) -> None:
    assert (town.entity.reference_scheme, creditor_of(town.entity).reference_scheme) == ("", "")


def test_the_reference_of_a_notice_that_leaves_is_that_of_its_number(town: Town) -> None:
    change(town, iban="DE02120300000000202051", reference_scheme="rf")
    town.item("A-17", "meyer", "100.00 EUR", "2026-03-20")
    town.run("2026-04-03")
    notice = Notice.objects.get()
    assert shown("rf", reference_of("rf", notice.pk)) in town.letters()[0]
