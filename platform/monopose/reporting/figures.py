"""The figures of a report as Plotly graph objects; errors in mm, each axis says its unit."""

import html
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np
import plotly.graph_objects as go

from monopose.evaluation.leaderboard import Leaderboard, Scalar, TrialRecord
from monopose.evaluation.records import Evaluation
from monopose.reporting.style import (
    BEST,
    LEFT,
    MIDDLE,
    OTHER,
    RIGHT,
    SCALE,
    SERIES,
    axis,
    base_layout,
)
from monopose.reporting.tables import MISSING, data_set_name, format_value, scored, short_names

# Labelled values of a logarithmic error axis: Plotly's own would be 2, 5, 100, 2, 5.
_LOG_TICKS_MM = [1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 150, 200, 300, 400, 600, 800, 1000]
_LOG_TICKS_MM += [2000, 5000, 10000]
_LOG_SPAN = 10.0
_LONGEST_TICK = 18


def learning_curves(leaderboard: Leaderboard) -> go.Figure:
    """Validation error against the epoch for every trial that was ever evaluated; best on top."""
    ranked = scored(leaderboard)
    best = ranked[0].number if ranked else None
    trials = sorted(leaderboard.ranked(), key=lambda trial: trial.number == best)
    drawn = [trial for trial in trials if _curve(trial)[0]]
    figure = go.Figure(layout=base_layout(xaxis=axis("epoch"), hovermode="closest"))
    for index, trial in enumerate(drawn):
        figure.add_trace(_curve_trace(trial, is_best=trial.number == best, first=index == 0))
    figure.update_layout(yaxis=_error_axis([y for t in drawn for y in _curve(t)[1]]))
    return figure


def _curve(trial: TrialRecord) -> tuple[list[int], list[float]]:
    points = [(p.epoch, p.val_mpjpe_mm) for p in trial.curve if p.val_mpjpe_mm is not None]
    return [epoch for epoch, _ in points], [error_mm for _, error_mm in points]


def _curve_trace(trial: TrialRecord, *, is_best: bool, first: bool) -> go.Scatter:
    epochs, errors_mm = _curve(trial)
    name = f"trial {trial.number} {_plain(trial.trial_id)}"
    return go.Scatter(
        x=epochs,
        y=errors_mm,
        name=f"best: {name}" if is_best else "other trials",
        meta=f"{name}, {trial.state}",
        mode="lines+markers",
        line={"color": BEST if is_best else OTHER, "width": 3 if is_best else 1.2},
        marker={"size": 7 if is_best else 3},
        legendgroup="best" if is_best else "other",
        showlegend=is_best or first,
        hovertemplate="%{meta}<br>epoch %{x}: %{y:.1f} mm<extra></extra>",
    )


def _error_axis(errors_mm: Sequence[float]) -> dict[str, Any]:
    positive = [error_mm for error_mm in errors_mm if error_mm > 0]
    title = "validation error, mm"
    if len(positive) < len(errors_mm) or not positive or max(positive) < 4 * min(positive):
        return axis(title)
    return axis(f"{title} (log)", type="log", tickmode="array", tickvals=_LOG_TICKS_MM)


def parallel_coordinates(leaderboard: Leaderboard) -> go.Figure:
    """One line for each ranked trial through the parameters that vary, to its error.

    A parameter that a trial does not have runs through the tick "—"; positive numbers over a
    wide range are spaced by their logarithm. Trials without an error cannot be drawn.
    """
    trials = scored(leaderboard)
    errors_mm = [trial.val_mpjpe_mm for trial in trials if trial.val_mpjpe_mm is not None]
    labels = varying_parameters(leaderboard)
    dimensions = [
        _dimension(label, [trial.parameters.get(name, MISSING) for trial in trials])
        for name, label in labels.items()
    ]
    worst_coloured = float(np.quantile(errors_mm, 0.9)) if trials else 1.0
    line = {"color": errors_mm, "colorscale": SCALE, "cmax": worst_coloured, "showscale": False}
    line["cmin"] = min(errors_mm) if trials else 0.0
    error = _dimension("error, mm", errors_mm)
    trace = go.Parcoords(
        dimensions=[*dimensions, error], line=line, labelangle=-20, labelside="top"
    )
    margin = {"l": 90, "r": 90, "t": 90, "b": 20}
    return go.Figure(trace, layout=base_layout(margin=margin, height=460))


def varying_parameters(leaderboard: Leaderboard) -> dict[str, str]:
    """Names of the parameters that differ between ranked trials, each with its short label."""
    trials = scored(leaderboard)
    names = sorted({name for trial in trials for name in trial.parameters})
    varying = [n for n in names if len({t.parameters.get(n, MISSING) for t in trials}) > 1]
    short = short_names(names)
    return {name: short[name] for name in varying}


def _dimension(label: str, values: Sequence[Scalar]) -> dict[str, Any]:
    numbers = [float(value) for value in values if _is_number(value)]
    if numbers and len(numbers) == sum(value != MISSING for value in values):
        positions, ticks = _numeric(values, numbers)
    else:
        positions, ticks = _categorical(values)
    low, high = min(positions, default=0.0), max(positions, default=1.0)
    return {
        "label": _plain(label),
        "values": positions,
        "tickvals": list(ticks),
        "ticktext": list(ticks.values()),
        "range": [low, high] if high > low else [low - 0.5, high + 0.5],
    }


