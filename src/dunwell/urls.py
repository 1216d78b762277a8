"""The addresses of all doors that speak HTTP."""

from django.urls import include, path

urlpatterns = [path("", include("dunwell.web.urls"))]
handler400 = "dunwell.web.refusals.bad_request"
handler403 = "dunwell.web.refusals.forbidden"
handler404 = "dunwell.web.refusals.not_found"
handler500 = "dunwell.web.refusals.failed"
