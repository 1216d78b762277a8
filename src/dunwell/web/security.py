"""What every answer says to the browser about what it may do with it, and what HTMX does where somebody signed out."""

from collections.abc import Callable, Iterable
from typing import Final

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
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
    """Refuse what no database takes: NUL in an address or a cookie."""

    def answer(request: HttpRequest) -> HttpResponse:
        _require_legible([*_texts(request.GET), *request.COOKIES.values()])
        return get_response(request)

    return answer


class legible:  # noqa: N801  # Django's middleware, used by name like a function
    """Refuses forms with what no database takes, once it is known who sends them: a form may have a file with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Hand on."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        """Refuse NUL in a form."""
        _require_legible(_texts(request.POST))


def _texts(form: QueryDict) -> list[str]:
    return [str(text) for name, texts in form.lists() for text in (name, *texts)]


def _require_legible(texts: Iterable[str]) -> None:
    if any("\0" in text for text in texts):
        raise BadRequest("NUL")


def is_part(request: HttpRequest) -> bool:
    """Whether HTMX asks, for a part of the page."""
    return request.headers.get("HX-Request") == "true"
