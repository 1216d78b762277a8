"""What every answer says to the browser about what it may do with it, and what HTMX does where somebody signed out."""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

# No inline script or style, nothing from elsewhere. Tabler's pictures are data: in its style sheet.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HSTS_SECONDS: Final = 365 * 24 * 60 * 60
# A mail brings its own styles, and may do nothing else; it is shown within our page alone.
MAIL_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


def guarded(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Set the headers of every answer; a page that needs another policy has set its own."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        response.headers["Cache-Control"] = "no-store"  # what debtors owe is in no browser's cache
        if settings.IS_TLS:  # not by Django, which sees no TLS behind a proxy
            response.headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}"
        if is_part(request) and response.headers.get("Location", "").startswith(resolve_url(settings.LOGIN_URL)):
            # Else HTMX would put the whole sign-in page where a table was.
            response.status_code = 200
            response.headers["HX-Redirect"] = response.headers["Location"]
            del response.headers["Location"]
        return response

    return answer


def readable(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse what no database takes: NUL in an address, a form or a cookie."""

    def answer(request: HttpRequest) -> HttpResponse:
        told = [text for form in (request.GET, request.POST) for name, texts in form.lists() for text in (name, *texts)]
        if any("\0" in text for text in [*told, *request.COOKIES.values()]):
            raise BadRequest("NUL")
        return get_response(request)

    return answer


def is_part(request: HttpRequest) -> bool:
    """Whether HTMX asks, for a part of the page."""
    return request.headers.get("HX-Request") == "true"
