import json
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float
from tests.unit.reporting.studies import make_worst

from monopose.errors import InputError
from monopose.reporting.animation import worst_clip
from monopose.skeleton import joint_set


def strokes(trace: dict[str, Any]) -> Float[np.ndarray, "bones 2 3"]:
    """The two ends of each bone, in drawn coordinates."""
    points = list(zip(trace["x"], trace["y"], trace["z"], strict=True))
    assert all(point == (None, None, None) for point in points[2::3])
    return np.array([points[0::3], points[1::3]]).swapaxes(0, 1)


def test_each_frame_draws_truth_and_prediction_upright_and_relative_to_the_root() -> None:
    worst = make_worst(frames=12)
    figure = json.loads(worst_clip(worst).to_json())
    assert len(figure["frames"]) == 12
    assert [trace["name"] for trace in figure["data"]] == ["truth", "prediction"]
    for index in (0, 7):
        drawn = figure["frames"][index]["data"]
        for trace, pose_m in zip(drawn, (worst.target_m[index], worst.pose_m[index]), strict=True):
            for bone, ends in zip(joint_set("h36m17").bones, strokes(trace), strict=True):
                x, y, z = (pose_m[list(bone)] - pose_m[0]).T
                np.testing.assert_allclose(ends, np.stack([x, z, -y], axis=1), atol=6e-4)


def test_the_head_is_above_the_feet() -> None:
    figure = json.loads(worst_clip(make_worst()).to_json())
    bones = joint_set("h36m17").bones
    names = joint_set("h36m17").joints
    height_m = {
        names[bone[0]]: ends[0, 2]
        for bone, ends in zip(bones, strokes(figure["data"][0]), strict=True)
    }
    assert height_m["head_top"] > 0 > height_m["left_ankle"]


def test_a_long_clip_is_thinned_at_its_own_speed_and_stays_small() -> None:
    figure = worst_clip(make_worst(frames=901))
    text = figure.to_json()
    parsed = json.loads(text)
    # 901 frames need every 5th frame (181 of them) to stay within 200.
    assert len(parsed["frames"]) == 181
    play = parsed["layout"]["updatemenus"][0]["buttons"][0]["args"][1]
    assert play["frame"]["duration"] == pytest.approx(1000 * 5 / 50)
    steps = parsed["layout"]["sliders"][0]["steps"]
    assert [step["args"][0] for step in steps] == [[f["name"]] for f in parsed["frames"]]
    assert steps[-1]["label"] == "18.00"
    assert len(text) < 1_000_000


def test_a_metre_is_as_long_on_each_axis_and_everything_is_inside() -> None:
    figure = json.loads(worst_clip(make_worst()).to_json())
    scene = figure["layout"]["scene"]
    ranges = [scene[f"{axis}axis"]["range"] for axis in "xyz"]
    lengths = [high - low for low, high in ranges]
    assert scene["aspectmode"] == "cube"
    assert lengths == pytest.approx([lengths[0]] * 3)
    for frame in figure["frames"]:
        for trace in frame["data"]:
            ends = strokes(trace).reshape(-1, 3)
            assert all(
                low < value < high
                for point in ends
                for value, (low, high) in zip(point, ranges, strict=True)
            )


def test_poses_that_do_not_fit_are_named() -> None:
    with pytest.raises(InputError, match=r"clip 'c0': poses .* must both be \(frames, 16, 3\)"):
        make_worst(joint_set="h36m16")
    with pytest.raises(InputError, match="clip 'c0': there is no frame, or no frame rate"):
        make_worst(fps=0.0)
