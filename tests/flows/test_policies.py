"""Policies in force: new versions take the place of old ones, which stay readable."""

from pathlib import Path

import pytest

from dunwell.engine.policy.parse import parse_policy
from dunwell.flows import policies
from dunwell.flows.errors import Invalid, NotFound
from dunwell.flows.policy_files import check_policy
from dunwell.records.models import AuditEvent, PolicyVersion
from tests.flows.town import POLICY, Town, noon

EARLIER = POLICY.replace("days_past_due: 3,", "days_past_due: 1,")


def test_a_policy_is_in_force_once_applied(town: Town) -> None:
    assert policies.in_force() == [
        {
            "policy": "standard",
            "version": 1,
            "entity": "every",
            "applied_at": noon("2026-01-01").isoformat(timespec="minutes"),
            "applied_by": "anna",
        }
    ]
    event = AuditEvent.objects.get(action="policy.applied")
    assert (event.actor, event.detail["policy"], event.entity) == ("anna", "standard", None)


def test_the_same_text_again_is_no_new_version(town: Town) -> None:
    again = town.apply(POLICY, on="2026-02-01")
    assert (again.number, again.is_new) == (1, False)
    assert AuditEvent.objects.count() == 1


def test_a_new_version_decides_and_the_old_one_stays_readable(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    assert town.propose("2026-04-01").counts["notices"] == 0
    applied = town.apply(EARLIER, on="2026-02-01")
    assert (applied.name, applied.number, applied.is_new) == ("standard", 2, True)
    run = town.propose("2026-04-01")
    assert run.counts["notices"] == 1
    assert run.policy_digests == [policies.show_policy("standard").digest]
    assert (policies.show_policy("standard").number, policies.show_policy("standard", 1).text) == (2, POLICY)
    assert policies.show_policy("standard", 1).retired_at == noon("2026-02-01")


def test_a_version_can_be_put_back(town: Town) -> None:
    town.apply(EARLIER)
    assert town.apply(POLICY).number == 3
    assert PolicyVersion.objects.filter(retired_at=None).count() == 1


def test_an_entitys_own_version_goes_before_the_one_for_every_entity(town: Town) -> None:
    other = Town(town.folder, "OTHER", policy=None)
    for each in (town, other):
        each.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.apply(EARLIER, own=True)
    assert (town.propose("2026-04-01").counts["notices"], other.propose("2026-04-01").counts["notices"]) == (1, 0)
    assert [(row["version"], row["entity"]) for row in policies.in_force()] == [(1, "every"), (2, "ACME")]
    assert [each.number for each in policies.versions_in_force(town.entity)] == [2]
    assert [each.number for each in policies.versions_in_force(other.entity)] == [1]


def test_where_versions_differ_one_says_which_is_to_be_shown(town: Town) -> None:
    other = Town(town.folder, "OTHER", policy=None)
    town.apply(EARLIER, own=True)
    with pytest.raises(Invalid) as caught:
        policies.show_policy("standard")
    assert str(caught.value) == (
        "several versions of standard are in force: say which with --entity or --version"
        " (version 1 for every entity, version 2 for ACME)"
    )
    assert policies.show_policy("standard", entity=town.entity).number == 2
    assert policies.show_policy("standard", entity=other.entity).number == 1
    assert policies.show_policy("standard", 1).number == 1
    with pytest.raises(NotFound, match="no policy 'standard' version 2 for OTHER is there"):
        policies.show_policy("standard", 2, other.entity)
    assert [(row["version"], row["entity"]) for row in policies.in_force(town.entity)] == [(2, "ACME")]
    assert [(row["version"], row["entity"]) for row in policies.in_force(other.entity)] == [(1, "every")]


def test_an_unknown_policy_is_not_found(town: Town) -> None:
    with pytest.raises(NotFound, match="no policy 'strict' is there; known: standard"):
        policies.show_policy("strict")
    with pytest.raises(NotFound, match="no policy 'standard' version 7 is there"):
        policies.show_policy("standard", 7)
    with pytest.raises(NotFound):
        policies.show_policy("standard", 0)


def test_a_broken_policy_changes_nothing(town: Town) -> None:
    with pytest.raises(Invalid) as caught:
        town.apply(POLICY.replace("days_past_due: 14", "days_pastdue: 14"))
    assert caught.value.problems[0].startswith("town.yaml:5: ")
    assert "did you mean 'days_past_due'" in str(caught.value)
    assert policies.show_policy("standard").number == 1


def test_a_policy_that_no_longer_parses_is_said_with_its_version(town: Town) -> None:
    PolicyVersion.objects.update(text=POLICY.replace("send: [email]", "send: [pigeon]"))
    with pytest.raises(Invalid, match=r"can no longer be read\nstandard \(version 1\):4: "):
        town.propose("2026-04-03")


def test_a_check_needs_no_book() -> None:
    policy, warnings = check_policy(f"title: Standard\n{POLICY}", "standard.yaml", {})
    assert policy.policy == "standard"
    assert warnings == []


def test_a_policy_is_taken_out_of_force_and_stays_readable(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.apply(EARLIER, own=True)
    policies.retire_policy("standard", entity=town.entity, by="bert", at=noon("2026-02-01"))
    assert [each.number for each in policies.versions_in_force(town.entity)] == [1]
    policies.retire_policy("standard", by="bert", at=noon("2026-02-01"))
    assert policies.in_force() == []
    assert policies.show_policy("standard", 2).retired_at == noon("2026-02-01")
    events = AuditEvent.objects.filter(action="policy.retired").order_by("pk")
    assert [(event.actor, event.entity_id, event.detail["policy"]) for event in events] == [
        ("bert", town.entity.pk, "standard"), ("bert", None, "standard"),
    ]  # fmt: skip
    with pytest.raises(NotFound, match="no policy 'standard' for every entity is in force; in force: none"):
        policies.retire_policy("standard", by="bert", at=noon("2026-02-01"))
    assert town.apply(POLICY).number == 3


def test_a_policy_out_of_force_for_one_entity_is_named_with_those_in_force(town: Town) -> None:
    with pytest.raises(NotFound, match=r"no policy 'standard' of ACME alone is in force; in force: standard \(every\)"):
        policies.retire_policy("standard", entity=town.entity, by="bert", at=noon("2026-02-01"))


def test_policies_tie_where_both_decide_for_an_entity(town: Town) -> None:
    other = Town(town.folder, "OTHER", policy=None)
    second = parse_policy(POLICY.replace("standard", "second"), "second.yaml")
    assert policies.tied(second) == policies.tied(second, town.entity) == ["standard"]
    assert policies.tied(parse_policy(POLICY, "standard.yaml")) == []  # it takes the place of itself
    town.apply(POLICY + "priority: 7\n", own=True)
    assert (policies.tied(second, town.entity), policies.tied(second, other.entity)) == ([], ["standard"])
    assert policies.tied(second) == ["standard"]
    other.apply(POLICY + "priority: 7\n", own=True)
    assert policies.tied(second) == []
    PolicyVersion.objects.update(text="no policy")
    assert policies.tied(second) == []


def test_policies_tie_before_there_is_an_entity(home: Path) -> None:
    policies.apply_policy(POLICY, "standard.yaml", by="anna", at=noon("2026-01-01"))
    assert policies.tied(parse_policy(POLICY.replace("standard", "second"), "second.yaml")) == ["standard"]


def test_a_later_stage_with_fewer_days_is_doubted() -> None:
    _policy, warnings = check_policy(POLICY.replace("days_past_due: 30", "days_past_due: 13"), "p.yaml", {})
    assert (
        "p.yaml:6: stages[2].days_past_due: 13 days are fewer than the 14 of second_reminder before it: the days rise"
        " from stage to stage"
    ) in [str(each) for each in warnings]
    assert not [each for each in check_policy(POLICY, "p.yaml", {})[1] if "fewer" in each.message]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            POLICY.replace("policy: standard", "policy: a b"),
            "should be a name of letters, digits and _ . -, at most 63",
        ),
        (POLICY.replace("min_gap_days: 7", "min_gap_days: 1.5"), "should be a whole number, not 1.5"),
        (POLICY + "contact: {window: 8-18}\n", "should be a time of day such as 08:00-18:00, not '8-18'"),
        (POLICY + "minimum: 5\n", "should be keys with values, as in {key: value}, not 5"),
        (POLICY + "deescalate: yes\n", "should be true or false, not 'yes'"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said_in_words(text: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_policy(text, "p.yaml", {})
    assert said in str(caught.value)
