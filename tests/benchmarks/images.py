"""Image batches, side by side in one run: JPEGs of 256 px to augmented 128 x 128 batches.

- The platform's stream, from shards through Ray Data and without it, against PyTorch's DataLoader
  with 2 worker processes over the same JPEGs as files (image_dataset.py), the same operations.
  Target: at least 1.0. Both keep 8-bit images and draw no heatmaps. Timed from a quarter of a pass
  on, when pool and workers are up; what came before is told apart. CPU time per image counts all
  processes, which says more than the clock on a machine that others use too.
- Where to warp: OpenCV in the decoding threads against one batched warp on the device.
- Memory: peaks over a set four times the budget, for this process, Ray's processes and its store.
  A budget is half `pool_bytes` and half what Ray may keep (`memory_bytes`).

Run `python tests/benchmarks/images.py [--rounds N] [--images N] [--no-ray] [--json FILE]`.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
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
import torch  # noqa: E402
from tests.benchmarks.image_dataset import Labels, PlainDataset  # noqa: E402
from tests.benchmarks.usage import cpu_s, watched  # noqa: E402
from tests.image_clips import CENTRE, FOCAL, image_clip, textured  # noqa: E402
from tests.present import present  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from monopose.data.images.batches import finish, prepare  # noqa: E402
from monopose.data.images.encoded import encode  # noqa: E402
from monopose.data.images.windows import image_windows  # noqa: E402
from monopose.data.manifest import Manifest  # noqa: E402
from monopose.data.shard_files import stored_blocks  # noqa: E402
from monopose.data.shards import Cutting, write_clips  # noqa: E402
from monopose.recipes.images import ImageAugmentation, ImageInputs  # noqa: E402
from monopose.skeleton import joint_set  # noqa: E402
from monopose.training.images import StreamedImages  # noqa: E402

BATCH, SIZE_PX, STORED_PX, POOL_BYTES = 64, 128, 256, 16 << 20
DISTINCT = 200  # JPEGs that are made; more images are the same again under other names
BUDGET_BYTES = 100_000_000
RAY_BYTES = BUDGET_BYTES // 2
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
    image_bytes: int


def write(folder: Path, images: int) -> Data:
    """One-frame clips, so that nothing is saved by frames that share a clip."""
    (folder / "files").mkdir()
    rng = np.random.default_rng(0)
    jpegs = [encode(textured(STORED_PX, rng)) for _ in range(DISTINCT)]
    paths = [folder / "files" / f"{index:06d}.jpg" for index in range(DISTINCT)]
    for path, jpeg in zip(paths, jpegs, strict=True):
        path.write_bytes(jpeg)
    people = [image_clip(f"set/S{k % 7}/{k}", 1, size_px=16) for k in range(DISTINCT)]
    people = [replace(p, image=((jpeg,),)) for p, jpeg in zip(people, jpegs, strict=True)]
    clips = (replace(people[k % DISTINCT], clip_id=f"set/S1/{k:06d}") for k in range(images))
    uri = str(folder / "set")
    manifest = write_clips(clips, uri, dataset="set", cutting=Cutting(shard_bytes=16 << 20))
    places = [k % DISTINCT for k in range(images)]
    pose_m = np.stack([present(p.pose_camera_m)[0, 0] for p in people])[places]
    labels = Labels(
        np.stack([present(p.crop_box_px)[0, 0] for p in people])[places],
        np.stack([present(p.keypoints_px)[0, 0] for p in people])[places],
        pose_m - pose_m[:, :1],
        FOCAL,
        np.array(CENTRE),
    )
    total = sum(len(jpegs[place]) for place in places)
    return Data(uri, manifest, [paths[place] for place in places], labels, total)


@dataclass(frozen=True)
class Pace:
    """Images a second, CPU time per image, and seconds before the timing began."""

    rate: float
    cpu_us: float
    warm_up_s: float = 0.0


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

    def rate(self) -> Pace:
        """Of one epoch."""
        began, spent = time.perf_counter(), cpu_s()
        count = sum(len(batch["image"]) for batch in self.loader)
        return Pace(count / (time.perf_counter() - began), (cpu_s() - spent) / count * 1e6)


def stream_rate(start_pass: Callable[[], Iterator[Any]], images: int, threads: int = 2) -> Pace:
    """Of the second to the last quarter of a pass, refilling of the pool included."""
    stream = StreamedImages(
        start_pass, INPUTS, "h36m17", BATCH, CPU, threads=threads, pool_bytes=POOL_BYTES
    )
    quarter, started = images // BATCH // 4, time.perf_counter()
    batches = stream.epoch(0, 4 * quarter)
    for _ in range(quarter):
        next(batches)
    began, spent = time.perf_counter(), cpu_s()
    count = sum(len(batch.images) for batch in batches)
    rate = count / (time.perf_counter() - began)
    return Pace(rate, (cpu_s() - spent) / count * 1e6, began - started)


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


def memory_growth(start_pass: Callable[[], Iterator[Any]], data: Data) -> dict[str, Any]:
    """Peaks over the first quarter of the set and over the rest, MB, above the start."""
    steps = len(data.files) // BATCH
    stream = StreamedImages(start_pass, INPUTS, "h36m17", BATCH, CPU, pool_bytes=BUDGET_BYTES // 2)
    with watched() as memory:
        batches = stream.epoch(0, steps)
        for _ in range(steps // 4):
            next(batches)
        memory.start()
        for _ in batches:
            pass
    first, rest = ({k: round(v, 1) for k, v in peaks.items()} for peaks in memory.stretches)
    sizes = {"budget": BUDGET_BYTES / 1e6, "set": round(data.image_bytes / 1e6, 1)}
    return {**sizes, "first quarter": first, "rest": rest}


def paces(
    data: Data, sources: dict[str, Callable[[], Iterator[Any]]], rounds: int
) -> dict[str, list[Pace]]:
    """Baselines and sources in turns."""
    loaders = {f"prefetch {count}": Loader(data, count) for count in (2, 4)}
    found: dict[str, list[Pace]] = {name: [] for name in (*sources, *loaders)}
    for _ in range(rounds):
        for name, loader in loaders.items():
            found[name].append(loader.rate())
        for name, start_pass in sources.items():
            found[name].append(stream_rate(start_pass, len(data.files)))
    return found


def compared(found: dict[str, list[Pace]], sources: Iterable[str]) -> dict[str, Any]:
    """Ratios to the faster baseline, round by round; prints the table."""
    rates = {name: [pace.rate for pace in runs] for name, runs in found.items()}
    cpu_us = {name: statistics.median(p.cpu_us for p in runs) for name, runs in found.items()}
    baselines = [name for name in found if name not in sources]
    best = max(baselines, key=lambda name: statistics.median(rates[name]))
    report: dict[str, Any] = {"rates": rates, "cpu_us": cpu_us, "baseline": best}
    theirs = f"DataLoader ({best}) {statistics.median(rates[best]):,.0f}, {cpu_us[best]:.0f} us"
    for name in sources:
        ratios = [a / b for a, b in zip(rates[name], rates[best], strict=True)]
        report[f"ratio, {name}"] = statistics.median(ratios)
        report[f"warm-up, {name}"] = [round(pace.warm_up_s, 2) for pace in found[name]]
        ours = f"{statistics.median(rates[name]):,.0f} images/s, {cpu_us[name]:.0f} us CPU each"
        print(f"{name:<26} {ours}; {theirs}")
        spread = f"[{min(ratios):.2f}, {max(ratios):.2f}]"
        cpu = f"CPU time {cpu_us[best] / cpu_us[name]:.2f} times less"
        print(f"{'':<26} ratio {statistics.median(ratios):.2f} {spread}, {cpu}")
    return report


def main() -> None:
    """Runs everything and prints the table and the JSON."""
    options = _options()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        data = write(Path(folder), options.images)
        sources = {"shards": lambda: stored_blocks(data.uri, data.manifest, "train")}
        if not options.no_ray:
            sources["shards through Ray Data"] = _through_ray(data)
        memory = {name: memory_growth(call, data) for name, call in sources.items()}
        print(json.dumps({"memory, MB": memory}, indent=1))
        report = compared(paces(data, sources, options.rounds), sources)
        report["memory"] = memory
        report["warp, OpenCV and batched"] = warp_rates(data, 4)
        report["load"] = os.getloadavg()
    text = json.dumps(report)
    print(text)
    if options.json:
        options.json.write_text(text)


def _through_ray(data: Data) -> Callable[[], Iterator[Any]]:
    from monopose import cluster
    from monopose.data.ingest import clip_blocks, read_split

    cluster.connect(num_cpus=3)
    rows = read_split(data.uri, data.manifest, "train", images=True, memory_bytes=RAY_BYTES)
    iterator = rows.iterator()
    return lambda: clip_blocks(iterator)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=24_000)
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
