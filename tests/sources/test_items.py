"""What a file of items says, and what is refused of it, with line and column."""

import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dunwell.sources.items import read_items
from dunwell.sources.problems import SourceError
from tests.sources.files import HEADER, MAPPING, ROWS, csv, every, of_items, read, refused


def spoiled(column: str, value: str, row: int = 1) -> str:
    """The usual file with one value replaced, in the row that stands in line 3."""
    rows = [line.split(",") for line in ROWS]
    rows[row][HEADER.split(",").index(column)] = value
    return csv(*(",".join(fields) for fields in rows))


def test_a_file_becomes_items_and_accounts(tmp_path: Path) -> None:
    found = read(tmp_path, csv())
    assert every(found).select("line", "account", "number", "currency", "amount_minor", "due_on").rows() == [
        (2, "00042", "A-17", "EUR", 10000, date(2026, 3, 31)),
        (3, "00042", "A-18", "EUR", 2050, date(2026, 4, 1)),
        (4, "00007", "A-19", "JPY", 1000, date(2026, 4, 1)),
    ]
    assert found.accounts.rows() == [(2, "ACME", "00042", "Meyer GmbH"), (4, "ACME", "00007", "Sakura KK")]
    assert found.totals.select("currency", "items", "open_minor").rows() == [("EUR", 2, 12050), ("JPY", 1, 1000)]
    assert (found.rows, found.left_out, found.warnings) == (3, 0, ())


def test_gzip_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    assert every(read(tmp_path, gzip.compress(csv().encode()))).height == 3


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(
        csv(*(f"ACME,1,N,A-{n * 7919 % 10007},EUR,{n}.00,,2026-04-01" for n in range(5000))).encode()
    )
    assert "ends early or is damaged" in refused(tmp_path, packed[: len(packed) // 2])[-1]


def test_a_byte_order_mark_blank_lines_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    text = "\ufeff" + csv().replace("A-18", " A-18 ").replace("\n", "\r\n") + "\r\n\r\n"
    assert every(read(tmp_path, text))["number"].to_list() == ["A-17", "A-18", "A-19"]


def test_lines_are_counted_through_a_quoted_line_break(tmp_path: Path) -> None:
    rows = [ROWS[0].replace("Meyer GmbH", '"Meyer\nund ""Söhne"", GmbH"'), ROWS[1].replace("20.5", "x")]
    assert [text.split(":")[1] for text in refused(tmp_path, csv(*rows))] == ["4"]


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("currency", "EURO", "items.csv:3: currency: 'EURO' is not a currency in use (ISO 4217); did you mean 'EUR'?"),
        ("currency", "", "items.csv:3: currency: the field is empty, and every row needs it"),
        ("customer", " ", "items.csv:3: customer: the field is empty, and every row needs it"),
        ("invoice", "", "items.csv:3: invoice: the field is empty, and every row needs it"),
        ("company", "", "items.csv:3: company: the field is empty, and every row needs it"),
        ("due", "", "items.csv:3: due: the due date is empty, and only credits have none"),
        ("amount", "", "items.csv:3: amount: the amount is empty"),
        ("due", "2026-02-30", "items.csv:3: due: '2026-02-30' is no date of the calendar between 1900 and 2199"),
        ("due", "0026-03-01", "items.csv:3: due: '0026-03-01' is no date of the calendar between 1900 and 2199"),
        ("due", "31.03.2026", "items.csv:3: due: '31.03.2026' is not written as YYYY-MM-DD; name its format"),
        ("issued", "soon", "items.csv:3: issued: 'soon' is not written as YYYY-MM-DD"),
        ("amount", "nan", "items.csv:3: amount: 'nan' is not a finite number"),
        ("amount", "-inf", "items.csv:3: amount: '-inf' is not a finite number"),
        ("amount", "-20.50", "items.csv:3: amount: -20.50 is negative; `negative: credit` in the mapping"),
        ("amount", "20.505", "items.csv:3: amount: 20.505 has more decimals than EUR has (2); `round: half_up`"),
        ("amount", "10000000000.01", "items.csv:3: amount: 10000000000.01 EUR is beyond the bound of 10000000000.00"),
        ("amount", "9" * 50, "is beyond the bound"),
        ("amount", "9" * 200, "is too long for an amount"),
        ("amount", "1e3", "items.csv:3: amount: '1e3' is in scientific notation, which loses digits"),
        ("amount", "1_000", "items.csv:3: amount: '1_000' is no amount"),
        ("amount", "١٢", "items.csv:3: amount: '١٢' is no amount"),
        ("amount", "20.50 EUR", "items.csv:3: amount: '20.50 EUR' is no amount"),
        (
            "invoice",
            "A-17",
            "items.csv:3: invoice: 'A-17' is in the file twice, first in line 2; one of the two must go",
        ),
        ("invoice", "A" * 201, "is longer than 200 characters"),
    ],
)
def test_a_bad_value_is_refused(tmp_path: Path, column: str, value: str, problem: str) -> None:
    found = refused(tmp_path, spoiled(column, value))
    assert len(found) == 1
    assert problem in found[0]


