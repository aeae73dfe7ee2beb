"""Do 3D, cameras and 2D agree? If not, which single mistake would explain it, in space or time."""

from collections import defaultdict

from monopose.data.clip import Clip
from monopose.data.expectations.finding import Finding
from monopose.data.expectations.hypotheses import exchange_sides, hypotheses
from monopose.data.expectations.reprojection import View, cost, views_of
from monopose.data.expectations.sides import SIDES_EXCHANGED, knee_turning
from monopose.data.expectations.synchrony import Shift, shift_of

UNEXPLAINED = "reprojection error"
SHIFTED = "frames shifted"
# Shares of the person's size. Good detectors have 0.02; other definitions of a joint add 0.04.
_SUSPICIOUS = 0.10
_MUCH_BETTER = 0.5
_SIDES_SUSPICIOUS = 0.03
_SIDES_BETTER = 0.62


def check_agreement(clip: Clip) -> list[Finding]:
    """Reprojection error, and the mistake that would explain it, per view."""
    at_full_rate = {view.number: view for view in views_of(clip, None)}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    evidence: dict[tuple[str, str], str] = {}
    for view in views_of(clip):
        verdict = _explain(view, at_full_rate[view.number], clip.fps)
        if verdict is not None:
            cause, mistake, what = verdict
            found[cause, mistake].append(view.name)
            evidence.setdefault((cause, mistake), what)
    findings = []
    for (cause, mistake), names in found.items():
        where = f"all {len(names)} views" if len(names) == clip.num_views > 1 else ", ".join(names)
        what = f"{mistake} in {where}: {evidence[cause, mistake]}"
        if cause == SIDES_EXCHANGED:
            what += f"; {_which_side(clip)}"
        findings.append(Finding(cause, "error", clip.clip_id, what))
    return findings


def _explain(view: View, all_frames: View, fps: float) -> tuple[str, str, str] | None:
    """(cause, mistake, evidence) for one view; None when there is nothing to explain."""
    given = cost(view)
    exchanged = cost(exchange_sides(view))
    if given > _SIDES_SUSPICIOUS and exchanged < _SIDES_BETTER * given and exchanged < _SUSPICIOUS:
        mistake = "left and right exchanged between 2D and 3D"
        return SIDES_EXCHANGED, mistake, _shares(given, exchanged)
    shift = shift_of(all_frames, fps)
    if shift is not None and shift.cost < _SUSPICIOUS and given < _SUSPICIOUS:
        return SHIFTED, _described(shift, fps), _shares(shift.cost_as_given, shift.cost)
    if given < _SUSPICIOUS:
        return None
    tried = [
        (cost(changed), cause, f"fits with {name}") for cause, name, changed in hypotheses(view)
    ]
    if shift is not None:
        tried.insert(0, (shift.cost, SHIFTED, _described(shift, fps)))
    lowest = min(value for value, _, _ in tried)
    # The first of those that fit about as well as the best: the usual mistake before the rare.
    value, cause, name = next(t for t in tried if t[0] <= 1.1 * lowest + 0.002)
    if value < _MUCH_BETTER * given and value < _SUSPICIOUS:
        return cause, name, _shares(given, value)
    what = f"{given:.0%} of the person's size; no usual mistake explains it"
    return UNEXPLAINED, "2D is not where the 3D projects", what


def _described(shift: Shift, fps: float) -> str:
    ahead = "ahead of" if shift.frames > 0 else "behind"
    return f"2D {abs(shift.frames)} frames ({abs(shift.frames) / fps:.2f} s) {ahead} the 3D"


def _shares(given: float, then: float) -> str:
    return f"error {then:.1%} of the person's size instead of {given:.1%}"


def _which_side(clip: Clip) -> str:
    turning = knee_turning(clip)
    if turning is None:
        return "the knees are too straight to tell which of both is wrong"
    return "the knees say that the 2D is wrong" if turning > 0 else "the knees say it is the 3D"
