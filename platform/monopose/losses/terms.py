"""The terms of an objective by name, and their weighted sum."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from monopose.data.batches import Batch
from monopose.losses import projection, supervised
from monopose.losses.masked import PerSample
from monopose.models.outputs import PoseOutputs
from monopose.recipes.parts import LossTerm
from monopose.skeleton import JointSet

Loss = Callable[[PoseOutputs, Batch, JointSet], PerSample]

TERMS: dict[str, Loss] = {
    "mpjpe": supervised.mpjpe,
    "mse": supervised.mse,
    "velocity": supervised.velocity,
    "bone_vector": supervised.bone_vector,
    "symmetry": supervised.symmetry,
    "bone_constancy": projection.bone_constancy,
    "orthographic": projection.orthographic,
    "perspective": projection.perspective,
    "trajectory": projection.trajectory,
}


def total(
    terms: tuple[LossTerm, ...], outputs: PoseOutputs, batch: Batch, joints: JointSet
) -> Float[Tensor, ""]:
    """Weighted sum of the terms, each averaged over the samples it applies to."""
    value = outputs.pose_m.new_zeros(())
    for term in terms:
        values, applies = TERMS[term.term](outputs, batch, joints)
        weight = applies.to(values.dtype)
        value = value + term.weight * (values * weight).sum() / weight.sum().clamp(min=1)
    return value
