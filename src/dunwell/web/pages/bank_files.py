"""Bank files: take one in, and see which statements are there, and where one is missing."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dunwell.flows.cash.statements import import_statements
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


@asks
@of_entity
def bank_files(request: HttpRequest, entity: EntityLine) -> HttpResponse:
    """Show the statements that were taken in; take in a file, and say what it brought or what is wrong with it."""
    report, refusal, status = None, None, 200
    if request.method == "POST":
        try:
            report = _taken_in(request, entity)
        except FlowError as error:
            status, title = status_of(error)
            first, *problems = str(error).splitlines()
            refusal = {"title": title, "text": first, "problems": problems}
    page = statements.statements(entity.id, before=number(request.GET.get("before")))
    about: dict[str, Any] = {"entity": entity, "here": "cash", "tab": "bank-files", "page": page}
    if is_part(request):
        return render(request, "cash/statements.html", about)
    about |= {"report": report, "refusal": refusal, "size": f"{FILE_BYTES_MAX // 1024 // 1024} MB"}
    about["banks"] = money.bank_accounts(entity.id, on=clock.today(entity.time_zone))
    return render(request, "cash/files.html", about, status=status)


def _taken_in(request: HttpRequest, entity: EntityLine) -> object:
    """What the file of a form brought. Errors: Invalid; those of taking it in."""
    with kept(request, "file", "mapping") as (file, mapping):
        if file is None:
            raise Invalid("choose a file that the bank has sent")
        return import_statements(
            file, mapping=mapping, entity=entity_called(entity.code), by=who(request), at=clock.now()
        )
