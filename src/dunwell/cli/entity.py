"""`dunwell entity`: what letters show of a creditor, and how to change it."""

from typing import Annotated

import typer

from dunwell.cli import clock
from dunwell.cli.command import Command
from dunwell.cli.doors import Json, WrongUsage, entity_of, open_book, refuses
from dunwell.cli.output import as_json, say
from dunwell.engine.references import is_qr_iban

app = typer.Typer(help="See and set what letters show of a creditor.", no_args_is_help=True, rich_markup_mode=None)


def _option(name: str, metavar: str, text: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(f"--{name}", metavar=metavar, help=text)
    return found


@app.callback()
def entity() -> None:
    """See and set what letters show of a creditor."""


@app.command(cls=Command)
@refuses
def show(
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="The code of an entity. [default: all]")] = None,
    json: Json = False,
) -> None:
    """Show what letters show of an entity, or of all of them."""
    open_book()
    from dunwell.flows.creditor import details_of
    from dunwell.flows.entities import all_entities

    found = [details_of(each) for each in ([entity_of(code)] if code else all_entities())]
    if json:
        as_json({"entities": [vars(each) for each in found]})
        return
    for details in found:
        _say(vars(details))


@app.command("set", cls=Command)
@refuses
def set_(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code of an entity.")],
    *,
    name: Annotated[str | None, _option("name", "TEXT", "What it is called, as a court or bank would.")] = None,
    address: Annotated[str | None, _option("address", "LINES", r"Where it is; \n ends a line.")] = None,
    email: Annotated[str | None, _option("email", "ADDRESS", "Where debtors write to.")] = None,
    phone: Annotated[str | None, _option("phone", "NUMBER", "Where debtors call.")] = None,
    iban: Annotated[str | None, _option("iban", "IBAN", "Where debtors pay to.")] = None,
    bic: Annotated[str | None, _option("bic", "BIC", "Of its bank. [default: as the IBAN says, where it does]")] = None,
    bank: Annotated[str | None, _option("bank", "TEXT", "Its bank's name. [default: as the IBAN says]")] = None,
    footer: Annotated[
        str | None, _option("footer", "LINES", r"Register, directors, VAT id, as the law wants; \n ends a line.")
    ] = None,
    reference_scheme: Annotated[
        str | None,
        _option(
            "reference-scheme",
            "NAME",
            "Of the reference that payments quote: rf, qrr, ogm, viite, viite_rf, kid10, kid11, ocr, ocr_length.",
        ),
    ] = None,
    language: Annotated[
        str | None, _option("language", "CODE", "Of debtors of whom none is known: en, de, fr.")
    ] = None,
    country: Annotated[str | None, _option("country", "CODE", "Where it is, such as DE.")] = None,
    time_zone: Annotated[
        str | None, _option("time-zone", "NAME", "Where its days begin, such as Europe/Berlin.")
    ] = None,
    json: Json = False,
) -> None:
    """Set what letters show of an entity.

    What is not given stays as it is; an empty text takes it away.
    """
    given = {
        "name": name, "address_lines": address, "email": email, "phone": phone, "iban": iban, "bic": bic,
        "bank_name": bank, "footer_lines": footer, "reference_scheme": reference_scheme, "language": language,
        "country": country, "time_zone": time_zone,
    }  # fmt: skip
    changes = {field: text.replace("\\n", "\n") for field, text in given.items() if text is not None}
    if not changes:
        raise WrongUsage("say what to set, such as --iban DE02120300000000202051")
    chosen = entity_of(code)
    from dunwell.flows.creditor import change_entity

    details = change_entity(chosen, changes, by=clock.actor(), at=clock.now())
    if json:
        as_json({"entities": [vars(details)]})
        return
    _say(vars(details))


@app.command("journal", cls=Command)
@refuses
def journal_(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code of an entity.")],
    *,
    receivable: Annotated[str | None, _option("receivable", "CODE", "The ledger account of what is owed.")] = None,
    fee_income: Annotated[str | None, _option("fee-income", "CODE", "That of fees.")] = None,
    interest_income: Annotated[str | None, _option("interest-income", "CODE", "That of interest.")] = None,
    compensation_income: Annotated[str | None, _option("compensation-income", "CODE", "That of flat sums.")] = None,
    write_off: Annotated[str | None, _option("write-off", "CODE", "That of charges written off.")] = None,
    discount_granted: Annotated[
        str | None, _option("discount-granted", "CODE", "That of cash discounts granted.")
    ] = None,
    bank_charges_granted: Annotated[
        str | None, _option("bank-charges-granted", "CODE", "That of charges of banks, not asked of the debtor.")
    ] = None,
    difference_granted: Annotated[
        str | None, _option("difference-granted", "CODE", "That of differences too small to write about.")
    ] = None,
    vat_fee: Annotated[str | None, _option("vat-fee", "CODE", "The VAT code of fees.")] = None,
    vat_interest: Annotated[str | None, _option("vat-interest", "CODE", "That of interest.")] = None,
    vat_compensation: Annotated[str | None, _option("vat-compensation", "CODE", "That of flat sums.")] = None,
    vat_discount: Annotated[str | None, _option("vat-discount", "CODE", "That of cash discounts.")] = None,
    vat_bank_charges: Annotated[str | None, _option("vat-bank-charges", "CODE", "That of charges of banks.")] = None,
    vat_difference: Annotated[str | None, _option("vat-difference", "CODE", "That of small differences.")] = None,
    json: Json = False,
) -> None:
    """Show or set the ledger accounts and VAT codes of a journal.

    What is not given stays as it is; an empty text takes it away.
    """
    given = {
        "receivable": receivable, "fee_income": fee_income, "interest_income": interest_income,
        "compensation_income": compensation_income, "write_off": write_off, "discount_granted": discount_granted,
        "bank_charges_granted": bank_charges_granted, "difference_granted": difference_granted, "vat_fee": vat_fee,
        "vat_interest": vat_interest, "vat_compensation": vat_compensation, "vat_discount": vat_discount,
        "vat_bank_charges": vat_bank_charges, "vat_difference": vat_difference,
    }  # fmt: skip
    chosen = entity_of(code)
    from dunwell.flows.journal import change_journal, default_of, settings_of  # after the book is open

    changes = {name: text for name, text in given.items() if text is not None}
    if changes:
        change_journal(chosen, changes, by=clock.actor(), at=clock.now())
    own = settings_of(chosen)
    if json:
        as_json({"entity": chosen.code, **own})
        return
    say(f"{chosen.code}: the journal")
    for name, text in own.items():
        default = default_of(name)
        say(f"  {name.replace('_', ' '):22}{text or f'({default})'}")


def _say(details: dict[str, object]) -> None:
    say(f"{details['entity']}: {details['name']}")
    for field, value in details.items():
        if field not in {"entity", "name"} and value:
            shown = value if isinstance(value, list) else [value]
            for at, line in enumerate(shown):
                say(f"  {'' if at else field.replace('_', ' '):18}{line}")
    if not details["iban"]:
        say(f"  no bank account: letters do not say where to pay (dunwell entity set {details['entity']} --iban IBAN)")
    elif is_qr_iban(str(details["iban"])) and not details["reference_scheme"]:
        to_do = f"dunwell entity set {details['entity']} --reference-scheme qrr"
        say(f"  its IBAN is a QR-IBAN: banks send a payment back that quotes no QR reference ({to_do})")
