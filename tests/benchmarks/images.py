"""Image batches, side by side in one run: JPEGs of 256 px to augmented 128 x 128 batches.

- The platform's stream, from shards through Ray Data and without it, against PyTorch's DataLoader
  with 2 worker processes over the same JPEGs as files (image_dataset.py), the same operations.
  Target: at least 1.0. Both keep 8-bit images and draw no heatmaps.
- Where to warp: OpenCV in the decoding threads against one batched warp on the device.
- Memory: peak growth of this process and of the object store over a set four times the budget.

Run `python tests/benchmarks/images.py [--rounds N] [--images N] [--no-ray] [--json FILE]`.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
os.environ |= {
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_worker_niceness": "0",  # Ray's default of 15 would let every other process go first
}

import numpy as np  # noqa: E402
import psutil  # noqa: E402
import torch  # noqa: E402
from tests.benchmarks.image_dataset import Labels, PlainDataset  # noqa: E402
from tests.image_clips import CENTRE, FOCAL, image_clips  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from monopose.data.images.batches import finish, prepare  # noqa: E402
from monopose.data.images.windows import image_windows  # noqa: E402
from monopose.data.manifest import Manifest  # noqa: E402
from monopose.data.shard_files import stored_blocks  # noqa: E402
from monopose.data.shards import Cutting, write_clips  # noqa: E402
from monopose.recipes.images import ImageAugmentation, ImageInputs  # noqa: E402
from monopose.skeleton import joint_set  # noqa: E402
from monopose.training.images import StreamedImages  # noqa: E402

BATCH, SIZE_PX, STORED_PX, POOL_BYTES = 64, 128, 256, 16 << 20
CHANGE = ImageAugmentation()
INPUTS = ImageInputs(size_px=SIZE_PX, heatmap_px=None, augmentation=CHANGE)
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Data:
    """The same crops twice: as shards and as files with their labels."""

    uri: str
    manifest: Manifest
    files: list[Path]
    labels: Labels


def write(folder: Path, images: int) -> Data:
    """Shards of about 8 MB, so that a small set has many."""
    (folder / "files").mkdir()
    boxes, keypoints, poses, files = [], [], [], []

    def clips() -> Iterator[Any]:
        for index, clip in enumerate(image_clips(images, 1, STORED_PX)):
            assert clip.image is not None
            assert clip.crop_box_px is not None
            assert clip.keypoints_px is not None
            assert clip.pose_camera_m is not None
            path = folder / "files" / f"{index:06d}.jpg"
            path.write_bytes(clip.image[0][0])
            files.append(path)
            boxes.append(clip.crop_box_px[0, 0])
            keypoints.append(clip.keypoints_px[0, 0])
            poses.append(clip.pose_camera_m[0, 0] - clip.pose_camera_m[0, 0, :1])
            yield clip

    uri = str(folder / "set")
    manifest = write_clips(clips(), uri, dataset="set", cutting=Cutting(shard_bytes=8 << 20))
    stacked = (np.stack(boxes), np.stack(keypoints), np.stack(poses))
    return Data(uri, manifest, files, Labels(*stacked, FOCAL, np.array(CENTRE)))


class Loader:
    """The baseline with its processes already up, as after its first epoch."""

    def __init__(self, data: Data, prefetch: int) -> None:
        torch.manual_seed(0)
        self.loader = DataLoader(
            PlainDataset(data.files, data.labels, SIZE_PX, CHANGE),
            batch_size=BATCH,
            shuffle=True,
            num_workers=2,
            persistent_workers=True,
            prefetch_factor=prefetch,
            drop_last=True,
        )
        self.rate()

    def rate(self) -> float:
        """Images a second of one epoch."""
        began = time.perf_counter()
        count = sum(len(batch["image"]) for batch in self.loader)
        return count / (time.perf_counter() - began)


def stream_rate(start_pass: Callable[[], Iterator[Any]], images: int, threads: int = 2) -> float:
    """Images a second over a whole pass in the middle of a run, refilling of the pool included."""
    stream = StreamedImages(
        start_pass, INPUTS, "h36m17", BATCH, CPU, threads=threads, pool_bytes=POOL_BYTES
    )
    steps, count, began = images // BATCH, 0, 0.0
    for step, batch in enumerate(stream.epoch(0, steps + steps // 4)):
        if step == steps // 4:
            began = time.perf_counter()
        count += len(batch.images) * (step > steps // 4)
    return count / (time.perf_counter() - began)


def warp_rates(data: Data, batches: int) -> tuple[float, float]:
    """Images a second, one thread: warped by OpenCV as decoded, and batched on the device."""
    blocks = stored_blocks(data.uri, data.manifest, "train")
    windows = [w for clips in blocks for w in image_windows(clips, "h36m17")][:BATCH]
    joints, rates = joint_set("h36m17"), []
    for on_device in (False, True):
        began = time.perf_counter()
        for step in range(batches):
            rng = np.random.default_rng(step)
            finish(prepare(windows, INPUTS, joints, rng, on_device=on_device), INPUTS, joints, CPU)
        rates.append(batches * len(windows) / (time.perf_counter() - began))
    return rates[0], rates[1]


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Peak growth inside, MB: `own` of this process without what it shares with the store."""
    process, found, over = psutil.Process(), {"own": 0.0}, threading.Event()

    def own() -> float:
        memory = process.memory_info()
        return float(memory.rss - memory.shared) / 2**20

    before = own()

    def watch() -> None:
        while not over.wait(0.05):
            found["own"] = max(found["own"], own() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def memory_growth(start_pass: Callable[[], Iterator[Any]], data: Data) -> dict[str, float]:
    """Growth over the whole set after a first quarter of it, with a pool of a quarter of it."""
    budget = sum(shard.bytes for shard in data.manifest.shards) // 4
    steps = len(data.files) // BATCH
    stream = StreamedImages(start_pass, INPUTS, "h36m17", BATCH, CPU, pool_bytes=budget // 2)
    with watched() as whole:
        batches = stream.epoch(0, steps)
        for _ in range(steps // 4):
            next(batches)
        first = whole["own"]
        for _ in batches:
            pass
    growth = {"budget_mb": budget / 2**20, "first_quarter_mb": first, "whole_mb": whole["own"]}
    return {name: round(value, 1) for name, value in growth.items()}


def main() -> None:
    """Runs everything and prints the table and the JSON."""
    options = _options()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        data = write(Path(folder), options.images)
        sources = {"shards": lambda: stored_blocks(data.uri, data.manifest, "train")}
        if not options.no_ray:
            sources["shards through Ray Data"] = _through_ray(data)
        loaders = {f"prefetch {count}": Loader(data, count) for count in (2, 4)}
        rates: dict[str, list[float]] = {name: [] for name in (*sources, *loaders)}
        for _ in range(options.rounds):
            for name, loader in loaders.items():
                rates[name].append(loader.rate())
            for name, start_pass in sources.items():
                rates[name].append(stream_rate(start_pass, options.images))
        best = max(loaders, key=lambda name: statistics.median(rates[name]))
        report: dict[str, Any] = {"rates": rates, "baseline": best}
        for name in sources:
            ratios = [a / b for a, b in zip(rates[name], rates[best], strict=True)]
            report[f"ratio, {name}"] = statistics.median(ratios)
            ours, theirs = (statistics.median(rates[key]) for key in (name, best))
            spread = f"[{min(ratios):.2f}, {max(ratios):.2f}]"
            print(f"{name:<26} {ours:>7,.0f} images/s, DataLoader ({best}) {theirs:>7,.0f}")
            print(f"{'':<26} ratio {statistics.median(ratios):.2f} {spread}")
        report["warp, OpenCV and batched"] = warp_rates(data, 4)
        report["memory"] = {name: memory_growth(call, data) for name, call in sources.items()}
    text = json.dumps(report)
    print(text)
    if options.json:
        options.json.write_text(text)


def _through_ray(data: Data) -> Callable[[], Iterator[Any]]:
    from monopose import cluster
    from monopose.data.ingest import clip_blocks, read_split

    cluster.connect(num_cpus=3)
    budget = 64 << 20
    rows = read_split(data.uri, data.manifest, "train", images=True, memory_bytes=budget).iterator()
    return lambda: clip_blocks(rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
