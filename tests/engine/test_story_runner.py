"""Stories are read with file and line, played, and their failures explained."""

from pathlib import Path
from typing import Final

import pytest

from dunwell.engine.stories.runner import run_files

SAMPLE: Final = Path(__file__).parent / "sample"
HEAD: Final = """story: what it shows
policy:
  policy: p
  min_gap_days: 7
  stages:
    - {stage: one, days_past_due: 3, send: [email], fee: {EUR: 5.00}}
    - {stage: two, days_past_due: 10, send: [letter], do: [call], approval: one}
accounts: [{account: MEYER, email: ap@meyer.example, address: Hauptstr. 1}]
steps:
  - {on: 2026-01-01, invoice: {number: A-1, account: MEYER, amount: 100.00 EUR, due: 2026-01-10}}
"""

INVOICE: Final = "accounts: [{account: A}]\nsteps:\n  - on: 2026-01-13\n    invoice: "


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return tmp_path / "a-story.yaml"


def reports(told: Path, steps: str, head: str = HEAD) -> list[str]:
    """What the runner says of a story, with its path shortened; nothing if it holds."""
    told.write_text(head + steps, encoding="utf-8")
    return [str(failure).replace(f"{told.parent}/", "") for failure in run_files([told])[0]]


def test_the_story_of_the_design_holds_with_the_policy_beside_it() -> None:
    assert [str(failure) for failure in run_files([SAMPLE / "a-promise.yaml"])[0]] == []


def test_a_story_of_the_design_that_is_told_wrongly_fails(told: Path) -> None:
    text = (SAMPLE / "a-promise.yaml").read_text(encoding="utf-8")
    (told.parent / "standard-b2b.yaml").write_text((SAMPLE / "standard-b2b.yaml").read_text(encoding="utf-8"))
    (report,) = reports(told, text.replace("A-17: promised", "A-17: dun"), head="")
    assert report.startswith(
        "a-story.yaml:10: 2026-04-17: outcome of A-17\n    expected  dun\n    got       promised\n"
    )


def test_a_failure_shows_what_was_expected_what_came_and_why(told: Path) -> None:
    step = "  - {on: 2026-01-13, run: {}, expect: {notices: [{account: MEYER, stage: two, total: 99.00 EUR}]}}\n"
    assert "\n".join(reports(told, step)) == (
        "a-story.yaml:11: 2026-01-13: notices\n"
        "    expected  {account: MEYER, stage: two, total: 99.00 EUR}\n"
        "    got       {account: MEYER, stage: one, total: 105.00 EUR}\n"
        "    | A-1: dun: a notice is due\n"
        "    | A-1: 3 days past due\n"
        "    | A-1: open 100.00 EUR\n"
        "    | A-1: policy p, level 0 -> 1, stage one"
    )


@pytest.mark.parametrize(
    ("expect", "what", "expected", "got"),
    [
        ("notices: []", "notices", "nothing more", "{account: MEYER, stage: one}"),
        ("charges: {A-1: 4.00 EUR}", "charges", "{item: A-1, amount: 4.00 EUR}", "{item: A-1, amount: 5.00 EUR}"),
        ("charges: []", "charges", "nothing more", "{item: A-1, stage: one}"),
        ("actions: [{action: call}]", "actions", "{action: call}", "nothing more"),
        ("tasks: [{task: delivery_failed}]", "tasks", "{task: delivery_failed}", "nothing more"),
        ("outcomes: {A-1: settled}", "outcome of A-1", "settled", "dun"),
        ("levels: {A-1: 2}", "level of A-1", "2", "1"),
        ("open: {A-1: 1.00 EUR}", "open amount of A-1", "1.00 EUR", "100.00 EUR"),
        ("open: {A-1: 100.00 USD}", "open amount of A-1", "100.00 USD", "100.00 EUR"),
        ("next_on: {A-1: 2026-02-01}", "next_on of A-1", "2026-02-01", "None"),
        ("notices: [{stage: one}, {stage: one}]", "notices", "{stage: one}", "nothing more"),
        ("notices: [{items: [A-1, A-2]}]", "notices", "{items: [A-1, A-2]}", "{items: [A-1]}"),
        ("notices: [{channels: [letter]}]", "notices", "{channels: [letter]}", "{channels: [email]}"),
        ("notices: [{fee: 4.00 EUR}]", "notices", "{fee: 4.00 EUR}", "{fee: 5.00 EUR}"),
    ],
)
def test_every_expectation_can_fail(told: Path, expect: str, what: str, expected: str, got: str) -> None:
    (report,) = reports(told, f"  - {{on: 2026-01-13, run: {{}}, expect: {{{expect}}}}}\n")
    head = f"a-story.yaml:11: 2026-01-13: {what}\n    expected  {expected}\n    got       {got}"
    assert report == head or report.startswith(f"{head}\n    | ")


