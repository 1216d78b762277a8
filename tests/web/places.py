"""Every page of the console, by the name of its address."""

from collections.abc import Iterator

from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from dunwell.records.models import BankLine, KnownPayer, Notice, RemittanceAdvice, Run
from tests.flows.town import Town


def names(resolver: URLResolver) -> Iterator[str]:
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield str(each.name)
        else:
            yield from names(each)


NAMES = sorted(set(names(get_resolver())))


def address(name: str, town: Town) -> str:
    """The page of a name, for the run, the notice and the account that the town has."""
    given = {
        "entity": town.entity.pk,
        "run": Run.objects.latest("pk").pk,
        "notice": Notice.objects.filter(payer__code="ODD").latest("pk").pk,
        "account": Notice.objects.latest("pk").payer_id,
        "line": BankLine.objects.get(amount_minor=77_700).pk,
        "advice": RemittanceAdvice.objects.latest("pk").pk,
        "payer": KnownPayer.objects.latest("pk").pk,
    }
    for keys in (
        (), ("entity",), ("entity", "run"), ("entity", "run", "notice"), ("entity", "account"),
        ("entity", "line"), ("entity", "payer"), ("entity", "advice"),
    ):  # fmt: skip
        try:
            return reverse(name, kwargs={key: given[key] for key in keys})
        except NoReverseMatch:
            continue
    raise AssertionError(name)
