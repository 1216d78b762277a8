"""Django's name for this room, by which it finds templates."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The console; it has no tables."""

    name = "dunwell.web"
    label = "web"
