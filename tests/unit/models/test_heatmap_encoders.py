"""What the encoders of heatmaps are fed, and what each of them can tell apart."""

import pytest
import torch

from monopose.data.maps import Maps
from monopose.geometry.heatmaps import render
from monopose.models.encoders.heatmaps import HeatmapEmbedding, HeatmapPeaks, PersonBox, person_box
from monopose.recipes.parts import HeatmapEncoder, HeatmapPeakEncoder

JOINTS = 3
EMBEDDING = HeatmapEncoder(size_px=16, channels=(8, 8), width=12)
PEAK = HeatmapPeakEncoder(size_px=16)
# One frame: joints 0.4 apart in x and 0.2 in y; the last is missing.
KEYPOINTS = torch.tensor([[[[0.1, 0.0], [0.5, 0.2], [9.0, 9.0]]]])
SCORE = torch.tensor([[[1.0, 0.5, 0.0]]])


def seeded_embedding() -> HeatmapEmbedding:
    torch.manual_seed(0)
    return HeatmapEmbedding(EMBEDDING, JOINTS).eval()


def test_the_box_is_a_square_a_quarter_larger_than_what_is_visible() -> None:
    box = person_box(KEYPOINTS, SCORE)
    assert box.centre[0, 0].tolist() == pytest.approx([0.3, 0.1])
    assert box.half_side[0, 0].item() == pytest.approx(0.25)
    placed = box.place(KEYPOINTS)[0, 0, :2]
    assert placed.flatten().tolist() == pytest.approx([-0.8, -0.4, 0.8, 0.4], abs=1e-6)


def test_a_frame_of_nobody_has_no_box_and_finite_features() -> None:
    nobody = torch.zeros(1, 2, JOINTS)
    assert not person_box(KEYPOINTS.expand(1, 2, -1, -1), nobody).features.any()
    for encoder in (seeded_embedding(), HeatmapPeaks(PEAK, JOINTS)):
        features = encoder(KEYPOINTS.expand(1, 2, -1, -1), nobody)
        assert features.isfinite().all()
        assert torch.equal(features[:, 0], features[:, 1])


def test_one_visible_joint_still_has_a_box() -> None:
    alone = torch.tensor([[[0.0, 1.0, 0.0]]])
    box = person_box(KEYPOINTS, alone)
    assert box.half_side.item() > 0
    assert box.place(KEYPOINTS)[0, 0, 1].tolist() == [0.0, 0.0]


def test_gradients_are_finite_where_nobody_is_seen() -> None:
    keypoints = KEYPOINTS.clone().requires_grad_()
    seeded_embedding()(keypoints, torch.zeros(1, 1, JOINTS)).sum().backward()
    assert keypoints.grad is not None
    assert keypoints.grad.isfinite().all()


def test_what_is_drawn_is_embedded_and_a_missing_joint_is_an_empty_map() -> None:
    encoder, box = seeded_embedding(), person_box(KEYPOINTS, SCORE)
    maps = torch.zeros(1, 1, JOINTS, 16, 16)
    placed = torch.tensor([[-0.8, -0.4], [0.8, 0.4]])
    maps[0, 0, :2] = render(placed, SCORE[0, 0, :2], 16, EMBEDDING.sigma_px)
    torch.testing.assert_close(encoder(KEYPOINTS, SCORE), encoder.embed(maps, box))


def test_peaks_are_read_as_precisely_where_the_network_is_in_bfloat16() -> None:
    encoder = HeatmapPeaks(HeatmapPeakEncoder(size_px=16, maps="stored"), JOINTS)
    maps = render(torch.tensor([[-0.81, -0.43], [0.77, 0.39], [0.0, 0.0]]), torch.ones(3), 16, 1.0)
    given = Maps((maps[None, None] * 255).byte(), torch.tensor([[[0.1, 0.2, 0.3]]]))
    expected = encoder(KEYPOINTS, SCORE, given)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(encoder(KEYPOINTS, SCORE, given), expected)


def test_the_peak_is_the_keypoint_in_its_box() -> None:
    features = HeatmapPeaks(PEAK, JOINTS)(KEYPOINTS, SCORE)[0, 0]
    # Peaks at twice their place: features are scaled. The map's edge cuts the outermost Gaussians'
    # tails 1.6 sigma from their peaks, which moves those by more than a hundredth of a pixel, 2/16.
    expected = [-1.6, -0.8, 1.6, 0.8, 0.0, 0.0]
    assert features[:6].tolist() == pytest.approx(expected, abs=0.02 * 2 * 2 / 16)
    assert features[6:9].tolist() == pytest.approx([1.0, 0.5, 0.0], rel=0.25)
    assert features[9:].tolist() == pytest.approx([0.3, 0.1, 0.25])


def test_the_embedding_sees_a_second_mode_that_the_peak_does_not() -> None:
    box = PersonBox(torch.zeros(1, 1, 2), torch.ones(1, 1, 1))
    one = render(torch.full((1, 1, JOINTS, 2), -0.6), torch.ones(1, 1, JOINTS), 16, 1.0)
    other = render(torch.full((1, 1, JOINTS, 2), 0.6), torch.full((1, 1, JOINTS), 0.8), 16, 1.0)
    peaks, encoder = HeatmapPeaks(PEAK, JOINTS), seeded_embedding()
    torch.testing.assert_close(peaks.read(one, box), peaks.read(one + other, box))
    assert not torch.allclose(encoder.embed(one, box), encoder.embed(one + other, box), atol=1e-3)
