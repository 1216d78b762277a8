"""What a mapping file may say; every refusal has its line."""

import pytest

from dunwell.engine.documents import DocumentError
from dunwell.sources.mapping import read_mapping
from tests.sources.files import MAPPING


def refused(text: str) -> str:
    """What is wrong with a mapping."""
    with pytest.raises(DocumentError) as caught:
        read_mapping(text, "map.yaml")
    return str(caught.value)


def test_a_plain_word_is_the_same_for_every_row() -> None:
    mapping = read_mapping(MAPPING.replace("currency: {column: currency}", "currency: EUR"), "map.yaml")
    assert (mapping.currency.constant, mapping.kind.constant) == ("EUR", "invoice")
    assert mapping.columns == ("company", "customer", "invoice", "amount", "issued", "due", "name")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (MAPPING + "curency: EUR\n", "map.yaml:9: curency: unknown key; did you mean 'currency'?"),
        (MAPPING.replace("due: {column: due}\n", ""), "the key 'due' is missing"),
        (
            MAPPING.replace("amount: {column: amount}\n", ""),
            "name the column of the amount, of what is open of it, or both",
        ),
        (MAPPING.replace("{column: company}", "1000"), "map.yaml:1: entity: write 1000 in quotes"),
        (MAPPING + "segment: {column: s, constant: t}\n", "map.yaml:9: segment: name either a column or a constant"),
        (MAPPING + "dates: [DD/MM/YYYY, MM/DD/YYYY]\n", "one text could be read as DD/MM/YYYY and as MM/DD/YYYY"),
        (MAPPING + "dates: DD.MM.YY\n", "'DD.MM.YY' is no date format"),
        (MAPPING + "dates: YYYYMD\n", "'YYYYMD' is no date format"),
        (MAPPING + "decimal: ','\nthousands: ','\n", "decimal and thousands are the same sign"),
        (MAPPING + "encoding: utf-16\n", "map.yaml:9: encoding: should be 'utf-8', 'cp1252'"),
        (MAPPING + "round: down\n", "map.yaml:9: round: should be 'half_up'"),
        (
            MAPPING + "entities: {ACME: {currency: EUX}}\n",
            "map.yaml:9: entities.ACME: 'EUX' is not a currency in use (ISO 4217)",
        ),
        (MAPPING + "attributes: {Terms: {column: t}}\n", "map.yaml:9: attributes.Terms"),
        (
            MAPPING + "attributes: {terms: {column: t, type: money}}\n",
            "map.yaml:9: attributes.terms.type: should be 'text'",
        ),
        (MAPPING.replace("due: {column: due}", "due: [due]"), "map.yaml:8: due: "),
    ],
)
def test_a_bad_mapping_is_refused(text: str, problem: str) -> None:
    assert problem in refused(text)
