"""Images from shards through Ray Data to batches: same values, bounded memory, no bytes unasked."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.image_clips import image_clips
from tests.present import present

from monopose.data.ingest import clip_blocks, read_split, whole_takes
from monopose.data.shard_files import stored_blocks
from monopose.data.shards import Cutting, write_clips
from monopose.errors import IntegrityError
from monopose.recipes.images import ImageInputs
from monopose.training.images import StreamedImages

INPUTS = ImageInputs(size_px=32, heatmap_px=None)
BUDGET = 12 << 20

# Peak memory above what a first pass of a quarter of the set took, MB, in a process of its own.
GROWTH = """
import resource, sys
from monopose.data.shard_files import stored_blocks
from monopose.data.shards import read_manifest
from monopose.recipes.images import ImageInputs
from monopose.training.images import StreamedImages
import torch
uri, budget, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
manifest = read_manifest(uri)
inputs = ImageInputs(size_px=32, heatmap_px=None)
stream = StreamedImages(lambda: stored_blocks(uri, manifest, "train"), inputs, "h36m17", 16,
                        torch.device("cpu"), pool_bytes=budget)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
for index, batch in enumerate(stream.epoch(0, steps)):
    if index == steps // 4:
        early = peak()
print(peak() - early)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """About four times BUDGET of images, in shards of a third of it."""
    uri = str(tmp_path_factory.mktemp("images") / "set")
    clips = image_clips(700, frames=2, size_px=384)
    manifest = write_clips(clips, uri, dataset="set", cutting=Cutting(shard_bytes=4 << 20))
    assert sum(shard.bytes for shard in manifest.shards) > 4 * BUDGET
    return uri


def test_memory_stays_flat_over_four_times_the_budget(folder: str) -> None:
    command = [sys.executable, "-c", GROWTH, folder, str(BUDGET), str(1400 // 16)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # The set has 48 MB: holding it, or a second pool, would show.
    assert float(done.stdout) < 2 * BUDGET / (1 << 20)


@pytest.mark.ray
def test_ray_data_gives_the_batches_that_the_shards_give(ray_cluster: None, folder: str) -> None:
    from monopose.data.shards import read_manifest

    manifest = read_manifest(folder)
    rows = read_split(folder, manifest, "train", images=True, memory_bytes=2 * BUDGET).iterator()
    device = torch.device("cpu")
    through_ray = StreamedImages(lambda: clip_blocks(rows), INPUTS, "h36m17", 16, device)
    direct = StreamedImages(
        lambda: stored_blocks(folder, manifest, "train"), INPUTS, "h36m17", 16, device
    )
    pairs = zip(through_ray.epoch(0, 20), direct.epoch(0, 20), strict=True)
    for ours, theirs in pairs:
        torch.testing.assert_close(ours.images, theirs.images)
        torch.testing.assert_close(ours.keypoints, theirs.keypoints)


@pytest.mark.ray
def test_keypoint_training_reads_no_images(ray_cluster: None, folder: str) -> None:
    from monopose.data.shards import read_manifest

    takes = whole_takes(read_split(folder, read_manifest(folder), "train").iterator())
    assert len(takes) == 700
    assert all(take.image is None for take in takes)
    assert present(takes[0].keypoints_px).shape == (1, 2, 17, 2)


@pytest.mark.ray
def test_a_damaged_shard_is_named_through_ray(ray_cluster: None, tmp_path: Path) -> None:
    uri = str(tmp_path / "set")
    manifest = write_clips(image_clips(4), uri, dataset="set")
    path = Path(uri, manifest.shards[0].name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    rows = read_split(uri, manifest, "train", images=True).iterator()
    with pytest.raises(IntegrityError, match=rf"{path.name}: shard is altered"):
        list(clip_blocks(rows))
