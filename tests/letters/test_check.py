"""Templates of the house: what they may say, and how what they may not is refused."""

import re

import pytest
from jinja2 import TemplateError

from dunwell.engine.documents import DocumentError
from dunwell.letters.check import wording_of
from dunwell.letters.letter import FIELDS, fields_of
from dunwell.letters.reader import LANGUAGES, reader_of
from dunwell.letters.wording import CLOSE, LETTER, OTHER_STAGE, PARTS, PHRASES, STAGES, WORDS, shipped
from dunwell.letters.write import typeset, write
from tests.letters.sample import line, notice, one, several
from tests.tidy.tree import ROOT

FINAL = """\
{% extends "en/letter.txt" %}
{% import "en/phrases.txt" as say with context %}
{% block subject %}
HERE
{% endblock %}
{% block opening %}We write about {{ say.group() }}.{% endblock %}
{% block request %}Pay {{ say.sum() }}.{% endblock %}
"""


def refused(name: str, text: str) -> list[str]:
    with pytest.raises(DocumentError) as error:
        wording_of({name: text})
    return [str(problem) for problem in error.value.problems]


def test_what_comes_with_dunwell_stands_its_own_test() -> None:
    stems = (*STAGES, OTHER_STAGE, CLOSE, LETTER, PHRASES, WORDS)
    names = [f"{language}/{stem}.txt" for language in LANGUAGES for stem in stems]
    wording_of({name: shipped().source(name) or "" for name in names})


