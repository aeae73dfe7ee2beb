"""The high-resolution network: its shapes, its exchange between branches, and that it learns."""

import numpy as np
import pytest
import torch
from tests.conformance import parts

from monopose.data.images.batches import ImageBatch, finish, prepare
from monopose.data.images.windows import image_windows
from monopose.data.studio.studio import studio_clips
from monopose.evaluation.detection import detected
from monopose.geometry.heatmaps import soft_peaks
from monopose.losses.heatmaps import heatmap_mse
from monopose.models.images.hrnet import Exchange, HeatmapNetwork, Split
from monopose.recipes.detector import HighResolution, detector
from monopose.skeleton import joint_set

JOINTS = 17
TINY = HighResolution(stem_channels=8, width=4, modules=(1, 2), blocks=1)


def seeded(config: HighResolution = TINY, seed: int = 0) -> HeatmapNetwork:
    torch.manual_seed(seed)
    return HeatmapNetwork(config, JOINTS)


def crops(count: int = 2, size_px: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    shape = (count, 3, size_px, size_px)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("modules", [(1,), (2, 1), (1, 1, 2)])
@pytest.mark.parametrize("size_px", [32, 64])
def test_maps_have_a_quarter_of_the_crops_side(modules: tuple[int, ...], size_px: int) -> None:
    network = seeded(TINY.model_copy(update={"modules": modules}))
    assert network(crops(2, size_px)).shape == (2, JOINTS, size_px // 4, size_px // 4)


def test_the_paper_size_has_the_weights_of_the_published_network() -> None:
    """Sun et al. 2019 give HRNet-W32 28.5 million parameters."""
    with torch.device("meta"):
        network = HeatmapNetwork(detector("paper").network, JOINTS)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(28.5, abs=0.05)


def test_gradient_reaches_every_weight() -> None:
    parts.check_gradient_reaches_every_parameter(seeded(), crops(4, 64))


def test_evaluation_is_deterministic_and_images_do_not_mix() -> None:
    network = seeded().eval()
    images = crops(3)
    parts.check_deterministic_in_evaluation(network, images)
    torch.testing.assert_close(network(images)[1:2], network(images[1:2]))


def branches(seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(2, 4 * 2**i, 16 // 2**i, 16 // 2**i, generator=generator) for i in range(3)]


@pytest.mark.parametrize("silenced", range(3))
def test_every_branch_reaches_every_other_in_one_exchange(silenced: int) -> None:
    torch.manual_seed(0)
    exchange = Exchange([4, 8, 16], blocks=1, outputs=3).eval()
    whole = exchange(branches())
    cut = branches()
    cut[silenced] = torch.zeros_like(cut[silenced])
    for before, after in zip(whole, exchange(cut), strict=True):
        assert before.shape == after.shape
        assert (before - after).abs().max() > 1e-3


def test_a_split_adds_a_branch_of_half_the_resolution_and_keeps_the_others() -> None:
    two = branches()[:2]
    kept, also, born = Split([4, 8], [4, 8, 16])(two)
    assert torch.equal(kept, two[0])
    assert torch.equal(also, two[1])
    assert born.shape == (2, 16, 4, 4)


def studio_batch(count: int) -> ImageBatch:
    clips = studio_clips(
        3, 2.0, subjects=3, actions=["walk", "wave"], detections="gt", images=True, stride=25
    )
    windows = [window for clip in clips for window in image_windows([clip], "h36m17")]
    chosen = windows[:: len(windows) // count][:count]
    joints, inputs = joint_set("h36m17"), detector("small").inputs(training=False)
    batch = prepare(chosen, inputs, joints, np.random.default_rng(0))
    return finish(batch, inputs, joints, torch.device("cpu"))


def trained(batch: ImageBatch, steps: int) -> HeatmapNetwork:
    network = seeded(detector("small").network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=5e-3)
    assert batch.heatmaps is not None
    for _ in range(steps):
        loss = heatmap_mse(network(batch.images[:, 0]), batch.heatmaps[:, 0], batch.score[:, 0])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


def test_it_learns_eight_studio_images_to_a_few_pixels() -> None:
    batch = studio_batch(8)
    network = trained(batch, 150)
    with torch.no_grad():
        maps = network(batch.images[:, 0])
    place, _ = soft_peaks(maps, 4.5)
    result = detected(place, batch.keypoints[:, 0], batch.score[:, 0])
    assert result.keypoints > 100
    assert result.pck > 0.95
    # Of crops of 128 px: 1.3 px.
    assert result.mean_distance < 0.01


def test_training_twice_gives_the_same_weights() -> None:
    batch = studio_batch(2)
    one, two = (trained(batch, 3).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
