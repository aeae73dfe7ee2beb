"""All expectations on a data set, one pass over its clips, nothing of a clip kept but a trace.

A check here says what is suspicious, not what is wrong: an expectation is about people and
cameras in general, and data may be odd for a reason. Whether files are damaged is for
data/shards.py, which refuses them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from monopose.data.clip import Clip
from monopose.data.expectations.across import (
    Trace,
    check_copies,
    check_subjects,
    check_up_by_majority,
    trace_of,
)
from monopose.data.expectations.agreement import SHIFTED, UNEXPLAINED, check_agreement
from monopose.data.expectations.epipolar import check_views
from monopose.data.expectations.finding import Finding
from monopose.data.expectations.joint_order import check_joint_order
from monopose.data.expectations.keypoints import check_keypoints
from monopose.data.expectations.limbs import check_constant, check_symmetric, check_units
from monopose.data.expectations.motion import check_frozen, check_jumps, check_speeds
from monopose.data.expectations.sides import SIDES_EXCHANGED, check_faces, check_sides
from monopose.data.expectations.triangulated import check_views_together
from monopose.data.expectations.up_axis import UP_AXIS, check_up_axis

CLIP_EXPECTATIONS: dict[str, Callable[[Clip], list[Finding]]] = {
    "joints in the declared order": check_joint_order,
    "human stature in metres": check_units,
    "z up": check_up_axis,
    "left is left": check_sides,
    "faces the right way round": check_faces,
    "3D, cameras and 2D agree": check_agreement,
    "two views agree": check_views,
    "views agree": check_views_together,
    "limbs constant": check_constant,
    "limbs symmetric": check_symmetric,
    "human speeds": check_speeds,
    "no jumps": check_jumps,
    "no frozen frames": check_frozen,
    "keypoints inside the image": check_keypoints,
}
SET_EXPECTATIONS: dict[str, Callable[[list[Trace]], list[Finding]]] = {
    "no motion twice": check_copies,
    "each subject in one split": check_subjects,
    "z up in most clips": check_up_by_majority,
}

_CONSEQUENCES = {
    "limbs not constant", "limbs not symmetric", "frame rate", "jump", UNEXPLAINED,
}  # fmt: skip
# One mistake breaks several expectations: cause -> the causes that it makes up along the way.
EXPLAINS: dict[str, set[str]] = {
    "joint order": _CONSEQUENCES | {"units", UP_AXIS, SIDES_EXCHANGED, SHIFTED, "world axes"},
    "units": _CONSEQUENCES | {"keypoints outside", SHIFTED},
    "keypoint unit": {UNEXPLAINED, "image size", "keypoints outside", SHIFTED},
    SIDES_EXCHANGED: {UNEXPLAINED, SHIFTED},
    UP_AXIS: {UNEXPLAINED, SHIFTED},
}


@dataclass
class Examination:
    """Clips looked at so far, and what was found; `finish` adds what all of them tell."""

    findings: list[Finding] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)

    def add(self, clip: Clip) -> None:
        """Runs every expectation on a validated clip and keeps its trace."""
        self.findings += examine_clip(clip)
        self.traces.append(trace_of(clip))

    def finish(self) -> list[Finding]:
        """All findings, errors first, each cause together."""
        for expectation in SET_EXPECTATIONS.values():
            self.findings += expectation(self.traces)
        self.findings.sort(key=lambda f: (f.severity != "error", f.cause, f.clip_id))
        return self.findings


def examine_clip(clip: Clip) -> list[Finding]:
    """The findings on one clip, without those that another one explains; one per cause."""
    found = [f for expectation in CLIP_EXPECTATIONS.values() for f in expectation(clip)]
    explained = {cause for f in found for cause in EXPLAINS.get(f.cause, ())}
    kept: dict[str, Finding] = {}
    for finding in found:
        if finding.cause not in explained:
            kept[finding.cause] = _merged(kept.get(finding.cause), finding)
    return list(kept.values())


def _merged(first: Finding | None, second: Finding) -> Finding:
    """One finding of one cause: all evidence, the graver severity."""
    if first is None:
        return second
    severity = first.severity if first.severity == "error" else second.severity
    return replace(first, severity=severity, what=f"{first.what}; {second.what}")


def examine(clips: Iterable[Clip]) -> list[Finding]:
    """All findings on a stream of validated clips."""
    examination = Examination()
    for clip in clips:
        examination.add(clip)
    return examination.finish()