def test_what_two_fields_find_wrong_with_one_column_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text(spoiled("amount", ""))
    with pytest.raises(SourceError) as caught:
        read_items(tmp_path / "items.csv", of_items(MAPPING + "open: {column: amount}\n"))
    assert (caught.value.count, str(caught.value)) == (1, "items.csv:3: amount: the amount is empty")


def test_exactly_the_bound_is_taken(tmp_path: Path) -> None:
    assert every(read(tmp_path, spoiled("amount", "10000000000.00")))["amount_minor"].max() == 10**12


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "items.csv:1: the file is empty"),
        ("\n\n", "items.csv:1: the file is empty"),
        (csv(header=HEADER).splitlines()[0] + "\n", "items.csv:1: the file has no rows"),
        (csv(header=HEADER.replace("due", "due_date")), "items.csv:1: due: the file has no such column"),
        (csv(header=HEADER.replace("issued", "due")), "items.csv:1: due: the file has two columns of this name"),
        (
            csv(ROWS[0], ROWS[1].rpartition(",")[0]),
            "items.csv:3: the row has too few fields: 7 instead of the header's 8",
        ),
        (csv(ROWS[0], ROWS[1] + ",x"), "items.csv:3: the row has too many fields: 9 instead of the header's 8"),
        (csv(ROWS[0], ROWS[1].replace("Meyer", '"Meyer'), ROWS[2]), "items.csv:3: the row that begins here is not CSV"),
        (
            csv(ROWS[0], ROWS[1].replace("Meyer GmbH", '"Meyer" GmbH')),
            "items.csv:3: the row that begins here is not CSV",
        ),
        (csv().replace("A-18", "A-\x0018"), "items.csv:3: there is a NUL byte at byte 25; the file is damaged"),
        (csv().encode("utf-16"), "items.csv:1: the file seems to be UTF-16; export it as UTF-8"),
        (csv().replace("Meyer", "Müller").encode("cp1252"), "items.csv:2: byte 13 (0xfc, near"),
        (csv().replace("\n", "\r"), "items.csv:1: the row that begins here is not CSV: a carriage return (CR) stands"),
        (csv().replace("\n", "\r") + "x" * 2_000_000, "items.csv:1: a carriage return (CR) stands here without a line"),
        (csv().replace("Meyer GmbH", "Meyer\rGmbH", 1), "items.csv:2: the row that begins here is not CSV: a carriage"),
        (csv() + "x" * 2_000_000, "the line is longer than 1,000,000 bytes"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, content: str | bytes, problem: str) -> None:
    assert problem in "\n".join(refused(tmp_path, content))


@pytest.mark.parametrize(
    ("header", "sign"),
    [(HEADER, ";"), (HEADER, "\t"), (HEADER, "|"), ('"company","customer, no","due"', ";"), ("company,due", ";")],
)
def test_another_delimiter_is_named_once(tmp_path: Path, header: str, sign: str) -> None:
    assert refused(tmp_path, csv(header="\ufeff" + header.replace(",", sign))) == [
        f"items.csv:1: ',' does not part the columns; it seems to be {sign!r}: say so with `delimiter` in the mapping"
    ]


def test_a_file_of_other_columns_is_no_file_of_another_delimiter(tmp_path: Path) -> None:
    found = refused(tmp_path, csv(header="a;b,c"))
    assert found[0] == "items.csv:1: company: the file has no such column; it has a;b, c"
    assert found[1] == "items.csv:1: customer: the file has no such column"


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("country", "UK", "items.csv:3: name: 'UK' is no country: two capital letters of ISO 3166, such as DE"),
        ("country", "de", "items.csv:3: name: 'de' is no country"),
        (
            "time_zone",
            "Europe/Berln",
            "is no time zone, such as Europe/Berlin; translate it under `values`; did you mean",
        ),
    ],
)
def test_where_an_account_is_must_be_a_place(tmp_path: Path, field: str, value: str, problem: str) -> None:
    mapping = (
        f"{field}: {{column: name, values: {{Meyer GmbH: DE, Sakura KK: {'JP' if field == 'country' else 'UTC'}}}}}\n"
    )
    mapping = mapping.replace("Meyer GmbH: DE", f"Meyer GmbH: {'DE' if field == 'country' else 'Europe/Berlin'}")
    given = MAPPING.replace("name: {column: name}\n", "")
    (tmp_path / "items.csv").write_text(spoiled("name", value))
    with pytest.raises(ValueError, match="is no") as caught:
        read_items(tmp_path / "items.csv", of_items(given + mapping))
    assert problem in str(caught.value)


