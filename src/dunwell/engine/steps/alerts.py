"""Event rules: what has come up for an account that is under a policy, and what its `rules` ask to be done about it."""

from typing import Final

import polars as pl

from dunwell.engine.book import KEYS, STATES, Book
from dunwell.engine.plan import EMPTY, OF_POLICY, SCHEMAS, SORT_KEYS
from dunwell.engine.policy.model import Rule
from dunwell.engine.steps.age import plus_days
from dunwell.engine.steps.closing import CLAIM
from dunwell.engine.steps.parties import broken_promises
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.rows import collected

KEY: Final = KEYS["alerts"]
PLACE: Final = ["roster", "policy"]
ACCOUNT: Final = ["entity_id", "account_id"]
FOUND: Final = [*KEY, "since_on", "actions"]
RULES: Final = {
    "policy_ix": pl.UInt32,
    "event": SCHEMAS["alerts"]["event"],
    "measure": pl.String,
    "above": pl.Float64,
    "after_days": pl.Int32,
    "actions": pl.String,
}


def alerts(
    book: Book, decisions: pl.DataFrame, known: pl.DataFrame, procedures: Procedures, as_of: pl.Expr
) -> pl.DataFrame:
    """The plan's `alerts`: what no run has judged yet, with the actions asked for, and the states that are over.

    A rule is for accounts with an open claim under its policy, and for those who pay for them. `decisions`: the plan's.
    """
    raised = book.alerts.filter(pl.col("acted_on").is_null())
    going_on = book.alerts.filter(
        pl.col("event").is_in(STATES), pl.col("over_on").is_null(), pl.col("acted_on").is_not_null()
    )
    rules = _rules(procedures)
    if rules.is_empty() and raised.is_empty() and going_on.is_empty():
        return EMPTY["alerts"]
    claims = _claims(book, decisions)
    owners = _owners(book, known, procedures, as_of)
    asked = _under(claims).join(owners, on=ACCOUNT).join(rules, on=PLACE)
    states = pl.concat([_risks(owners, rules, asked), _limits(owners, rules, claims)])
    happened = pl.concat([_promises(book, asked, as_of), _disputes(book, asked, claims)])
    new = pl.concat(
        [
            happened.join(book.alerts, on=KEY, how="anti"),
            states.filter("is_judged").join(going_on, on=KEY, how="anti").select(FOUND),
            _raised(raised, asked),
        ]
    )
    over = going_on.join(states, on=KEY, how="anti")
    return _told(new, over, owners)


def _rules(procedures: Procedures) -> pl.DataFrame:
    """The rules of all policies: PLACE, and the columns of RULES."""
    rows = [_row(ix, rule) for ix, policy in enumerate(procedures.policies) for rule in policy.rules]
    rules = pl.DataFrame(rows, schema=RULES, orient="row")
    return rules.join(procedures.names, on="policy_ix").drop("policy_ix")


def _row(policy_ix: int, rule: Rule) -> tuple[object, ...]:
    above = None if rule.above is None else float(rule.above)
    return policy_ix, rule.on, rule.measure, above, rule.after_days, ",".join(sorted(set(rule.do)))


def _claims(book: Book, decisions: pl.DataFrame) -> pl.DataFrame:
    """The valid open claims, with the policy that each is under."""
    # Claims with a problem of their policy are claims; with another, the item's data are broken.
    is_valid = pl.col("problem").is_null() | pl.col("problem").is_in(OF_POLICY)
    decided = decisions.filter(is_valid).select("item_id", "payer_id", "policy")
    columns = ("item_id", *ACCOUNT, "currency", "open_minor")
    return book.items.filter(CLAIM).select(columns).join(decided, on="item_id")


def _under(claims: pl.DataFrame) -> pl.DataFrame:
    """Which accounts are under which policy: those with a claim, and their payers."""
    own = claims.drop_nulls("policy").select(*ACCOUNT, "policy", "payer_id").unique()
    paid_for = own.select("entity_id", "policy", account_id="payer_id").select(*ACCOUNT, "policy")
    return pl.concat([own.select(*ACCOUNT, "policy"), paid_for]).unique()


