"""What hiding keypoints costs, as a share of a training step: target, at most 0.05.

A step is what the loop does for one batch of paper A's small preset on labels alone (128 chunks of
8 frames and their context of 40, 17 joints), cutting and augmenting included; `occlude` is timed on
the same batches, in turns with the steps.

Run `python tests/benchmarks/occlusion.py [--epochs N] [--threads N] [--json FILE]`.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

import torch  # noqa: E402
from tests.moving_clips import moving_tensors  # noqa: E402

from monopose.data.batches import Batch  # noqa: E402
from monopose.data.occlusion import occlude  # noqa: E402
from monopose.recipes.parts import Occlusion  # noqa: E402
from monopose.skeleton import joint_set  # noqa: E402
from monopose.training.loop import fit, start  # noqa: E402
from monopose.training.run import cached  # noqa: E402
from monopose.training.sources import CachedBatches  # noqa: E402
from monopose.tuning.ablations.occlusion_tcn import supervised  # noqa: E402

TARGET = 0.05


def main() -> int:
    """Prints the table and the JSON; the exit code is 1 where the target is missed."""
    options = _options()
    torch.set_num_threads(options.threads)
    step_ms, occlude_ms = _measure(options.epochs)
    shares = {name: values_ms / step_ms for name, values_ms in occlude_ms.items()}
    print(f"training step: {step_ms:.2f} ms")
    for name, share in shares.items():
        print(f"occlusion, {name:<42} {occlude_ms[name]:.3f} ms   {share:.3f} of a step")
    text = json.dumps({"step_ms": step_ms, "occlude_ms": occlude_ms, "share": shares})
    print(text)
    if options.json:
        options.json.write_text(text)
    return int(shares["the recipe's defaults"] > TARGET)


class Timed:
    """The recipe's batches; notes how long each took to make and train on, and to occlude."""

    def __init__(self, batches: CachedBatches, variants: dict[str, Occlusion]) -> None:
        self.batches, self.variants = batches, variants
        self.joints = joint_set(batches.recipe.data.joint_set)
        self.step_ms: list[float] = []
        self.occlude_ms: dict[str, list[float]] = {name: [] for name in variants}

    def steps(self, epoch: int) -> int:
        """As many as the batches."""
        return self.batches.steps(epoch)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches as they are, in turns with occlusion for the clock alone."""
        began, generator = time.perf_counter(), torch.Generator().manual_seed(epoch)
        for batch in self.batches.epoch(epoch):
            yield batch
            self.step_ms.append(_since_ms(began))
            for name, occlusion in self.variants.items():
                began = time.perf_counter()
                occlude(batch, occlusion, self.joints, generator)
                self.occlude_ms[name].append(_since_ms(began))
            began = time.perf_counter()


def _since_ms(began: float) -> float:
    return 1000 * (time.perf_counter() - began)


def _measure(epochs: int) -> tuple[float, dict[str, float]]:
    """Median milliseconds of a step, and of hiding keypoints by each variant."""
    recipe = supervised("small", {"data.occlusion": None, "budget.epochs": epochs})
    variants = {
        "the recipe's defaults": Occlusion(),
        "two patterns on every chunk": Occlusion(share=1.0, combined=1.0),
    }
    timed = Timed(cached(recipe, moving_tensors(*[200] * 40)), variants)
    fit(start(recipe, torch.device("cpu")), timed, None)
    medians = {name: statistics.median(values[3:]) for name, values in timed.occlude_ms.items()}
    return statistics.median(timed.step_ms[3:]), medians


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
