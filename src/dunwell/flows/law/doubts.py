"""What of the law a policy asks for does not go with the book: classes and rates that are missing, terms too short."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Final

from dunwell.engine.book import CHARGES
from dunwell.engine.documents import Path
from dunwell.engine.law.law import Law
from dunwell.engine.law.needs import CLASSES, series_needed
from dunwell.engine.law.rates import rate_periods
from dunwell.engine.law.regime import DebtorClass
from dunwell.engine.law.series import RatesMissing, Series
from dunwell.engine.policy.model import Policy, Stage
from dunwell.engine.steps.laws import asks, needs_class
from dunwell.flows.law.series import known_series
from dunwell.records.views import standing

_NOTHING: Final = "what it is needed for is an exception"


def law_doubts(policy: Policy, entity_ids: Collection[int], *, today: date) -> Iterator[tuple[Path, str]]:
    """Say what of the book its law does not go with; nothing of a policy without one."""
    law = policy.law
    if law is None:
        return
    yield from _classes(policy, law, entity_ids)
    yield from _series(policy, law, entity_ids, today)
    yield from _terms(policy, law)
    yield from _split(policy, law)


def _classes(policy: Policy, law: Law, entity_ids: Collection[int]) -> Iterator[tuple[Path, str]]:
    """Accounts with open items of which nobody knows whether they are a business."""
    kinds = [kind for kind in CHARGES if needs_class(law, kind)]
    if law.default_class or not any(asks(kind)(stage) for kind in kinds for stage in policy.stages):
        return
    if count := standing.owing_without_class(entity_ids):
        whom = "1 account with open items has" if count == 1 else f"{count:,} accounts with open items have"
        told = "an item of theirs that a stage charges is an exception: import it, or say `class` here"
        yield ("interest",), f"{whom} no debtor_class: {told}"


def _series(policy: Policy, law: Law, entity_ids: Collection[int], today: date) -> Iterator[tuple[Path, str]]:
    """Series that nobody has given, and those that do not reach to this day."""
    currencies = list(standing.open_by_currency(entity_ids))
    needed = series_needed([policy], currencies)
    known = known_series(needed)
    for name in sorted(needed - known.keys()):
        yield (
            ("interest",),
            f"the series {name} is not there: `dunwell rates import` brings it in, until then {_NOTHING}",
        )
    rates = {rule.series for each in CLASSES if (rule := law.rate_rule(each)) and rule.series}
    for name, series in sorted(known.items()):
        if name in rates:
            if not _reaches(law, name, known, today):
                yield ("interest",), _ends(series)
        elif series.complete_until_on < today:
            yield ("interest",), _ends(series)


def _ends(series: Series) -> str:
    until = series.complete_until_on
    return f"the series {series.name} is known until {until}: `dunwell rates add` says what came since, else {_NOTHING}"


def _reaches(law: Law, name: str, known: Mapping[str, Series], today: date) -> bool:
    """Whether a rate of today is known, by the day of which it is asked."""
    for each in CLASSES:
        rule = law.rate_rule(each)
        if rule and rule.series == name:
            try:
                rate_periods(rule, today, today, known)
            except RatesMissing:
                return False
    return True


def _terms(policy: Policy, law: Law) -> Iterator[tuple[Path, str]]:
    """Stages before one with costs whose deadline is shorter than the law wants."""
    for at, (stage, following) in enumerate(zip(policy.stages, policy.stages[1:], strict=False)):
        has_fee = bool(following.fee) and not any(each.fee for each in policy.stages[: at + 1])
        concerned = [each for each in CLASSES if _concerns(law, each, following, is_first_fee=has_fee)]
        wanted = max((_days(law, each) for each in concerned), default=0)
        if wanted and (stage.deadline_days or 0) < wanted:
            classes = " and ".join(each for each in concerned if _days(law, each) > 0)
            told = f"the law wants a term of {wanted} days before the costs of stage {following.stage}, for {classes}"
            yield ("stages", at), f"{told}: give it `deadline_days: {wanted}` or more, else its letter is held"


def _split(policy: Policy, law: Law) -> Iterator[tuple[Path, str]]:
    """Notices split that the law wants to be one demand, with one flat sum."""
    key = "split_by" if policy.split_by else "one_notice_per"
    if policy.one_notice_per == "account" and not policy.split_by:
        return
    classes = [each for each in CLASSES if (flat := law.flat(each)) and flat.together]
    if classes and any(stage.compensation for stage in policy.stages):
        whom = " and ".join(classes)
        yield (
            (key,),
            f"the law wants one demand, and one flat sum, for the claims on a {whom}: each notice asks for its own",
        )


def _concerns(law: Law, debtor_class: DebtorClass, following: Stage, *, is_first_fee: bool) -> bool:
    """Whether the next stage has costs before which the law wants a term."""
    letter = law.regime.letters.get(debtor_class) if law.regime else None
    has_flat = following.compensation and law.flat(debtor_class) is not None
    return has_flat or (is_first_fee and letter is not None and letter.fees)


def _days(law: Law, debtor_class: DebtorClass) -> int:
    """How many days the letter before the costs must leave a debtor of this class."""
    flat = law.flat(debtor_class)
    letter = law.regime.letters.get(debtor_class) if law.regime else None
    return max((flat.after_notice_days if flat else None) or 0, (letter.deadline_days if letter else None) or 0)
