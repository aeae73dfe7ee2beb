"""The compiler takes its time, and cannot read the shape checks of the tests: a process apart."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CODE = """
import json, torch
from tests.moving_clips import moving_tensors, tiny_recipe
from monopose.training.loop import fit, start
from monopose.training.run import cached
torch.set_num_threads(1)
losses = []
for compiled in (False, True):
    recipe = tiny_recipe(runtime__compile=compiled, budget__epochs=1, budget__batch_chunks=64)
    batches = cached(recipe, moving_tensors(12, noise_px=2.0))
    keep = lambda _, report: bool(losses.append(report.train_loss))
    fit(start(recipe, torch.device("cpu")), batches, None, on_epoch=keep)
print(json.dumps(losses))
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_the_compiled_network_takes_the_same_first_step() -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "platform")])
    result = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    plain, compiled = json.loads(result.stdout.splitlines()[-1])
    assert compiled == pytest.approx(plain, rel=1e-4)
