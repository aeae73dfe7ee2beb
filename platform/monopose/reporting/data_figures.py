"""The figures of a page about a data set; each axis says its unit."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from monopose.geometry.camera import Camera
from monopose.reporting.style import LEFT, MIDDLE, OTHER, RIGHT, SERIES, axis, base_layout
from monopose.reporting.survey import (
    ERROR_EDGES_PX,
    SCORE_EDGES,
    SPEED_EDGES_M_S,
    Rig,
    Survey,
)
from monopose.skeleton import joint_set

MOST_BARS = 30
_CAMERA_M = 0.5
_FEWEST = 30


def counts(by_group: Counter[tuple[str, str]]) -> go.Figure:
    """Clips by group (subject or action), a colour for each split; the most frequent on top."""
    totals: Counter[str] = Counter()
    for (_, group), count in by_group.items():
        totals[group] += count
    shown = [group for group, _ in totals.most_common(MOST_BARS)][::-1]
    splits = sorted({split for split, _ in by_group})
    bars = [
        go.Bar(
            y=shown,
            x=[by_group[split, group] for group in shown],
            name=split,
            orientation="h",
            marker={"color": SERIES[number % len(SERIES)]},
        )
        for number, split in enumerate(splits)
    ]
    height = 110 + 22 * len(shown)
    layout = base_layout(height=height, barmode="stack", xaxis=axis("clips"), showlegend=True)
    layout |= {"legend": {"orientation": "h", "x": 0, "y": 1 + 14 / height, "yanchor": "bottom"}}
    layout |= {"yaxis": axis("", type="category", tickmode="linear")}
    return go.Figure(bars, layout=layout)


def bone_lengths(survey: Survey) -> go.Figure:
    """One point for each subject and bone: the mean over clips of the median length, in mm."""
    columns: dict[str, dict[str, list[Any]]] = defaultdict(lambda: {"x": [], "y": [], "text": []})
    for (subject, bone), (total_m, clips) in survey.bones_m.items():
        side = next((s for s in ("left", "right") if bone.startswith(s)), "middle")
        column = columns[side]
        column["x"].append(bone.removeprefix(f"{side}_"))
        column["y"].append(round(1000 * total_m / clips, 1))
        column["text"].append(subject)
    figure = go.Figure(layout=base_layout(height=460, boxmode="group"))
    for side, colour in (("left", LEFT), ("right", RIGHT), ("middle", MIDDLE)):
        if side in columns:
            figure.add_box(
                **columns[side],
                name=side,
                marker={"color": colour, "size": 4},
                line={"width": 1.2},
                boxpoints="all",
                jitter=0.4,
                pointpos=0,
                offsetgroup=side if side != "middle" else "left",
                hovertemplate="%{text}, %{x}: %{y:.0f} mm<extra></extra>",
            )
    figure.update_layout(
        xaxis=axis("", tickangle=-40), yaxis=axis("length, mm", rangemode="tozero")
    )
    return figure


def speeds(survey: Survey) -> go.Figure:
    """How often pelvis, ankles and wrists move at which speed; share of frames, logarithmic."""
    figure = go.Figure(layout=base_layout(hovermode="closest"))
    middles = (SPEED_EDGES_M_S[1:] + SPEED_EDGES_M_S[:-1]) / 2
    fastest = 1.0
    for (name, histogram), colour in zip(survey.speeds.items(), SERIES, strict=False):
        share = histogram / max(1, histogram.sum())
        some = histogram > 0
        fastest = max(fastest, float(middles[some].max()))
        figure.add_scatter(
            x=middles[some].round(2),
            y=share[some],
            name=name,
            mode="lines",
            line={"color": colour, "width": 2},
            hovertemplate=f"{name} at %{{x:.1f}} m/s: %{{y:.2%}}<extra></extra>",
        )
    figure.update_layout(
        xaxis=axis("speed, m/s (20 and more in one)", range=[0, fastest * 1.03]),
        yaxis=axis("share of frames (log)", type="log", tickformat=".3~%", dtick=1),
    )
    return figure


def noise(survey: Survey) -> go.Figure:
    """How far keypoints lie from the projected 3D: share of keypoints by pixels."""
    histogram = survey.noise.sum(axis=0)
    share = np.cumsum(histogram) / max(1, histogram.sum())
    figure = go.Figure(layout=base_layout(height=360, showlegend=False))
    figure.add_scatter(
        x=ERROR_EDGES_PX[1:].round(3),
        y=share,
        mode="lines",
        line={"color": SERIES[1], "width": 2.5},
        fill="tozeroy",
        hovertemplate="%{y:.1%} of the keypoints within %{x:.2g} px<extra></extra>",
    )
    last = float(ERROR_EDGES_PX[min(int(np.searchsorted(share, 0.999)) + 2, len(share))])
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    figure.update_layout(
        xaxis=axis(
            "reprojection error, px (log)",
            type="log",
            range=[-1.3, float(np.log10(last))],
            tickmode="array",
            tickvals=ticks,
        ),
        yaxis=axis("share of keypoints below", tickformat=".0%", range=[0, 1.02]),
    )
    return figure


def error_by_score(survey: Survey) -> go.Figure | None:
    """Median and quartiles of the error for each score; None where all scores are alike."""
    full = np.flatnonzero(survey.noise.sum(axis=1) >= _FEWEST)
    if len(full) < 3:
        return None
    score = (SCORE_EDGES[1:] + SCORE_EDGES[:-1])[full] / 2
    quartiles = np.array([[_quantile(survey.noise[i], q) for q in (0.25, 0.5, 0.75)] for i in full])
    band = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure = go.Figure(layout=base_layout(height=360))
    figure.add_scatter(x=score, y=quartiles[:, 2], **band)
    fill = {"fill": "tonexty", "fillcolor": OTHER, "showlegend": True, "name": "middle half"}
    figure.add_scatter(x=score, y=quartiles[:, 0], **(band | fill))
    figure.add_scatter(
        x=score,
        y=quartiles[:, 1],
        name="median",
        mode="lines+markers",
        line={"color": SERIES[0], "width": 2},
        hovertemplate="score %{x:.2f}: %{y:.1f} px<extra></extra>",
    )
    figure.update_layout(
        xaxis=axis("score", range=[0, 1.02]),
        yaxis=axis("reprojection error, px", rangemode="tozero"),
    )
    return figure


def _quantile(histogram: np.ndarray, share: float) -> float:
    place = int(np.searchsorted(np.cumsum(histogram), share * histogram.sum()))
    return float(ERROR_EDGES_PX[min(place + 1, len(ERROR_EDGES_PX) - 1)])


def visibility(survey: Survey) -> go.Figure:
    """For each joint the share of views and frames that hold it, and its mean score there."""
    assert survey.seen is not None
    assert survey.score is not None
    names = list(joint_set(survey.joint_set).joints)
    share = survey.seen / max(1, survey.keypoints)
    score = survey.score / np.maximum(1.0, survey.seen)
    figure = go.Figure(layout=base_layout(height=110 + 20 * len(names), barmode="overlay"))
    figure.add_bar(y=names, x=share.round(4), orientation="h", name="present",
                   marker={"color": OTHER})  # fmt: skip
    figure.add_scatter(y=names, x=score.round(4), mode="markers", name="mean score where present",
                       marker={"color": SERIES[0], "size": 9})  # fmt: skip
    figure.update_layout(
        xaxis=axis("share of keypoints; score", range=[0, 1.03]),
        yaxis=axis("", autorange="reversed", tickmode="linear"),
    )
    return figure


def camera_layout(rigs: list[Rig]) -> go.Figure:
    """Where the cameras of each rig stand and look, where people walked, and one of them."""
    figure = go.Figure(layout=base_layout(height=620, margin={"l": 0, "r": 0, "t": 60, "b": 0}))
    owners: list[int] = []
    for number, rig in enumerate(rigs):
        for trace in _rig_traces(rig, visible=number == 0):
            figure.add_trace(trace)
            owners.append(number)
    quiet = {"gridcolor": MIDDLE, "zeroline": False, "showbackground": False}
    axes = {f"{a}axis": quiet | {"title": {"text": f"{a}, m"}} for a in "xyz"}
    scene = axes | {"aspectmode": "data", "dragmode": "orbit"}
    scene |= {"camera": {"eye": {"x": 1.5, "y": 1.5, "z": 0.9}, "center": {"z": -0.15}}}
    figure.update_layout(scene=scene, showlegend=False)
    if len(rigs) > 1:
        buttons = [
            {"label": f"cameras of {rig.label}", "method": "update"}
            | {"args": [{"visible": [owner == number for owner in owners]}]}
            for number, rig in enumerate(rigs)
        ]
        menu = {"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.08, "yanchor": "top"}
        figure.update_layout(updatemenus=[menu | {"bgcolor": "rgba(0,0,0,0)"}])
    return figure


def _rig_traces(rig: Rig, visible: bool) -> list[go.Scatter3d]:
    shown = {"visible": visible, "hoverinfo": "skip"}
    paths = _strokes(rig.paths_m)
    bones = joint_set(rig.joint_set).bones
    body = _strokes([rig.pose_world_m[list(bone)] for bone in bones])
    traces = [
        go.Scatter3d(**paths, mode="lines", line={"color": OTHER, "width": 2}, **shown),
        go.Scatter3d(**body, mode="lines", line={"color": RIGHT, "width": 5}, **shown),
    ]
    frusta = [line for camera in rig.cameras for line in _frustum(camera)]
    traces.append(
        go.Scatter3d(**_strokes(frusta), mode="lines", line={"color": LEFT, "width": 4}, **shown)
    )
    places = np.array([_position(camera) for camera in rig.cameras])
    names = [camera.camera_id for camera in rig.cameras]
    x, y, z = places.round(3).T
    text = {"text": names, "textposition": "top center", "mode": "markers+text"}
    hover = "%{text}<br>(%{x:.2f}, %{y:.2f}, %{z:.2f}) m<extra></extra>"
    marker = {"color": LEFT, "size": 4}
    traces.append(
        go.Scatter3d(x=x, y=y, z=z, marker=marker, visible=visible, hovertemplate=hover, **text)
    )
    return traces


def _position(camera: Camera) -> Float[np.ndarray, "3"]:
    assert camera.rotation is not None
    assert camera.translation_m is not None
    return np.asarray(-camera.rotation.T @ camera.translation_m, np.float64)


def _frustum(camera: Camera) -> list[Float[np.ndarray, "_ 3"]]:
    """The image's outline half a metre before the camera, rays to its corners, a mark on top."""
    assert camera.rotation is not None
    half = np.array([0.45, 0.45])
    if camera.fx and camera.fy and camera.width and camera.height:
        half = np.array([camera.width / camera.fx, camera.height / camera.fy]) / 2
    corners = [
        np.array([i * half[0], j * half[1], 1]) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    corners = [_position(camera) + _CAMERA_M * (camera.rotation.T @ corner) for corner in corners]
    place = _position(camera)
    top = (corners[0] + corners[1]) / 2 - 0.3 * (corners[3] - corners[0])
    outline = [np.array([*corners, corners[0]]), np.array([corners[0], top, corners[1]])]
    return outline + [np.array([place, corner]) for corner in corners]


def _strokes(lines: list[Float[np.ndarray, "_ 3"]]) -> dict[str, list[float | None]]:
    """Lines as one trace; None lifts the pen between them."""
    points: list[list[float | None]] = []
    for line in lines:
        points += [[round(float(value), 3) for value in place] for place in line]
        points.append([None, None, None])
    x, y, z = zip(*points, strict=True)
    return {"x": list(x), "y": list(y), "z": list(z)}
