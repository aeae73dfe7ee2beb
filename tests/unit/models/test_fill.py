"""Missing keypoints filled from the frames around, against cases that can be worked out by hand."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from monopose.models.fill import FillMissing
from monopose.recipes.parts import Fill


def filled(
    places: list[float], scores: list[float], frames: int = 2, *, causal: bool = False
) -> tuple[Tensor, Tensor]:
    """One joint on the line y = 2 x, at these places."""
    x = torch.tensor(places)
    keypoints = torch.stack([x, 2 * x], dim=-1)[None, :, None]
    part = FillMissing(Fill(frames=frames), causal=causal)
    out, score = part(keypoints, torch.tensor(scores)[None, :, None])
    assert torch.equal(out[..., 1], 2 * out[..., 0])
    return out[0, :, 0, 0], score[0, :, 0]


def test_what_is_there_stays_as_it_is() -> None:
    place, score = filled([1.0, 5.0, 2.0, 7.0, 4.0], [0.5, 0.9, 0.3, 1.0, 1.0])
    assert place.tolist() == [2.0]
    assert score.tolist() == pytest.approx([0.3])


def test_one_frame_missing_between_two_is_their_mean() -> None:
    place, score = filled([0.0, 1.0, 0.0, 3.0, 0.0], [0.0, 1.0, 0.0, 0.5, 0.0])
    assert place.tolist() == pytest.approx([2.0])
    assert score.tolist() == pytest.approx([0.3 * 1.0 + 0.3 * 0.5])


def test_the_nearer_frame_decides_by_a_factor_of_its_distance() -> None:
    place, _ = filled([1.0, 0.0, 0.0, 3.0, 0.0], [1.0, 0.0, 0.0, 1.0, 0.0])
    assert place.tolist() == pytest.approx([(0.09 * 1 + 0.3 * 3) / (0.09 + 0.3)])


def test_what_no_frame_in_reach_has_stays_missing() -> None:
    place, score = filled([9.0, 0, 0, 0, 0, 0, 9.0], [1.0, 0, 0, 0, 0, 0, 1.0])
    assert place.tolist() == pytest.approx([9.0, 0.0, 9.0])
    assert score.tolist() == pytest.approx([0.09, 0.0, 0.09])


def test_the_farthest_frame_that_may_be_asked_for_still_says_where() -> None:
    place, score = filled([0.5] + [0.0] * 128, [1.0] + [0.0] * 128, frames=64)
    assert place.tolist() == pytest.approx([0.5])
    assert score.item() > 0
    with pytest.raises(ValidationError, match="less than or equal to 64"):
        Fill(frames=65)


def test_coordinates_of_a_missing_keypoint_do_not_count() -> None:
    place, score = filled([1.0, 1.0, 1e6, 1.0, 1.0], [1.0, 1.0, 0.0, 1.0, 1.0])
    assert place.tolist() == pytest.approx([1.0])
    assert score.tolist() == pytest.approx([2 * 0.3 + 2 * 0.09])


def test_a_causal_part_sees_no_newer_frame() -> None:
    place, score = filled([4.0, 0.0, 0.0, 8.0], [1.0, 0.0, 0.0, 1.0], causal=True)
    assert place.tolist() == pytest.approx([4.0, 8.0])
    assert score.tolist() == pytest.approx([0.09, 1.0])
