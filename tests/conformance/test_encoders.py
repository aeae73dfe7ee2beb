"""What every encoder must keep; a new one is one more line in CONFIGS."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.conformance import parts

from monopose.data.maps import Maps
from monopose.models.estimator import ENCODERS, build, context_of
from monopose.recipes.parts import (
    HeatmapEncoder,
    HeatmapPeakEncoder,
    KeypointEncoder,
    MlpEncoder,
    NoTemporal,
)
from monopose.recipes.recipe import Recipe

# Any: a part has attributes that `nn.Module` does not declare.
Make = Callable[[], Any]
JOINTS = 17
CONFIGS: dict[str, Any] = {
    "keypoints": KeypointEncoder(inputs="xy"),
    "keypoints, score": KeypointEncoder(inputs="xy_score"),
    "keypoints, mask": KeypointEncoder(inputs="xy_mask"),
    "mlp": MlpEncoder(width=12, blocks=2, dropout=0.2),
    "mlp, score": MlpEncoder(width=12, blocks=1, dropout=0.0, inputs="xy_score"),
    "mlp, mask": MlpEncoder(width=12, blocks=1, dropout=0.0, inputs="xy_mask"),
    "heatmaps": HeatmapEncoder(size_px=16, channels=(8, 8), width=12),
    "heatmaps, odd size": HeatmapEncoder(size_px=11, sigma_px=0.7, channels=(8, 8, 8), width=12),
    "heatmap_peak": HeatmapPeakEncoder(),
}


@pytest.fixture(params=CONFIGS.values(), ids=list(CONFIGS))
def config(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def make(config: Any) -> Make:
    return lambda: ENCODERS[config.kind](config, JOINTS)


def frames(count: int = 5, batch: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    keypoints = torch.rand(batch, count, JOINTS, 2, generator=generator) * 2 - 1
    return keypoints, torch.rand(batch, count, JOINTS, generator=generator) * 0.9 + 0.1


def test_every_encoder_is_covered() -> None:
    assert {config.kind for config in CONFIGS.values()} == set(ENCODERS)


def test_shape_is_what_it_announces(make: Make) -> None:
    encoder = make()
    assert encoder(*frames()).shape == (3, 5, encoder.num_features)
    assert encoder.eval()(*frames(count=1, batch=1)).shape == (1, 1, encoder.num_features)


def test_gradient_reaches_every_parameter_and_the_keypoints(make: Make) -> None:
    keypoints, score = frames()
    parts.check_gradient_reaches_every_parameter(
        parts.seeded(make), keypoints.requires_grad_(), score
    )
    assert keypoints.grad is not None
    assert (keypoints.grad.abs().sum(dim=(0, 1)) > 0).all()


def test_evaluation_is_deterministic(make: Make) -> None:
    parts.check_deterministic_in_evaluation(parts.seeded(make), *frames())


def test_saving_keeps_every_bit(make: Make) -> None:
    parts.check_survives_saving(make, *frames())


def test_frames_alone_give_the_same(make: Make) -> None:
    parts.check_windows_alone_give_the_same(parts.seeded(make), 1, *frames())


def test_bfloat16_is_close(make: Make) -> None:
    parts.check_bfloat16_is_close(parts.seeded(make), *frames())


def test_missing_keypoints_have_no_influence(make: Make) -> None:
    """Whatever coordinates a missing keypoint carries, and even when none is visible."""
    encoder = parts.seeded(make).eval()
    keypoints, score = frames()
    score[:, 1:3, 4] = 0.0
    score[0, 4] = 0.0
    moved = torch.where((score == 0).unsqueeze(-1), torch.full_like(keypoints, 7.0), keypoints)
    assert torch.equal(encoder(keypoints, score), encoder(moved, score))
    assert encoder(keypoints, score).isfinite().all()


def test_every_visible_keypoint_has_influence(make: Make) -> None:
    encoder = parts.seeded(make).eval()
    keypoints, score = frames(count=1, batch=1)
    before = encoder(keypoints, score)
    for joint in range(JOINTS):
        moved = keypoints.clone()
        moved[:, :, joint] += 0.1
        assert not torch.allclose(encoder(moved, score), before, atol=1e-6)


def test_a_recipe_builds_it_reproducibly_and_alone(config: Any) -> None:
    recipe = Recipe(name="r", encoder=config, temporal=NoTemporal(), seed=5)
    torch.manual_seed(1)
    untouched = torch.get_rng_state()
    one = build(recipe).state_dict()
    assert context_of(recipe).frames == 1
    assert torch.equal(torch.get_rng_state(), untouched)
    torch.manual_seed(99)
    two = build(recipe).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    other = build(recipe.model_copy(update={"seed": 6})).state_dict()
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_keypoints_are_centre_and_offsets() -> None:
    """Joints at x = 0..16, joint 16 missing: the centre is 7.5, offsets are scaled by five."""
    keypoints = torch.zeros(1, 1, JOINTS, 2)
    keypoints[..., 0] = torch.arange(17)
    score = torch.ones(1, 1, JOINTS)
    score[..., 16] = 0.0
    features = ENCODERS["keypoints"](KeypointEncoder(inputs="xy_score"), JOINTS)(keypoints, score)
    expected = [7.5, 0.0]
    for joint in range(16):
        expected += [5 * (joint - 7.5), 0.0]
    assert features[0, 0].tolist() == pytest.approx([*expected, 0, 0, *[1.0] * 16, 0.0])


@pytest.fixture(params=["heatmaps", "heatmap_peak"])
def stored(request: pytest.FixtureRequest) -> Make:
    """An encoder that reads a detector's own maps."""
    settings = {"channels": (8, 8), "width": 12} if request.param == "heatmaps" else {}
    config = type(CONFIGS[request.param])(maps="stored", size_px=16, **settings)
    return lambda: ENCODERS[config.kind](config, JOINTS)


def detected_maps(count: int = 5, batch: int = 3, seed: int = 1) -> Maps:
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, count, JOINTS, 16, 16)
    heatmaps = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return Maps(heatmaps, torch.rand(batch, count, 3, generator=generator))


def test_stored_maps_keep_what_drawn_ones_keep(stored: Make) -> None:
    keypoints, score = frames()
    maps, encoder = detected_maps(), parts.seeded(stored)
    if list(encoder.parameters()):
        parts.check_gradient_reaches_every_parameter(encoder, keypoints, score, maps)
    assert encoder(keypoints, score, maps).shape == (3, 5, encoder.num_features)
    parts.check_deterministic_in_evaluation(encoder, keypoints, score, maps)
    parts.check_survives_saving(stored, keypoints, score, maps)
    parts.check_bfloat16_is_close(encoder, keypoints, score, maps)


def test_every_stored_map_and_its_box_have_influence_and_hidden_ones_none(stored: Make) -> None:
    encoder, maps = parts.seeded(stored).eval(), detected_maps(1, 1)
    keypoints, score = frames(count=1, batch=1)
    before = encoder(keypoints, score, maps)
    hidden = score.clone()
    hidden[..., 4] = 0
    for joint in range(JOINTS):
        changed = maps.heatmaps.clone()
        changed[:, :, joint] = changed[:, :, joint].flip(-1)
        other = Maps(changed, maps.box)
        assert not torch.allclose(encoder(keypoints, score, other), before, atol=1e-6)
        same = encoder(keypoints, hidden, other), encoder(keypoints, hidden, maps)
        assert torch.equal(*same) == (joint == 4)
    assert not torch.equal(encoder(keypoints, score, Maps(maps.heatmaps, maps.box + 1)), before)
