"""The figures of an ablation: how far the sides of each question lie apart, and every mean."""

from collections.abc import Sequence

import plotly.graph_objects as go

from monopose.evaluation.ablation import AblationResult, Answer, Mean, Verdict
from monopose.reporting.ablation_tables import value_text, verdict_text
from monopose.reporting.style import SERIES, axis, base_layout

COLOURS: dict[Verdict, str] = {
    "as expected": "#3c9d6b",
    "the other way": "#e0522d",
    "not distinguishable": "#8a8a8a",
    "not measured": "#8a8a8a",
}


def relative(answer: Answer) -> tuple[float, float, float] | None:
    """(value, low, high) in percent of `against`: of a ratio, how far it lies above its bound.

    One scale for all questions, whatever their unit. None where there is no interval.
    """
    if answer.value is None or answer.low is None or answer.high is None or not answer.against:
        return None
    if answer.bound is not None:
        low, value, high = (
            100 * (x / answer.bound - 1) for x in (answer.low, answer.value, answer.high)
        )
    else:
        low, value, high = (
            100 * x / answer.against.value for x in (answer.low, answer.value, answer.high)
        )
    return value, low, high


def differences(result: AblationResult) -> go.Figure:
    """Each question's difference in percent, with its interval; zero is no difference."""
    answers = [answer for answer in result.answers() if relative(answer) is not None]
    names = [answer.id for answer in answers][::-1]
    figure = go.Figure(
        layout=base_layout(
            xaxis=axis("difference, % of the side compared against"),
            yaxis=axis("", type="category", categoryorder="array", categoryarray=names),
            height=150 + 36 * max(len(names), 2),
            showlegend=True,
        )
    )
    figure.add_vline(0, line={"color": "#8a8a8a", "width": 2})
    for verdict, colour in COLOURS.items():
        chosen = [answer for answer in answers if answer.verdict == verdict]
        if chosen:
            figure.add_trace(_intervals(verdict, chosen, colour))
    return figure


def _intervals(verdict: str, answers: Sequence[Answer], colour: str) -> go.Scatter:
    found = [relative(answer) or (0.0, 0.0, 0.0) for answer in answers]
    return go.Scatter(
        x=[value for value, _, _ in found],
        y=[answer.id for answer in answers],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - value for value, _, high in found],
            "arrayminus": [value - low for value, low, _ in found],
            "color": colour,
        },
        customdata=[(value_text(answer), verdict_text(answer)) for answer in answers],
        name=verdict,
        mode="markers",
        marker={"color": colour, "size": 10},
        hovertemplate="%{y}: %{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    )


def means(result: AblationResult, protocol_id: str) -> go.Figure:
    """Every variant under every condition, with its interval."""
    found = result.means(protocol_id)
    unit = found[0].unit if found else ""
    figure = go.Figure(
        layout=base_layout(
            xaxis=axis("", type="category"),
            yaxis=axis(f"{protocol_id}, {unit}", rangemode="tozero"),
            scattermode="group",
            scattergap=0.5,
        )
    )
    for index, variant in enumerate(result.variants):
        mine = [mean for mean in found if mean.variant == variant]
        figure.add_trace(_variant(variant, mine, SERIES[index % len(SERIES)], index))
    return figure


def _variant(variant: str, found: Sequence[Mean], colour: str, group: int) -> go.Scatter:
    return go.Scatter(
        x=[mean.condition for mean in found],
        y=[mean.value for mean in found],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [0.0 if m.high is None else m.high - m.value for m in found],
            "arrayminus": [0.0 if m.low is None else m.value - m.low for m in found],
        },
        name=variant,
        offsetgroup=str(group),
        mode="markers",
        marker={"color": colour, "size": 8},
        hovertemplate=f"{variant}, %{{x}}: %{{y:.1f}}<extra></extra>",
    )
