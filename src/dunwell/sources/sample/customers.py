"""The sample book's accounts: who they are, where they sit, how they are reached, how they pay."""

import random
import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from babel import Locale

from dunwell.sources.sample import words as w

HABITS: Final = {"prompt": 55, "slow": 28, "very_late": 12, "never": 5}
COUNTRIES: Final = {
    "NORD": {"DE": 56, "AT": 12, "CH": 10, "FR": 9, "NL": 6, "IT": 4, "US": 3},
    "ALBION": {"GB": 66, "IE": 9, "US": 12, "NL": 5, "FR": 4, "DE": 4},
}
STATES: Final = {"Albany": "NY", "Dayton": "OH", "Boise": "ID", "Tucson": "AZ"}
LANGUAGES: Final = {"DE": "de", "AT": "de", "FR": "fr", "NL": "nl", "IT": "it", "GB": "en", "IE": "en", "US": "en"}
# Of a hundred accounts: segment, class.
KINDS: Final = {("smb", "business"): 69, ("consumer", "consumer"): 19, ("key", "business"): 6, ("smb", "public"): 6}
RISKS: Final = {"prompt": (0, 15), "slow": (10, 45), "very_late": (35, 80), "never": (70, 99)}


@dataclass
class Customer:
    """One account, with what only the generator knows of it: its habit and its currency."""

    account_id: int
    entity: str
    entity_id: int
    code: str
    name: str
    country: str
    language: str
    segment: str
    debtor_class: str
    habit: str
    currency: str
    row: dict[str, object] = field(default_factory=dict)
    contact: dict[str, object] = field(default_factory=dict)
    payer_id: int = 0