def _owners(book: Book, known: pl.DataFrame, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """The accounts that have a payer, with what rules look at, their `roster` and the date."""
    accounts = book.accounts.select(
        "account_id",
        "entity_id",
        "credit_limit_minor",
        risk=pl.col("risk").fill_nan(None),
        roster=procedures.roster,
        as_of=as_of,
    )
    return accounts.join(known.select("account_id", "payer_id").drop_nulls(), on="account_id")


def _promises(book: Book, asked: pl.DataFrame, as_of: pl.Expr) -> pl.DataFrame:
    rules = asked.filter(pl.col("event") == "promise_broken")
    found = broken_promises(book, as_of).pipe(collected).join(rules, on="account_id")
    return found.with_columns(subject_id=pl.coalesce(-pl.col("plan_id"), "promise_id"), since_on="broken_on").select(
        FOUND
    )


def _disputes(book: Book, asked: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Disputes over claims that are under the policy, open for at least so many days."""
    rules = asked.filter(pl.col("event") == "dispute_overdue")
    disputed = book.disputes.filter(pl.col("resolved_on").is_null()).select("dispute_id", "item_id", "opened_on")
    found = disputed.join(claims.select("item_id", *ACCOUNT, "policy"), on="item_id").join(
        rules, on=[*ACCOUNT, "policy"]
    )
    return (
        found.with_columns(since_on=plus_days(pl.col("opened_on"), pl.col("after_days")), subject_id="dispute_id")
        .filter(pl.col("since_on") <= pl.col("as_of"))
        .select(FOUND)
    )


def _risks(owners: pl.DataFrame, rules: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Accounts above a rule's bound: FOUND and `is_judged`, whether they are under its policy."""
    bounds = rules.filter(pl.col("event") == "risk_above")
    found = owners.drop_nulls("risk").join(bounds, on="roster").filter(pl.col("risk") > pl.col("above"))
    judged = asked.select(*ACCOUNT, "policy", is_judged=pl.lit(value=True)).unique()
    return _states(found.join(judged, on=[*ACCOUNT, "policy"], how="left"))


def _limits(owners: pl.DataFrame, rules: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Payers who owe more than their limit in a currency, and whether something of that is under the policy."""
    group = ["entity_id", "payer_id", "currency"]
    limits = rules.filter(pl.col("event") == "credit_limit_exceeded").drop("measure")
    limited = owners.drop_nulls("credit_limit_minor").drop("payer_id").join(limits, on="roster")
    sums = claims.group_by(group).agg(owed_minor=pl.col("open_minor").sum())
    judged = claims.drop_nulls("policy").select(*group, "policy", is_judged=pl.lit(value=True)).unique()
    found = (
        limited.rename({"account_id": "payer_id"})
        .join(sums, on=["entity_id", "payer_id"])
        .filter(pl.col("owed_minor") > pl.col("credit_limit_minor"))
        .join(judged, on=[*group, "policy"], how="left")
    )
    return _states(found.with_columns(account_id="payer_id", measure=pl.col("currency").cast(pl.String)))


def _states(found: pl.DataFrame) -> pl.DataFrame:
    """What is so on the day: FOUND and `is_judged`."""
    judged = pl.col("is_judged").fill_null(value=False)
    return found.with_columns(subject_id="account_id", since_on="as_of").select(*FOUND, is_judged=judged)


def _raised(raised: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """What events raised, with what the rules ask for: of the policy it is about, or of all that the account is under.

    A run judges each once, also where no rule asks for anything: later rules are for what comes later.
    """
    about = pl.col("policy")
    wanted = (
        raised.join(asked.select(*ACCOUNT, "event", "actions", rule_of="policy"), on=[*ACCOUNT, "event"])
        .filter((about == "") | (about == pl.col("rule_of")))
        .with_columns(pl.col("actions").str.split(","))
        .explode("actions")
        .group_by(KEY)
        .agg(pl.col("actions").unique().sort())
        .with_columns(pl.col("actions").list.join(","))
    )
    return raised.join(wanted, on=KEY, how="left").with_columns(pl.col("actions").fill_null("")).select(FOUND)


def _told(new: pl.DataFrame, over: pl.DataFrame, owners: pl.DataFrame) -> pl.DataFrame:
    """The plan's table: `over`, rows of the book, end on the day."""
    of_account = owners.select("account_id", "payer_id", on="as_of")
    begun = new.join(of_account, on="account_id").with_columns(acted_on="on", over_on=pl.lit(None, dtype=pl.Date))
    ended = over.join(of_account, on="account_id").with_columns(over_on="on", actions=pl.lit(""))
    columns = list(SCHEMAS["alerts"])
    return pl.concat([begun.select(columns), ended.select(columns)]).sort(SORT_KEYS["alerts"])
