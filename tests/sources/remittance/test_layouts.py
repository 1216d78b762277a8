"""Advices laid out by chance: whatever the words, the columns and the signs, what is read is what was written."""

from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.sources.remittance.advising import heard, pdf, table, text

# Of each language: number, date, gross, discount, paid, total, kind, credit note; and the decimal sign with thousands.
WORDS: Final = """\
en|Invoice no.|Invoice date|Invoice amount|Discount|Amount paid|Total|Type|Credit note|.,
de|Rechnungs-Nr.|Datum|Rechnungsbetrag|Skonto|Zahlbetrag|Gesamtsumme|Belegart|Gutschrift|,.
fr|N° facture|Date|Montant TTC|Escompte|Montant réglé|Total|Type|Avoir|,\u00a0
es|Nº factura|Fecha|Importe|Descuento|Importe pagado|Total general|Tipo|Abono|,.
it|Numero fattura|Data|Importo|Sconto|Importo pagato|Totale|Tipo|Nota di credito|,.
nl|Factuurnummer|Factuurdatum|Factuurbedrag|Korting|Betaald bedrag|Totaal|Soort|Creditnota|,.
pt|Nº fatura|Data|Valor|Desconto|Valor pago|Total|Tipo|Nota de crédito|,.
"""
LANGUAGES: Final = {line[:2]: line.split("|")[1:] for line in WORDS.splitlines()}
FEW: Final = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, Any]:
    """A list of documents, and how a payer writes it."""
    paid = draw(st.lists(st.integers(1, 9_999_999), min_size=1, max_size=12))
    minors = [2 * sum(paid) + 100, *(minor * draw(st.sampled_from([1, 1, -1])) for minor in paid)]
    return {
        "minors": minors,
        "language": draw(st.sampled_from(sorted(LANGUAGES))),
        "prefix": draw(st.sampled_from(["RE-2026-", "F", "2026/", "", "INV "])),
        "order": draw(st.permutations(["number", "date", "kind", "gross", "discount", "paid"])),
        "has": draw(st.sets(st.sampled_from(["date", "kind", "discount", "paid"]))),
        "minus": draw(st.sampled_from(["before", "behind", "brackets", "word"])),
        "total": draw(st.sampled_from(["none", "in its column", "below"])),
        "right": draw(st.booleans()),
        "wide": draw(st.booleans()),
        "inset_pt": draw(st.sampled_from([2.5, 5])),
    }  # fmt: skip


def written(minor: int, marks: str, minus: str) -> str:
    """An amount as a payer writes it."""
    plain = f"{abs(minor) / 100:,.2f}".replace(",", "_").replace(".", marks[0]).replace("_", marks[1])
    if minor >= 0 or minus == "word":
        return plain
    return {"before": f"-{plain}", "behind": f"{plain}-", "brackets": f"({plain})"}[minus]


def rows_of(of: dict[str, Any]) -> tuple[list[list[str]], str, dict[str, int]]:
    """The rows of a layout with its heading, a line below the table, and what is paid of each document."""
    number, day, gross, discount, paid, total, kind, credit, marks = LANGUAGES[of["language"]]
    names = {"number": number, "date": day, "kind": kind, "gross": gross, "discount": discount, "paid": paid}
    has = {"number", "gross", *of["has"], *(["kind"] if of["minus"] == "word" else [])}
    columns = [column for column in of["order"] if column in has]
    rows, truth = [[names[column] for column in columns]], {}
    for place, minor in enumerate(of["minors"]):
        off = abs(minor) // 50 if has & {"paid", "discount"} and minor > 0 else 0
        called = f"{of['prefix']}{10_001 + place}"
        truth[called] = minor - off
        cells = {
            "number": called, "date": "13.02.2026", "kind": credit if minor < 0 else number.partition(" ")[0],
            "gross": written(minor, marks, of["minus"]), "discount": written(off, marks, "before"),
            "paid": written(minor - off, marks, of["minus"]),
        }  # fmt: skip
        rows.append([cells[column] for column in columns])
    whole = written(sum(truth.values()), marks, "before")
    if of["total"] == "in its column":
        sums = {"number": total, "paid": whole} if "paid" in has else {"number": total, "gross": whole}
        rows.append([sums.get(column, "") for column in columns])
    return rows, f"{total}: {whole} EUR" if of["total"] == "below" else "", truth


@settings(FEW, max_examples=examples(200))
@given(of=layouts())
def test_a_table_is_read_as_it_was_written(tmp_path: Path, of: dict[str, Any]) -> None:
    rows, below, truth = rows_of(of)
    content = "".join(f"{';'.join(row)}\n" for row in rows)
    assert text(tmp_path, f"{content}{below}\n").amounts == truth


@settings(FEW, max_examples=examples(15))
@given(of=layouts())
def test_a_pdf_is_read_as_it_was_written(tmp_path: Path, of: dict[str, Any]) -> None:
    rows, below, truth = rows_of(of)
    align = "".join("r" if of["right"] and name in LANGUAGES[of["language"]][2:5] else "l" for name in rows[0])
    columns = f"({'1fr, ' * len(align)})" if of["wide"] else ""
    source = f"#set table(inset: (x: {of['inset_pt']}pt))\n{table(rows, align, columns=columns)}{below}"
    assert heard(pdf(tmp_path, source)).amounts == truth
