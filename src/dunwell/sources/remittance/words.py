"""The words that payers head their columns and label their totals with, in the languages of the house."""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache
from typing import Final

HEADING_CHARS_MAX: Final = 60


class Role(StrEnum):
    """What a column, or what stands beside a label, is."""

    NUMBER = "number"
    AMOUNT = "amount"
    PAID = "paid"
    DISCOUNT = "discount"
    KIND = "kind"
    CURRENCY = "currency"
    REFERENCE = "reference"
    PAID_ON = "paid_on"
    DAY = "day"
    CUSTOMER = "customer"
    PAYER = "payer"
    TAX = "tax"
    OTHER = "other"


def _any(words: str) -> str:
    r"""A pattern of any of some words, parted by blanks; within one, `\s` is a blank."""
    return f"(?:{'|'.join(words.split())})"


_PAY: Final = _any(
    r"paid pay(?!er) payment gezahlt bezahlt zahl(?!er|ungspfl) uberwei paiement regle paye verse"
    r" pagad pagat pago pagam pagar betaald betaling"
)
_NO: Final = _any("no nr num number nummer numero id n")
_REF: Final = _any(r"\w*ref \w*refs \w*reference \w*referenz \w*referentie \w*referenci\w* \w*riferimento")
_TRANSFER: Final = _any("transfer virement transferencia bonifico remittance avis advice cheque check voucher scheck")
_BILL: Final = _any(r"invoice inv\b bill\b rechnung rg\b facture factura fattura factuur faktuur fatura faktura")
_PAPER: Final = _any("document doc beleg piece documento dokument note")
# A payer's own number of a document is of no use; `your` one is the creditor's.
_YOUR: Final = r"\b(?:your|ihre?|votre|vos|su|vuestr[ao]|vostr[ao]|uw|seu|sua)\b"
_OUR: Final = r"\b(?:our|internal|unsere?|interne?|notre|nos|nuestr[ao]|nostr[ao]|onze?|noss[ao]|sap)\b"
_NUMBER: Final = rf"(?:{_BILL}|{_PAPER}|{_REF}|\b{_NO}\b|zeichen)"

