"""Files of banks, and advices of payers: take one in, see which statements are there, and where one is missing."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dunwell.flows.cash.remittances import AdviceReport, import_advice
from dunwell.flows.cash.statements import FileReport, import_statements
from dunwell.flows.entities import entity_called
from dunwell.flows.errors import FlowError, Invalid
from dunwell.records.views import money, statements
from dunwell.records.views.entities import EntityLine
from dunwell.web import clock
from dunwell.web.pages.runs import asks
from dunwell.web.pages.scope import number, of_entity, who
from dunwell.web.refusals import status_of
from dunwell.web.security import is_part
from dunwell.web.uploads import FILE_BYTES_MAX, kept

ADVISE: Final = "advise"  # the form for an advice; the other one is for the bank's files


@asks
@of_entity
def bank_files(request: HttpRequest, entity: EntityLine) -> HttpResponse:
    """Show the statements that were taken in; take in a file, and say what it brought or what is wrong with it."""
    about: dict[str, Any] = {"entity": entity, "here": "cash", "tab": "bank-files"}
    is_advice, status = request.POST.get("deed") == ADVISE, 200
    if request.method == "POST":
        try:
            if is_advice:
                about["advised"] = _advised(request, entity)
            else:
                about["reports"] = _taken_in(request, entity)
        except FlowError as error:
            status, title = status_of(error)
            first, *problems = str(error).splitlines()
            about["refusal"] = {"title": title, "text": first, "problems": problems, "is_advice": is_advice}
    about["page"] = statements.statements(entity.id, before=number(request.GET.get("before")))
    if is_part(request):
        return render(request, "cash/statements.html", about)
    about |= {"size": f"{FILE_BYTES_MAX // 1024 // 1024} MB", "typed": request.POST}
    about["banks"] = money.bank_accounts(entity.id, on=clock.today(entity.time_zone))
    return render(request, "cash/files.html", about, status=status)


def _taken_in(request: HttpRequest, entity: EntityLine) -> tuple[FileReport, ...]:
    """What the bank's file of a form brought, or each file of an archive. Errors: Invalid; those of taking it in."""
    with kept(request, "file", "mapping") as (file, mapping):
        if file is None:
            raise Invalid("choose a file that the bank has sent")
        return import_statements(
            file, mapping=mapping, entity=entity_called(entity.code), unpacked_bytes_max=FILE_BYTES_MAX,
            by=who(request), at=clock.now(),
        )  # fmt: skip


def _advised(request: HttpRequest, entity: EntityLine) -> AdviceReport:
    """What the payer's file of a form brought. Errors: Invalid; those of taking it in."""
    account, typed = request.POST.get("account", "").strip(), request.POST.get("line", "").strip()
    line = number(typed)
    with kept(request, "file", "mapping") as (file, mapping):
        if file is None:
            raise Invalid("choose a file that the payer has sent")
        if typed and line is None:
            raise Invalid(f"{typed!r} is no number of a bank line")
        return import_advice(
            file, entity_called(entity.code), account=account or None, mapping=mapping, line=line, by=who(request),
            at=clock.now(),
        )  # fmt: skip
