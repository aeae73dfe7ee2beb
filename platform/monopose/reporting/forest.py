"""The differences of an ablation as a small SVG, to stand in a Markdown file."""

import html
import math
from collections.abc import Sequence

from monopose.evaluation.ablation import AblationResult, Answer
from monopose.reporting.ablation_figures import COLOURS, relative
from monopose.reporting.ablation_tables import value_text, verdict_text

_ROW, _TOP, _LEFT, _PLOT, _RIGHT = 30, 34, 130, 360, 440
_TEXT = 'font-family="system-ui, sans-serif" font-size="13" fill="#777"'


def forest_svg(result: AblationResult) -> str:
    """A row for each question: its interval in percent, its value and its answer in words."""
    rows = [(answer, found) for answer in result.answers() if (found := relative(answer))]
    bounds = [0.0, *(end for _, found in rows for end in found)]
    step = _tick_step(max(bounds) - min(bounds) or 1.0)
    low, high = math.floor(min(bounds) / step) * step, math.ceil(max(bounds) / step) * step
    high = high if high > low else low + step

    def at(percent: float) -> float:
        return _LEFT + _PLOT * (percent - low) / (high - low)

    bottom = float(_TOP + _ROW * len(rows))
    ticks = [low + step * index for index in range(round((high - low) / step) + 1)]
    parts = [_tick(at(tick), tick, bottom) for tick in ticks]
    parts += [
        _row(_TOP + _ROW * (index + 0.5), answer, [at(x) for x in found])
        for index, (answer, found) in enumerate(rows)
    ]
    title = (
        "difference, % of the side compared against (ratios: % above their bound); 95 % intervals"
    )
    parts.append(f'<text x="{_LEFT}" y="16" {_TEXT}>{title}</text>')
    width, height = _LEFT + _PLOT + _RIGHT, int(bottom) + 34
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">\n'
        f"<title>{html.escape(result.about)}</title>\n{body}\n</svg>\n"
    )


def _row(y: float, answer: Answer, found: Sequence[float]) -> str:
    value, low, high = found
    colour = COLOURS[answer.verdict]
    words = html.escape(f"{value_text(answer)}: {verdict_text(answer)}")
    return (
        f'<text x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end" {_TEXT}>'
        f"{html.escape(answer.id)}</text>\n"
        f'<line x1="{low:.1f}" y1="{y:.1f}" x2="{high:.1f}" y2="{y:.1f}" stroke="{colour}" '
        f'stroke-width="2"/>\n<circle cx="{value:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>\n'
        f'<text x="{_LEFT + _PLOT + 12}" y="{y + 4:.1f}" {_TEXT}>{words}</text>'
    )


def _tick(x: float, percent: float, bottom: float) -> str:
    strong = abs(percent) < 1e-9
    shown = "0" if strong else f"{percent:+g}"
    return (
        f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#8a8a8a" '
        f'stroke-width="{1.5 if strong else 0.4}"/>\n'
        f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" {_TEXT}>{shown}</text>'
    )


def _tick_step(span: float) -> float:
    """1, 2 or 5 times a power of ten that cuts the span into four to ten parts."""
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next(power * k for k in (5, 2, 1) if span / (power * k) >= 4)