def _is_number(value: Scalar) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numeric(
    values: Sequence[Scalar], numbers: list[float]
) -> tuple[list[float], dict[float, str]]:
    log = _spread_by_logarithm(numbers)
    place = math.log10 if log else float
    low, high = place(min(numbers)), place(max(numbers))
    absent = low - 0.2 * ((high - low) or 1.0)
    positions = [place(value) if _is_number(value) else absent for value in values]
    distinct = sorted(set(numbers))
    if len(distinct) <= 6:
        ticks = {place(number): f"{number:.3g}" for number in distinct}
    else:
        at = [float(position) for position in np.linspace(low, high, 5)]
        ticks = {position: f"{10**position if log else position:.3g}" for position in at}
    return positions, ticks | ({absent: MISSING} if MISSING in values else {})


def _spread_by_logarithm(numbers: list[float]) -> bool:
    """True when the median of a wide range is nearer to the middle on a logarithmic axis."""
    low, median, high = (float(np.quantile(numbers, share)) for share in (0.0, 0.5, 1.0))
    if low <= 0 or high < _LOG_SPAN * low:
        return False
    linear = (median - low) / (high - low)
    logarithmic = math.log(median / low) / math.log(high / low)
    return abs(logarithmic - 0.5) < abs(linear - 0.5)


def _categorical(values: Sequence[Scalar]) -> tuple[list[float], dict[float, str]]:
    order = sorted({format_value(value) for value in values}, key=lambda t: (t != MISSING, t))
    ticks = {float(i): _shortened(text) for i, text in enumerate(order)}
    return [float(order.index(format_value(value))) for value in values], ticks


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_TICK else f"{text[: _LONGEST_TICK - 1]}…"


def error_by_joint(evaluation: Evaluation) -> go.Figure:
    """A bar for each joint; left and right of a pair side by side, the largest pair on top."""
    by_side: dict[str, dict[str, float]] = {"left": {}, "right": {}, "middle": {}}
    for joint, error_mm in evaluation.by_joint.items():
        side = joint.split("_")[0] if joint.startswith(("left_", "right_")) else "middle"
        by_side[side][joint.removeprefix(f"{side}_")] = error_mm
    names = {name for errors in by_side.values() for name in errors}
    largest = {n: max(errors.get(n, 0.0) for errors in by_side.values()) for n in names}
    bars = (("left", LEFT, 0.0), ("right", RIGHT, -0.4), ("middle", MIDDLE, -0.2))
    figure = _bars_layout(sorted(names, key=lambda name: (largest[name], name)))
    for side, colour, offset in bars:
        figure.add_trace(_bars(side, by_side[side], colour, width=0.4, offset=offset))
    return figure


def error_by_group(values: dict[str, float]) -> go.Figure:
    """A bar for each action, camera or subject, the largest error on top; values in mm."""
    figure = _bars_layout(sorted(values, key=lambda name: (values[name], name)))
    figure.add_trace(_bars("error", values, LEFT, width=0.7, offset=-0.35))
    return figure


def _bars_layout(names: list[str]) -> go.Figure:
    order = {"categoryorder": "array", "categoryarray": [_plain(name) for name in names]}
    return go.Figure(
        layout=base_layout(
            xaxis=axis("root-relative error, mm", rangemode="tozero"),
            yaxis=axis("", type="category", **order),
            height=120 + 32 * max(len(names), 2),
            barmode="overlay",
        )
    )


def _bars(
    name: str, values: dict[str, float], colour: str, *, width: float, offset: float
) -> go.Bar:
    return go.Bar(
        name=name,
        orientation="h",
        y=[_plain(group) for group in values],
        x=list(values.values()),
        marker={"color": colour},
        width=width,
        offset=offset,
        hovertemplate=f"{name} %{{y}}: %{{x:.1f}} mm<extra></extra>",
    )


def error_by_mask_share(evaluations: Sequence[Evaluation], protocol: str) -> go.Figure:
    """Score with its 95 % interval against the share of masked keypoints.

    One line for each model on each split of each data set. Raises InputError when an
    evaluation lacks the protocol.
    """
    lines: dict[str, list[Evaluation]] = defaultdict(list)
    for each in sorted(evaluations, key=lambda each: each.mask_share):
        data = data_set_name(each.dataset, each.dataset_digest, each.synthetic)
        name = f"{_plain(each.recipe_name)} {each.recipe_digest}"
        lines[f"{name}<br>{_plain(f'{data}, {each.split}')}"].append(each)
    unit = evaluations[0].score(protocol).unit if evaluations else "mm"
    widest = 100 * max((each.mask_share for each in evaluations), default=0.0) or 1.0
    figure = go.Figure(
        layout=base_layout(
            xaxis=axis("masked keypoints, %", range=[-0.04 * widest, 1.04 * widest]),
            yaxis=axis(f"{protocol}, {unit}", rangemode="tozero"),
            showlegend=True,
        )
    )
    for index, (name, members) in enumerate(lines.items()):
        colour = SERIES[index % len(SERIES)]
        figure.add_trace(_mask_trace(name, members, protocol, colour))
    return figure


def _mask_trace(
    name: str, evaluations: Sequence[Evaluation], protocol: str, colour: str
) -> go.Scatter:
    scores = [evaluation.score(protocol) for evaluation in evaluations]
    up = [0.0 if score.high is None else score.high - score.value for score in scores]
    down = [0.0 if score.low is None else score.value - score.low for score in scores]
    return go.Scatter(
        x=[100 * evaluation.mask_share for evaluation in evaluations],
        y=[score.value for score in scores],
        error_y={"type": "data", "symmetric": False, "array": up, "arrayminus": down},
        name=name,
        mode="lines+markers",
        line={"color": colour},
        hovertemplate="%{x:.0f} % masked: %{y:.1f}<extra></extra>",
    )


def _plain(text: str) -> str:
    """Plotly reads a subset of HTML in labels; users' names are text."""
    return html.escape(text, quote=False)