def customers(rng: random.Random, entity_of: dict[int, str], n: int, as_of: date) -> list[Customer]:
    """Make `n` accounts of the entities by id, the first having three in five, with groups, lawyers and sisters."""
    first, *_rest = entity_of
    made = []
    for account_id in range(1, n + 1):
        entity_id = first if rng.random() < 0.6 else rng.choice(list(entity_of))
        made.append(_customer(rng, account_id, entity_id, entity_of[entity_id], as_of))
    _group(rng, made)
    business = [each for each in made if each.segment == "smb" and each.row["parent_id"] is None]
    for each in rng.sample(business, min(len(business), max(2, n // 250))):
        each.row["legal"] = True
    for each in rng.sample(business, min(len(business), max(1, n // 500))):
        each.row["intercompany"] = True
    return made


def pick(rng: random.Random, weights: dict[str, int]) -> str:
    """Draw one word by its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def _customer(rng: random.Random, account_id: int, entity_id: int, entity: str, as_of: date) -> Customer:
    country = pick(rng, COUNTRIES[entity])
    language = rng.choice(("de", "de", "fr")) if country == "CH" else LANGUAGES[country]
    segment, debtor_class = rng.choices(list(KINDS), list(KINDS.values()))[0]
    person = f"{rng.choice(w.words(w.FIRST_NAMES[language]))} {rng.choice(w.words(w.LAST_NAMES[language]))}"
    name = _name(rng, country, language, debtor_class, person)
    made = Customer(
        account_id=account_id,
        entity=entity,
        entity_id=entity_id,
        code=f"{10_000 + account_id:08d}",
        name=name,
        country=country,
        language=language,
        segment=segment,
        debtor_class=debtor_class,
        habit=pick(rng, HABITS),
        currency=_currency(rng, entity, country),
        payer_id=account_id,
    )
    made.row = _row(rng, made, as_of)
    made.contact = _contact(rng, made, person)
    return made


def _name(rng: random.Random, country: str, language: str, debtor_class: str, person: str) -> str:
    if debtor_class == "consumer":
        return person
    if debtor_class == "public":
        return f"{rng.choice(w.words(w.PUBLIC[language]))} {rng.choice(w.words(w.CITIES[country]))}"
    family = rng.choice(w.words(w.LAST_NAMES[language]))
    partner = f" & {rng.choice(w.words(w.LAST_NAMES[language]))}" if rng.random() < 0.2 else ""
    return f"{family}{partner} {rng.choice(w.words(w.TRADES[language]))} {rng.choice(w.words(w.FORMS[country]))}"


def _currency(rng: random.Random, entity: str, country: str) -> str:
    own = "EUR" if entity == "NORD" else "GBP"
    if country == "US":
        return "USD"
    if country == "CH":
        return "CHF" if rng.random() < 0.75 else own
    return "EUR" if entity == "ALBION" and country != "GB" and rng.random() < 0.7 else own


def _row(rng: random.Random, made: Customer, as_of: date) -> dict[str, object]:
    low, high = RISKS[made.habit]
    is_business = made.debtor_class == "business"
    return {
        "account_id": made.account_id,
        "entity_id": made.entity_id,
        "account": made.code,
        "name": made.name,
        "parent_id": None,
        "segment": made.segment,
        "country": made.country,
        "language": made.language,
        "debtor_class": made.debtor_class,
        "risk": rng.randint(low, high) / 100 if rng.random() < 0.9 else None,
        "credit_limit_minor": rng.choice((5, 10, 25, 50, 100)) * 100_000 if is_business else None,
        "customer_since_on": as_of - timedelta(days=rng.randint(40, 4000)),
        "legal": False,
        "intercompany": False,
        "attr_sales_rep": rng.choice(w.SALES_REPS) if is_business else None,
    }


def _contact(rng: random.Random, made: Customer, person: str) -> dict[str, object]:
    """How the account is reached: most by email and letter, some by one of them, a few not at all."""
    chance = rng.randint(1, 100)  # up to 78 both, to 88 email, to 97 letter, then nothing
    domain = f"{_ascii(made.name)}.example"
    mailbox = rng.choice(("ap", "accounts", "buchhaltung" if made.language == "de" else "finance"))
    local = _ascii(person).replace("-", ".") if made.debtor_class == "consumer" else mailbox
    street = f"{rng.choice(w.words(w.STREETS[made.language]))} {rng.randint(1, 180)}"
    code, town = f"{rng.randint(1000, 9999)}{rng.randint(0, 9)}", rng.choice(w.words(w.CITIES[made.country]))
    address = "\n".join([made.name, street, *_place(made, code, town)])
    phone = w.PHONES.get(made.country, "").format(rng.randint(0, 99))
    return {
        "account_id": made.account_id,
        "name": "" if made.debtor_class == "consumer" else person,
        "email": "" if chance > 88 else f"{local}@{'mail.example' if made.debtor_class == 'consumer' else domain}",
        "phone": phone if chance <= 97 and rng.random() < 0.6 else "",
        "address_lines": address if chance <= 78 or 88 < chance <= 97 else "",
    }


def _place(made: Customer, code: str, town: str) -> list[str]:
    """Town and code as the country writes them; and abroad, the country."""
    area = "".join(sign for sign in _ascii(town) if sign.isalpha())[:2].upper()
    places = {
        "GB": [town, f"{area}{code[0]} {code[1]}{area}"],
        "IE": [f"{town} {int(code[:2]) % 24 + 1}"],
        "US": [f"{town}, {STATES.get(town, '')} {code}"],
        "AT": [f"{code[:4]} {town}"],
        "CH": [f"{code[:4]} {town}"],
        "NL": [f"{code[:4]} {area} {town}"],
    }
    lines = places.get(made.country, [f"{code} {town}"])
    home = "DE" if made.entity == "NORD" else "GB"
    return lines if made.country == home else [*lines, str(Locale("en").territories[made.country]).upper()]


def _ascii(text: str) -> str:
    """Write a name as it stands in a domain."""
    spelled = text.lower().replace("ü", "ue").replace("ö", "oe").replace("ä", "ae").replace("ß", "ss").replace("&", "")
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return "-".join("".join(sign for sign in word if sign.isalnum()) for word in plain.split() if word)


def _group(rng: random.Random, made: list[Customer]) -> None:
    """Let some key accounts pay for two to five others of their entity."""
    heads = [each for each in made if each.segment == "key"]
    free = [each for each in made if each.segment == "smb" and each.debtor_class == "business"]
    rng.shuffle(free)
    for head in heads[: max(1, len(heads) // 4)]:
        wanted = rng.randint(2, 5)
        for child in [each for each in free if each.entity_id == head.entity_id][:wanted]:
            free.remove(child)
            child.segment = child.row["segment"] = "key"  # one procedure for the group
            child.row["parent_id"] = head.account_id
            child.payer_id = head.account_id
            child.currency = head.currency
