"""What every answer says to the browser about what it may do with it, and what HTMX does where somebody signed out."""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

# No inline script or style, nothing from elsewhere. Tabler's pictures are data: in its style sheet.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
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
        if is_part(request) and response.headers.get("Location", "").startswith(resolve_url(settings.LOGIN_URL)):
            # Else HTMX would put the whole sign-in page where a table was.
            return HttpResponse(status=200, headers={"HX-Redirect": response.headers["Location"]})
        return response

    return answer


def is_part(request: HttpRequest) -> bool:
    """Whether HTMX asks, for a part of the page."""
    return request.headers.get("HX-Request") == "true"
