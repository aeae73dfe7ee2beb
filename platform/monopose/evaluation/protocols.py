"""Evaluation protocols by explicit id: which joints, aligned how, measured how, averaged how.

"Protocol 1/2/3" mean different things in different papers, so ids spell out what is computed:
`<joint set>/<measure>/<aggregation>`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float64

from monopose.errors import InputError
from monopose.evaluation import metrics
from monopose.geometry.alignment import bone_scale_align, procrustes_align, scale_align
from monopose.skeleton import JointSet, conversion, joint_set

Alignment = Literal["none", "procrustes", "scale", "bone_scale"]
Measure = Literal["mean_error", "velocity", "pck", "auc"]
Aggregation = Literal["pooled", "action_mean", "sequence_mean"]
Pose = Float[np.ndarray, "T J 3"]


@dataclass(frozen=True)
class Protocol:
    """How one number is computed.

    joints: names in `joint_set` that are averaged over. root: the joint that poses are relative
    to, looked up in the evaluated model's own joint set. aggregation: `pooled` averages all
    frames, `action_mean` the actions' means (see `action_name`), `sequence_mean` the takes' means.
    notes: what a reader of the number must know.
    """

    id: str
    joint_set: str
    joints: tuple[str, ...]
    alignment: Alignment
    measure: Measure
    unit: Literal["mm", "mm/frame", "%"]
    aggregation: Aggregation = "pooled"
    root: str = "pelvis"
    notes: str = ""


_h36m17 = partial(Protocol, joint_set="h36m17", joints=joint_set("h36m17").joints)
_3dhp14 = partial(
    Protocol,
    joint_set="mpi_inf_3dhp_14",
    joints=joint_set("mpi_inf_3dhp_14").joints,
    alignment="none",
    unit="%",
)
_ROOT_COUNTS = "the root, whose error is 0, counts among the joints"
_NECK = "from h36m17, the neck is the thorax: a bias of centimetres"

PROTOCOLS: dict[str, Protocol] = {
    each.id: each
    for each in (
        _h36m17(
            "h36m17/mpjpe/pooled",
            alignment="none",
            measure="mean_error",
            unit="mm",
            notes=_ROOT_COUNTS,
        ),
        _h36m17("h36m17/pa_mpjpe/pooled", alignment="procrustes", measure="mean_error", unit="mm"),
        _h36m17(
            "h36m17/n_mpjpe/pooled",
            alignment="scale",
            measure="mean_error",
            unit="mm",
            notes=_ROOT_COUNTS,
        ),
        _h36m17(
            "h36m17/mpjve/pooled",
            alignment="none",
            measure="velocity",
            unit="mm/frame",
            notes="per frame of the clip's own rate, not per second",
        ),
        _3dhp14("mpi_inf_3dhp_14/pck150/pooled", measure="pck", notes=_NECK),
        _3dhp14(
            "mpi_inf_3dhp_14/auc/pooled",
            measure="auc",
            notes=f"{_NECK}; a perfect result is 96.774",
        ),
        _h36m17(
            "h36m17/mpjpe/action_mean",
            alignment="none",
            measure="mean_error",
            unit="mm",
            aggregation="action_mean",
            notes=_ROOT_COUNTS,
        ),
        _h36m17(
            "h36m17/pa_mpjpe/action_mean",
            alignment="procrustes",
            measure="mean_error",
            unit="mm",
            aggregation="action_mean",
        ),
        _h36m17(
            "h36m17/mpjpe/sequence_mean",
            alignment="none",
            measure="mean_error",
            unit="mm",
            aggregation="sequence_mean",
            notes=f"{_ROOT_COUNTS}; all cameras of a take are one sequence",
        ),
        _h36m17(
            "h36m17/glob_scaled_mpjpe/pooled",
            alignment="bone_scale",
            measure="mean_error",
            unit="mm",
            notes=f"{_ROOT_COUNTS}; the scale is the ratio of total bone lengths, an assumption",
        ),
    )
}

DEFAULT_PROTOCOLS = (
    "h36m17/mpjpe/pooled",
    "h36m17/pa_mpjpe/pooled",
    "h36m17/n_mpjpe/pooled",
    "h36m17/mpjve/pooled",
    "mpi_inf_3dhp_14/pck150/pooled",
    "mpi_inf_3dhp_14/auc/pooled",
)


def protocol(protocol_id: str) -> Protocol:
    """The protocol of that id; raises InputError naming the known ones."""
    if protocol_id not in PROTOCOLS:
        raise InputError(
            f"unknown protocol {protocol_id!r}", fix=f"choose one of {', '.join(PROTOCOLS)}"
        )
    return PROTOCOLS[protocol_id]


def action_name(action: str) -> str:
    """The action without its take: "Walking 1" and "Walking 1 chunk0" are takes of "Walking".

    Human3.6M and HumanEva number an action's takes behind a space; what follows the number is
    dropped too. Other names stay as they are.
    """
    return re.split(r"\s+\d", action, maxsplit=1)[0] or action


def evaluated_joints(
    of: Protocol, source_name: str, present: Bool[np.ndarray, " source"]
) -> tuple[int, ...]:
    """Indices in the protocol's joint set that can be computed from the source's joints.

    present: which joints of the source set are known. A joint is left out when it, or any joint
    it is made from, is not.
    """
    to_set = conversion(source_name, of.joint_set)
    return tuple(
        to_set.target.index(name)
        for name in of.joints
        if _computable(to_set.matrix[to_set.target.index(name)] > 0, present)
    )


def _computable(parts: Bool[np.ndarray, " source"], present: Bool[np.ndarray, " source"]) -> bool:
    return bool(parts.any() and present[parts].all())


def frame_values(
    of: Protocol,
    prediction_m: Pose,
    target_m: Pose,
    source_name: str,
    present: Bool[np.ndarray, " J"],
) -> Float64[np.ndarray, " values"]:
    """The protocol's value for each frame (each step, for velocities) of one sequence.

    Poses: metres, one camera's frame, joints of the set `source_name`; they need not be
    root-relative. Raises InputError when the root is not present or no joint can be evaluated.
    """
    joints = list(evaluated_joints(of, source_name, present))
    root = joint_set(source_name).index(of.root)
    if not joints or not present[root]:
        raise InputError(
            f"protocol {of.id!r} needs {of.root!r} and at least one of its joints",
            where=f"joint set {source_name!r}",
        )
    to_set = conversion(source_name, of.joint_set)
    prediction, target = (
        to_set.apply(pose_m - pose_m[:, root : root + 1])[:, joints]
        for pose_m in (prediction_m.astype(np.float64), target_m.astype(np.float64))
    )
    aligned = _align(of.alignment, prediction, target, _bones(to_set.target, joints))
    return _MEASURES[of.measure](aligned, target)


def _bones(target: JointSet, joints: list[int]) -> list[tuple[int, int]]:
    """Bones whose two ends are both evaluated, as positions among the evaluated joints."""
    return [
        (joints.index(joint), joints.index(parent))
        for joint, parent in target.bones
        if joint in joints and parent in joints
    ]


def _align(
    alignment: Alignment, prediction: Pose, target: Pose, bones: list[tuple[int, int]]
) -> Pose:
    if alignment == "procrustes":
        return procrustes_align(prediction, target)
    if alignment == "scale":
        return scale_align(prediction, target)
    if alignment == "bone_scale":
        return bone_scale_align(prediction, target, bones)
    return prediction


_MEASURES: dict[str, Callable[[Pose, Pose], np.ndarray]] = {
    "mean_error": metrics.mpjpe_mm,
    "velocity": metrics.mpjve_mm,
    "pck": lambda prediction, target: metrics.pck(metrics.joint_error_mm(prediction, target)),
    "auc": lambda prediction, target: metrics.auc(metrics.joint_error_mm(prediction, target)),
}
