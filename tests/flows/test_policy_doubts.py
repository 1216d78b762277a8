"""What a policy does not reckon with in the book in which it is to decide."""

from dunwell.engine.policy.parse import parse_policy
from dunwell.flows.policy_doubts import doubts_in_book
from dunwell.records.models import AnchorState, PolicyVersion
from tests.flows.town import POLICY, Town

CAREFUL = """\
policy: standard
minimum: {item: {EUR: 5.00}}
stages:
  - {stage: reminder, days_past_due: 3, send: [email]}
  - stage: second_reminder
    days_past_due: 14
    min_overdue: {EUR: 50.00, USD: 50.00}
    fee: [{from: 0, EUR: 1.00}, {from: 100, percent: 1}, {from: 1000, EUR: 9.00, USD: 9.00}]
    send: [email]
  - {stage: final, days_past_due: 30, fee: {percent: 1}, send: ["letter|email"]}
"""


def doubts(text: str, town: Town | None = None) -> list[str]:
    entity = town.entity if town else None
    return [str(each) for each in doubts_in_book(parse_policy(text, "p.yaml"), text, "p.yaml", entity)]


def test_a_policy_that_suits_the_book_raises_no_doubt(town: Town) -> None:
    assert doubts(POLICY) == []  # without an account, nobody is to be reached
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-31")
    assert doubts(POLICY) == doubts(POLICY, town) == []


def test_currencies_of_open_items_that_amounts_lack_are_counted(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-31")
    for number in ("U-1", "U-2"):
        town.item(number, "MEYER", "100.00 USD", "2026-03-31")
    town.item("J-1", "MEYER", "100 JPY", "2026-03-31")
    town.item("C-1", "MEYER", "100.00 CHF", None, kind="credit")
    town.item("D-1", "MEYER", "100.00 GBP", "2026-03-31", draft=True)
    town.item("S-1", "MEYER", "100.00 SEK", "2026-03-31", open_minor=0, closed_on="2026-04-01")
    reached = " that reaches the stage"
    such = f"such an item{reached} is an exception, and gets no notice"
    assert doubts(CAREFUL) == [
        f"p.yaml:2: minimum.item: no amount in JPY (1 open item), USD (2 open items): {such.replace(reached, '')}",
        f"p.yaml:7: stages[1].min_overdue: no amount in JPY (1 open item): {such}",
        f"p.yaml:8: stages[1].fee: no amount in JPY (1 open item), USD (2 open items): {such}",
    ]


def test_only_the_entities_for_which_it_decides_are_looked_at(town: Town) -> None:
    other = Town(town.folder, "OTHER", policy=None)
    town.item("A-1", "MEYER", "100.00 USD", "2026-03-31")
    other.item("A-1", "MEYER", "100.00 GBP", "2026-03-31")
    assert "GBP (1 open item), USD (1 open item)" in doubts(CAREFUL)[0]
    assert "no amount in GBP (1 open item): " in doubts(CAREFUL, other)[0]
    other.apply(POLICY, own=True)
    own, lacking, *_ = doubts(CAREFUL)
    assert own == (
        "p.yaml:1: policy: OTHER (version 2) has a version of its own, which stays in force there: give --entity to"
        " change it"
    )
    assert "no amount in USD (1 open item): " in lacking
    town.apply(POLICY, own=True)
    assert "OTHER (version 2), " not in doubts(CAREFUL)[0]  # by their codes
    assert "ACME (version 3), OTHER (version 2) have versions of their own" in doubts(CAREFUL)[0]


def test_stages_that_are_gone_while_something_stands_at_them_are_named(town: Town) -> None:
    renamed = POLICY.replace("stage: reminder", "stage: first").replace("stage: final", "stage: last")
    assert doubts(renamed) == []
    for number in ("A-1", "A-2"):
        town.item(number, "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    after = "any more, at which 2 open items stand: what the policy applies to goes on from the number of its level"
    assert doubts(renamed) == [f"p.yaml:3: stages: no stage is called 'reminder' {after}"]
    payer = town.get("A-1").account
    AnchorState.objects.create(entity=town.entity, payer=payer, currency="EUR", policy="standard", stage="final")
    AnchorState.objects.create(entity=town.entity, payer=payer, currency="EUR", policy="other", stage="reminder")
    final, reminder = doubts(renamed)
    assert "no stage is called 'final' any more, at which 1 account stands: " in final
    assert "no stage is called 'reminder' any more, at which 2 open items stand: " in reminder
    assert doubts(POLICY) == []
    PolicyVersion.objects.update(text="no policy any more")
    assert doubts(renamed) == []


def test_a_channel_that_reaches_nobody_is_named_once_for_each_stage(town: Town) -> None:
    text = POLICY.replace("[email]", "[sms]").replace("letter|email", "letter|chat")
    assert doubts(text) == []
    town.account("MEYER")
    whom = "does not reach the one account: no address for it is in the book"
    assert doubts(text) == [
        f"p.yaml:4: stages[0].send: sms {whom}",
        f"p.yaml:5: stages[1].send: sms {whom}",
        f"p.yaml:6: stages[2].send: letter or chat {whom}",
    ]
    town.account("SCHULZ", address="Markt 2")
    assert [each.partition(" does")[0] for each in doubts(text)] == [
        "p.yaml:4: stages[0].send: sms",
        "p.yaml:5: stages[1].send: sms",
    ]
    assert "any of 2 accounts" in doubts(text)[0]
    assert len(doubts(POLICY + "close: {after_stage: final, send: [webhook]}\n")) == 1
