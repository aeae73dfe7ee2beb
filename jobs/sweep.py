#!/usr/bin/env python3
"""The main job: `ray job submit jobs/sweep.py`, with the arguments of `monopose sweep`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from monopose import cli  # noqa: E402

if __name__ == "__main__":
    sys.argv[1:1] = ["sweep"]
    cli.main()
