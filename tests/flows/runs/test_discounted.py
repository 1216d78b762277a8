"""Who is written to before the due date reads of the cash discount that can still be had on the day of the letter."""

from dunwell.flows.runs.explain import explain_account
from dunwell.flows.runs.preview import preview_account
from dunwell.flows.runs.replay import replay_run
from tests.flows.town import Town, day

EARLY = """\
policy: standard
stages:
  - {stage: courtesy, days_past_due: -10, send: [email]}
"""


def test_a_note_before_the_due_date_names_the_discount_until_its_last_day(town: Town) -> None:
    town.apply(EARLY)
    off = {"discount_minor": 200, "discount_until_on": day("2026-04-05")}
    item = town.item("A-17", "MEYER", "100.00 EUR", "2026-04-12", **off)
    said = "If paid by 5 April 2026: €98.00 (€2.00 cash discount)"
    for on, is_said in (("2026-04-05", True), ("2026-04-06", False)):
        (preview,) = preview_account(town.entity, "MEYER", as_of=day(on))
        assert (said in preview.text.replace("\N{NO-BREAK SPACE}", " ")) == is_said
        (row,) = explain_account(town.entity.pk, item.account_id, as_of=day(on))
        assert ("who pays by 2026-04-05 may take off 2.00 EUR of cash discount" in row.sentences) == is_said
    run = town.propose("2026-04-03")
    town.post(run)
    town.deliver(run, on="2026-04-05")
    (letter,) = town.letters()
    assert said in letter.replace("\N{NO-BREAK SPACE}", " ")
    assert replay_run(run.pk).identical_bytes
