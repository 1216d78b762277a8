"""Interest, flat sums and fees by the law, through runs: each day once, the flat sum once, and back with its notice.

At 7.3 % a year, 10,000.00 bear 2.00 a day.
"""

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import settings

from dunwell.engine.plan import BIT
from dunwell.flows.cash.pay import pay, take_back
from dunwell.flows.errors import Conflict
from dunwell.flows.journal import journal_of
from dunwell.flows.runs import post
from dunwell.flows.runs.edit import exclude_item
from dunwell.flows.runs.explain import explain_item
from dunwell.flows.runs.preview import preview_account
from dunwell.flows.runs.replay import replay_run
from dunwell.flows.runs.reverse import reverse_run
from dunwell.records import archive
from dunwell.records.models import Charge, Item, Notice, Rate, RateSeries, Run, Task
from tests.flows.book.test_vanished import AMOUNT, bring
from tests.flows.test_journal import on
from tests.flows.town import Town, at_home, day, noon

AGREED = """\
policy: german
interest: {regime: DE, rate: 7.3, class: business}
stages:
  - {stage: demand, days_past_due: 10, deadline_days: 10, fee: {EUR: 5.00, per: item}, interest: true,
     compensation: true, send: [email]}
  - {stage: second, days_past_due: 40, interest: true, compensation: true, send: [email]}
"""
FLOATING = AGREED.replace("rate: 7.3, ", "")


@pytest.fixture
def german(town: Town) -> Town:
    """A town under German law, with an invoice of 10,000.00 due on the last of March."""
    town.apply(AGREED.replace("policy: german", "policy: standard"))
    town.item("A-17", "MEYER", "10000.00 EUR", "2026-03-31")
    return town


def charged(run: Run) -> list[tuple[str, str, int, date | None]]:
    """Kind, item, amount and last day of each charge of a run."""
    rows = Charge.objects.filter(notice__run=run, charge_item__isnull=False).order_by("item__number", "charge")
    return [(row.charge, row.item.number, row.amount_minor, row.until_on) for row in rows.select_related("item")]


def open_now(town: Town) -> dict[str, int]:
    """What is open of invoices and charges, by number without the notice's."""
    items = Item.objects.filter(entity=town.entity, open_minor__gt=0).exclude(kind="payment").order_by("number")
    return {item.number.split("-")[0] if item.kind == "charge" else item.number: item.open_minor for item in items}


FIRST = [
    ("compensation", "A-17", 4000, None), ("fee", "A-17", 500, None), ("interest", "A-17", 2000, day("2026-04-10")),
]  # fmt: skip


def test_charges_are_items_of_their_own_numbered_by_kind(german: Town) -> None:
    german.item("A-18", "MEYER", "5000.00 EUR", "2026-03-31")
    run = german.run("2026-04-10")
    assert charged(run) == [*FIRST, *((k, "A-18", n, u) for k, n, u in (
        ("compensation", 4000, None), ("fee", 500, None), ("interest", 1000, day("2026-04-10"))))]  # fmt: skip
    notice = german.notice(run, "MEYER")
    assert (notice.due_minor, notice.fee_minor, notice.total_minor) == (1500000, 12000, 1512000)
    item = german.get("A-17").pk
    found = Charge.objects.filter(item=item).order_by("charge").select_related("charge_item")
    assert [(each.charge_item and each.charge_item.number, each.posted_on, each.first) for each in found] == [
        (f"{stem}-{notice.pk}-{item}", day("2026-04-10"), True) for stem in ("COSTS", "FEE", "INT")
    ]
    german.item("B-1", "SMITH", "1000.00 EUR", "2026-04-30")
    alone = german.run("2026-05-10")
    own = Charge.objects.filter(notice=german.notice(alone, "SMITH")).order_by("charge").select_related("charge_item")
    assert [each.charge_item and each.charge_item.number for each in own] == [
        f"{stem}-{german.notice(alone, 'SMITH').pk}" for stem in ("COSTS", "FEE", "INT")
    ]


def test_each_day_bears_interest_once_on_what_was_owed_on_it(german: Town) -> None:
    assert charged(german.run("2026-04-10")) == FIRST
    payment = pay(german.entity, "MEYER", amount="5065.00", items=["A-17"], **on("2026-04-20"))
    assert open_now(german) == {"A-17": 500000}  # costs of 45.00 and interest of 20.00 first
    again = german.run("2026-05-10")
    assert charged(again) == [("interest", "A-17", 2000 + 2000, day("2026-05-10"))]  # ten days at 2.00, twenty at 1.00
    take_back(german.entity, payment, reason="bounced", **on("2026-05-12"))
    assert open_now(german) == {"A-17": 1000000, "COSTS": 4000, "FEE": 500, "INT": 4000}
    assert Charge.objects.filter(reversed_on__isnull=False).count() == 0


