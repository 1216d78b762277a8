"""A page of charts, tables and sentences in one file, which opens anywhere: no script, nothing fetched."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, "Liberation Sans", Arial, sans-serif; color: #1f2937; margin: 0 auto; max-width: 56rem;
       padding: 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p.about { color: #4b5563; margin: 0; }
section.claims { background: #f3f4f6; border-left: 4px solid #0072b2; padding: .25rem 1rem .5rem; margin: 1.25rem 0; }
section.claims h2 { margin-top: .75rem; }
figure { margin: 0; overflow-x: auto; }
figure svg { max-width: 100%; min-width: 34rem; height: auto; }
div.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .95rem; }
caption { text-align: left; white-space: nowrap; font-weight: 600; padding: 1rem 0 .35rem; }
th, td { padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #e5e7eb; text-align: left; }
td, thead th + th { text-align: right; font-variant-numeric: tabular-nums; }
th { font-weight: 500; }
@media print { section, figure, table { break-inside: avoid; } }
</style>
</head>
<body>
<h1>{{ title }}</h1>
<p class="about">{{ about }}</p>
<section class="claims">
<h2>What this shows, and what it cannot</h2>
<ul>{% for sentence in claims %}<li>{{ sentence }}</li>{% endfor %}</ul>
</section>
{% for figure in figures %}
<h2 id="chart-{{ loop.index }}">{{ figure.title }}</h2>
<figure role="img" tabindex="0" aria-label="{{ figure.alt }}">{{ figure.svg|safe }}</figure>
{% endfor %}
<h2>Figures</h2>
{% for table in tables %}
<div class="table" tabindex="0" role="group" aria-label="{{ table.title }}">
<table>
<caption>{{ table.title }}</caption>
<thead><tr>{% for name in table.columns %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in table.rows %}
<tr><th scope="row">{{ row[0] }}</th>{% for cell in row[1:] %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}
</tbody>
</table>
</div>
{% endfor %}
</body>
</html>
"""


@dataclass(frozen=True)
class Figure:
    """A chart as SVG, with its title and a text for who cannot see it."""

    title: str
    alt: str
    svg: str  # our own markup, as `insight.pictures` draws it


@dataclass(frozen=True)
class Table:
    """Cells as they are shown; the first of each row is its name."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def page(title: str, about: str, claims: Sequence[str], figures: Sequence[Figure], tables: Sequence[Table]) -> str:
    """Write the page."""
    template = Environment(autoescape=True, trim_blocks=True).from_string(_PAGE)
    return template.render(title=title, about=about, claims=claims, figures=figures, tables=tables)
