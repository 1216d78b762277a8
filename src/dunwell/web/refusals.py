"""How the console refuses: one mapping of what flows say to a page in words; and pages for what fails."""

import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from dunwell.flows.errors import Conflict, FlowError, Forbidden, Invalid, NotFound
from dunwell.flows.runs.seen import Changed
from dunwell.web.security import is_part

STATUS: Final[dict[type[FlowError], tuple[int, str]]] = {
    NotFound: (404, "There is no such thing"),
    Forbidden: (403, "You may not do this"),
    Conflict: (409, "This cannot be done now"),
    Invalid: (422, "This cannot be taken"),
}

log = logging.getLogger("dunwell.web")


class told:  # noqa: N801  # Django's middleware, used by name like a function
    """Turns the refusals of flows into pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Hand on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Say a refusal in words, with its status; what else went wrong is Django's to handle.

        What has changed since somebody looked is shown as it is now.
        """
        if isinstance(error, Changed):
            messages.warning(request, str(error))
            return redirect(_about(request))
        if not isinstance(error, FlowError):
            return None
        status, title = status_of(error)
        return refused(request, status, title, str(error))


def status_of(error: FlowError) -> tuple[int, str]:
    """The status of a refusal, and what it is called."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def refused(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    """The page that says why not, and leads back to where the reader was; to HTMX, within a page, no more."""
    lines = text.splitlines()
    about = {"status": status, "title": title, "text": lines[0] if lines else "", "problems": lines[1:]}
    if is_part(request):
        return render(request, "parts/refused.html", about, status=status)
    return render(request, "refused.html", about | {"back": _back(request)}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """What came is no request of ours."""
    return refused(request, 400, "This was not understood", "What the browser sent is not something this page takes.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # as above
    """Somebody may not see or do this."""
    return refused(request, 403, "You may not do this", "Ask whoever runs this installation, if you think you should.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # as above
    """Nothing is at this address."""
    return refused(request, 404, "There is nothing here", "The address is wrong, or what it led to is gone.")


def failed(request: HttpRequest) -> HttpResponse:
    """Something went wrong that nobody foresaw: it is in the log."""
    text = "Nothing was changed by it. Try again; if it stays so, the log of the web process says what happened."
    return refused(request, 500, "Something went wrong", text)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that this browser was not given, or too long ago."""
    log.warning("a form was refused: %s", reason)
    text = "The form was not ours, or is too old. Go back, load the page again, and send it once more."
    return refused(request, 403, "This form cannot be taken", text)


def _back(request: HttpRequest) -> str:
    """Where to go on: after a form what it was about, else the page the reader came from, if it is ours."""
    if request.method == "POST" and (about := _about(request)):
        return about
    came_from = request.headers.get("Referer", "")
    try:
        host = request.get_host()
    except DisallowedHost:
        return "/"
    if not url_has_allowed_host_and_scheme(came_from, allowed_hosts={host}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(came_from)
    path = "/" + parts.path.lstrip("/\\")
    where = f"{path}?{parts.query}" if parts.query else path
    return where if where != request.get_full_path() else "/"


def _about(request: HttpRequest) -> str:
    """The page of the notice or the run that an address is about, or nothing."""
    about = request.resolver_match.kwargs if request.resolver_match else {}
    name = next((name for name in ("notice", "run") if name in about), None)
    return reverse(name, kwargs=about) if name else ""
