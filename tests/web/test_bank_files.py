"""Bank files on a page: taken in once, all or nothing, of a bounded size, and a hole between two is marked."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client
from django.urls import reverse

from dunwell.flows.cash.accounts import add_account
from dunwell.records.models import AuditEvent, BankLine, BankStatement, Entity
from dunwell.web import uploads
from tests.flows.town import Town, noon
from tests.sources.bank.mt940_files import mt940
from tests.web.desk import Answer, browser
from tests.web.places import address
from tests.web.teller import ENTRIES, TODAY, statement
from tests.web.test_deeds import said

NEXT = mt940(["260403 40 //N1 A-18"], opens=872, on=("260403", "260403"), statement="S2")
MAPPING = "rows: movements\naccount: ACC1\ncurrency: EUR\nbooked: {column: Day}\namount: {column: Sum}\n"
TABLE = "Day,Sum\n2026-04-02,12.50\n"


def send(client: Client, town: Town, content: str, name: str = "april.sta", **more: Any) -> Answer:
    """Send a file as the page's form does."""
    file = SimpleUploadedFile(name, content.encode())
    return client.post(reverse("bank-files", args=[town.entity.pk]), {"file": file} | more)


def test_a_file_is_taken_in_once(town: Town, bert: Client) -> None:
    page = said(send(bert, town, NEXT))
    assert "<strong>1 line added</strong>, 40.00\xa0EUR; 0 entries were known." in page
    assert BankStatement.objects.latest("pk").file == "april.sta"
    assert AuditEvent.objects.filter(action="statement.imported").latest("pk").actor == "bert"
    page = said(send(bert, town, NEXT, "again.sta"))
    assert "This very file was taken in before. Nothing was changed." in page
    assert BankLine.objects.filter(amount_minor=4_000).count() == 1


def test_every_problem_of_a_file_is_said_with_its_line_and_nothing_is_taken_in(town: Town, bert: Client) -> None:
    answer = send(bert, town, NEXT.replace("EUR912,", "EUR999,"))
    assert answer.status_code == 422
    assert "april.sta: 1 problem; nothing was written" in said(answer)
    assert "april.sta:" in said(answer).partition("nothing was written")[2]
    for content, name in (("", "empty.sta"), ("hello", "<b>.txt"), ("\0\1\2", "x.bin")):
        answer = send(bert, town, content, name)
        assert (answer.status_code, "nothing was written" in said(answer)) == (422, True), name
        assert "<b>" not in answer.content.decode()
    assert BankStatement.objects.count() == 1


def test_a_table_is_taken_in_by_its_mapping(town: Town, bert: Client) -> None:
    add_account(town.entity, "ACC1", by="test", at=noon(TODAY))
    mapping = SimpleUploadedFile("bank.yaml", MAPPING.encode())
    assert "<strong>1 line added</strong>" in said(send(bert, town, TABLE, "bank.csv", mapping=mapping))
    wrong = SimpleUploadedFile("bank.yaml", b"rows: [")
    assert send(bert, town, TABLE, "bank.csv", mapping=wrong).status_code == 422


def test_a_file_of_another_entity_is_refused(town: Town, bert: Client) -> None:
    other = Entity.objects.create(code="OTHER", name="Other AG", currency="EUR")
    file = SimpleUploadedFile("april.sta", NEXT.encode())
    answer = bert.post(reverse("bank-files", args=[other.pk]), {"file": file})
    assert (answer.status_code, BankStatement.objects.count()) == (422, 1)


def test_a_form_without_a_file_says_what_is_missing(town: Town, bert: Client) -> None:
    answer = bert.post(reverse("bank-files", args=[town.entity.pk]))
    assert (answer.status_code, "Choose a file that the bank has sent" in said(answer)) == (422, True)


def test_a_file_larger_than_the_console_takes_goes_by_the_shell(
    town: Town, bert: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "FILE_BYTES_MAX", 500)
    answer = send(bert, town, NEXT + " " * 500)
    assert (answer.status_code, "with dunwell cash import FILE" in said(answer)) == (422, True)
    assert BankStatement.objects.count() == 1