def test_what_is_paid_elsewhere_bears_no_interest_from_the_next_day_on(town: Town) -> None:
    town.apply(AGREED.replace("policy: german", "policy: standard"))
    town.account("MEYER")
    bring(town, "MEYER,A-17,10000.00", on="2026-04-01", how="keep")
    bring(town, "MEYER,A-17,5000.00", on="2026-04-05", how="keep")
    run = town.run("2026-04-10")
    assert charged(run)[-1] == ("interest", "A-17", 5 * 200 + 5 * 100, day("2026-04-10"))


def test_reversed_with_its_run_everything_is_charged_again_once(german: Town) -> None:
    run = german.propose("2026-04-10")
    german.post(run)
    reverse_run(run.pk, reason="too early", by="anna", at=noon("2026-04-11"))
    assert open_now(german) == {"A-17": 1000000}
    assert set(Charge.objects.values_list("reversed_on", flat=True)) == {day("2026-04-11")}
    again = german.run("2026-04-12")
    assert charged(again) == [FIRST[0], FIRST[1], ("interest", "A-17", 2400, day("2026-04-12"))]
    assert german.propose("2026-04-12").counts["notices"] == 0


def test_what_is_withdrawn_before_it_left_is_charged_nothing_and_who_pays_in_time_pays_for_no_letter(
    german: Town,
) -> None:
    german.post(german.propose("2026-04-10"))
    pay(german.entity, "MEYER", amount="10000.00", items=["A-17"], **on("2026-04-11"))
    assert open_now(german) == {}
    assert Notice.objects.get(state="withdrawn").reason == "settled"
    assert Charge.objects.filter(reversed_on=None).count() == 0


def test_a_line_taken_off_takes_all_that_is_charged_on_it(german: Town) -> None:
    german.item("A-18", "MEYER", "5000.00 EUR", "2026-03-31")
    run = german.propose("2026-04-10")
    german.post(run)
    pay(german.entity, "MEYER", amount="10000.00", items=["A-17"], **on("2026-04-10"))
    german.deliver(run)
    notice = german.notice(run, "MEYER")
    assert (notice.state, notice.due_minor, notice.fee_minor, notice.total_minor) == ("sent", 500000, 5500, 505500)
    reversed_ = Charge.objects.filter(reversed_on=day("2026-04-10")).values_list("item__number", flat=True)
    assert list(reversed_) == ["A-17"] * 3
    assert open_now(german) == {"A-18": 500000, "COSTS": 4000, "FEE": 500, "INT": 1000}
    assert [amount for _kind, _item, amount, _until in charged(german.run("2026-05-10"))] == [3000]  # of A-18 alone


def test_a_proposal_charges_nothing_and_another_takes_its_place(german: Town) -> None:
    german.propose("2026-04-09")
    first = german.propose("2026-04-10")
    german.propose("2026-04-10")
    assert open_now(german) == {"A-17": 1000000}
    assert Charge.objects.filter(notice__run=first).count() == 0
    assert explain_item(german.entity, "A-17", as_of=day("2026-04-10")).decision["reasons"] == BIT["dun"]


