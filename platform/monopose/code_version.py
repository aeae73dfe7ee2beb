"""Which code made a number: the version, and a digest of the code that numbers depend on."""

import functools
import hashlib
from pathlib import Path

import monopose

# Recipes are left out: a recipe has a digest of its own. So are importers and the studio, whose
# results have the data set's digest.
_PARTS = (
    "geometry/*.py",
    "skeleton.py",
    "data/*.py",
    "models/**/*.py",
    "losses/*.py",
    "training/*.py",
    "evaluation/*.py",
    "inference/predictor.py",
    "inference/assess.py",
)


@functools.cache
def code_version() -> str:
    """E.g. `0.1.0+3f9a12bc`: equal where training and evaluation are the same code."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted(file for pattern in _PARTS for file in root.glob(pattern)):
        digest.update(file.relative_to(root).as_posix().encode())
        digest.update(file.read_bytes())
    return f"{monopose.__version__}+{digest.hexdigest()[:8]}"
