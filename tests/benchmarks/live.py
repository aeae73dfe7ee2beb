"""Time of one frame through the live form of a causal model, on one core.

Camera frame to pose, everything included: joint conversion, both ways of a flip-averaged model,
confidence. Beside it the same pose by a pass over the frames that the model sees, which is what
live use costs without rings. Figures are p50 and p99 over all frames after a warm-up.

Run `python tests/benchmarks/live.py [--frames N] [--model FOLDER] [--json FILE]`; without a model
the weights are random, which costs the same.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

import numpy as np  # noqa: E402
import torch  # noqa: E402

from monopose.geometry.camera import Camera  # noqa: E402
from monopose.inference.predictor import Keypoints2d, Predictor  # noqa: E402
from monopose.inference.stream import LiveLifter  # noqa: E402
from monopose.models.estimator import build  # noqa: E402
from monopose.models.size import as_large_as, size_of  # noqa: E402
from monopose.recipes.parts import MultiStrideTcn, SingleStrideTcn  # noqa: E402
from monopose.recipes.presets import load  # noqa: E402

CAMERA = Camera("live", width=1000, height=1000)
WARM_UP = 100
BASE = load("videopose3d")
TEMPORALS: dict[str, SingleStrideTcn | MultiStrideTcn] = {
    "tcn_single 3x3x3, causal": SingleStrideTcn(filter_widths=(3, 3, 3), causal=True),
    "tcn_multi 1 2 4 8, 3x3, causal": MultiStrideTcn(filter_widths=(3, 3), causal=True),
}


def main() -> None:
    """Measures every model and prints the table and the JSON."""
    options = _options()
    torch.set_num_threads(1)
    rows = {}
    print(f"{'ms a frame, one thread':<44} {'p50':>7} {'p99':>7}   whole field: p50     p99")
    for name, predictor in _predictors(options.model):
        live, whole = _times_ms(predictor, options.frames)
        row = [float(np.quantile(t, q)) for t in (live, whole) for q in (0.5, 0.99)]
        print(f"{name:<44} {row[0]:7.3f} {row[1]:7.3f}   {row[2]:16.3f} {row[3]:7.3f}")
        rows[name] = dict(
            zip(("p50_ms", "p99_ms", "whole_p50_ms", "whole_p99_ms"), row, strict=True)
        )
    text = json.dumps(rows)
    print(text)
    if options.json:
        options.json.write_text(text)


def _predictors(model: str | None) -> list[tuple[str, Predictor]]:
    if model is not None:
        loaded = Predictor.load(model)
        return [(loaded.model_id, loaded)]
    predictors = []
    for name, temporal in TEMPORALS.items():
        recipe = as_large_as(BASE.model_copy(update={"temporal": temporal}), BASE)
        title = f"{name}, {size_of(recipe) / 1e3:.0f} k"
        predictors.append((title, Predictor(build(recipe), recipe, title)))
    return predictors


def _times_ms(predictor: Predictor, frames: int) -> tuple[list[float], list[float]]:
    """Of each frame: fed live, and by a pass over the frames that its pose sees."""
    joints, seen = len(predictor.joints), predictor.estimator.context.frames
    rng = np.random.default_rng(0)
    keypoints_px = rng.uniform(200, 800, (frames + WARM_UP, joints, 2))
    score = np.ones((frames + WARM_UP, joints))
    lifter = LiveLifter(predictor, predictor.joints.name, CAMERA)
    live = _timed(lambda t: lifter.push(keypoints_px[t], score[t]), frames)

    def window(t: int) -> object:
        part = slice(max(0, t - seen + 1), t + 1)
        given = Keypoints2d(keypoints_px[part], score[part], predictor.joints.name, CAMERA)
        return predictor.lift([given])

    return live, _timed(window, min(frames, 300))


def _timed(work: Callable[[int], object], frames: int) -> list[float]:
    times_ms = []
    for index in range(frames + WARM_UP):
        began = time.perf_counter()
        work(index)
        times_ms.append(1000 * (time.perf_counter() - began))
    return times_ms[WARM_UP:]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--model")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
