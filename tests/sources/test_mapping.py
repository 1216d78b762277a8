"""What a mapping file may say; every refusal has its line."""

import pytest

from dunwell.engine.documents import DocumentError
from dunwell.sources.mapping import read_mapping
from tests.sources.files import MAPPING, of_items


def refused(text: str) -> str:
    """What is wrong with a mapping."""
    with pytest.raises(DocumentError) as caught:
        read_mapping(text, "map.yaml")
    return str(caught.value)


def test_a_plain_word_is_the_same_for_every_row() -> None:
    mapping = of_items(MAPPING.replace("currency: {column: currency}", "currency: EUR"))
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
        (MAPPING.replace("due: {column: due}", "due: [due]"), "map.yaml:8: due: name a column: {column: NAME}"),
        (MAPPING.replace("{column: amount}", "amount"), "map.yaml:6: amount: name a column: {column: NAME}"),
        ("[a]", "map.yaml:1: a mapping is keys with values, such as `number: {column: invoice}`"),
        (MAPPING + "address: street\n", "map.yaml:9: address: should be keys with values, as in {key: value}"),
        (MAPPING + "address: {column: a}\n", "map.yaml:9: address.column: unknown key; did you mean 'columns'?"),
        (
            MAPPING + "segment: {columns: [a]}\n",
            "map.yaml:9: segment.columns: unknown key; did you mean 'column'?",
        ),
        (MAPPING + "address: {columns: a}\n", "map.yaml:9: address.columns: should be a list, such as [a, b], not 'a'"),
        (MAPPING + "only: {x: 5}\n", "map.yaml:9: only.x: should be a text: write it in quotes, not 5"),
        (MAPPING + "segment: {column: ''}\n", "map.yaml:9: segment.column: is empty"),
        (
            MAPPING + "attributes: {Terms: {column: t}}\n",
            "should be a name of small letters, digits and _, at most 60, that begins with a letter, not 'Terms'",
        ),
        (
            MAPPING + "entities: {ACME: {country: de}}\n",
            "map.yaml:9: entities.ACME.country: 'de' is no country: two capital letters of ISO 3166, such as DE",
        ),
    ],
)
def test_a_bad_mapping_is_refused(text: str, problem: str) -> None:
    assert problem in refused(text)


def test_formats_that_read_the_same_day_are_no_ambiguity() -> None:
    mapping = read_mapping(MAPPING + "dates: [DD.MM.YYYY, D.M.YYYY, YYYY-MM-DD]\n", "map.yaml")
    assert mapping.dates == ["DD.MM.YYYY", "D.M.YYYY", "YYYY-MM-DD"]
    assert "read as DD.MM.YYYY and as M.D.YYYY" in refused(MAPPING + "dates: [DD.MM.YYYY, D.M.YYYY, M.D.YYYY]\n")
