"""Training throughput, side by side in one run.

- Dense chunks against a loop that cuts every window out (windows.py), same network, same machine.
  Target: at least 2.5.
- TorchTrainer (one worker, Ray Data, object store off the path after the first read) against the
  bare loop in this process. Target: at least 0.95; start-up reported separately.

Run `python tests/benchmarks/training.py [--rounds N] [--epochs N] [--json FILE]`; it makes the
studio data set in a temporary folder and starts a Ray cluster of its own.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
os.environ |= {
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # Ray's default of 15 would let every other process go first
}

import torch  # noqa: E402
from tests.benchmarks import windows  # noqa: E402

from monopose.data.batches import ClipTensors  # noqa: E402
from monopose.data.studio import dataset  # noqa: E402
from monopose.recipes.presets import load  # noqa: E402
from monopose.recipes.recipe import Recipe, with_values  # noqa: E402
from monopose.training.loop import EpochReport, Training, fit, start  # noqa: E402
from monopose.training.run import Job, cached, load_split, prepare  # noqa: E402
from monopose.training.tracking import read_history  # noqa: E402

THREADS = os.cpu_count() or 1


@dataclass(frozen=True)
class Pairs:
    """Paired figures, frames a second, and the median of their ratios."""

    name: str
    ours: list[float]
    theirs: list[float]

    @property
    def ratio(self) -> float:
        """Median over the pairs."""
        return statistics.median(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    def row(self) -> str:
        """One line for people."""
        a, b = statistics.median(self.ours), statistics.median(self.theirs)
        ratios = [x / y for x, y in zip(self.ours, self.theirs, strict=True)]
        return (
            f"{self.name:<52} {a:>9,.0f} {b:>9,.0f}   {self.ratio:5.2f} "
            f"[{min(ratios):.2f}, {max(ratios):.2f}]"
        )


def main() -> None:
    """Runs everything and prints the table and the JSON."""
    options = _options()
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MONOPOSE_ROOT"] = folder
        dataset.ensure(f"{folder}/data/studio")
        recipe = with_values(
            load("videopose3d"),
            {"budget.epochs": options.epochs, "budget.evaluate_every": options.epochs},
        )
        job = prepare(recipe, "studio", "bare")
        tensors = load_split(job, "train", torch.device("cpu"))
        cut = _against_windows(recipe, tensors, options.rounds)
        trainer, start_s = _against_trainer(job, tensors, options.rounds)
    print(f"{'frames a second, medians':<52} {'ours':>9} {'theirs':>9}   ratio [min, max]")
    print(cut.row())
    print(trainer.row())
    print(f"TorchTrainer start-up and end, s: {', '.join(f'{s:.1f}' for s in start_s)}")
    report = {
        p.name: {"ours": p.ours, "theirs": p.theirs, "ratio": p.ratio} for p in (cut, trainer)
    }
    text = json.dumps({**report, "trainer_start_s": start_s, "threads": THREADS})
    print(text)
    if options.json:
        options.json.write_text(text)


def _against_windows(recipe: Recipe, tensors: ClipTensors, rounds: int) -> Pairs:
    pairs = Pairs("dense chunks / every window cut out", [], [])
    for _ in range(rounds):
        pairs.theirs.append(windows.frames_per_s(recipe, tensors, steps=40))
        pairs.ours.append(_bare(recipe, tensors))
    return pairs


def _bare(recipe: Recipe, tensors: ClipTensors) -> float:
    """Frames a second of the bare loop over all epochs but the first."""
    rates: list[float] = []

    def note_rate(_training: Training, report: EpochReport) -> bool:
        rates.append(report.frames_per_s)
        return True

    training = start(recipe, torch.device("cpu"))
    fit(training, cached(recipe, tensors), None, on_epoch=note_rate)
    return statistics.harmonic_mean(rates[1:])


def _against_trainer(job: Job, tensors: ClipTensors, rounds: int) -> tuple[Pairs, list[float]]:
    import ray

    from monopose import cluster
    from monopose.training.driver import Resources, train

    pairs, start_s = Pairs("TorchTrainer, 1 worker / bare loop", [], []), []
    cluster.connect(num_cpus=4)
    for index in range(rounds):
        pairs.theirs.append(_bare(job.recipe, tensors))
        mine = prepare(job.recipe, "studio", f"trainer-{index}")
        began = time.perf_counter()
        train(mine, Resources(workers=1, threads=THREADS))
        wall_s = time.perf_counter() - began
        reports = read_history(mine.run_uri)
        pairs.ours.append(statistics.harmonic_mean([r.frames_per_s for r in reports[1:]]))
        start_s.append(wall_s - reports[-1].seconds)
    ray.shutdown()
    return pairs, start_s


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