def test_another_encoding_is_named_in_the_mapping(tmp_path: Path) -> None:
    content = csv().replace("Meyer", "Müller").encode("cp1252")
    assert read(tmp_path, content, "encoding: cp1252\n").accounts["name"][0] == "Müller GmbH"


def test_every_problem_is_counted_and_fifty_are_listed_in_order_of_line(tmp_path: Path) -> None:
    rows = [f"ACME,1,N,B-{n},EUX,x,2026-02-30,2026-02-30" for n in range(100)]
    with pytest.raises(SourceError, match="and 350 more problems") as caught:
        read(tmp_path, csv(*rows, ROWS[0]))
    listed = caught.value.problems
    assert [problem.line for problem in listed] == sorted(problem.line for problem in listed)
    assert (len(listed), listed[0].line, listed[-1].line) == (50, 2, 14)


def test_other_ways_to_write_amounts_and_dates(tmp_path: Path) -> None:
    rows = (
        "ACME;1;N;A-1;EUR;1.234.567,89;;31.03.2026",
        "ACME;1;N;A-2;EUR;12,5;;1.4.2026",
        "ACME;1;N;A-3;EUR;+,07;;2026-04-01 00:00:00",
    )
    more = 'delimiter: ";"\ndecimal: ","\nthousands: "."\ndates: [D.M.YYYY, YYYY-MM-DD]\n'
    found = read(tmp_path, csv(*rows, header=HEADER.replace(",", ";")), more)
    assert every(found)["amount_minor"].to_list() == [123456789, 1250, 7]
    assert every(found)["due_on"].to_list() == [date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 1)]


@pytest.mark.parametrize("amount", ["1.23", "12.34,5", "1.2345,6", "1,234,5", "1.234-5"])
def test_a_sign_for_thousands_is_taken_only_where_it_belongs(tmp_path: Path, amount: str) -> None:
    row = f"ACME;1;N;A-1;EUR;{amount};;2026-04-01"
    more = 'delimiter: ";"\ndecimal: ","\nthousands: "."\n'
    assert "is no amount; the mapping says ',' for decimals and '.' for thousands" in refused(
        tmp_path, csv(row, header=HEADER.replace(",", ";")), more
    )[0]  # fmt: skip


def test_rounding_is_half_up_and_reported(tmp_path: Path) -> None:
    found = read(tmp_path, csv(*(row.replace("20.5", "20.505") for row in ROWS)), "round: half_up\n")
    assert every(found)["amount_minor"].to_list() == [10000, 2051, 1000]
    assert found.totals["rounding"].to_list() == [Decimal("0.005"), Decimal(0)]
    assert found.warnings == ("1 row rounded half up to the currency's decimals, by 0.005 altogether",)
    long = read(tmp_path, csv(*(row.replace("20.5", "20.50499999999999999999") for row in ROWS)), "round: half_up\n")
    assert every(long)["amount_minor"].to_list() == [10000, 2050, 1000]


def test_a_negative_amount_becomes_a_credit_if_the_mapping_says_so(tmp_path: Path) -> None:
    rows = (ROWS[0], ROWS[1].replace("20.5", "20.50-").replace("2026-04-01", ""), ROWS[2].replace("1000", "-1000"))
    found = read(tmp_path, csv(*rows), "negative: credit\n")
    assert every(found).select("kind", "amount_minor").rows() == [
        ("invoice", 10000),
        ("credit", 2050),
        ("credit", 1000),
    ]


def test_what_is_open_is_a_part_of_the_amount(tmp_path: Path) -> None:
    header, more = HEADER + ",rest", "open: {column: rest}\n"
    found = read(tmp_path, csv(ROWS[0] + ",40.00", ROWS[1] + ",0", header=header), more)
    assert every(found)["open_minor"].to_list() == [4000, 0]
    assert found.totals.select("items", "open_minor").rows() == [(1, 4000)]
    assert refused(tmp_path, csv(ROWS[0] + ",100.01", ROWS[1] + ",-1", header=header), more + "negative: credit\n") == [
        "items.csv:2: rest: 100.01 is open of an amount of 100.00: it can only be a part of it",
        "items.csv:3: rest: -1 is open of an amount of 20.5: it can only be a part of it",
    ]


