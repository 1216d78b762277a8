"""The journal from the shell: a CSV and a JSON document that say the same."""

import csv
import io
import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dunwell.cli.journal import _csv as as_csv
from dunwell.cli.journal import _json as as_json
from dunwell.engine.journal import GRANTS, Line
from tests.cli.conftest import filled
from tests.cli.shell import Answer, dunwell

DAY = date(2026, 4, 3)
LINE = Line(
    entry=1, date="2026-04-03", what="raised", document="FEE-1", charge="fee", account="MEYER", item="@A-17",
    notice=1, ledger_account="receivable", debit="5.00", credit="0.00", currency="EUR", vat="outside",
)  # fmt: skip
POLICY = """\
policy: fees
priority: 1
stages:
  - {stage: reminder, days_past_due: 3, fee: {EUR: 5.00, JPY: 500}, send: [email]}
"""


def test_a_journal_is_printed_or_written_and_says_the_same_in_both_formats(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "fees.yaml").write_text(POLICY)

    def type_in(*words: str) -> Answer:
        return dunwell("--home", "book", *words, cwd=tmp_path)

    assert type_in("policy", "apply", "fees.yaml").code == 0
    run = str(type_in("propose", "--as-of", "2020-07-10", "--json").json["run"])
    assert type_in("post", run).code == 0
    days = ("journal", "--from", "2020-07-10", "--to", "2020-07-10")
    printed = type_in(*days)
    assert (printed.code, printed.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(printed.out)))
    assert [(row["ledger_account"], row["debit"], row["credit"]) for row in rows[:2]] == [
        ("receivable", "5.00", "0.00"), ("fee_income", "0.00", "5.00"),
    ]  # fmt: skip
    told = type_in(*days, "--json")
    assert [{key: str(value) for key, value in line.items()} for line in told.json["lines"]] == rows
    assert (told.json["entity"], told.json["from"], told.json["to"]) == ("ACME", "2020-07-10", "2020-07-10")
    written = type_in(*days, "--out", "journal.csv")
    assert (written.code, written.out) == (0, "")
    assert "entries of ACME" in written.err
    assert (tmp_path / "journal.csv").read_text() == printed.out
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    (tmp_path / "link.csv").symlink_to("journal.csv")
    (tmp_path / "journal.csv").write_text("")
    assert type_in(*days, "--out", "link.csv").code == 0
    assert ((tmp_path / "link.csv").is_symlink(), (tmp_path / "journal.csv").read_text()) == (True, printed.out)
    os.mkfifo(tmp_path / "pipe")
    for target in (".", "pipe"):
        refused = type_in(*days, "--out", target)
        assert (refused.code, refused.err) == (
            3,
            f"error: --out: {target} is there and no regular file: nothing is written over it\n",
        )
    assert (tmp_path / "pipe").is_fifo()
    nowhere = type_in(*days, "--out", "no/such/folder/journal.csv")
    assert (nowhere.code, "cannot be read or written" in nowhere.err) == (3, True)
    assert type_in("journal", "--from", "2020-07-10", "--to", "2020-07-09").code == 3
    assert type_in("journal", "--from", "2020-07-10").code == 2


def test_ledger_accounts_are_shown_and_set(tmp_path: Path) -> None:
    filled(tmp_path)

    def type_in(*words: str) -> Answer:
        return dunwell("--home", "book", *words, cwd=tmp_path)

    before = type_in("entity", "journal", "ACME")
    assert before.code == 0
    for default in ("(receivable)", "(discount_granted)", "(as the law says)", "(none: the item's own)"):
        assert default in before.out
    own = type_in("entity", "journal", "ACME", "--receivable", "1400", "--vat-fee", "U0", "--json").json
    assert (own["entity"], own["receivable"], own["vat_fee"], own["fee_income"]) == ("ACME", "1400", "U0", "")
    grants = [f"{kind}_granted" for kind in GRANTS] + [f"vat_{kind}" for kind in GRANTS]
    options = [word for name in grants for word in (f"--{name.replace('_', '-')}", f"C-{name}")]
    granted = type_in("entity", "journal", "ACME", *options, "--json").json
    assert [granted[name] for name in grants] == [f"C-{name}" for name in grants]
    gone = type_in("entity", "journal", "ACME", "--receivable", "", "--json").json
    assert (gone["receivable"], gone["vat_fee"]) == ("", "U0")
    refused = type_in("entity", "journal", "ACME", "--write-off", "a b")
    assert (refused.code, refused.out) == (3, "")
    assert "write_off: 'a b' is none" in refused.err


def test_a_spreadsheet_is_given_no_formulas() -> None:
    texts = ["=1+1", "+1", "-1", "@A", "\t=1", "\r=1", "A=1", "1400"]
    found: Any = SimpleNamespace(  # a Journal, which needs no database here
        entity="ACME", from_on=DAY, to_on=DAY, lines=[replace(LINE, account=text) for text in texts]
    )
    (head, *_rows) = rows = list(csv.DictReader(io.StringIO(as_csv(found), newline="")))
    assert [row["account"] for row in rows] == [f"'{text}" for text in texts[:6]] + texts[6:]
    assert (head["item"], head["debit"]) == ("'@A-17", "5.00")
    assert [each["account"] for each in json.loads(as_json(found))["lines"]] == texts


def test_what_is_on_no_notice_has_none_in_both_formats() -> None:
    found: Any = SimpleNamespace(entity="ACME", from_on=DAY, to_on=DAY, lines=[replace(LINE, notice=None)])
    assert next(csv.DictReader(io.StringIO(as_csv(found))))["notice"] == ""
    assert json.loads(as_json(found))["lines"][0]["notice"] is None