def test_templates_may_speak_of_what_a_notice_has() -> None:
    assert set(fields_of(one("en", "final"), reader_of("en", "GB"))) == set(FIELDS)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{{ ''.__class__ }}", "templates/en/final.txt:4: .__class__: nothing is within a field"),
        ("{{ ''['__class__'] }}", "getitem has no place in a template"),
        ("{{ total.__init__.__globals__ }}", ".__globals__: nothing is within a field"),
        ("{{ say.__class__ }}", "no phrase is called __class__; there are group, quoting, sum, unpaid, what, when"),
        ("{{ say.group.__globals__ }}", "nothing is within a field"),
        ("{{ cycler }}", "no field is called cycler; there are entity, debtor, "),
        ("{{ self.subject() }}", ".subject: nothing is within a field"),
        ("{{ totall }}", "templates/en/final.txt:4: no field is called totall"),
        ("{{ say.grup() }}", "no phrase is called grup"),
        ("{{ total | attr('x') }}", "no filter is called attr; there are capitalize, lower, trim, upper"),
        ("{{ 'x' * 9999999999 }}", "mul has no place in a template"),
        ("{% for n in range(9) %}{{ n }}{% endfor %}", "for has no place in a template"),
        ("{% include 'en/words.txt' %}", "include has no place in a template"),
        ("{% set x = 1 %}", "assign has no place in a template"),
        ("{{ say.group(1) }}", "without anything in its brackets"),
        ("{% if late %}", "templates/en/final.txt:"),
        ("{{ late", "templates/en/final.txt:"),
        ("{% if total < 3 %}x{% endif %}", "< and > compare numbers alone: count, late, early"),
        ("{% if 9 > account %}x{% endif %}", "< and > compare numbers alone"),
        ("{{ say.what }}", "templates/en/final.txt:4: a phrase is said with brackets: what()"),
        ("{{ say }}", "a phrase is said with brackets: say.phrase()"),
        ("{{ super }}", "a phrase is said with brackets: super()"),
        ("{{ say() }}", "no phrase is called say"),
        ("{{ total() }}", "no phrase is called total"),
        ("{{ 'x'() }}", "no phrase is called this"),
        ("{{ say.what(*total) }}", "without anything in its brackets"),
        (r"{{ 'a\x1eb' }}", "it holds a sign that cannot be seen"),
        ("{{ total ~ deadline }}", "concat has no place in a template"),
        ("Pay by {{ deadline }}.", "it prints what is no text (None): ask by `if` whether it is there"),
        ("{{ deadline | upper }}", "it prints what is no text (None)"),
        ("{% if count > 9 %}{{ plain }}{% endif %}", "it prints what is no text, or not always"),
        ("{{ ('a', 'b') }}", "it prints what is no text, or not always"),
        ("{{ late == 1 }}", "it prints what is no text, or not always"),
        ('{{ debtor and plain or "x" }}', "it prints what is no text, or not always"),
        ("{{ (late and plain) | upper }}", "it prints what is no text, or not always"),
        ('{{ "x" if late }}', "it prints what is no text, or not always"),
        ('{% if "May" in deadline %}x{% endif %}', "`in` looks into a list in brackets"),
        ("{% if in_part %}Pay by {{ deadline }}{% else %}Pay{% endif %}", "it prints what is no text (None)"),
        ("{{ 15 }}", "it prints what is no text, or not always"),
        ("{% if late > 1.5 %}x{% endif %}", "< and > compare numbers alone"),
        ("{% if late == 1e999 %}x{% endif %}", "numbers are whole, and below 1,000,000,000"),
        ("{% if late == 0x" + "F" * 5000 + " %}x{% endif %}", "numbers are whole"),
        ("{% if late == " + "9" * 5000 + " %}x{% endif %}", "it holds a number that is too large"),
        ("a\u202eb", "a sign that cannot be seen"),
        (r"{{ '\ud800' }}", "a sign that cannot be seen"),
        ("{{ super() }}{{ super() }}{{ super() }}", "subject may come to more than 20,000 characters"),
        ("{{ " + "(" * 9000 + "total" + ")" * 9000 + " }}", "it is nested more than 20 deep"),
        ("{{ " + "not " * 9000 + "total }}", "it is nested more than 20 deep"),
        ("{% if late %}" * 30 + "x" + "{% endif %}" * 30, "it is nested more than 20 deep"),
        ("{{ say.quoting() }}" * 2000, "subject may come to more than 20,000 characters"),
        ("x" * 20_001, "subject may come to more than 20,000 characters"),
    ],
)
def test_what_is_no_word_is_refused_with_its_place(said: str, told: str) -> None:
    assert told in refused("en/final.txt", FINAL.replace("HERE", said))[0]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("it/final.txt", FINAL, "it/final.txt:1: it stands in no folder of a language: there are en/, de/, fr/"),
        ("final.txt", FINAL, "in no folder of a language"),
        ("en/x/final.txt", FINAL, "in no folder of a language"),
        ("en/final.txt", "Pay.", 'final.txt:1: it begins with {% extends "en/letter.txt" %}'),
        ("en/final.txt", FINAL.replace("en/letter", "de/letter"), "final.txt:1: it extends what is not its base"),
        ("en/final.txt", FINAL.replace("en/phrases", "de/phrases"), "final.txt:2: phrases are in en/phrases.txt alone"),
        ("en/final.txt", FINAL.replace(" with context", ""), "final.txt:2: phrases speak of the notice"),
        ("en/final.txt", FINAL.replace("block opening", "block opning"), "final.txt:6: no part is called opning"),
        ("en/final.txt", FINAL + "Regards", "final.txt:8: what stands outside a block is never read"),
        ("en/final.txt", FINAL.replace("HERE", ""), "has no subject: {% block subject %}"),
        ("en/final.txt", FINAL.replace("HERE", "x" * 50_001), "at most 50,000 characters"),
        ("en/final.txt", FINAL.replace("HERE", "\x1e"), "a sign that cannot be seen"),
        ("en/letter.txt", '{% extends "parts" %}', "has no salutation"),
        ("en/words.txt", '{% set fees = "Charge" %}', "words.txt:1: fees is no word of a letter; there are number,"),
        ("en/words.txt", "{% set fee = 3 %}", "fee is a text in quotation marks"),
        ("en/words.txt", "{% set fee = lipsum() %}", "it sets words alone"),
        ("en/phrases.txt", "{% macro a() %}{{ a() }}{% endmacro %}", "a may come to more than 20,000"),
        ("en/words.txt", r'{% set fee = "a\x00" %}', "words.txt:1: it holds a sign that cannot be seen"),
        ("en/phrases.txt", "{% macro a(x) %}{% endmacro %}", "it has phrases alone"),
        ("en/phrases.txt", "{% macro _a() %}A{% endmacro %}", "_a cannot be said by others"),
        ("en/phrases.txt", "{% macro a() %}A{% endmacro %}", "can be written with it"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_template_is_refused(name: str, text: str, told: str) -> None:
    assert told in refused(name, text)[0]


def test_phrases_that_multiply_are_refused() -> None:
    macros = "".join(
        f"{{% macro a{n}() %}}{{{{ a{n + 1}() }}}}{{{{ a{n + 1}() }}}}{{% endmacro %}}\n" for n in range(40)
    )
    assert (
        "a0 may come to more than 20,000" in refused("en/phrases.txt", macros + "{% macro a40() %}x{% endmacro %}")[0]
    )


def test_a_letter_without_one_of_its_parts_is_never_written() -> None:
    rare = FINAL.replace("HERE", "{% if count < 9 %}Last call{% endif %}")
    wording = wording_of({"en/final.txt": rare})
    write(several("en", "final"), wording)
    with pytest.raises(TemplateError, match="has no subject"):
        write(notice(*[line(f"A-{n}", days=12) for n in range(9)], stage="final"), wording)


def test_phrases_form_no_towers_in_whatever_order() -> None:
    macros = ["{% macro a0() %}x{% endmacro %}"]
    macros += [f"{{% macro a{n}() %}}{{{{ a{n - 1}() }}}}{{% endmacro %}}" for n in range(1, 60)]
    told = "a59 may come to more than 20,000 characters"
    assert any(told in problem for problem in refused("en/phrases.txt", "\n".join(macros)))
    assert any(told in problem for problem in refused("en/phrases.txt", "\n".join(reversed(macros))))


def test_many_conditions_in_a_row_are_not_nested() -> None:
    row = " or ".join(f'country == "{code}"' for code in ["AT", "BE", "CH", "DE"] * 9)
    wording_of({"en/final.txt": FINAL.replace("HERE", f"{{% if {row} %}}EU{{% else %}}All{{% endif %}}")})


def test_every_problem_of_every_file_is_named() -> None:
    with pytest.raises(DocumentError) as error:
        wording_of({"en/final.txt": FINAL.replace("HERE", "{{ a }}{{ b }}"), "fr/x.txt": ""})
    assert len(error.value.problems) == 3


def test_a_stage_of_the_house_has_its_own_words() -> None:
    wording = wording_of({"en/third_call.txt": FINAL.replace("HERE", "Third call: {{ say.what() }} <b>&")})
    found = notice(line("A-17", days=12), stage="third_call")
    message = write(found, wording)
    assert message.subject == "Third call: invoice A-17 <b>&"
    assert "Third call: invoice A-17 &lt;b&gt;&amp;</h1>" in message.html
    assert typeset(found, wording) != typeset(found)
    assert write(notice(line("A-17", days=12), stage="third_call", language="de"), wording).subject.startswith("Offene")


def test_a_template_may_change_one_part_of_what_is_shipped() -> None:
    own = (
        '{% extends "shipped/en/final.txt" %}\n{% block subject %}Last call, {{ super() | trim | upper }}{% endblock %}'
    )
    found, changed = several("en", "final"), write(several("en", "final"), wording_of({"en/final.txt": own}))
    assert changed.subject.startswith("Last call, FINAL DEMAND FOR PAYMENT")
    assert changed.text.partition("Dear")[2] == write(found).text.partition("Dear")[2]


def test_words_and_the_parts_of_all_letters_can_be_changed() -> None:
    wording = wording_of({
        "de/words.txt": '{% set total = "Summe" %}',
        "de/letter.txt": '{% extends "shipped/de/letter.txt" %}{% block closing %}Herzliche Grüße{% endblock %}',
    })  # fmt: skip
    text = write(several("de", "final"), wording).text
    assert "\nSumme   " in text
    assert "\nFrühere Gebühr M-12 " in text
    assert "\nHerzliche Grüße\n" in text
    assert "Sehr geehrte Damen und Herren" in text


def page() -> str:
    return (ROOT / "docs" / "letters.md").read_text(encoding="utf-8")


def test_every_field_and_part_is_documented() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page(), re.MULTILINE))
    assert told == dict(FIELDS)
    assert [part for part in PARTS if f"`{part}`" not in page()] == []


def test_every_template_of_the_documentation_can_be_used() -> None:
    found = re.findall(r"^```jinja\n(.*?)^```$", page(), re.MULTILINE | re.DOTALL)
    assert len(found) == 2
    for text in found:
        wording_of({"en/final.txt": text})
