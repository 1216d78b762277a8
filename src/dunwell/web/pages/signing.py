"""Sign in and out. Somebody who guesses is made to wait."""

import logging
from typing import Any, Final

from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse

from dunwell.flows.people.signing import TRIES_MAX, WAIT, forget_tries, may_try
from dunwell.web import clock
from dunwell.web.refusals import refused

TOO_MANY: Final = f"This name was tried in vain {TRIES_MAX} times. Wait {WAIT.seconds // 60} minutes, then try again."

log = logging.getLogger("dunwell.web")


class SignIn(views.LoginView):
    """The form that asks who one is. After it, addresses of this console alone are gone to."""

    template_name = "sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # Django's
        """Take the form, unless this name has been tried in vain too often."""
        if not may_try(request.POST.get("username", ""), _address(request), at=clock.now()):
            return refused(request, 429, "Too many attempts", TOO_MANY)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Say that name and password do not fit."""
        log.warning("failed sign-in from %s", _address(self.request))
        return super().form_invalid(form)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Let them in, and forget what went wrong before."""
        forget_tries(self.request.POST.get("username", ""), _address(self.request))
        return super().form_valid(form)


def _address(request: HttpRequest) -> str:
    """Where a request comes from; behind a proxy, the proxy."""
    return str(request.META.get("REMOTE_ADDR", ""))


sign_out = views.LogoutView.as_view()
