"""docs/law.md says what the regimes say. After a change of a regime, `DUNWELL_LAW=write` writes its tables anew:

DUNWELL_LAW=write .venv/bin/pytest tests/engine/law/test_page.py && git diff docs/law.md
"""

import os

from dunwell.engine.data import regime_names
from dunwell.engine.law.law import regime
from tests.engine.law.page import page
from tests.tidy.tree import ROOT

PAGE = ROOT / "docs" / "law.md"
BEGIN = "<!-- From here on the page is written from the regimes and series: DUNWELL_LAW=write -->\n\n"


def test_the_page_is_what_the_regimes_say() -> None:
    before, mark, _written = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    assert mark
    if os.environ.get("DUNWELL_LAW") == "write":
        PAGE.write_text(before + BEGIN + page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == before + BEGIN + page()


def test_the_page_names_every_rule_with_its_source_and_is_no_legal_advice() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for found in map(regime, regime_names()):
        sources = [*(rule.source for rule in found.interest.values()), *(rule.source for rule in found.flat.values())]
        sources += [*(rule.source for rule in found.fees.values()), *(rule.source for rule in found.letters.values())]
        assert [source for source in sources if source not in text] == []
        assert [line for line in (*found.not_covered, *found.notes) if line not in text] == []
    assert "no legal advice" in text
