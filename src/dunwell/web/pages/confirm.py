"""The page between a wish and its deed: what will happen, a reason where one is asked for, and the form."""

from dataclasses import dataclass, field

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dunwell.records.views.entities import EntityLine


@dataclass(frozen=True)
class Question:
    """What is asked. `says`: what will happen, a sentence each; `fields`: what the form hands on, unseen."""

    title: str
    says: list[str]
    button: str
    back: str
    warns: str = ""
    is_danger: bool = False
    asks_reason: bool = False
    asks_date: str = ""  # the day that is suggested
    fields: dict[str, str] = field(default_factory=dict)


def ask(request: HttpRequest, entity: EntityLine, question: Question) -> HttpResponse:
    """Show the question."""
    return render(request, "confirm.html", {"entity": entity, "question": question})
