"""Gaussians at keypoints, against the formula written out pixel by pixel."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monopose.geometry.heatmaps import decode, peaks, render, soft_peaks


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
    maps = render(
        torch.tensor([[2 * 5.5 / 16 - 1, 2 * 2.5 / 16 - 1]]), torch.tensor([0.7]), 16, 2.0
    )
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


@given(st.floats(-0.75, 0.75), st.floats(-0.75, 0.75), st.sampled_from([(24, 1.0), (64, 2.0)]))
def test_the_soft_peak_is_within_a_hundredth_of_a_pixel(
    x: float, y: float, shape: tuple[int, float]
) -> None:
    size, sigma_px = shape
    maps = render(torch.tensor([[x, y]]), torch.tensor([0.4]), size, sigma_px)
    place, value = soft_peaks(maps, 3 * sigma_px)
    assert (place[0] - torch.tensor([x, y])).abs().max().item() <= 0.01 * 2 / size
    assert value.item() == maps.max().item()


def test_soft_peaks_of_oblong_maps_ignore_what_is_far_and_what_is_negative() -> None:
    maps = torch.zeros(2, 8, 20)
    maps[0, 2, 5], maps[0, 2, 6] = 1.0, 1.0
    maps[0, 7, 17], maps[0, 3, 5] = 0.9, -5.0
    place, value = soft_peaks(maps, 2.0)
    # Between columns 5 and 6 of 20, in the middle of row 2 of 8; an empty map says the middle.
    assert place[0].tolist() == pytest.approx([2 * 6.0 / 20 - 1, 2 * 2.5 / 8 - 1])
    assert place[1].tolist() == [0.0, 0.0]
    assert value.tolist() == [1.0, 0.0]


def test_decoding_gives_back_the_pixels_that_were_drawn() -> None:
    """A crop of side 200 px around (640, 360), turned by a quarter."""
    to_image_px = torch.tensor([[[0.0, -100.0, 640.0], [100.0, 0.0, 360.0]]])
    # Crop coordinates (0.5, -0.25) are 100 * (0.25, 0.5) from the centre.
    maps = render(torch.tensor([[[0.5, -0.25]]]), torch.tensor([[0.8]]), 64, 2.0)
    found_px, score = decode(maps, to_image_px, 2.0)
    assert found_px[0, 0].tolist() == pytest.approx([665.0, 410.0], abs=0.05)
    # It lies between four pixels, half a pixel from each along both axes.
    assert score.item() == pytest.approx(0.8 * math.exp(-2 * 0.5**2 / (2 * 2.0**2)))
    _, above = decode(maps * 2, to_image_px, 2.0)
    _, below = decode(-maps, to_image_px, 2.0)
    assert (above.item(), below.item()) == (1.0, 0.0)