_RATE: Final = r"%|satz\b|\b" + _any("prozent percent pct rate") + r"\b"
_SUPPLIER: Final = _any(
    r"vendor supplier lieferant kreditor fournisseur proveedor fornitore leverancier"
    r" ihr\skonto your\saccount votre\scompte"
)
_KIND: Final = r"\b" + _any(r"type typ \w*art tipo soort nature kind") + r"\b"
_ON: Final = _any("date datum data fecha tag")
_PAID_ON: Final = rf"(?:{_PAY}|value|valuta|buchung|booking|ausfuhr|execution)\w*(?: \w+)?? ?{_ON}\b"
_ON_PAID: Final = rf"\b{_ON} (?:\w+ )?(?:{_PAY}|valeur|valor|valuta|execution)"
# The day of a document, or on which it is due: not that of the payment.
_DAY_OF: Final = _any(
    r"\bdue\b fallig echeance vencimiento scadenza verval invoice rechnung facture factura fattura factuur fatura"
    r" \bbill\b beleg document posting liefer delivery order bestell birth"
)
_DATE: Final = _any(r"date\b datum\b \bdata\b \bfecha\b \btag\b")
_OTHER_DAY: Final = rf"{_DAY_OF}.*{_DATE}|\b{_DATE}.*{_DAY_OF}|fallig|vencimiento|scadenza|verval|echeance"
_DAY: Final = _any(r"date\b datum\b \bfecha \bdata\b \bdays?\b \btage?\b fallig echeance vencimiento scadenza verval")
_DISCOUNT: Final = _any(
    r"discount skonto escompte remise descuento sconto korting desconto deduct abzug deduc retencion ritenut withh"
    r" \bwht\b retenue inhouding kurzung allowance"
)
_TAX: Final = r"\b" + _any(r"vat tax mwst ust \w*steuer tva iva btw gst") + r"\b"
_CURRENCY: Final = (
    rf"^(?:{_any('document doc invoice payment transaction')} )?"
    + _any(r"\w*currency ccy curr? cur \w*wahrung whg wkz devise monnaie moneda divisa munt valuta moeda")
    + "(?: code)?$"
)
_PAYMENT: Final = rf"(?:{_PAY}|{_TRANSFER})"
_REFERENCE: Final = (
    rf"\b{_PAYMENT}\w* ?(?:{_REF}|{_NO})\b|\b(?:{_REF}|{_NO}) (?:\w+ )?{_PAYMENT}|end to end|zahlungsreferenz"
)
_CUSTOMER: Final = _any(
    r"customer kunde debitor \bclient klant codice\scliente unser\skonto our\saccount notre\scompte"
    r" \baccount\s(?:no|number|nr|code)\b"
)
_PAID: Final = rf"\b{_PAY}|" + _any(r"\bnet\b netto \bneto\b zahlbetrag abgerechnet settled applied remitted")
_WORD_OF_PAID: Final = (
    rf"(?:{_PAY}|amount|amt|betrag|montant|importe|importo|bedrag|valor|summe|sum|total|net|in|de|la|le|the|"
    r"abgerechnet|settled|applied|remitted)\w*$|[a-z]{3}$"
)
_AMOUNT: Final = _any(
    r"amount betrag montant importe importo bedrag \bvalor\b summe \btotal totaal gross brutto \bbrut\b bruto saldo"
    r" balance solde \bopen\b offen \bttc\b \bvalue\b \bsum\b \bamt\b lordo abierto aperto"
)
# Of a payment, and not what is paid by it.
_ABOUT_PAYING: Final = r"\b" + _any(
    r"terms? conditions? run method mode means status previous\w* prior already earlier not un\w* bereits nicht noch"
    r" deja non no aun ya gia niet al nao ja \w*bedingung\w* zahlungslauf \w*weise \w*ziel days tage"
) + r"\b"  # fmt: skip
_SAYS_PAY: Final = rf"\b(?:un)?{_PAY}"
# In this order: the first that fits says what a heading is.
_HEADINGS: Final = (
    (Role.OTHER, rf"{_RATE}|{_SUPPLIER}"),
    (Role.KIND, _KIND),
    (Role.OTHER, _OTHER_DAY),
    (Role.PAID_ON, rf"{_PAID_ON}|{_ON_PAID}"),
    (Role.DAY, _DAY),
    (Role.DISCOUNT, _DISCOUNT),
    (Role.TAX, _TAX),
    (Role.CURRENCY, _CURRENCY),
    (Role.REFERENCE, _REFERENCE),
    (Role.CUSTOMER, _CUSTOMER),
    (Role.OTHER, rf"{_SAYS_PAY}.*{_ABOUT_PAYING}|{_ABOUT_PAYING}.*{_SAYS_PAY}|zahlungslauf"),
    (Role.PAID, _PAID),
    (Role.AMOUNT, _AMOUNT),
)
_NUMBERS: Final = (
    (0, rf"{_YOUR}.*{_NUMBER}"),
    (9, rf"{_OUR}.*{_NUMBER}"),
    (1, rf"\b{_BILL}"),
    (2, rf"\b{_PAPER}"),
    (3, rf"^(?:{_REF}|{_NO}|details|description|\w*text)$"),
)
_PAYER: Final = (
    "^"
    + _any(
        r"payer paid\sby from auftraggeber zahler zahlungspflichtiger absender donneur\sd\sordre emetteur payeur"
        r" ordenante pagador ordinante pagatore opdrachtgever betaler company"
        r" firma customer\sname kundenname payer\sname name"
    )
    + "$"
)
_SUMS: Final = _any(
    r"total totals totale totaal totaux summe gesamt\w* endsumme suma somme soma endbetrag zahlbetrag sum"
    r" uberweisungsbetrag"
)
_OF_WHAT: Final = _any(
    "paid payment remitted transferred gezahlt paye regle verse pagado pagato betaald general\\w* total\\w*"
)
_TOTAL: Final = (
    rf"^(?:grand |net |gross )?{_SUMS}\b"
    rf"|(?:amount|betrag|montant|importe|importo|bedrag|total\w*|totaal|sum|summe) (?:\w+ ){{0,2}}{_OF_WHAT}\b"
    r"|(?:payment|check|cheque|transfer|remittance|zahlungs?|uberweisungs) ?(?:amount|totals?|betrag|summe)\b"
)
_TO_PAY: Final = rf"^(?:net |netto )?(?:a |te |to |zu )?{_PAY}\w*$"
_OF_ALL: Final = rf"\b{_PAYMENT}|" + _any(r"remit \bnet\b netto grand endbetrag")
_PARTIAL: Final = "^" + _any(
    r"subtotal sub\stotal zwischensumme ubertrag carried brought a\sreporter report\b a\snouveau suma\sy\ssigue riport"
    r" subtotaal page\stotal seitensumme of\swhich davon dont\b"
)
_CREDIT: Final = _any(
    r"\bcredit gutschrift avoir abono nota\sdi\scredito nota\scredito creditnota nota\sde\scredito storno"
)
_CREDIT_CODES: Final = r"\b" + _any("cn gs crn? kg") + r"\b"
_KINDS: Final = (
    "^"
    + _any(
        r"invoice bill rechnung facture factura fattura factuur credit\snote credit\smemo credit gutschrift"
        r" avoir abono nota\sdi\scredito nota\sde\scredito creditnota document beleg"
    )
    + r"\b(?:[ .:#-]*(?:no|nr|num|number|nummer|numero|n)\b)?[\s.:#°º-]*"
)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Write words small, without accents and signs, parted by one blank."""
    bare = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss"))
    letters = "".join(sign for sign in bare if not unicodedata.combining(sign))
    return re.sub(r"[^\w%]+", " ", letters).strip()


@lru_cache(maxsize=4096)
def role_of(heading: str) -> Role | None:
    """What a column of this heading, or what stands beside this label, is; None for any other text."""
    words = plain(heading)
    if not words or len(words) > HEADING_CHARS_MAX:
        return None
    if re.search(_PAYER, words):
        return Role.PAYER
    found = next((role for role, pattern in _HEADINGS if re.search(pattern, words)), None)
    if found is None and number_rank(heading) is not None:
        return Role.NUMBER
    return found


@lru_cache(maxsize=4096)
def number_rank(heading: str) -> int | None:
    """How likely a heading is that of the creditor's own numbers, the likeliest 0; None for no number at all."""
    words = plain(heading)
    return next((rank for rank, pattern in _NUMBERS if re.search(pattern, words)), None)


