"""What a policy file is refused for: each with its file, line and path."""

from typing import Final

import pytest

from dunwell.engine.documents import DocumentError, read_document
from dunwell.engine.policy.parse import parse_policy

TOP: Final = "policy: p\n{}\nstages:\n  - {{stage: one, days_past_due: 3, send: [email]}}\n"
STAGE: Final = "policy: p\nstages:\n  - {{stage: one, days_past_due: 3, send: [email]}}\n  - {}\n"
KEYS: Final = "policy: p\nstages:\n  - {{stage: one, days_past_due: 3, send: [email], {}}}\n"


def refusals(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        parse_policy(text, "p.yaml")
    return [str(problem) for problem in caught.value.problems]


def refusal(text: str) -> str:
    (only,) = refusals(text)
    return only


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("stagez: []", "stagez: unknown key; did you mean 'stages'?"),
        ("prioritty: 3", "prioritty: unknown key; did you mean 'priority'?"),
        ("priority: low", "priority: should be a valid integer, not 'low'"),
        ("priority: true", "priority: should be a valid integer, not True"),
        ("priority: 1000000001", "priority: should be less than or equal to 1000000000, not 1000000001"),
        ("priority: -9999999999999999999", "priority: should be greater than or equal to -1000000000"),
        ("priority: 0x10", "priority: should be a valid integer, not '0x10'"),
        ("priority: 1_000", "priority: should be a valid integer, not '1_000'"),
        ("anchor: acount", "anchor: should be 'item' or 'account', not 'acount'"),
        ("escalate: no", "escalate: should be 'step' or 'jump', not 'no'"),
        ("deescalate: no", "deescalate: should be a valid boolean, not 'no'"),
        ("deescalate: on", "deescalate: should be a valid boolean, not 'on'"),
        ("title: 5", "title: should be a valid string, not 5"),
        ("min_gap_days: -1", "min_gap_days: should be greater than or equal to 0, not -1"),
        ("min_gap_days: 3651", "min_gap_days: should be less than or equal to 3650, not 3651"),
        ("one_notice_per: notice", "one_notice_per: should be 'account', 'item' or 'level', not 'notice'"),
        ("include: all", "include: should be 'dunned', 'overdue' or 'open', not 'all'"),
        ("credits: no", "credits: should be 'net' or 'ignore', not 'no'"),
        ("on_broken_promise: stop", "on_broken_promise: should be 'resume' or 'next_stage', not 'stop'"),
        ("after_dispute: stop", "after_dispute: should be 'continue', 'nearest' or 'restart', not 'stop'"),
        ("charges_when_paid: drop", "charges_when_paid: should be 'keep' or 'waive', not 'drop'"),
        ("split_by: [segmnt]", "split_by[0]: there is no column 'segmnt'; did you mean 'segment'?"),
        ("split_by: [account, attr_contract]", "split_by[1]: there is no column 'attr_contract'"),
        ("minimum: {itm: {EUR: 5}}", "minimum.itm: unknown key; did you mean 'item'?"),
        ("minimum: {item: 5}", "minimum.item: give amounts by currency, such as {EUR: 5.00}"),
        ("minimum: {item: {}}", "minimum.item: give amounts by currency, such as {EUR: 5.00}"),
        ("minimum: {item: {EURO: 5}}", "minimum.item: 'EURO' is not a currency in use (ISO 4217); did you mean 'EUR'?"),
        ("minimum: {item: {eur: 5}}", "minimum.item: 'eur' is not a currency in use (ISO 4217)"),
        ("minimum: {item: {EUR: -5.00}}", "minimum.item: EUR: an amount cannot be negative"),
        ("minimum: {item: {EUR: 5.005}}", "minimum.item: 5.005 has more decimals than EUR has (2)"),
        ("minimum: {item: {JPY: 5.5}}", "minimum.item: 5.5 has more decimals than JPY has (0)"),
        ("minimum: {item: {EUR: .inf}}", "minimum.item: EUR: '.inf' is not an amount"),
        ("minimum: {item: {EUR: .nan}}", "minimum.item: EUR: '.nan' is not an amount"),
        ("minimum: {item: {EUR: '5'}}", "minimum.item: EUR: '5' is not an amount"),
        ("minimum: {item: {EUR: true}}", "minimum.item: EUR: True is not an amount"),
        (
            "minimum: {item: {EUR: 10000000000.01}}",
            "minimum.item: 10000000000.01 EUR is beyond the bound of 10000000000.00 EUR",
        ),
        ("minimum: {item: {EUR: 1e400}}", "minimum.item: 1E+400 EUR is beyond the bound of 10000000000.00 EUR"),
        ("minimum: {percent_of_open: 101}", "minimum.percent_of_open: a percentage lies between 0 and 100"),
        ("minimum: {percent_of_open: -1}", "minimum.percent_of_open: a percentage lies between 0 and 100"),
        ("minimum: {percent_of_open: 0.00001}", "minimum.percent_of_open: a percentage has at most four decimals"),
        ("minimum: {percent_of_open: ten}", "minimum.percent_of_open: 'ten' is not a number"),
        ("calendar: {}", "calendar: the key 'country' is missing"),
        ("calendar: {country: Germany}", "calendar.country: string should match pattern"),
        ("calendar: {country: ZZ}", "calendar.country: no holidays are known of 'ZZ'"),
        (
            "calendar: {country: DE, region: BV}",
            "calendar.region: no region of DE is called 'BV'; there are: Augsburg, BB, BE, BW, BY",
        ),
        ("calendar: {country: LU, region: X}", "calendar.region: no region of LU is called 'X'; there are: none"),
        ("calendar: {country: account, region: BY}", "calendar.region: it is of one country; leave it out where"),
        ('contact: {window: "24:00-06:00"}', "contact.window: string should match pattern"),
        ('contact: {window: "08:00-08:00"}', "contact.window: it opens and closes at the same time"),
        ("contact: {window: 8-18}", "contact.window: string should match pattern"),
        ("contact: {per_7_days: 0}", "contact.per_7_days: should be greater than or equal to 1, not 0"),
        ("interest: {}", "interest: give a regime or a rate, or both"),
        ("interest: {rate: 8, class: business}", "interest.class: a rate asks for no class; leave it out, or give a"),
        ("interest: {regime: DE, class: firm}", "interest.class: should be 'business', 'consumer' or 'public'"),
        ("interest: {regime: XX}", "interest.regime: no regime is called 'XX'; there are AT, BE, CH, "),
        ("interest: {regime: GB}", "interest.regime: no regime is called 'GB'; did you mean 'UK'?; there are AT, "),
        ("interest: {regime: GR}", "interest.regime: no regime is called 'GR'; did you mean 'EU'?; there are AT, "),
        ("interest: {rate: 8, rounding: up}", "interest.rounding: should be 'exact' or 'daily_rate_2dp'"),
        ("interest: {rate: 8, day_count: act/366}", "interest.day_count: should be 'act/365', 'act/act'"),
        (
            "close: {after_stage: onee, send: [email]}",
            "close.after_stage: no stage is called 'onee'; did you mean 'one'?",
        ),
        ("close: {after_stage: one}", "close: it does nothing: give it `send` or `do`"),
        (
            "rules: [{on: promise_broke, do: [call]}]",
            "rules[0].on: there is no event 'promise_broke'; did you mean 'pro",
        ),
        ("rules: [{on: promise_broken}]", "rules[0]: the key 'do' is missing"),
        ("rules: [{on: promise_broken, do: []}]", "rules[0].do: the rule does nothing: name an action"),
        ("rules: [{on: risk_above, do: [call]}]", "rules[0]: risk_above needs `above`, such as above: 0.7"),
        (
            "rules: [{on: dispute_overdue, do: [call]}]",
            "rules[0]: dispute_overdue needs `after_days`, such as after_days:",
        ),
        ("rules: [{on: promise_broken, above: 0, do: [a]}]", "rules[0].above: it belongs to risk_above; leave it out"),
        ("rules: [{on: risk_above, above: 1, after_days: 0, do: [a]}]", "rules[0].after_days: it belongs to dispute_"),
        ("rules: [{on: risk_above, above: high, do: [a]}]", "rules[0].above: 'high' is not a number"),
        (
            "rules: [{on: risk_above, above: 0.7, do: [a]}, {on: risk_above, above: 0.70, do: [b]}]",
            "rules[1]: there is a rule on risk_above already: give that one all the actions",
        ),
        ("close: {after_stage: one, send: email}", "close.send: give a list, such as [email]"),
        ("split_by: account", "split_by: give a list, such as [account]"),
        ("minimum: {item: {DEM: 5}}", "minimum.item: 'DEM' is not a currency in use (ISO 4217)"),
        ("applies_to: level in ()", "applies_to: `in` takes a list with at least one value"),
        ("applies_to: due_on > date('2026-02-30')", "applies_to: '2026-02-30' is no date of the calendar"),
        ("applies_to: 1 / 0 > 0", "applies_to: it is never true, so the policy would apply to nothing"),
        ("applies_to: 5", "applies_to: give an expression as text, such as \"segment = 'smb'\""),
        ("applies_to: segment = smb", "applies_to: there is no column 'smb'"),
        ("applies_to: segment", "applies_to: the expression gives String, not true or false"),
        ("applies_to: 1 = 2", "applies_to: it is never true, so the policy would apply to nothing"),
        ("applies_to: level = 1 or read_csv('x') = 1", "applies_to: \"READ_CSV('x')\" is not allowed"),
        # traps of YAML
        ("title: a\ntitle: b", "title: the key is given twice"),
        ("title: &name a", "YAML anchors and aliases are refused; write the value out"),
        ("title: *name", "YAML anchors and aliases are refused; write the value out"),
        ("title: 2026-02-30", "title: '2026-02-30' is no date of the calendar"),
        ("title: 2026-01-31", "title: should be a valid string, not datetime.date(2026, 1, 31)"),
        ("title: !!python/object:os.system x", "title: the tag 'tag:yaml.org,2002:python/object:os.system' is refused"),
        ("title: !env HOME", "title: the tag '!env' is refused"),
        ("? [a]\n: b", "a key must be a plain word"),
        ("<<: {title: a}", "<<: unknown key"),
        ("title: " + "[" * 60 + "]" * 60, "nested deeper than 40 levels"),
        ("priority: " + "9" * 5000, "priority: '9999999999999999999999999999999999999999' is too long a number"),
        ("title: {", "not YAML: did not find expected node content"),
        ("\ttitle: a", "not YAML: found a tab character that violates indentation"),
    ],
)
def test_a_key_of_the_policy(keys: str, message: str) -> None:
    line = 4 if message.startswith("not YAML: did") else 3 if keys.startswith("title: a\n") else 2
    assert refusal(TOP.format(keys)).startswith(f"p.yaml:{line}: {message}")


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("two", "stages[1]: should be a valid dictionary"),
        ("{days_past_due: 5, send: [email]}", "stages[1]: the key 'stage' is missing"),
        ("{stage: two words, days_past_due: 9, send: [email]}", "stages[1].stage: string should match pattern"),
        ("{stage: 2, days_past_due: 9, send: [email]}", "stages[1].stage: should be a valid string, not 2"),
        ("{stage: one, days_past_due: 9, send: [email]}", "stages[1].stage: two stages are called 'one'"),
        ("{stage: two, send: [email]}", "stages[1]: give the stage a condition: days_past_due, days_since_previous,"),
        ("{stage: two, month_end: true, send: [email]}", "stages[1]: give the stage a condition: days_past_due,"),
        ("{stage: two, days_past_due: 9}", "stages[1]: the stage does nothing: give it `send` or `do`"),
        ("{stage: two, days_past_due: 9, send: []}", "stages[1]: the stage does nothing: give it `send` or `do`"),
        ("{stage: two, days_past_due: 9.5, send: [email]}", "stages[1].days_past_due: should be a valid integer"),
        (
            "{stage: two, days_past_due: 3651, send: [email]}",
            "stages[1].days_past_due: should be less than or equal to",
        ),
        ("{stage: two, days_past_due: 9, send: email}", "stages[1].send: give a list, such as [email]"),
        ("{stage: two, days_past_due: 9, send: email|letter}", "stages[1].send: give a list, such as [email|letter]"),
        ("{stage: two, days_past_due: 9, send: {to: email}}", "stages[1].send: give a list"),
        ("{stage: two, days_past_due: 9, send: [email], do: call}", "stages[1].do: give a list, such as [call]"),
        ("{stage: two, days_past_due: 9, send: [email, sms, email]}", "stages[1].send: 'email' is given twice"),
        (
            '{stage: two, days_past_due: 9, send: ["email|sms|email"]}',
            "stages[1].send[0]: 'email|sms|email' names a channel twice",
        ),
        (
            "{stage: two, days_past_due: 9, send: [emial]}",
            "stages[1].send[0]: no channel is called 'emial'; did you mean 'email'?; there are email, letter",
        ),
        ('{stage: two, days_past_due: 9, send: ["email|fax"]}', "stages[1].send[0]: no channel is called 'fax'"),
        ('{stage: two, days_past_due: 9, send: ["email|"]}', "stages[1].send[0]: no channel is called ''"),
        ("{stage: two, days_past_due: 9, do: [call me]}", "stages[1].do[0]: string should match pattern"),
        # stages that can never fire
        (
            "{stage: two, days_past_due: -5, send: [email]}",
            "stages[1].days_past_due: it comes after a stage of the time past due, so it can never fire",
        ),
        ("{stage: two, when: 1 = 2, send: [email]}", "stages[1].when: it is never true, so the stage can never fire"),
        (
            "{stage: two, when: level <> null, send: [email]}",
            "stages[1].when: 'level <> NULL' is never true: what is missing is asked for by `is null`",
        ),
    ],
)
def test_a_stage(stage: str, message: str) -> None:
    assert refusal(STAGE.format(stage)).startswith(f"p.yaml:4: {message}")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            "days_since_previous: 7",
            "days_since_previous: the first stage has no notice before it, so it could never fire",
        ),
        (
            "days_since_deadline: 7",
            "days_since_deadline: the first stage has no notice before it, so it could never fire",
        ),
        ("month_end: yes", "month_end: should be a valid boolean, not 'yes'"),
        ("approval: no", "approval: should be 'none', 'one' or 'two', not 'no'"),
        ("approval: 2", "approval: should be 'none', 'one' or 'two', not 2"),
        ("deadline_days: -1", "deadline_days: should be greater than or equal to 0, not -1"),
        ("min_overdue: 50", "min_overdue: give amounts by currency, such as {EUR: 5.00}"),
        ("min_overdue: {EUR: -1}", "min_overdue: EUR: an amount cannot be negative"),
        ("when: risk", "when: the expression gives Float64, not true or false"),
        ("when: 5", "when: give an expression as text"),
        ("repeat_max: 2", "repeat_max: it needs repeat_every_days"),
        ("repeat_every_days: 0", "repeat_every_days: should be greater than or equal to 1, not 0"),
        ("stge: x", "stge: unknown key; did you mean 'stage'?"),
        ("fee: 5.00", "fee: give a fee as {EUR: 5.00}, {percent: 1.5} or a list of tiers"),
        ("fee: {}", "fee: give exactly one of: amounts by currency, percent, tiers"),
        ("fee: []", "fee: give exactly one of: amounts by currency, percent, tiers"),
        ("fee: {EUR: 5, percent: 1}", "fee: give exactly one of: amounts by currency, percent, tiers"),
        (
            "fee: {EUR: 5, tiers: [{from: 0, percent: 1}]}",
            "fee: give exactly one of: amounts by currency, percent, tiers",
        ),
        ("fee: {EUR: -5}", "fee: EUR: an amount cannot be negative"),
        ("fee: {EUR: 5.001}", "fee: 5.001 has more decimals than EUR has (2)"),
        ("fee: {EUX: 5}", "fee: 'EUX' is not a currency in use (ISO 4217)"),
        ("fee: {percent: 101}", "fee.percent: a percentage lies between 0 and 100"),
        ("fee: {percent: 1.5, of: total}", "fee.of: should be 'open', 'original' or 'claim', not 'total'"),
        ("fee: {percent: 1.5, per: item}", "fee.per: percentages and tiers are per item anyway; leave `per` out"),
        ("fee: {EUR: 5, per: line}", "fee.per: should be 'notice' or 'item', not 'line'"),
        ("fee: [5]", "fee[0]: give a fee as"),
        ("fee: [{EUR: 2}]", "fee[0]: the key 'from' is missing"),
        ("fee: [{from: 1}]", "fee: a tier has either amounts by currency or a percentage"),
        ("fee: [{from: 1, EUR: 2, percent: 3}]", "fee: a tier has either amounts by currency or a percentage"),
        ("fee: [{from: 10, EUR: 2}, {from: 1, EUR: 3}]", "fee: tiers start at rising amounts, from 0"),
        ("fee: [{from: 1, EUR: 2}, {from: 1, EUR: 3}]", "fee: tiers start at rising amounts, from 0"),
        ("fee: [{from: -1, EUR: 2}]", "fee: tiers start at rising amounts, from 0"),
    ],
)
def test_a_key_of_a_stage(keys: str, message: str) -> None:
    assert refusal(KEYS.format(keys)).startswith(f"p.yaml:3: stages[0].{message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.yaml:1: a policy is a mapping that begins with `policy: name`"),
        ("- a", "p.yaml:1: a policy is a mapping that begins with `policy: name`"),
        ("policy: p", "p.yaml:1: the key 'stages' is missing"),
        ("policy: p\nstages: []", "p.yaml:2: stages: give 1 to 99 stages"),
        (
            "policy: ../p\nstages: [{stage: a, days_past_due: 1, send: [email]}]",
            "p.yaml:1: policy: string should match pattern",
        ),
        ("policy: p\n---\npolicy: q", "p.yaml:2: not YAML: but found another document"),
        ("policy: p\n\x07", "p.yaml:1: not YAML: unacceptable character"),
        ("x" * 2_000_001, "p.yaml:1: longer than 2,000,000 characters"),
    ],
)
def test_the_file_as_a_whole(text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_a_hundred_stages_are_too_many() -> None:
    stages = [f"  - {{stage: s{day}, days_past_due: {day}, send: [email]}}" for day in range(100)]
    assert refusal("\n".join(["policy: p", "stages:", *stages])) == "p.yaml:2: stages: give 1 to 99 stages"
    assert parse_policy("\n".join(["policy: p", "stages:", *stages[:99]]), "p.yaml").position("s98") == 99


def test_an_account_is_judged_by_what_is_overdue_so_it_gets_no_early_note() -> None:
    text = "policy: p\nanchor: account\nstages: [{stage: one, days_past_due: -3, send: [email]}]"
    assert refusal(text) == (
        "p.yaml:3: stages[0].days_past_due: an account-anchored policy judges overdue items only,"
        " so this stage can never fire"
    )


def test_with_jumps_an_early_note_may_stand_anywhere() -> None:
    stages = "{stage: a, days_past_due: 3, send: [email]}, {stage: b, days_past_due: -3, send: [email]}"
    text = f"{{policy: p, escalate: jump, stages: [{stages}]}}"
    assert parse_policy(text, "p.yaml").stages[1].expires


def test_every_problem_is_named_at_once() -> None:
    text = (
        "policy: p\nprioritty: 1\nmin_gap_days: seven\nstages:\n"
        "  - {stage: one, days_past_due: 3, send: [emial]}\n  - {stage: two, deadline_days: -1}\n"
    )
    assert [line.split(": ")[0:2] for line in sorted(refusals(text))] == [
        ["p.yaml:2", "prioritty"],
        ["p.yaml:3", "min_gap_days"],
        ["p.yaml:5", "stages[0].send[0]"],
        ["p.yaml:6", "stages[1].deadline_days"],
    ]


def test_a_line_is_where_the_key_stands() -> None:
    stage = "  - stage: one\n    days_past_due: 3\n    send: [email]\n    fee:\n      EUR: 5.00\n      per: line\n"
    text = f"policy: p\nstages:\n{stage}"
    assert refusal(text).startswith("p.yaml:8: stages[0].fee.per: ")


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1e99999999999999999999"])
def test_a_number_beyond_all_bounds_is_refused_like_any_other(number: str) -> None:
    with pytest.raises(DocumentError):
        read_document(f"title: {number}", "p.yaml")


@pytest.mark.parametrize(
    "keys",
    [
        "fee: {EUR: 5, of: original}",
        "fee: {percent: 1, per: notice}",
        "fee: {fixed: {EUR: 5}}",
        "fee: [{from: 1e999999, EUR: 2}]",
    ],
)
def test_what_a_fee_could_not_mean(keys: str) -> None:
    assert refusals(KEYS.format(keys))


def test_a_currency_of_a_fee_that_is_misspelt_gets_a_hint() -> None:
    assert "did you mean 'EUR'?" in refusal(KEYS.format("fee: {EURO: 5}"))


def test_a_stage_is_not_called_as_the_message_that_closes() -> None:
    stages = "stages:\n  - {stage: close, days_past_due: 3, send: [email]}\n"
    parse_policy(f"policy: p\n{stages}", "p.yaml")
    told = refusal(f"policy: p\n{stages}close: {{after_stage: close, send: [email]}}\n")
    assert told == "p.yaml:3: stages[0].stage: in a policy with `close`, no stage is called 'close': its message is"


@pytest.mark.parametrize("name", ["exception", "email_held_up", "vanished_invoice"])
def test_no_action_is_called_like_a_task_of_our_own(name: str) -> None:
    text = (
        f"policy: p\nstages:\n  - {{stage: one, days_past_due: 3, do: [call, {name}]}}\n"
        f"close: {{after_stage: one, do: [{name}]}}\nrules:\n  - {{on: promise_broken, do: [{name}]}}\n"
    )
    own = f"{name!r} is a task of Dunwell's own; call the action something else"
    assert refusals(text) == [
        f"p.yaml:3: stages[0].do[1]: {own}", f"p.yaml:6: rules[0].do[0]: {own}", f"p.yaml:4: close.do[0]: {own}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("interest", "key", "message"),
    [
        ("title: t", "interest", "the policy says by what law: give it `interest`, such as {regime: DE}"),
        ("title: t", "compensation", "the policy says by what law: give it `interest`, such as {regime: DE}"),
        ("interest: {rate: 8}", "compensation", "the policy's `interest` names no regime that has a flat sum"),
        ("interest: {regime: CH}", "compensation", "the policy's `interest` names no regime that has a flat sum"),
    ],
)
def test_a_stage_charges_nothing_that_no_law_gives(interest: str, key: str, message: str) -> None:
    stages = f"stages:\n  - {{stage: one, days_past_due: 3, send: [email], {key}: true}}\n"
    assert refusal(f"policy: p\n{interest}\n{stages}") == f"p.yaml:4: stages[0].{key}: {message}"