def test_every_expectation_can_hold(told: Path) -> None:
    steps = """  - on: 2026-01-13
    run: {}
    expect:
      notices:
        - {account: MEYER, entity: ACME, currency: EUR, policy: p, stage: one, level: 1, total: 105.00 EUR,
           due: 100.00 EUR, charges: 0.00 EUR, fee: 5.00 EUR, deadline: null, channels: [email], items: [A-1]}
      outcomes: {A-1: dun}
      levels: {A-1: 1}
      charges: [{item: A-1, amount: 5.00 EUR, stage: one}]
      open: {A-1: 100.00 EUR, A-1/one: 5.00 EUR}
      tasks: []
      actions: []
      next_on: {A-1: null}
  - {on: 2026-01-14, run: {}, expect: {outcomes: {A-1: not_due}, next_on: {A-1: 2026-01-20}, charges: {}}}
"""
    assert reports(told, steps) == []


def test_the_most_particular_entry_is_matched_first(told: Path) -> None:
    more = "  - {on: 2026-01-01, invoice: {number: B-1, account: MEYER, amount: 7.00 USD, due: 2026-01-10}}\n"
    head = HEAD.replace("fee: {EUR: 5.00}", "approval: none")
    step = "  - {on: 2026-01-13, run: {}, expect: {notices: [{stage: one}, {stage: one, currency: EUR}]}}\n"
    assert reports(told, more + step, head) == []


def test_a_run_stops_where_it_is_told_to(told: Path) -> None:
    steps = """  - {on: 2026-01-13, run: {post: false}, expect: {notices: [{stage: one}], levels: {A-1: 0}}}
  - {on: 2026-01-13, run: {deliver: false}, expect: {notices: [{stage: one}], levels: {A-1: 1}}}
  - {on: 2026-01-14, run: {}, expect: {notices: [{stage: one}]}}
  - {on: 2026-01-22, run: {post: false}, expect: {notices: [{stage: two}]}}
  - {on: 2026-01-22, post: {}, expect: {notices: [], levels: {A-1: 1}}}
  - {on: 2026-01-22, run: {post: false}}
  - {on: 2026-01-23, approve: {}, post: {}, deliver: {}, expect: {notices: [{stage: two}], levels: {A-1: 2}}}
"""
    assert reports(told, steps) == []


def test_a_run_for_an_earlier_date_can_be_proposed_and_is_refused_to_post(told: Path) -> None:
    first = "  - {on: 2026-01-13, run: {}}\n"
    earlier = "  - {on: 2026-01-12, run: {post: false}, expect: {notices: []}}\n"
    assert reports(told, first + earlier) == []
    assert reports(told, first + "  - {on: 2026-01-12, run: {}}\n") == [
        "a-story.yaml:12: a run for 2026-01-12 cannot be posted: one for 2026-01-13 is"
    ]


