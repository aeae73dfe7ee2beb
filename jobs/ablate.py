#!/usr/bin/env python3
"""An ablation on the cluster: `ray job submit jobs/ablate.py videopose3d --data cmu17`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from monopose import cli  # noqa: E402

if __name__ == "__main__":
    sys.argv[1:1] = ["ablate"]
    cli.main()