@lru_cache(maxsize=4096)
def is_total(label: str) -> bool:
    """Whether a label is that of a total."""
    is_sum = role_of(label) in (None, Role.AMOUNT, Role.PAID) and not is_partial(label)
    return is_sum and bool(re.search(rf"{_TOTAL}|{_TO_PAY}", plain(label)))


@lru_cache(maxsize=4096)
def is_amount(label: str) -> bool:
    """Whether what stands beside a label is an amount, even where it is written like a number of anything."""
    return bool(re.search(_TOTAL, plain(label)))


@lru_cache(maxsize=4096)
def is_of_all(label: str) -> bool:
    """Whether a total is said to be what is paid, and not what it was before something was taken off."""
    return bool(re.search(_OF_ALL, plain(label)))


@lru_cache(maxsize=4096)
def is_partial(label: str) -> bool:
    """Whether a label is that of a sum that others go on from, or that is a part of another."""
    return bool(re.search(_PARTIAL, plain(label)))


@lru_cache(maxsize=4096)
def is_plainly_paid(heading: str) -> bool:
    """Whether a heading says nothing but that this is what was paid."""
    return all(re.match(_WORD_OF_PAID, word) for word in plain(heading).split())


def says_credit(text: str, *, is_kind: bool) -> bool:
    """Whether a text is that of a credit note; short codes count where a column of kinds has them."""
    words = plain(text)
    return bool(re.search(_CREDIT, words) or (is_kind and re.search(_CREDIT_CODES, words)))


def may_be_credit(number: str) -> bool:
    """Whether a number begins as many call credit notes, and some their invoices."""
    return bool(re.match(rf"{_any('cn gs crn?')}(?![a-z])", plain(number)))


def without_kind(text: str) -> str:
    """Take off a number what is said in front of it: `Invoice no. A-17` is A-17."""
    return re.sub(_KINDS, "", text.strip(), flags=re.IGNORECASE) or text.strip()
