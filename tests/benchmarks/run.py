"""All benchmarks, one after the other: `make bench`."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = (
    "training.py",
    "occlusion.py",
    "sweeping.py",
    "serving.py",
    "rendering.py",
    "reading.py",
    "images.py",
    "live.py",
)


def main() -> int:
    """Runs each in a process of its own; the exit code is that of the worst."""
    codes = []
    for name in BENCHMARKS:
        print(f"== {name}", flush=True)
        codes.append(subprocess.run([sys.executable, HERE / name], check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
