"""What a trial costs beyond its training: sweeps of tiny trials, two at a time.

Two sweeps in one cluster, of few and of many trials; the difference in wall time over the
difference in trials is the cost of one, without Ray's start and the reading of the data. The
trials train for milliseconds, and what they do train is counted too. Target: at most 0.5 s.

Run `python tests/benchmarks/sweeping.py [--trials N] [--json FILE]`; it starts a Ray cluster of
its own.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
os.environ |= {
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}

from rich.console import Console  # noqa: E402
from tests.benchmarks import tiny_space  # noqa: E402

from monopose import cluster  # noqa: E402
from monopose.data.shards import write_clips  # noqa: E402
from monopose.data.studio.studio import studio_clips  # noqa: E402
from monopose.tuning.study import Plan, sweep  # noqa: E402

CONCURRENT, FEW = 2, 4


def main() -> None:
    """Runs the sweep and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MONOPOSE_ROOT"] = folder
        clips = studio_clips(0, 1.0, subjects=3, actions=["walk", "wave"])
        write_clips(clips, f"{folder}/data/tiny", dataset="studio", synthetic=True)
        cluster.connect(num_cpus=4)
        _wall_s(FEW + 1)  # the first sweep also starts Ray's processes
        few_s, many_s = _wall_s(FEW), _wall_s(FEW + options.trials)
    figures = {
        "trials": options.trials,
        "concurrent": CONCURRENT,
        "few_s": round(few_s, 2),
        "many_s": round(many_s, 2),
        "wall_s_per_trial": round((many_s - few_s) / options.trials, 3),
        "fixed_s_per_trial": round(CONCURRENT * (many_s - few_s) / options.trials, 3),
    }
    print(json.dumps(figures))
    if options.json:
        options.json.write_text(json.dumps(figures))


def _wall_s(trials: int) -> float:
    plan = Plan(tiny_space.space, "tiny", "tiny", f"of-{trials}", trials, concurrent=CONCURRENT)
    began = time.perf_counter()
    sweep(plan, Console(quiet=True))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
