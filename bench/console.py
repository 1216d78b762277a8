"""Pages of the console over a large book, by Django's client: the floor of each is the page that says who one is."""

import statistics
from collections.abc import Callable
from typing import Any, Final

from bench.databases import both, filled, open_database
from bench.harness import measure, report

POLICY: Final = """\
policy: standard
min_gap_days: 7
stages:
  - {stage: reminder, days_past_due: 3, send: ["email|letter"]}
  - {stage: second_reminder, days_past_due: 14, send: ["email|letter"]}
  - {stage: final, days_past_due: 60, send: ["email|letter"], approval: one}
"""
TIMES: Final = 15
PAGES: Final = {
    "home": "/",
    "runs": "/entities/1/runs",
    "run": "/entities/1/runs/{run}",
    "run, filtered": "/entities/1/runs/{run}?stage=final&currency=EUR",
    "run, searched": "/entities/1/runs/{run}?search=Account+777",
    "run, far in": "/entities/1/runs/{run}?after={far}",
    "notice": "/entities/1/runs/{run}/notices/{notice}",
    "accounts": "/entities/1/accounts",
    "accounts, searched": "/entities/1/accounts?search=Account+777",
    "account": "/entities/1/accounts/{account}",
    "ageing": "/entities/1/ageing",
}


def main(n: int = 1_000_000) -> None:
    """Measure the median of every page on both databases."""
    with both() as urls:
        for name, url in urls.items():
            report(f"console: fill {name}", n, measure(filled, url, n, times=1))
            report(f"console: propose {name}", n, measure(proposed, url, times=1))
            floor = measure(page, url, "sign in", times=TIMES, keep=statistics.median)
            report(f"console: {name}, sign-in page", 1, floor)
            for each in PAGES:
                figure = measure(page, url, each, times=TIMES, keep=statistics.median)
                report(f"console: {name}, {each}", 1, figure, floor)


def proposed(url: str) -> Callable[[], object]:
    """Prepare to propose a run over the whole book."""
    open_database(url)
    from bench.fill import AS_OF
    from dunwell.flows import policies
    from dunwell.flows.people.users import add_user
    from dunwell.flows.runs.propose import propose_run
    from dunwell.records.models import Entity
    from dunwell.web import clock

    at = clock.now()
    policies.apply_policy(POLICY, "bench.yaml", by="bench", at=at)
    add_user("anna", "correct horse battery", by="bench", at=at)
    return lambda: propose_run(Entity.objects.get(), as_of=AS_OF, at=at, by="bench")


def page(url: str, name: str) -> Callable[[], object]:
    """Prepare to ask for a page, the first time untimed: what a process loads once is not counted."""
    open_database(url)
    from django.contrib.auth.models import User
    from django.test import Client

    from dunwell.records.models import Notice, Run

    client = Client(SERVER_NAME="localhost")
    if name == "sign in":
        where = "/sign-in"
    else:
        client.force_login(User.objects.get())
        run = Run.objects.latest("pk")
        far = Notice.objects.filter(run=run).order_by("-number").values_list("number", flat=True)[1000]
        some = Notice.objects.filter(run=run, number=far).get()
        where = PAGES[name].format(run=run.pk, far=far, notice=some.pk, account=some.payer_id)

    def do() -> None:
        answer: Any = client.get(where)
        assert answer.status_code == 200, answer.content[:500]

    do()
    return do
