"""The studio's renderer: images of 128 x 128 a second, JPEG included. Target: 200 on 2 cores.

`python tests/benchmarks/rendering.py [--seconds S] [--json FILE]` makes clips of both domains with
images, one domain after the other: motion, clothes, places, boxes and images, all that
`monopose data studio --images` does besides writing. The compiler has run before the clock starts.
Images per CPU second tell what a busy machine hides.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from monopose.data.studio.images.film import usable_cores  # noqa: E402
from monopose.data.studio.studio import studio_clips  # noqa: E402

CROP_PX = 128


def main() -> None:
    """Prints one line for each domain and the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report = {
        "studio": measure("studio", options.seconds),
        "wild": measure("wild", options.seconds),
    }
    for domain, figures in report.items():
        print(domain, ", ".join(f"{name} {value:.0f}" for name, value in figures.items()))
    full = {"cores": usable_cores(), "crop_px": CROP_PX, **report}
    print(json.dumps(full))
    if options.json:
        options.json.write_text(json.dumps(full, indent=2))


def measure(domain: Literal["studio", "wild"], seconds: float) -> dict[str, float]:
    """Images a second of one domain, by the clock and by the processor."""
    clips = studio_clips(subjects=1000, domain=domain, images=True, crop_px=CROP_PX, stride=5)
    next(clips)
    begin_s, begin_cpu_s, images = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - begin_s < seconds:
        images += sum(len(view) for view in next(clips).image or ())
    wall_s, cpu_s = time.perf_counter() - begin_s, time.process_time() - begin_cpu_s
    return {"images": images, "images_per_s": images / wall_s, "images_per_cpu_s": images / cpu_s}


if __name__ == "__main__":
    main()
