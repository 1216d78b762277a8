"""Sign in and out. Somebody who guesses is made to wait."""

import hashlib
import logging
import unicodedata
from typing import Any, Final

from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from dunwell.web.refusals import refused

FAILURES_MAX: Final = 5
WAIT_SECONDS: Final = 15 * 60

log = logging.getLogger("dunwell.web")


class SignIn(views.LoginView):
    """The form that asks who one is. After it, addresses of this console alone are gone to."""

    template_name = "sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401  # Django's
        """Take the form, unless this name has been tried in vain too often from this address."""
        if cache.get(self._key(), 0) >= FAILURES_MAX:
            text = (
                f"This name was tried in vain {FAILURES_MAX} times. Wait {WAIT_SECONDS // 60} minutes, then try again."
            )
            return refused(request, 429, "Too many attempts", text)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Count, and say that name and password do not fit."""
        key = self._key()
        cache.add(key, 0, WAIT_SECONDS)
        failures = cache.incr(key)
        log.warning("failed sign-in %d from %s", failures, self.request.META.get("REMOTE_ADDR", ""))
        return super().form_invalid(form)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Let them in, and forget what went wrong before."""
        cache.delete(self._key())
        return super().form_valid(form)

    def _key(self) -> str:
        """By name and address: nobody locks out somebody else from where they sit."""
        name = unicodedata.normalize("NFKC", self.request.POST.get("username", "").strip()).casefold()
        tried = f"{name}\0{self.request.META.get('REMOTE_ADDR', '')}"
        return f"sign-in:{hashlib.sha256(tried.encode()).hexdigest()}"


sign_out = views.LogoutView.as_view()
