"""Tables of banks by their mappings, and archives of their messages: once, and whole or not at all."""

import zipfile
from pathlib import Path

import pytest

from dunwell.flows.cash.statements import FileReport, import_statements
from dunwell.flows.errors import Invalid
from tests.flows.cash.banking import AT, bank_account, kept, take
from tests.flows.town import Town
from tests.sources.bank.mt940_files import IBAN, mt940

ONE = mt940(["260302 50 //B1 invoice A-17", "260302 -20 //B2 rent"], opens=100)


def test_a_table_is_taken_in_by_its_mapping(bank: Town, tmp_path: Path) -> None:
    mapping = tmp_path / "bank.yaml"
    mapping.write_text(
        f"rows: movements\naccount: {IBAN}\ncurrency: EUR\nbooked: {{column: day}}\n"
        "amount: {column: amount}\nname: {column: who}\ntext: {column: what}\n"
    )
    table = tmp_path / "bank.csv"
    table.write_text("day,amount,who,what\n2026-03-02,50.00,Meyer,A-17\n2026-03-03,-7.00,Landlord,rent\n")
    (statement,) = mapped_in(table, mapping).statements
    assert (statement.lines, statement.lines_minor) == (2, 4300)
    table.write_text(table.read_text() + "2026-03-04,1.00,Meyer,A-18\n")
    (longer,) = mapped_in(table, mapping).statements
    assert (longer.lines, longer.known) == (1, 2)
    mapping.write_text("rows: items\n")
    with pytest.raises(Invalid, match="the mapping cannot be taken"):
        mapped_in(table, mapping)


def mapped_in(table: Path, mapping: Path) -> FileReport:
    (report,) = import_statements(table, mapping=mapping, by="bert", at=AT)
    return report


def mapped(folder: Path, name: str, account: str, more: str = "") -> Path:
    """A mapping of a table with the columns acc, day, amount and what."""
    path = folder / name
    path.write_text(
        f"rows: movements\naccount: {account}\ncurrency: EUR\nbooked: {{column: day}}\n"
        f"amount: {{column: amount}}\ntext: {{column: what}}\n{more}"
    )
    return path


def test_rows_of_one_account_are_counted_however_a_table_mixes_accounts(bank: Town, tmp_path: Path) -> None:
    bank_account(bank.entity, "77777")
    table, mapping = tmp_path / "bank.csv", mapped(tmp_path, "m.yaml", "{column: acc}")
    alike = f"{IBAN},2026-03-02,50.00,thanks\n"
    table.write_text(f"acc,day,amount,what\n{alike}77777,2026-03-02,5.00,x\n{alike}")
    report = mapped_in(table, mapping)
    assert sum(each.lines for each in report.statements) == 3
    table.write_text(table.read_text() + alike)
    longer = mapped_in(table, mapping)
    assert (sum(each.lines for each in longer.statements), sum(each.known for each in longer.statements)) == (1, 3)


def test_a_table_is_taken_in_once_by_each_mapping(bank: Town, tmp_path: Path) -> None:
    bank_account(bank.entity, "77777")
    table = tmp_path / "bank.csv"
    table.write_text("acc,day,amount,what\nA,2026-03-02,50.00,x\nB,2026-03-02,5.00,y\n")
    for account, which in ((IBAN, "A"), ("'77777'", "B")):
        mapping = mapped(tmp_path, f"{which}.yaml", account, f"only: {{acc: {which}}}\n")
        (statement,) = mapped_in(table, mapping).statements
        assert statement.lines == 1
        assert mapped_in(table, mapping).is_known
    assert kept() == [("2026-03-02", 500, "y"), ("2026-03-02", 5000, "x")]


def test_an_archive_is_taken_in_whole_or_not_at_all(bank: Town, tmp_path: Path) -> None:
    next_day = mt940(["260303 7 //B3 more"], opens=130, on=("260303", "260303"), statement="S2")
    path = tmp_path / "c53.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0303.sta", next_day)
        archive.writestr("0304.sta", next_day.replace("137,", "100,"))
    with pytest.raises(Invalid, match=r"c53.zip/0304.sta:\d+: the statement does not add up"):
        import_statements(path, by="bert", at=AT)
    assert kept() == []
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0303.sta", next_day)
        archive.writestr("0302.sta", ONE)
    first, second = import_statements(path, by="bert", at=AT)
    assert (first.file, second.file) == ("c53.zip/0302.sta", "c53.zip/0303.sta")
    assert [each.lines for report in (first, second) for each in report.statements] == [2, 1]
    assert take(tmp_path, ONE).is_known
