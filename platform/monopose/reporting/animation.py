"""The worst clip as an animated skeleton, prediction over truth."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from monopose.errors import InputError
from monopose.reporting.style import MIDDLE, PREDICTION, TRUTH, base_layout
from monopose.skeleton import joint_set

MAX_FRAMES = 200
GRID_M = 0.5
_DECIMALS = 3


@dataclass(frozen=True)
class WorstClip:
    """One clip seen by one camera: predicted and true poses, metres, camera frame."""

    clip_id: str
    camera_id: str
    joint_set: str
    fps: float
    pose_m: Float[np.ndarray, "T J 3"]
    target_m: Float[np.ndarray, "T J 3"]
    mpjpe_mm: float

    def __post_init__(self) -> None:
        joints = len(joint_set(self.joint_set))
        if self.pose_m.shape != self.target_m.shape or self.pose_m.shape[1] != joints:
            raise InputError(
                f"poses {self.pose_m.shape} and targets {self.target_m.shape} must both be "
                f"(frames, {joints}, 3) for joint set {self.joint_set!r}",
                where=f"clip {self.clip_id!r}",
            )
        if not len(self.pose_m) or self.fps <= 0:
            raise InputError("there is no frame, or no frame rate", where=f"clip {self.clip_id!r}")


def worst_clip(worst: WorstClip) -> go.Figure:
    """Both skeletons relative to the root, with play, pause and a slider over the time.

    Camera frames have y down and z forward, so (x, z, -y) is drawn: upright, depth to the back.
    At most 200 evenly spaced frames are kept, at the clip's own speed; millimetre precision.
    """
    stride = -(-len(worst.pose_m) // MAX_FRAMES)
    drawn = [_upright(p, worst.joint_set)[::stride] for p in (worst.target_m, worst.pose_m)]
    bones = joint_set(worst.joint_set).bones
    frames = [
        go.Frame(name=str(i), data=[_lines(pose[i], bones) for pose in drawn])
        for i in range(len(drawn[0]))
    ]
    figure = go.Figure(
        data=[
            go.Scatter3d(_lines(pose[0], bones), name=name, line={"color": colour, "width": width})
            for pose, name, colour, width in zip(
                drawn, ("truth", "prediction"), (TRUTH, PREDICTION), (7, 4), strict=True
            )
        ],
        frames=frames,
        layout=base_layout(height=640, margin={"l": 0, "r": 0, "t": 40, "b": 0}),
    )
    figure.update_layout(scene=_scene(np.concatenate(drawn)))
    figure.update_layout(_controls(len(frames), stride / worst.fps))
    return figure


def _upright(pose_m: Float[np.ndarray, "T J 3"], name: str) -> Float[np.ndarray, "T J 3"]:
    root = joint_set(name).root
    relative_m = pose_m - pose_m[:, root : root + 1]
    return relative_m[..., [0, 2, 1]] * np.array([1.0, 1.0, -1.0], pose_m.dtype)


def _lines(pose_m: Float[np.ndarray, "J 3"], bones: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    """Every bone as a stroke of one line trace; None lifts the pen between strokes."""
    points: list[list[float | None]] = []
    for joint, parent in bones:
        for end in (joint, parent):
            points.append([round(float(value), _DECIMALS) for value in pose_m[end]])
        points.append([None, None, None])
    x, y, z = zip(*points, strict=True)
    return {"type": "scatter3d", "mode": "lines", "x": list(x), "y": list(y), "z": list(z)}


def _scene(pose_m: Float[np.ndarray, "T J 3"]) -> dict[str, Any]:
    """A cube around all frames: metres are equally long on each axis and nothing jumps."""
    low, high = pose_m.min(axis=(0, 1)), pose_m.max(axis=(0, 1))
    reach = float((high - low).max()) / 2 + 0.05
    ranges = [[float(c) - reach, float(c) + reach] for c in (low + high) / 2]
    axes = {
        f"{axis}axis": {
            "range": limits,
            "gridcolor": MIDDLE,
            "dtick": GRID_M,
            "title": {"text": ""},
        }
        | {"showbackground": False, "zeroline": False, "showticklabels": False}
        for axis, limits in zip("xyz", ranges, strict=True)
    }
    camera = {"eye": {"x": 0.75, "y": -1.3, "z": 0.3}}
    return axes | {"aspectmode": "cube", "camera": camera, "dragmode": "orbit"}


def _controls(frames: int, frame_s: float) -> dict[str, Any]:
    def options(duration_ms: float, mode: str) -> dict[str, Any]:
        frame = {"duration": round(duration_ms, 1), "redraw": True}
        return {"frame": frame, "transition": {"duration": 0}, "mode": mode}

    play = options(1000 * frame_s, "immediate") | {"fromcurrent": True}
    buttons = [
        {"label": "Play", "method": "animate", "args": [None, play]},
        {"label": "Pause", "method": "animate", "args": [[None], options(0.0, "immediate")]},
    ]
    steps = [
        {"label": f"{i * frame_s:.2f}", "method": "animate"}
        | {"args": [[str(i)], options(0.0, "immediate")]}
        for i in range(frames)
    ]
    current = {"prefix": "t = ", "suffix": " s"}
    below = {"x": 0, "xanchor": "left", "y": 0, "yanchor": "top"}
    menu = {"type": "buttons", "direction": "left", "showactive": False, "buttons": buttons}
    slider = {"len": 1.0, "currentvalue": current, "steps": steps, "ticklen": 0, "minorticklen": 0}
    return {
        "updatemenus": [menu | below | {"pad": {"t": 10}, "bgcolor": "rgba(0,0,0,0)"}],
        "sliders": [slider | below | {"pad": {"t": 60, "l": 10, "r": 10}}],
    }