def test_rows_are_left_out_by_a_column(tmp_path: Path) -> None:
    found = read(tmp_path, csv(), "only: {currency: EUR}\n")
    assert (found.rows, found.left_out, every(found).height) == (3, 1, 2)
    assert (
        "none of the 3 rows is one where currency is GBP or USD"
        in refused(tmp_path, csv(), "only: {currency: [GBP, USD]}\n")[0]
    )


def test_values_are_translated_and_suffixes_stripped(tmp_path: Path) -> None:
    header = HEADER + ",type"
    rows = (ROWS[0].replace("A-17", "17.0") + ",RV", ROWS[1].replace("A-18", "18.0") + ",G2")
    mapping = MAPPING.replace("{column: invoice}", '{column: invoice, strip_suffix: ".0"}')
    found = read(
        tmp_path, csv(*rows, header=header), "kind: {column: type, values: {RV: invoice, G2: credit}}\n", mapping
    )
    assert every(found).select("number", "kind").rows() == [("17", "invoice"), ("18", "credit")]
    unknown = refused(tmp_path, csv(*rows, header=header), "kind: {column: type, values: {RV: invoice}}\n")
    assert "items.csv:3: type: 'G2' is no kind of item: invoice, instalment" in unknown[0]


def test_the_most_frequent_spelling_of_a_name_is_kept(tmp_path: Path) -> None:
    names = ("Meier", "Meyer", "Meyer", "Maier", "", "Maier", "Meyer")
    rows = [f"ACME,1,{name},A-{n},EUR,1.00,,2026-04-01" for n, name in enumerate(names)]
    rows += [f"ACME,2,{name},B-{n},EUR,1.00,,2026-04-01" for n, name in enumerate(("Zed", "Abc", "Abc", "Zed"))]
    found = read(tmp_path, csv(*rows))
    assert found.accounts["name"].to_list() == ["Meyer", "Zed"]
    assert found.warnings == ("2 accounts with more than one name (3 too many; 1 has 3); the most frequent is kept",)


def test_due_before_issue_is_taken_with_a_warning(tmp_path: Path) -> None:
    found = read(tmp_path, spoiled("due", "2026-03-01"))
    assert found.warnings == (
        "1 row due before issue, first line 3 (due 2026-03-01, issued 2026-03-02); taken as they are",
    )


def test_details_of_accounts_and_attributes(tmp_path: Path) -> None:
    header = HEADER + ",land,mail,street,city,vip,weight,since,rep"
    rows = (
        ROWS[0] + ",DE,ap@meyer.example,Weg 1,Ulm,x,3,2019-01-31,Dahl",
        ROWS[1] + ",DE,not an address,Weg 1,Ulm,,,,",
        ROWS[2] + ",JP,,,Osaka,no,-12,,Reyes",
    )
    more = """\
country: {column: land}
email: {column: mail}
address: {columns: [street, city]}
debtor_class: business
language: de
customer_since: {column: since}
attributes:
  vip: {column: vip, type: boolean}
  weight: {column: weight, type: integer}
  rep: {column: rep, of: account}
"""
    found = read(tmp_path, csv(*rows, header=header), more)
    assert found.accounts.drop("line").to_dicts() == [
        {"entity": "ACME", "account": "00042", "name": "Meyer GmbH", "country": "DE", "language": "de",
         "debtor_class": "business", "customer_since_on": date(2019, 1, 31), "email": "ap@meyer.example",
         "address": "Weg 1\nUlm", "attr_rep": "Dahl"},
        {"entity": "ACME", "account": "00007", "name": "Sakura KK", "country": "JP", "language": "de",
         "debtor_class": "business", "customer_since_on": None, "email": None, "address": "Osaka", "attr_rep": "Reyes"},
    ]  # fmt: skip
    assert every(found).select("attr_vip", "attr_weight").rows() == [(True, 3), (None, None), (False, -12)]
    assert found.warnings == ("1 row with an email address that cannot be one; left out",)
    wrong = (ROWS[0] + ",de,,,,maybe,1.5,2019-02-29,", *rows[1:])
    assert [text.split(": ")[0:2] for text in refused(tmp_path, csv(*wrong, header=header), more)] == [
        ["items.csv:2", "land"],
        ["items.csv:2", "since"],
        ["items.csv:2", "vip"],
        ["items.csv:2", "weight"],
    ]