def test_after_a_step_that_cannot_happen_the_story_ends(told: Path) -> None:
    steps = "  - {on: 2026-01-11, release: {hold: H-1}}\n  - {on: 2026-01-13, run: {}, expect: {notices: []}}\n"
    assert reports(told, steps) == ["a-story.yaml:11: there is no hold 'H-1' yet"]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("post: {}", "there is no proposal to post: let a `run` come first"),
        ("payment: {account: MEIER, amount: 5.00 EUR}", "there is no account 'MEIER' under `accounts`"),
        ("payment: {account: MEYER, amount: 5.00 EUR, applies_to: A-2}", "there is no item 'A-2' yet"),
        ("reverse: {payment: P-1}", "there is no item 'P-1' yet"),
        ("resolve: {dispute: D-1}", "there is no dispute 'D-1' yet"),
        ("fail: {}", "say what fails: `payment: id` or `delivery: account`"),
        ("hold: {id: H-1}", "a hold is on an account or on an item"),
        ("hold: {id: H-1, account: MEYER, item: A-1}", "a hold is on an account or on an item, not both"),
        ("dispute: {id: D-1, item: A-1, amount: 5000 JPY}", "'A-1' is in EUR, not in JPY"),
        ("allocate: {source: A-1, item: A-1, amount: 5000 JPY}", "'A-1' is in EUR, not in JPY"),
        ("allocate: {source: A-1, item: A-1, amount: 0.00 EUR}", "what is allocated is more than 0"),
        ("credit: {number: C-1, account: MEYER, amount: -5.00 EUR}", "the credit 'C-1' is of a negative amount"),
        ("charge: {number: C-1, account: MEYER, amount: -5.00 EUR}", "the charge 'C-1' is of a negative amount"),
        ("charge: {number: C-1, account: MEYER, item: A-1, amount: 500 JPY}", "'A-1' is in EUR, not in JPY"),
        (
            "promise: {account: MEYER, amount: 500 JPY, by: 2026-01-20, items: [A-1]}",
            "a promise in JPY cannot be for A-1",
        ),
        ("promise: {account: MEYER, amount: 5.00 EUR, by: 2026-01-12}", "a promise made on 2026-01-13 cannot be for"),
        (
            "invoice: {number: A-2, account: MEYER, amount: 100.00 EUR, open: 5000 JPY}",
            "the invoice 'A-2' is in one currency, and what is open of it in another",
        ),
        ("run: {}, expect: {levels: {'MEYER:EURO': 0}}", "'EURO' is not a currency in use"),
        ("run: {}, expect: {notices: [{total: 5.00 EURO}]}", "'EURO' is not a currency in use"),
        ("dispute: {id: D-1, item: A-1, amount: -5.00 EUR}", "a dispute is of more than 0 and at most"),
        ("promise: {account: MEYER, amount: 0.00 EUR, by: 2026-01-20}", "a promise is of more than 0 and at most"),
        ("invoice: {number: A-1, account: MEYER, amount: 5.00 EUR}", "the item 'A-1' is there already"),
        ("run: {}, expect: {outcomes: {A-2: dun}}", "there is no item 'A-2' yet"),
        ("run: {}, expect: {levels: {MEIER: 1}}", "there is no item or account 'MEIER'; did you mean 'MEYER'?"),
        (
            "run: {}, expect: {notices: [{stagge: one}]}",
            "notices have no field 'stagge'; did you mean 'stage'?",
        ),
        ("run: {}, expect: {notices: [{total: 5 Euros each}]}", "'5 Euros each' is not an amount with its currency"),
    ],
)
def test_a_step_that_cannot_happen_says_why(told: Path, event: str, message: str) -> None:
    (report,) = reports(told, f"  - {{on: 2026-01-13, {event}}}\n")
    assert report.startswith(f"a-story.yaml:11: {message}")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("{on: 2026-01-13, invoic: {}}", "steps[1].invoic: no event is called 'invoic'; did you mean 'invoice'?"),
        ("{run: {}}", "steps[1]: a step begins with `on: YYYY-MM-DD`"),
        ("{on: soon, run: {}}", "steps[1]: a step begins with `on: YYYY-MM-DD`"),
        ("{on: 2026-02-30, run: {}}", "steps[1].on: '2026-02-30' is no date of the calendar"),
        ("{on: 2026-01-13, run: {}, run: {}}", "steps[1].run: the key is given twice"),
        ("{on: 2026-01-13, run: {deliver: maybe}}", "steps[1].run.deliver: should be a valid boolean, not 'maybe'"),
        ("{on: 2026-01-13, run: {post: no}}", "steps[1].run.post: should be a valid boolean, not 'no'"),
        (
            "{on: 2026-01-13, run: {}, expect: {notice: []}}",
            "steps[1].expect.notice: unknown key; did you mean 'notices'?",
        ),
        (
            "{on: 2026-01-13, run: {}, expect: {open: {A-1: 5}}}",
            "steps[1].expect.open.A-1: 5 is not an amount with its currency",
        ),
        ("{on: 2026-01-13, invoice: {number: A-2, account: MEYER}}", "steps[1].invoice: the key 'amount' is missing"),
        (
            "{on: 2026-01-13, invoice: {number: A-2, account: MEYER, amount: 5}}",
            "steps[1].invoice.amount: 5 is not an amount with its currency",
        ),
        (
            "{on: 2026-01-13, invoice: {number: A-2, account: MEYER, amount: 5.001 EUR}}",
            "steps[1].invoice.amount: 5.001 has more decimals than EUR has",
        ),
        (
            "{on: 2026-01-13, invoice: {number: A-2, account: MEYER, amount: 5 EUR, dew: 2026-01-31}}",
            "steps[1].invoice: unknown key 'dew'; did you mean 'due'?",
        ),
        (
            "{on: 2026-01-13, payment: {account: MEYER, amount: 5.00 EUR, aplies_to: A-1}}",
            "steps[1].payment.aplies_to: unknown key; did you mean 'applies_to'?",
        ),
        (
            "{on: 2026-01-13, invoice: {number: A-2, account: MEYER, amount: 1e999999 EUR}}",
            "steps[1].invoice.amount: 1e999999 is larger than a column can hold",
        ),
        (
            "{on: 2026-01-13, invoice: {number: A-2, account: MEYER, amount: 100.00000000000000000000000000001 EUR}}",
            "steps[1].invoice.amount: 100.000000000000000000000000... has more digits than any amount",
        ),
        (
            "{on: 2026-01-13, run: {}, expect: {open: {A-1: 100.00 EURO}}}",
            "steps[1].expect.open.A-1: 'EURO' is not a currency in use (ISO 4217); did you mean 'EUR'?",
        ),
        ("{on: 2026-01-13, set: {}}", "steps[1].set: give `set` as {account: NAME, field: value}"),
        ("{on: 2026-01-13, promise: {account: MEYER, amount: 5.00 EUR, by: tomorrow}}", "steps[1].promise.by: "),
        (
            "{on: 2026-01-13, promise: {account: MEYER, amount: 5.00 EURO, by: 2026-01-20}}",
            "steps[1].promise.amount: 'EURO' is not a currency in use (ISO 4217); did you mean 'EUR'?",
        ),
        (
            "{on: 2026-01-13, payment: {account: MEYER, amount: 5.00 DEM}}",
            "steps[1].payment.amount: 'DEM' is not a currency in use (ISO 4217)",
        ),
        (
            "{on: 2026-01-13, dispute: {id: D-1, item: A-1, amount: 10000000000.01 EUR}}",
            "steps[1].dispute.amount: 10000000000.01 EUR is beyond the bound of 10000000000.00 EUR",
        ),
    ],
)
def test_a_step_that_cannot_be_read_is_named(told: Path, step: str, message: str) -> None:
    (report,) = reports(told, f"  - {step}\n")
    assert report.startswith(f"a-story.yaml:11: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: a story begins with `story: what it shows`"),
        ("steps: []", "1: a story begins with `story: what it shows`"),
        ("story: s\npolicy: p.yaml", "1: a story has steps"),
        ("story: s\nsteps: [{on: 2026-01-01}]", "1: give either `policy` or `policies`"),
        ("story: s\npolicy: a\npolicies: [b]\nsteps: [{on: 2026-01-01}]", "1: give either `policy` or `policies`"),
        (
            "story: s\npolicy: nowhere.yaml\nsteps: [{on: 2026-01-01}]",
            "2: policy: cannot read nowhere.yaml: No such file",
        ),
        (
            "story: s\npolicy: 5\nsteps: [{on: 2026-01-01}]",
            "2: policy: a policy is a path beside the story, or stands here",
        ),
        ("story: s\npolicy: {policy: p}\nsteps: [{on: 2026-01-01}]", "2: policy: the key 'stages' is missing"),
        ('story: s\npolicy: "a\\0b"\nsteps: [{on: 2026-01-01}]', "2: policy: 'a\\x00b' is no path"),
        ("story: s\npolicies:\nsteps: [{on: 2026-01-01}]", "2: policies: give a list of policies"),
        ("story: s\nacounts: []\nsteps: [{on: 2026-01-01}]", "2: acounts: unknown key; did you mean 'accounts'?"),
        (
            "story: s\nattributes: {vip: colour}\nsteps: [{on: 2026-01-01}]",
            "2: attributes.vip: no type is called 'colour'; there are text,",
        ),
        (
            "story: s\nattributes: {vip: [text]}\nsteps: [{on: 2026-01-01}]",
            "2: attributes.vip: no type is called ['text']; there are text,",
        ),
        (
            "story: s\naccounts: [{account: A, segmnt: x}]\nsteps: [{on: 2026-01-01}]",
            "2: accounts[0]: unknown key 'segmnt'; did you mean 'segment'?",
        ),
        (
            "story: s\naccounts:\n  - {account: A}\n  - {account: B}\n  - {account: A}\nsteps: [{on: 2026-01-01}]",
            "5: accounts[2].account: two accounts are called 'A'",
        ),
        ("story: {", "2: not YAML: "),
    ],
)
def test_a_file_that_is_no_story_is_named(told: Path, text: str, message: str) -> None:
    (report,) = reports(told, "", head=text)
    assert report.startswith(f"a-story.yaml:{message}")


