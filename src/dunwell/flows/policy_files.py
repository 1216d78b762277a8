"""Policy files, before anything of them is in force: no database is needed."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from dunwell.engine.data import series_names
from dunwell.engine.documents import Document, DocumentError, Problem, read_document
from dunwell.engine.law.needs import series_needed
from dunwell.engine.policy.model import Policy, json_schema
from dunwell.engine.policy.parse import policy_of, warnings_of
from dunwell.flows.errors import Invalid
from dunwell.sources.wording import in_words


def check_policy(text: str, source: str, attributes: Mapping[str, pl.DataType]) -> tuple[Policy, list[Problem]]:
    """Parse a policy and gather its warnings; `attributes` are the `attr_*` columns it may use.

    Errors: Invalid, with a line for each problem.
    """
    try:
        document = read_document(text, source)
        policy = policy_of(document, attributes)
    except DocumentError as error:
        problems = in_words(error).problems
        count = len(problems)
        raise Invalid(f"{source}: {count} problem{'s' * (count != 1)}", [str(each) for each in problems]) from None
    return policy, [*warnings_of(policy, document), *_falling_days(policy, document)]


def missing_series(policy: Policy, text: str, source: str) -> list[Problem]:
    """Name the series that a policy asks for and that do not come with Dunwell."""
    lacking = sorted(series_needed([policy], ()) - set(series_names()))
    document = read_document(text, source)
    return [
        document.problem(("interest",), f"the series {name} does not come with Dunwell: a book has to be given it")
        for name in lacking
    ]


def _falling_days(policy: Policy, document: Document) -> Iterator[Problem]:
    """Stages that ask for fewer days past due than one before them, and so are reached together with it."""
    most, of = None, ""
    for index, stage in enumerate(policy.stages):
        days = stage.days_past_due
        if days is not None and most is not None and days < most:
            message = f"{days} days are fewer than the {most} of {of} before it: the days rise from stage to stage"
            yield document.problem(("stages", index, "days_past_due"), message)
        if days is not None and (most is None or days > most):
            most, of = days, stage.stage


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy file, for editors."""
    return json_schema()
