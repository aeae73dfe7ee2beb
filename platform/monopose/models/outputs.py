"""What an estimator returns: one typed record, fields absent when their part is off."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class PoseOutputs:
    """Estimates for each output frame.

    pose_m: B x T x J x 3, metres, root-relative, camera frame.
    root_m: B x T x 3, where the root is in the camera frame; None where the recipe does not say.
    """

    pose_m: Float[Tensor, "B T J 3"]
    root_m: Float[Tensor, "B T 3"] | None = None
