"""Do the bones have a human's length, stay as long as they are, and match left to right?"""

import math

import numpy as np

from monopose.data.clip import Clip
from monopose.data.expectations.body import SEGMENTS, limb_lengths, stature
from monopose.data.expectations.finding import Finding

# From a small child to the tallest people; a skeleton scaled to one size is inside too.
STATURE_M = (0.7, 2.5)
# The unit of CMU's ASF files is 0.45 inch scaled to metres: 0.0254 / 0.45.
UNITS_M = {
    "millimetres": 0.001,
    "centimetres": 0.01,
    "inches": 0.0254,
    "CMU units (0.0564 m)": 0.0254 / 0.45,
    "decimetres": 0.1,
    "feet": 0.3048,
    "kilometres, or divided by 1000 once too often": 1000.0,
    "metres divided by 100 once too often": 100.0,
}
USUAL_STATURE_M = 1.7
_VARIATION = {"warning": 0.08, "error": 0.25}
_ASYMMETRY = {"warning": 0.15, "error": 0.5}


def check_units(clip: Clip) -> list[Finding]:
    """Stature, guessed from the legs, within the human range; names the unit that would fit."""
    tall = stature(clip)
    if tall is None or STATURE_M[0] <= tall <= STATURE_M[1]:
        return []
    if tall < 1e-6:
        return [Finding("units", "error", clip.clip_id, "the legs have no length at all")]
    unit, fits_m = likely_unit(tall)
    what = f"stature would be {tall:.4g} m; {fits_m:.2f} m if the numbers are {unit}"
    return [Finding("units", "error", clip.clip_id, what)]


def likely_unit(tall: float) -> tuple[str, float]:
    """The unit under which a body `tall` units high is nearest to 1.7 m, and that stature."""
    sizes_m = {unit: tall * metres for unit, metres in UNITS_M.items()}
    unit = min(sizes_m, key=lambda name: abs(math.log(sizes_m[name] / USUAL_STATURE_M)))
    return unit, sizes_m[unit]


def check_constant(clip: Clip) -> list[Finding]:
    """Limb lengths constant over the clip (robust coefficient of variation)."""
    varying = {}
    for name, lengths in limb_lengths(clip).items():
        middle = float(np.median(lengths))
        if len(lengths) > 4 and middle > 0:
            varying[name] = 1.4826 * float(np.median(np.abs(lengths - middle))) / middle
    if not varying or max(varying.values()) < _VARIATION["warning"]:
        return []
    worst = max(varying, key=lambda name: varying[name])
    severity = "error" if float(np.median([*varying.values()])) > _VARIATION["error"] else "warning"
    what = f"{worst} varies by {varying[worst]:.0%} of its length over the clip"
    return [_finding(clip, "limbs not constant", severity, what)]


def check_symmetric(clip: Clip) -> list[Finding]:
    """Left and right limbs of one length."""
    lengths = limb_lengths(clip)
    ratios = {}
    for segment in SEGMENTS if lengths else ():
        left, right = (float(np.median(lengths[f"{side}_{segment}"])) for side in ("left", "right"))
        ratios[segment] = abs(math.log(max(left, 1e-9) / max(right, 1e-9)))
    if not ratios or max(ratios.values()) < _ASYMMETRY["warning"]:
        return []
    worst = max(ratios, key=lambda name: ratios[name])
    severity = "error" if ratios[worst] > _ASYMMETRY["error"] else "warning"
    what = f"left and right {worst} differ by {math.expm1(ratios[worst]):.0%}"
    return [_finding(clip, "limbs not symmetric", severity, what)]


def _finding(clip: Clip, cause: str, severity: str, what: str) -> Finding:
    return Finding(cause, "error" if severity == "error" else "warning", clip.clip_id, what)