@pytest.mark.parametrize("length", ["abc", "-5", "", "9" * 5_000])
def test_a_form_that_does_not_say_how_long_it_is_brings_nothing(town: Town, bert: Client, length: str) -> None:
    body = f'--b\r\nContent-Disposition: form-data; name="file"; filename="a.sta"\r\n\r\n{NEXT}\r\n--b--\r\n'
    where = reverse("bank-files", args=[town.entity.pk])
    answer = bert.generic("POST", where, body, "multipart/form-data; boundary=b", CONTENT_LENGTH=length)
    assert answer.status_code in {400, 422}
    assert BankStatement.objects.count() == 1


@pytest.mark.parametrize("name", ["../../april.sta", "/etc/april.sta", "é" * 150 + ".sta", "..", ".", "a%0Ab.sta", ""])
def test_a_file_has_whatever_name_its_sender_gave_it(town: Town, bert: Client, name: str) -> None:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = f"{head}{NEXT}\r\n--b--\r\n".encode()
    answer = bert.generic("POST", reverse("bank-files", args=[town.entity.pk]), body, "multipart/form-data; boundary=b")
    kept = BankStatement.objects.exclude(file="S1.sta").values_list("file", flat=True)
    assert (answer.status_code, len(kept)) == ((200, 1) if ".sta" in name else (422, 0))
    for file in kept:
        assert "/" not in file
        assert len(file.encode()) <= uploads.NAME_BYTES_MAX


def test_of_strangers_and_for_other_pages_no_file_is_kept(
    town: Town, bert: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []
    kept = TemporaryFileUploadHandler.new_file

    def noted(handler: TemporaryFileUploadHandler, *args: Any, **more: Any) -> None:
        begun.append(args[1])
        kept(handler, *args, **more)

    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", noted)
    town.propose(TODAY)
    assert send(browser(), town, NEXT).status_code == 302
    for name in ("sign-in", "run-cancel", "cash-match"):
        for client in (bert, browser()):
            sent = SimpleUploadedFile("elsewhere.sta", NEXT.encode())
            client.post(address(name, town), {"reason": "x", "file": sent})
    assert begun == []
    send(bert, town, NEXT, "here.sta")
    assert begun == ["here.sta"]


def test_nothing_of_a_file_stays_behind(
    town: Town, bert: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    send(bert, town, NEXT)
    send(bert, town, "hello", "wrong.txt")
    assert list(folder.iterdir()) == []


def test_what_no_database_takes_is_refused_beside_a_file_too(town: Town, bert: Client) -> None:
    assert send(bert, town, NEXT, note="a\0b").status_code == 400
    assert BankStatement.objects.count() == 1


def holes(client: Client, town: Town) -> int:
    """How many statements the page says another one is missing before."""
    return said(client.get(reverse("bank-files", args=[town.entity.pk]))).count("one before it is missing")


def test_a_hole_between_statements_is_marked_until_it_is_filled(town: Town, bert: Client) -> None:
    assert holes(bert, town) == 0
    statement(town, ["260407 10 //H1 hello"], opens=900, day="260407", name="S4")
    page = said(bert.get(reverse("bank-files", args=[town.entity.pk])))
    assert 'one before it is missing, after <span class="date">2026-04-02' in page
    statement(town, ["260406 28 //H2 hello"], opens=872, day="260406", name="S3")
    assert holes(bert, town) == 0


def test_statements_of_one_day_in_any_order_are_no_hole(town: Town, bert: Client) -> None:
    statement(town, ["260407 10 //H1 hello"], opens=900, day="260407", name="S4")
    statement(town, ["260407 28 //H2 hello"], opens=872, day="260407", name="S3")
    assert holes(bert, town) == 0


def test_the_statements_of_other_accounts_have_nothing_to_do_with_it(town: Town, bert: Client) -> None:
    add_account(town.entity, "ACC1", by="test", at=noon(TODAY))
    path = statement(town, ENTRIES, opens=5_000, day="260407", name="S4")
    BankStatement.objects.filter(file=path.name).update(account=town.entity.bank_accounts.get(number="ACC1"))
    assert holes(bert, town) == 0