def test_what_is_wrong_in_a_policy_beside_is_named_by_its_own_file(told: Path) -> None:
    (told.parent / "p.yaml").write_text("policy: p\nstages:\n  - {stage: one, days_past_due: 3, send: [emial]}\n")
    (report,) = reports(told, "", head="story: s\npolicy: p.yaml\nsteps: [{on: 2026-01-01}]")
    assert report.startswith("p.yaml:3: stages[0].send[0]: no channel is called 'emial'")


def test_what_is_wrong_in_a_policy_inline_is_named_by_its_line(told: Path) -> None:
    (report,) = reports(told, "", head=HEAD.replace("days_past_due: 10", "days_past_due: ten"))
    assert report.startswith("a-story.yaml:7: policy.stages[1].days_past_due: should be a valid integer, not 'ten'")


def test_a_file_that_cannot_be_read_is_one_failure(tmp_path: Path) -> None:
    ((report,),) = run_files([tmp_path / "nowhere.yaml"])
    assert "nowhere.yaml:1: cannot be read: No such file or directory" in str(report)
    (tmp_path / "latin.yaml").write_bytes("story: für".encode("latin-1"))
    ((report,),) = run_files([tmp_path / "latin.yaml"])
    assert str(report).endswith("latin.yaml:1: cannot be read: it is not UTF-8")


