"""Reading keypoint shards from a real S3 server on this machine, side by side in one run.

Ours: `read_split`, a Ray Data job whose every shard is checked against its SHA-256. Theirs: a
bare scan of the same Parquet files by pyarrow's dataset, all columns, unchecked. Target: at least
0.7 of its bytes a second.

Run `python tests/benchmarks/reading.py [--mb N] [--rounds N] [--json FILE]`; it starts an S3
server and a Ray cluster of its own.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
os.environ |= {
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}

import numpy as np  # noqa: E402
import pyarrow.dataset as ds  # noqa: E402
import pyarrow.fs  # noqa: E402
from tests.clip_files import make_clip  # noqa: E402
from tests.conftest import free_port  # noqa: E402

from monopose import cluster, storage  # noqa: E402
from monopose.data.clip import Clip  # noqa: E402
from monopose.data.ingest import read_split  # noqa: E402
from monopose.data.manifest import Manifest  # noqa: E402
from monopose.data.shards import write_clips  # noqa: E402
from monopose.embedded import object_store  # noqa: E402
from monopose.embedded.processes import stop, wait_until_ready  # noqa: E402
from monopose.embedded.state import Ports, new_state  # noqa: E402

FRAMES = 4096


def main() -> None:
    """Starts the servers, writes the shards, times both and prints the figures."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        state = new_state(Ports(s3=free_port()))
        started, process = object_store.start(state, Path(folder))
        try:
            assert wait_until_ready(process, lambda: object_store.is_ready(state), timeout_s=20)
            os.environ |= object_store.environment(state)
            figures = _measure(options)
        finally:
            stop(started)
            process.wait(5)
    print(json.dumps(figures))
    if options.json:
        options.json.write_text(json.dumps(figures))


def _measure(options: argparse.Namespace) -> dict[str, object]:
    import ray

    uri = storage.join(storage.root(), "data", "keypoints")
    manifest = write_clips(_clips(options.mb << 20), uri, dataset="keypoints")
    megabytes = sum(shard.bytes for shard in manifest.shards) / 2**20
    cluster.connect(num_cpus=4)
    _ours(uri, manifest)  # the first pass also starts Ray's processes
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(megabytes / _ours(uri, manifest))
        theirs.append(megabytes / _theirs(uri, manifest))
    ray.shutdown()
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {
        "megabytes": round(megabytes),
        "shards": len(manifest.shards),
        "ours_mb_per_s": [round(rate) for rate in ours],
        "pyarrow_mb_per_s": [round(rate) for rate in theirs],
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }


def _clips(size_bytes: int) -> Iterator[Clip]:
    """Takes of four views whose numbers compress as little as real ones."""
    rng = np.random.default_rng(0)
    per_clip = FRAMES * 17 * 4 * (3 + 4 * 3)
    for number in range(max(4, size_bytes // per_clip)):
        shape = (4, FRAMES, 17)
        yield make_clip(
            FRAMES,
            clip_id=f"set/S{number}/walk",
            cameras=make_clip(1).cameras * 2,
            pose_world_m=rng.standard_normal((FRAMES, 17, 3), np.float32),
            keypoints_px=rng.standard_normal((*shape, 2), np.float32),
            keypoint_score=rng.random(shape, np.float32),
        )


def _ours(uri: str, manifest: Manifest) -> float:
    began, frames = time.perf_counter(), 0
    rows = read_split(uri, manifest, "train")
    for batch in rows.iter_batches(batch_size=None, batch_format="pyarrow"):
        frames += sum(batch.column("num_frames").to_pylist())
    assert frames == manifest.frames
    return time.perf_counter() - began


def _theirs(uri: str, manifest: Manifest) -> float:
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    fs = pyarrow.fs.S3FileSystem(
        endpoint_override=endpoint.removeprefix("http://"), scheme="http", region="us-east-1"
    )
    files = [f"{uri.removeprefix('s3://')}/{shard.name}" for shard in manifest.shards]
    began, frames = time.perf_counter(), 0
    for batch in ds.dataset(files, filesystem=fs, format="parquet").to_batches():
        frames += sum(batch.column("num_frames").to_pylist())
    assert frames == manifest.frames
    return time.perf_counter() - began


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, default=1024, help="size of the data before compression")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
