"""The endpoint against what it replaces, side by side in one run on loopback.

- Ray Serve with HAProxy, one replica, against the same routes and model in bare uvicorn (one
  process, no batching): single-frame requests, 32 clients. Target: at least 0.9.
- 243-frame sequences through Serve against `Predictor.lift` in a loop, frames a second, equal
  torch threads. Target: at least 0.8.

Run `python tests/benchmarks/serving.py [--pairs N] [--json FILE]`; it starts and stops a Ray
cluster of its own. The runs alternate, and the ratio is the median over the pairs.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
os.environ |= {
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "2",
    "RAY_worker_niceness": "0",  # Ray's default of 15 would let every other process go first
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")]),
}

import numpy as np  # noqa: E402
import orjson  # noqa: E402

CLIENTS, SEQUENCE_CLIENTS, SEQUENCE_FRAMES = 32, 8, 243
THREADS = 1


def main() -> None:
    """Runs everything and prints the table and the JSON."""
    options = _options()
    if options.plain:
        serve_plain(options.port, options.plain)
        return
    if options.direct:
        print(json.dumps({"frames_per_s": lift_directly(options.direct, options.sequences)}))
        return
    with tempfile.TemporaryDirectory() as folder:
        report = compare(Path(folder), options)
    print(_table(report))
    print(json.dumps(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2))


def compare(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Alternates the two sides; returns every run and the median ratios."""
    model = save_random_model(folder)
    single, sequence = folder / "single.json", folder / "sequence.json"
    single.write_bytes(request_body(1))
    sequence.write_bytes(request_body(SEQUENCE_FRAMES))
    runs: dict[str, list[dict[str, float]]] = {k: [] for k in ("a", "b", "c", "d")}
    with ray_endpoint(model) as a_port, plain_endpoint(model) as b_port:
        for port in (a_port, b_port):
            load(port, single, CLIENTS, 500)
        for _ in range(options.pairs):
            runs["a"].append(load(a_port, single, CLIENTS, options.requests))
            runs["b"].append(load(b_port, single, CLIENTS, options.requests))
        for _ in range(options.pairs):
            through = load(a_port, sequence, SEQUENCE_CLIENTS, options.sequences)
            runs["c"].append({"frames_per_s": through["requests_per_s"] * SEQUENCE_FRAMES})
            runs["d"].append(_python("--direct", model, "--sequences", str(options.sequences)))
    return {
        "serve_to_uvicorn": _ratio(runs["a"], runs["b"], "requests_per_s"),
        "sequences_to_direct": _ratio(runs["c"], runs["d"], "frames_per_s"),
        "serve": runs["a"],
        "uvicorn": runs["b"],
        "sequences_serve": runs["c"],
        "sequences_direct": runs["d"],
        "cores": os.cpu_count(),
        "torch_threads": THREADS,
    }


def save_random_model(folder: Path) -> str:
    """A model folder of the default size (256 channels, 27 frames) with random weights."""
    from monopose.models.estimator import build
    from monopose.recipes.recipe import Recipe
    from monopose.training.checkpoint import save_model

    recipe = Recipe(name="benchmark")
    uri = str(folder / "benchmark")
    save_model(uri, build(recipe), recipe, {})
    return uri


def request_body(frames: int) -> bytes:
    """A request of COCO keypoints with a tenth of a pixel of precision."""
    keypoints = np.random.default_rng(0).uniform(100, 900, (frames, 17, 2)).round(1)
    content = {"joint_set": "coco17", "image_size": [1000, 1000], "keypoints": keypoints.tolist()}
    return orjson.dumps(content)


@contextlib.contextmanager
def ray_endpoint(model: str) -> Iterator[int]:
    """Ray Serve on a port of loopback, one replica."""
    import ray
    from ray import serve

    from serve.app import Settings, build_app

    port = _free_port()
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        settings = Settings(models={"champion": model}, max_replicas=1, torch_threads=THREADS)
        serve.run(build_app(settings), name="monopose")
        _wait_for(port)
        yield port
    finally:
        serve.shutdown()  # Without it the proxy stays behind and holds its ports.
        ray.shutdown()


@contextlib.contextmanager
def plain_endpoint(model: str) -> Iterator[int]:
    """uvicorn on a port of loopback, one process."""
    port = _free_port()
    command = [sys.executable, __file__, "--plain", model, "--port", str(port)]
    process = subprocess.Popen(command)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def serve_plain(port: int, model: str) -> None:
    """The same routes, checks and model, each request lifted on its own."""
    import torch
    import uvicorn

    from serve.api import create_api
    from serve.schemas import Limits
    from serve.served_models import lift
    from serve.served_models import load as load_models

    class Plain:
        models = load_models({"champion": model}, "cpu")
        limits = Limits()
        keys: tuple[bytes, ...] = ()
        refused = ""

        async def lift(self, model: Any, request: Any) -> Any:
            return lift([(model, request.keypoints)])[0]

    torch.set_num_threads(THREADS)
    uvicorn.run(create_api(Plain()), host="127.0.0.1", port=port, log_level="warning")


def lift_directly(model: str, sequences: int) -> float:
    """Frames a second of Predictor.lift alone, sequence by sequence."""
    import torch

    from serve.lift_request import parse
    from serve.schemas import Limits
    from serve.served_models import load as load_models

    torch.set_num_threads(THREADS)
    predictor = load_models({"champion": model}, "cpu").served[0].predictor
    keypoints = parse(request_body(SEQUENCE_FRAMES), Limits()).keypoints
    predictor.lift([keypoints])
    begin_s = time.perf_counter()
    for _ in range(sequences):
        predictor.lift([keypoints])
    return sequences * SEQUENCE_FRAMES / (time.perf_counter() - begin_s)


def load(port: int, body: Path, clients: int, requests: int) -> dict[str, float]:
    """One run of the load generator, in a process of its own."""
    script = Path(__file__).with_name("http_load.py")
    command = [sys.executable, str(script), str(port), str(body), str(clients), str(requests)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def _python(*arguments: str) -> dict[str, float]:
    command = [sys.executable, __file__, *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def _ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]], key: str) -> float:
    return statistics.median(a[key] / b[key] for a, b in zip(ours, theirs, strict=True))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _table(report: dict[str, Any]) -> str:
    lines = [f"{'side':<20}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}"]
    for side in ("serve", "uvicorn"):
        middle = [
            statistics.median(run[key] for run in report[side])
            for key in ("requests_per_s", "p50_ms", "p99_ms")
        ]
        lines.append(f"{side:<20}{middle[0]:>12.0f}{middle[1]:>10.1f}{middle[2]:>10.1f}")
    for side in ("sequences_serve", "sequences_direct"):
        frames_per_s = statistics.median(run["frames_per_s"] for run in report[side])
        lines.append(f"{side:<20}{frames_per_s:>12.0f} frames/s")
    lines.append(f"serve / uvicorn      {report['serve_to_uvicorn']:.2f} (target 0.90)")
    lines.append(f"sequences / direct   {report['sequences_to_direct']:.2f} (target 0.80)")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--requests", type=int, default=4000, help="of a single-frame run")
    parser.add_argument("--sequences", type=int, default=200, help="of a sequence run")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--plain", help=argparse.SUPPRESS)
    parser.add_argument("--direct", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