@pytest.mark.parametrize(
    "more",
    [
        "accounts: 5\nsteps: [{on: 2026-01-13}]",
        "accounts: {account: MEYER}\nsteps: [{on: 2026-01-13}]",
        "entities: [ACME]\nsteps: [{on: 2026-01-13}]",
        "attributes: [vip]\nsteps: [{on: 2026-01-13}]",
        "steps: 5",
        "steps: {on: 2026-01-13}",
        "accounts: [{account: A}]\nsteps: [{on: 2026-01-13, set: 5}]",
        INVOICE + "{number: B, account: A, amount: 5 EUR, entity: X}",
        INVOICE + "{number: B, account: A, amount: 5 EUR, level: 99999}",
    ],
)
def test_a_file_of_another_shape_is_a_failure_of_that_file(told: Path, more: str) -> None:
    policy = "story: s\npolicy: {policy: p, stages: [{stage: one, days_past_due: 3, send: [email]}]}\n"
    assert reports(told, more, head=policy)


def test_a_notice_that_did_not_come_is_explained_though_the_entry_names_nobody(told: Path) -> None:
    (report,) = reports(told, "  - {on: 2026-01-11, run: {}, expect: {notices: [{stage: one}]}}\n")
    assert "A-1: not_due" in report


@pytest.mark.parametrize("expect", ["notices: [{stagge: one}]", "outcomes: {A-1: dunn}"])
def test_a_misspelt_expectation_is_named(told: Path, expect: str) -> None:
    (report,) = reports(told, f"  - {{on: 2026-01-11, run: {{}}, expect: {{{expect}}}}}\n")
    assert "did you mean" in report