def test_a_crash_while_posting_charges_nothing_and_posting_again_charges_once(
    german: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = german.propose("2026-04-10")
    with monkeypatch.context() as patch:
        patch.setattr(post, "ask_for_actions", lambda *_told: 1 / 0)  # after all charges are written
        with pytest.raises(ZeroDivisionError):
            german.post(run)
    assert open_now(german) == {"A-17": 1000000}
    german.post(run)
    with pytest.raises(Conflict):
        german.post(run)
    assert charged(run) == FIRST


def test_a_change_of_a_proposal_charges_what_is_left(german: Town) -> None:
    german.item("A-18", "MEYER", "5000.00 EUR", "2026-03-31")
    run = german.propose("2026-04-10")
    exclude_item(run.pk, "A-17", reason="in talks", by="anna", at=noon("2026-04-10"))
    german.post(run)
    assert {item for _kind, item, _amount, _until in charged(run)} == {"A-18"}
    assert replay_run(run.pk).differences == []


def test_rates_travel_with_a_run_so_that_it_replays_after_they_change(town: Town) -> None:
    town.apply(FLOATING.replace("policy: german", "policy: standard"))
    town.item("A-17", "MEYER", "10000.00 EUR", "2025-03-31")
    town.item("A-18", "MEYER", "10000.00 EUR", "2025-12-01")
    run = town.propose("2025-09-30")
    digest = run.archive_digest
    kept = archive.book(settings.CONFIG.archive_dir, digest)
    assert kept.series["series"].to_list() == ["de-basiszinssatz"]
    town.post(run)
    # V4: 280.98 by the first half of 2025, 258.86 by the second
    assert ("interest", "A-17", 53984, day("2025-09-30")) in charged(run)
    series = RateSeries.objects.create(series="de-basiszinssatz", complete_until_on=day("2026-06-30"))
    Rate.objects.create(series=series, from_on=day("2026-01-01"), value_millionths=1_270_000)
    found = replay_run(run.pk)
    assert (found.differences, found.identical_bytes) == ([], True)


def test_a_day_that_no_series_knows_is_an_exception_until_somebody_says_the_rate(town: Town) -> None:
    town.apply(FLOATING.replace("policy: german", "policy: standard"))
    town.item("A-17", "MEYER", "10000.00 EUR", "2026-03-31")
    run = town.propose("2026-04-10")
    assert run.counts["outcomes"] == {"exception": 1}
    task = Task.objects.get(closed_at=None)
    assert (task.kind, task.detail) == (
        "exception",
        "a rate that the law asks for is not known: the series de-basiszinssatz does not say what the law asks of it",
    )
    series = RateSeries.objects.create(series="de-basiszinssatz", complete_until_on=day("2026-06-30"))
    Rate.objects.create(series=series, from_on=day("2026-01-01"), value_millionths=-1_700_000)  # 7.3 % with 9 points
    assert charged(town.run("2026-04-10")) == FIRST


def test_shards_charge_as_the_whole_does(german: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(1, 6):
        german.item(f"B-{n}", f"M-{n}", "10000.00 EUR", "2026-03-31")
    at_home(german.folder, monkeypatch, shard_items=2)
    run = german.run("2026-04-10")
    assert (run.shards, len(charged(run))) == (3, 18)
    pay(german.entity, "M-3", amount="5065.00", items=["B-3"], **on("2026-04-20"))
    again = german.run("2026-05-10")
    amounts = [amount for _kind, item, amount, _until in charged(again) if item == "B-3"]
    assert (amounts, len(charged(again)), replay_run(again.pk).differences) == ([4000], 6, [])


def test_shards_keep_the_claims_of_one_demand_together(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.apply("""\
policy: standard
interest: {regime: NL, rate: 6, class: consumer}
stages:
  - {stage: reminder, days_past_due: 5, deadline_days: 15, send: [email]}
  - {stage: costs, days_past_due: 21, compensation: true, deadline_days: 7, send: [email]}
""")
    for number in range(4):
        for amount in ("100.00", "1000.00"):
            town.item(f"{number}-{amount}", f"J-{number}", f"{amount} EUR", "2026-03-01")
    at_home(town.folder, monkeypatch, shard_items=2)
    assert town.run("2026-03-06").shards > 1
    run = town.run("2026-03-22")
    assert (run.shards > 1, [amount for _kind, _item, amount, _until in charged(run)]) == (True, [1500, 15000] * 4)
    assert replay_run(run.pk).differences == []


def test_a_preview_shows_what_the_run_would_charge(german: Town) -> None:
    (shown,) = preview_account(german.entity, "MEYER", as_of=day("2026-04-10"))
    assert "10,065.00" in shown.text


def test_the_journal_has_every_charge(german: Town) -> None:
    german.run("2026-04-10")
    lines = journal_of(german.entity, day("2026-04-10"), day("2026-04-10")).lines
    earned = {line.ledger_account: line.credit for line in lines if line.credit != "0.00"}
    assert earned == {"compensation_income": "40.00", "fee_income": "5.00", "interest_income": "20.00"}


def test_daily_runs_charge_as_much_as_one_late_run(german: Town, tmp_path: Path) -> None:
    daily = AGREED.replace("policy: german", "policy: standard").replace("stage: second, days_past_due: 40", (
        "stage: second, days_past_due: 11, repeat_every_days: 1, repeat_max: 100"))  # fmt: skip
    german.apply(daily)
    for days in range(7):
        german.run(str(day("2026-04-10") + timedelta(days=days)))
    interest = Charge.objects.filter(charge="interest")
    assert sum(interest.values_list("amount_minor", flat=True)) == 16 * 200
    assert interest.count() == 7
    assert Charge.objects.filter(charge="compensation").count() == 1


def test_an_item_that_came_to_another_account_is_not_charged_again(
    german: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    german.run("2026-04-10")
    other = german.account("SMITH")
    Item.objects.filter(number="A-17").update(account=other)
    german.item("B-1", "JONES", "1.00 EUR", "2026-05-09")
    at_home(german.folder, monkeypatch, shard_items=1)
    again = german.run("2026-05-10")
    assert again.shards > 1
    amounts = [(kind, amount) for kind, item, amount, _until in charged(again) if item == "A-17"]
    assert amounts == [("interest", 30 * 200)]
    pay(german.entity, "SMITH", amount="100.00", items=["A-17"], **on("2026-05-12"))
    assert open_now(german) == {"A-17": 1000000 - 4000, "B-1": 100, "COSTS": 4000, "FEE": 500, "INT": 2000}


def test_money_of_a_day_that_bore_interest_already_is_shown_to_a_person(german: Town) -> None:
    german.item("A-18", "MEYER", "5000.00 EUR", "2026-03-31")
    german.run("2026-04-10")
    pay(german.entity, "MEYER", amount="100.00", items=["A-18"], **on("2026-04-10"))  # from the 11th on it bears none
    assert not Task.objects.exists()
    pay(german.entity, "MEYER", amount="1000.00", items=["A-17"], **on("2026-04-05"))
    task = Task.objects.get()
    said = (
        "935.00 EUR was paid on 2026-04-05, and interest on it is charged from 2026-04-06 to 2026-04-10: a credit gives"
        " the difference back"
    )
    assert (task.kind, task.account_id, task.detail) == ("interest_to_check", german.get("A-17").account_id, said)
    assert task.item == german.get("A-17")
    pay(german.entity, "MEYER", amount="10.00", items=["A-17"], **on("2026-04-09"))
    task.refresh_from_db()
    assert task.detail.startswith(f"{said}; 10.00 EUR was paid on 2026-04-09")
    pay(german.entity, "MEYER", amount="10.00", **on("2026-04-09"))  # for no item
    assert Task.objects.count() == 1


def test_what_an_import_says_was_paid_on_such_a_day_is_shown_too(town: Town) -> None:
    town.apply(AGREED.replace("policy: german", "policy: standard"))
    town.account("MEYER")

    def told(*rows: str, at: str) -> None:
        header, more = "account,number,amount,settled,due", "settled: {column: settled}\n"
        bring(town, *rows, on=at, header=header, column=AMOUNT, how="keep", more=more)

    told("MEYER,A-17,10000.00,", "MEYER,A-18,5000.00,", at="2026-04-01")
    town.run("2026-04-10")
    told("MEYER,A-17,10000.00,2026-04-05", "MEYER,A-18,5000.00,2026-04-10", at="2026-04-12")
    task = Task.objects.get()
    assert task.item == town.get("A-17")
    assert task.detail.startswith("10000.00 EUR was paid on 2026-04-05, and interest on it is charged from 2026-04-06")


def test_after_a_charge_was_taken_back_there_is_nothing_to_look_at(german: Town) -> None:
    run = german.propose("2026-04-10")
    german.post(run)
    reverse_run(run.pk, reason="too early", by="anna", at=noon("2026-04-11"))
    pay(german.entity, "MEYER", amount="1000.00", items=["A-17"], **on("2026-04-05"))
    assert not Task.objects.exists()


def test_the_days_to_the_next_fee_count_from_the_day_the_notice_left(town: Town) -> None:
    town.apply("""\
policy: standard
interest: {regime: DK, rate: 8, class: consumer}
stages:
  - {stage: first, days_past_due: 5, fee: {DKK: 100.00}, send: [email]}
  - {stage: second, days_past_due: 10, fee: {DKK: 100.00}, send: [email], repeat_every_days: 1}
""")
    town.item("A-17", "HANSEN", "500.00 DKK", "2026-03-01")
    late = town.propose("2026-03-06")
    town.post(late)
    town.deliver(late, "2026-03-15")
    assert charged(town.run("2026-03-24")) == []
    run = town.run("2026-03-25")
    assert [amount for _kind, _item, amount, _until in charged(run)] == [10000]
    assert replay_run(run.pk).differences == []
