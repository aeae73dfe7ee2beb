"""Gaussians at keypoints, against the formula written out pixel by pixel."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monopose.geometry.heatmaps import peaks, render


def test_every_pixel_is_the_gaussian_of_its_distance() -> None:
    keypoints = torch.tensor([[[0.1, -0.4], [0.8, 0.95]]])
    maps = render(keypoints, torch.tensor([[1.0, 0.6]]), 8, 1.5)
    assert maps.shape == (1, 2, 8, 8)
    for joint, (x, y, amplitude) in enumerate([(0.1, -0.4, 1.0), (0.8, 0.95, 0.6)]):
        for row in range(8):
            for column in range(8):
                # Centres of pixels are at 0.5, 1.5 ...; the map is 8 pixels for -1..1.
                away = (column + 0.5 - (x + 1) * 4) ** 2 + (row + 0.5 - (y + 1) * 4) ** 2
                value = amplitude * math.exp(-away / (2 * 1.5**2))
                assert maps[0, joint, row, column].item() == pytest.approx(value, abs=1e-6)


def test_a_joint_on_a_pixels_centre_reaches_its_score() -> None:
    maps = render(torch.tensor([[2 * 5.5 / 16 - 1, 2 * 2.5 / 16 - 1]]), torch.tensor([0.7]), 16, 2.0)
    assert maps[0, 2, 5].item() == pytest.approx(0.7)
    assert maps.max().item() == pytest.approx(0.7)


def test_a_missing_joint_leaves_nothing() -> None:
    assert not render(torch.zeros(3, 2), torch.zeros(3), 8, 1.0).any()


@given(st.floats(-0.95, 0.95), st.floats(-0.95, 0.95), st.sampled_from([16, 32, 64]))
def test_the_peak_is_within_half_a_pixel(x: float, y: float, size: int) -> None:
    maps = render(torch.tensor([[x, y]]), torch.ones(1), size, 2.0)
    away = (peaks(maps)[0] - torch.tensor([x, y])).abs().max().item()
    assert away <= 1 / size + 1e-5


def test_frames_and_samples_are_alike() -> None:
    keypoints = torch.rand(2, 3, 17, 2) * 2 - 1
    maps = render(keypoints, torch.ones(2, 3, 17), 32, 1.0)
    assert maps.shape == (2, 3, 17, 32, 32)
    torch.testing.assert_close(maps[1, 2], render(keypoints[1, 2], torch.ones(17), 32, 1.0))
