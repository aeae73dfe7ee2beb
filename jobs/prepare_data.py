#!/usr/bin/env python3
"""Makes the data set of the default sweep: `ray job submit jobs/prepare_data.py`.

Any other source: `ray job submit jobs/prepare_data.py import videopose3d FOLDER --to NAME`,
with the arguments of `monopose data`.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from monopose import cli, storage  # noqa: E402

if __name__ == "__main__":
    if sys.argv[1:]:
        sys.argv[1:1] = ["data"]
    elif storage.exists(storage.join(storage.resolve("studio", "data"), "manifest.json")):
        print("the studio data set is there already; `studio --overwrite` makes it anew")
        sys.exit()
    else:
        sys.argv[1:] = ["data", "studio", "--to", "studio"]
    cli.main()
