"""Simulations over a real book: what comes out, that nothing is written, and what is refused with its reason."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.apps import apps

from dunwell.flows.cash.pay import pay
from dunwell.flows.errors import Invalid, NotFound
from dunwell.flows.simulation.simulate import Simulated, simulate
from dunwell.flows.simulation.tables import side_by_side
from tests.flows.town import POLICY, Town, day, noon

LATER = POLICY.replace("policy: standard", "policy: later").replace("days_past_due: 3,", "days_past_due: 10,")
MODEL = "model: m\npays: [{from_days: 1, percent_a_day: 20}]\ncosts: {email: 0.02}\n"


@pytest.fixture
def past(town: Town) -> Town:
    """A town where MEYER paid one of two invoices, late, and HUBER nothing."""
    issued = {"issued_on": day("2026-01-01")}
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31", **issued)
    town.item("A-2", "MEYER", "50.00 EUR", "2026-03-15", **issued)
    town.item("B-1", "HUBER", "10.00 EUR", "2026-01-31", **issued)
    pay(town.entity, "MEYER", amount="100.00", currency="EUR", items=["A-1"], on=day("2026-02-20"), by="anna",
        at=noon("2026-02-20"))  # fmt: skip
    return town


def simulated(town: Town, first: str = "2026-01-10", last: str = "2026-03-31", **given: Any) -> Simulated:
    wanted = {"policies": [], **given}
    return simulate(town.entity, from_on=day(first), until_on=day(last), **wanted)


def stages(found: Simulated, scenario: int = 0) -> dict[str, int]:
    rows = found.result.messages.filter(scenario=scenario)
    return dict(rows.group_by("stage").agg(pl.col("messages").sum()).iter_rows())


def test_the_policies_in_force_are_played_over_what_was_paid(past: Town) -> None:
    found = simulated(past)
    # MEYER: two reminders of A-1 before it was paid, then A-2; HUBER: all three.
    assert stages(found) == {"reminder": 3, "second_reminder": 3, "final": 1}
    totals = found.result.totals.row(0, named=True)
    assert (totals["opening_minor"], totals["paid_minor"], totals["overdue_minor"]) == (16000, 10000, 6000)
    assert found.result.scenarios == ("in-force",)
    assert any("do not react" in each for each in found.claims)


def test_two_files_are_compared(past: Town, tmp_path: Path) -> None:
    (tmp_path / "now.yaml").write_text(POLICY)
    (tmp_path / "later.yaml").write_text(LATER)
    found = simulated(past, policies=[str(tmp_path / "now.yaml"), str(tmp_path / "later.yaml")])
    assert found.result.scenarios == ("now", "later")
    assert stages(found, 0)["reminder"] == 3
    notices = dict(found.result.contacts.select("scenario", "notices").iter_rows())
    assert notices[1] < notices[0]


def test_a_folder_or_files_with_commas_decide_together(past: Town, tmp_path: Path) -> None:
    small = LATER.replace("policy: later\n", "policy: later\npriority: 1\napplies_to: amount_minor < 2000\n")
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair" / "a.yaml").write_text(POLICY)
    (tmp_path / "pair" / "b.yaml").write_text(small)
    files = ",".join(str(tmp_path / "pair" / name) for name in ("a.yaml", "b.yaml"))
    found = simulated(past, policies=[str(tmp_path / "pair"), files])
    assert found.result.scenarios == ("pair", "a+b")
    assert stages(found, 0) == stages(found, 1)
    policies = [[policy.policy for policy in each.policies] for each in found.scenarios]
    assert policies == [["standard", "later"]] * 2


def test_nothing_is_written(past: Town) -> None:
    models = list(apps.get_app_config("records").get_models())
    before = [list(model._default_manager.order_by("pk").values()) for model in models]
    files = sorted(past.folder.iterdir())
    assert simulated(past).result.contacts["notices"].sum() > 0
    assert [list(model._default_manager.order_by("pk").values()) for model in models] == before
    assert sorted(past.folder.iterdir()) == files  # no archive, no outbox


def test_payments_answer_by_a_model(past: Town, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MODEL)
    found = simulated(past, model=tmp_path / "m.yaml", seed=3)
    again = simulated(past, model=tmp_path / "m.yaml", seed=3)
    assert found.result.totals.equals(again.result.totals)
    assert (found.model, found.seed, found.costs) == ("m", 3, {"email": 2})
    assert any("m, with seed 3" in each for each in found.claims)
    other = [simulated(past, model=tmp_path / "m.yaml", seed=seed).result.daily for seed in range(4)]
    assert not all(each.equals(found.result.daily) for each in other)


def test_costs_given_come_before_those_of_the_model(past: Town, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MODEL)
    found = simulated(past, model=tmp_path / "m.yaml", costs={"email": Decimal("0.5"), "letter": Decimal(1)})
    assert found.costs == {"email": 50, "letter": 100}


def test_accounts_that_nothing_reaches_are_told_of_and_can_be_taken_as_reached(past: Town) -> None:
    past.account("LOST", email="")
    past.item("L-1", "LOST", "10.00 EUR", "2026-01-31", issued_on=day("2026-01-05"))
    before = simulated(past)
    assert any("1 of 3 payers have no address" in each for each in before.claims)
    after = simulated(past, reach=["email"])
    assert stages(after)["reminder"] == stages(before)["reminder"] + 1
    with pytest.raises(Invalid, match="no channel is called 'e-mail'"):
        simulated(past, reach=["e-mail"])


def says(found: Simulated, text: str) -> bool:
    return any(text in each for each in found.claims)


def test_days_without_history_are_said_to_be_so(past: Town) -> None:
    assert says(simulated(past, "2025-06-01"), "begins on 2026-01-01")
    assert says(simulated(past), "ends on 2026-02-20")
    assert not says(simulated(past, last="2026-02-20"), "ends on")


def test_that_nothing_is_issued_any_more_is_said(past: Town, tmp_path: Path) -> None:
    assert says(simulated(past), "The last claim of the history is issued on 2026-01-01")
    past.item("A-3", "MEYER", "1.00 EUR", "2026-04-15", issued_on=day("2026-03-31"))
    assert not says(simulated(past), "The last claim")
    # Under a model, what becomes of real payments is nobody's matter.
    (tmp_path / "m.yaml").write_text(MODEL)
    by_model = simulated(past, last="2026-04-30", model=tmp_path / "m.yaml")
    assert says(by_model, "issued on 2026-03-31")
    assert not says(by_model, "no payment")


def test_a_period_in_which_nothing_is_issued_has_no_curve(past: Town) -> None:
    found = simulated(past, "2026-02-10")
    assert says(found, "No claim is issued in the period")
    assert not any(title.startswith("Paid by the day") for title, _rows in side_by_side(found, lambda *_: ""))
    assert not says(simulated(past, "2026-01-01"), "No claim is issued in the period")


def test_a_book_that_began_with_what_was_open_is_said_to_lack_what_was_paid_before(past: Town, tmp_path: Path) -> None:
    first = "No payment and no settlement is known before 2026-02-20"
    assert simulated(past).claims[0].startswith(first)
    (tmp_path / "m.yaml").write_text(MODEL)
    assert simulated(past, model=tmp_path / "m.yaml").claims[0].startswith(first)
    assert not says(simulated(past, "2026-02-20"), "No payment and no settlement")
    # What was settled elsewhere and is known by its day counts as well, even where nothing of it is in the period.
    past.item("Z-1", "HUBER", "5.00 EUR", "2025-11-30", issued_on=day("2025-11-01"), open_minor=0,
              closed_on=day("2025-12-01"))  # fmt: skip
    assert not says(simulated(past), "No payment and no settlement")


def test_a_book_in_which_nothing_was_ever_paid_is_said_to_be_so(town: Town) -> None:
    town.item("B-1", "HUBER", "10.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    assert simulated(town).claims[0].startswith("No payment and no settlement is known at all")


def test_claims_without_a_date_of_issue_are_counted(past: Town) -> None:
    assert not says(simulated(past), "date of issue")
    past.item("U-1", "MEYER", "7.00 EUR", "2026-03-01")
    past.item("U-2", "MEYER", "8.00 EUR", "2026-03-02")
    found = simulated(past)
    assert says(found, "2 claims have no date of issue: they are taken as open from the first day on")
    assert found.result.totals.row(0, named=True)["opening_minor"] == 17500


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        ("2025-01-01", "2025-12-31", "goes from 2026-01-01 to 2026-02-20: nothing is in that period"),
        ("2026-03-31", "2026-03-30", "the period ends before it begins"),
        ("2000-01-01", "2026-03-30", "longer than 3,660 days"),
    ],
)
def test_a_period_with_nothing_in_it_is_refused(past: Town, first: str, last: str, says: str) -> None:
    with pytest.raises((Invalid, NotFound), match=says):
        simulated(past, first, last)


def test_an_empty_book_is_refused(town: Town) -> None:
    with pytest.raises(NotFound, match="there is no history to simulate on"):
        simulated(town)


def test_without_a_policy_nothing_is_simulated(home: Path) -> None:
    bare = Town(home, policy=None)
    bare.item("A-1", "MEYER", "1.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    with pytest.raises(NotFound, match="no policy is in force for ACME"):
        simulated(bare)


def test_a_policy_that_cannot_be_read_beside_one_that_can(past: Town, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(POLICY)
    (tmp_path / "bad.yaml").write_text(POLICY.replace("days_past_due: 14", "days_past_du: 14"))
    with pytest.raises(Invalid) as error:
        simulated(past, policies=[str(tmp_path / "good.yaml"), str(tmp_path / "bad.yaml")])
    assert error.value.message == "nothing is simulated: 1 problem"
    assert f"{tmp_path}/bad.yaml:5: stages[1].days_past_du: unknown key" in error.value.problems[0]


def test_a_file_that_is_not_there_hides_no_problem_of_another(past: Town, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(POLICY.replace("days_past_due: 14", "days_past_du: 14"))
    with pytest.raises(Invalid) as error:
        simulated(past, policies=["nowhere.yaml", str(tmp_path / "bad.yaml")])
    assert error.value.message == "nothing is simulated: 2 problems"
    assert ["bad.yaml:5" in error.value.problems[0], "nowhere.yaml is neither" in error.value.problems[1]] == [True] * 2
    with pytest.raises(NotFound, match="nowhere"):
        simulated(past, policies=["nowhere.yaml", "standard"])


def test_a_policy_twice_in_one_scenario_or_a_scenario_twice(past: Town, tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(POLICY)
    one, two = str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")
    with pytest.raises(Invalid, match=r"the policy standard is in this scenario already, by .*a\.yaml"):
        simulated(past, policies=[f"{one},{two}"])
    with pytest.raises(Invalid, match="is given twice"):
        simulated(past, policies=[one, one])
    with pytest.raises(Invalid, match="too many to compare"):
        simulated(past, policies=[one] * 9)
    assert simulated(past, policies=[one, two]).result.scenarios == ("a", "b")


def test_files_of_one_name_are_told_apart_by_their_folders(past: Town, tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(POLICY)
    words = [str(tmp_path / name / "a.yaml") for name in ("x", "y")]
    assert simulated(past, policies=words).result.scenarios == tuple(words)


@pytest.mark.parametrize("word", ["nowhere.yaml", "gentle", "", "empty"])
def test_what_is_no_policy_is_refused(past: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound):
        simulated(past, policies=[word])


def test_a_policy_in_force_is_called_by_its_name(past: Town) -> None:
    assert simulated(past, policies=["standard"]).result.scenarios == ("standard",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model: m\npays: [{from_days: 1, percent_a_day: 5}]\nafter_notice: [{stage: x, times: 2, days: 3}]\n",
         "m.yaml:3: after_notice[0].stage: no policy has a stage 'x'"),
        ("model: m\npays: []\n", "m.yaml:2: pays: "),
        ("model: [", "m.yaml:"),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_read_is_refused_with_its_line(past: Town, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(Invalid) as error:
        simulated(past, model=tmp_path / "m.yaml")
    assert says in error.value.problems[0]
    with pytest.raises(NotFound):
        simulated(past, model=tmp_path / "none.yaml")


@pytest.mark.parametrize("cost", ["-1", "0.001"])
def test_a_cost_that_is_none_is_refused(past: Town, cost: str) -> None:
    with pytest.raises(Invalid):
        simulated(past, costs={"email": Decimal(cost)})


def test_interest_of_the_law_is_charged(past: Town, tmp_path: Path) -> None:
    lawful = POLICY.replace("stages:\n", "interest: {regime: DE, class: business}\nstages:\n").replace(
        "days_past_due: 30,", "days_past_due: 30, interest: true,"
    )
    (tmp_path / "law.yaml").write_text(lawful)
    past.item("C-1", "SMITH", "900.00 EUR", "2025-01-31", issued_on=day("2025-01-01"))
    found = simulated(past, "2025-01-01", "2025-12-31", policies=[str(tmp_path / "law.yaml")])
    charged = dict(found.result.charges.select("charge", "amount_minor").iter_rows())
    # 900.00 at 2.27 + 9 percent for the 30 days to 2 March.
    assert charged == {"fee": 500, "interest": 834}
    # What comes with Dunwell does not know the rates of 2026: nobody is charged by a guess.
    unknown = simulated(past, policies=[str(tmp_path / "law.yaml")])
    assert any("could not be decided" in each and "de-basiszinssatz" in each for each in unknown.claims)