def test_a_wrong_value_is_named_by_its_whole_path(told: Path) -> None:
    (report,) = reports(told, "  - {on: 2026-01-11, run: {post: no}}\n")
    assert report.startswith("a-story.yaml:11: steps[1].run.post: ")


def test_a_wrong_value_of_set_is_told_in_our_words(told: Path) -> None:
    (report,) = reports(told, "  - {on: 2026-01-11, set: {account: MEYER, risk: high}}\n")
    assert "pydantic" not in report


def test_a_wrong_value_of_set_is_told_once_and_where_it_stands(told: Path) -> None:
    (report,) = reports(told, "  - {on: 2026-01-11, set: {account: MEYER, risk: foo}}\n")
    assert report == "a-story.yaml:11: set.risk: should be a number, not 'foo'"


def test_a_policy_that_is_not_utf_8_is_named_where_the_story_asks_for_it(told: Path) -> None:
    (told.parent / "p.yaml").write_bytes("policy: für".encode("latin-1"))
    (report,) = reports(told, "", head="story: s\npolicy: p.yaml\nsteps: [{on: 2026-01-01}]")
    assert report == "a-story.yaml:2: policy: cannot read p.yaml: it is not UTF-8"


def test_two_policies_of_one_name_are_refused(told: Path) -> None:
    policy = "{policy: p, stages: [{stage: one, days_past_due: 3, send: [email]}]}"
    head = f"story: s\npolicies:\n  - {policy}\n  - {policy}\nsteps: [{{on: 2026-01-01}}]"
    assert reports(told, "", head=head) == ["a-story.yaml:4: policies[1]: two policies are called 'p'"]


def test_a_name_is_of_one_kind(told: Path) -> None:
    draft = "  - {on: 2026-01-11, invoice: {number: A-2, account: MEYER, amount: 5.00 EUR, draft: true}}\n"
    payment = "  - {on: 2026-01-12, payment: {id: A-2, account: MEYER, amount: 5.00 EUR}}\n"
    assert reports(told, draft + payment) == ["a-story.yaml:12: the item 'A-2' is there already"]
    announced = "  - {on: 2026-01-11, payment: {id: A-2, account: MEYER, amount: 5.00 EUR, pending: true}}\n"
    invoice = "  - {on: 2026-01-12, invoice: {number: A-2, account: MEYER, amount: 5.00 EUR}}\n"
    assert reports(told, announced + invoice) == ["a-story.yaml:12: the item 'A-2' is there already"]
    assert reports(told, announced + payment) == []


def test_a_story_stays_within_its_ids(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = ", ".join(f"{{entity: E{number}}}" for number in range(1001))
    head = HEAD.replace("accounts:", f"entities: [{many}]\naccounts:")
    assert reports(told, "", head) == ["a-story.yaml:1: a story has at most 1,000 entities, not 1,001"]
    monkeypatch.setattr("dunwell.engine.stories.names.IDS_PER_STORY", 2)
    second = "  - {on: 2026-01-12, payment: {account: MEYER, amount: 5.00 EUR}}\n"
    assert reports(told, second) == ["a-story.yaml:11: a story has fewer than 2 items"]