@pytest.mark.parametrize(
    ("more", "texts", "numbers"),
    [
        ('decimal: ","\nthousands: "."\n', ("5.000", '"1.234,5"', "-7"), [5000.0, 1234.5, -7.0]),
        ('decimal: ","\n', ("5", '"0,5"', ""), [5.0, 0.5, None]),
        ('thousands: ","\n', ('"5,000"', "5.000", "1e-3"), [5000.0, 5.0, 0.001]),
    ],
)
def test_attributes_are_written_as_amounts_are(
    tmp_path: Path, more: str, texts: tuple[str, ...], numbers: list[float | None]
) -> None:
    rows = [f"ACME,1,N,A-{n},EUR,{n},,2026-04-01,{text}" for n, text in enumerate(texts)]
    more += "attributes: {size: {column: size, type: number}}\n"
    assert every(read(tmp_path, csv(*rows, header=HEADER + ",size"), more))["attr_size"].to_list() == numbers
    (problem,) = refused(tmp_path, csv(rows[0].replace(texts[0], "1.5.5"), header=HEADER + ",size"), more)
    assert problem.startswith("items.csv:2: size: '1.5.5' is no number, the attribute's type; the mapping says ")


def test_a_whole_number_may_have_signs_for_thousands(tmp_path: Path) -> None:
    more = 'decimal: ","\nthousands: "."\nattributes: {days: {column: days, type: integer}}\n'
    row, header = ROWS[2] + ",5.000", HEADER + ",days"
    assert every(read(tmp_path, csv(row, header=header), more))["attr_days"].to_list() == [5000]
    (problem,) = refused(tmp_path, csv(row.replace("5.000", "5.00"), header=header), more)
    assert problem.startswith("items.csv:2: days: '5.00' is no integer, the attribute's type; the mapping says ',' for")


def test_what_is_left_of_a_text_has_no_blanks_around(tmp_path: Path) -> None:
    mapping = MAPPING.replace("{column: invoice}", '{column: invoice, strip_prefix: "INV-", strip_suffix: "/1"}')
    rows = (ROWS[0].replace("A-17", "INV- 123 /1"), ROWS[1].replace("A-18", "INV-124"))
    assert every(read(tmp_path, csv(*rows), mapping=mapping))["number"].to_list() == ["123", "124"]
    assert "the field is empty" in refused(tmp_path, csv(rows[0].replace("123 ", "")), mapping=mapping)[0]


def test_batches_meet_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dunwell.sources.tables.ROWS_PER_BATCH", 2)
    monkeypatch.setattr("dunwell.sources.csv.BYTES_PER_BATCH", 100)
    told: list[tuple[int, int]] = []
    path = tmp_path / "items.csv"
    path.write_text(csv(*ROWS, ROWS[0].replace("A-17", "A-20"), ROWS[0].replace("A-17", "A-21")))
    found = read_items(path, of_items(), lambda done, size: told.append((done, size)))
    assert every(found)["line"].to_list() == [2, 3, 4, 5, 6]
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    again = csv(*ROWS, ROWS[0])
    assert refused(tmp_path, again) == [
        "items.csv:5: invoice: 'A-17' is in the file twice, first in line 2; one of the two must go"
    ]


@pytest.mark.parametrize("size", [40, 100, 1000, 4 * 1024**2])
def test_rows_read_at_once_and_one_by_one_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    rows = [f" ACME,{n % 5},Müller {n},A-{n},EUR,{n}.5 ,,2026-04-01" for n in range(60)]
    quoted = [",".join(f'"{field}"' for field in row.split(",")) for row in rows]
    monkeypatch.setattr("dunwell.sources.csv.BYTES_PER_BATCH", size)
    plain = read(tmp_path, csv(*rows))
    mixed = [*rows[:7], *quoted[7:9], *rows[9:30], quoted[30].replace("Müller", "Mül\nler"), *rows[31:50], *quoted[50:]]
    for others in (rows, quoted):
        for end in ("\n", "\r\n"):
            found = read(tmp_path, csv(*others).replace("\n", end).encode("cp1252"), "encoding: cp1252\n")
            assert every(found).equals(every(plain))
            assert found.accounts.equals(plain.accounts)
    lines = every(read(tmp_path, csv(*mixed)))["line"].to_list()
    assert lines == [*range(2, 33), *range(34, 63)]
    ragged = [*rows[:20], rows[20] + ",x", *rows[21:30], rows[30].rpartition(",")[0], "", *rows[31:]]
    assert [text.split(": ")[0] for text in refused(tmp_path, csv(*ragged))] == ["items.csv:22", "items.csv:32"]
    assert [text.split(": ")[0] for text in refused(tmp_path, csv(*ragged[:40], 'a,"b'))] == [
        "items.csv:22", "items.csv:32", "items.csv:42",
    ]  # fmt: skip
