"""The shell of a report: one HTML file that needs no network, in light and dark, wide and narrow.

Everything a caller hands over as text is escaped here; only `Block.body` is taken as HTML.
"""

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

# Refuses every request, also those that plotly.js could make by itself (maps, web fonts). It
# compiles its WebGL calls when it runs, hence 'unsafe-eval'.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'unsafe-inline' 'unsafe-eval'",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
    )
)

_STYLE = """
:root { color-scheme: light dark; --text: #1d2126; --quiet: #5b6470; --page: #ffffff;
  --panel: #f4f5f7; --line: #d5d9df; --warn: #8a4b00; --warn-page: #fff4e0; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7eb; --quiet: #a3acb8; --page: #14171b; --panel: #1e2329; --line: #39414b;
    --warn: #ffc982; --warn-page: #35270f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.25rem; max-width: 72rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 .5rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line);
  font-size: 1.2rem; }
h3 { margin: 1.5rem 0 .25rem; font-size: 1rem; }
p { margin: .25rem 0 .75rem; max-width: 48rem; overflow-wrap: anywhere; }
figure { margin: 0; }
figcaption { margin: .25rem 0 .75rem; max-width: 48rem; overflow-wrap: anywhere; }
.mark { padding: .5rem .75rem; border-radius: .4rem; background: var(--warn-page);
  color: var(--warn); font-weight: 600; }
.scroll { overflow: auto; max-height: 36rem; }
.scroll:focus-visible { outline: 2px solid var(--quiet); }
table { border-collapse: collapse; font-size: .875rem; }
caption { padding: .25rem 0 .5rem; text-align: left; color: var(--quiet); }
caption span { display: block; max-width: min(48rem, 88vw); }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
thead th { position: sticky; top: 0; background: var(--panel); white-space: nowrap; }
td { white-space: nowrap; }
td.wide { min-width: 11rem; white-space: normal; overflow-wrap: anywhere; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.facts th { width: 9rem; color: var(--quiet); font-weight: 500; }
.facts td { white-space: normal; overflow-wrap: anywhere; }
details { margin: .5rem 0; }
summary { cursor: pointer; }
.parcoords .axis text { text-shadow: 0 0 3px var(--page), 0 0 3px var(--page) !important; }
.slider-labels { display: none; }
.updatemenu-item-rect { fill: var(--panel) !important; }
pre { overflow: auto; max-height: 30rem; padding: .75rem; border-radius: .4rem;
  background: var(--panel); font-size: .8125rem; }
@media (max-width: 40rem) { body { padding: .75rem; } .facts th { width: 6.5rem; } }
@media print { .scroll, pre { max-height: none; overflow: visible; } }
"""

_SCRIPT = """
const ink = () => getComputedStyle(document.body).color;
const holders = [...document.querySelectorAll('[data-figure]')];
for (const holder of holders) {
  const figure = JSON.parse(document.getElementById(holder.dataset.figure).textContent);
  figure.layout.font.color = ink();
  Plotly.newPlot(holder, figure.data, figure.layout, {displayModeBar: false, responsive: true})
    .then(() => figure.frames && Plotly.addFrames(holder, figure.frames));
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
  holders.forEach((holder) => Plotly.relayout(holder, {'font.color': ink()})));
"""


@dataclass(frozen=True)
class Block:
    """One section. sentence: what it shows, with units; body: HTML, put after the figure.

    alternative: the figure in words, for who cannot see it. min_width_px: below it the figure
    scrolls sideways instead of being squeezed.
    """

    heading: str
    sentence: str
    body: str = ""
    figure: go.Figure | None = None
    alternative: str = ""
    min_width_px: int = 0
    level: int = 2


def page(title: str, lead: str, blocks: Iterable[Block]) -> str:
    """The whole file. lead: HTML below the title."""
    sections = "\n".join(_section(number, block) for number, block in enumerate(blocks))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{_STYLE}</style>
<script>{get_plotlyjs()}</script>
</head>
<body>
<header>
<h1>{html.escape(title)}</h1>
{lead}
<noscript><p class="mark">The figures need JavaScript; the tables hold their numbers.</p></noscript>
</header>
<main>
{sections}
</main>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """A two-column table of names and values."""
    cells = (
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table class="facts"><tbody>\n{chr(10).join(cells)}\n</tbody></table>'


def scrolling(label: str, body: str) -> str:
    """Wraps a wide or long table, so that it scrolls by itself and not with the page."""
    named = html.escape(label, quote=True)
    return f'<div class="scroll" role="region" aria-label="{named}" tabindex="0">{body}</div>'


def collapsed(summary: str, body: str) -> str:
    """HTML that a reader can open."""
    return f"<details><summary>{html.escape(summary)}</summary>\n{body}\n</details>"


def _section(number: int, block: Block) -> str:
    heading = f"<h{block.level}>{html.escape(block.heading)}</h{block.level}>"
    sentence = html.escape(block.sentence)
    if block.figure is None:
        return f"<section>\n{heading}\n<p>{sentence}</p>\n{block.body}\n</section>"
    return (
        f"<section>\n{heading}\n<figure>\n<figcaption>{sentence}</figcaption>\n"
        f"{_holder(number, block)}\n</figure>\n{block.body}\n</section>"
    )


def _holder(number: int, block: Block) -> str:
    name = f"figure-{number}"
    label = html.escape(block.alternative, quote=True)
    # A script element ends at the first "</script", also inside a JSON string.
    payload = block.figure.to_json().replace("<", "\\u003c") if block.figure else ""
    width: Any = f' style="min-width: {block.min_width_px}px"' if block.min_width_px else ""
    return (
        f'<div class="scroll" style="max-height: none">'
        f'<div data-figure="{name}" role="group" aria-label="{label}"{width}></div></div>\n'
        f'<script type="application/json" id="{name}">{payload}</script>'
    )
