"""The ablations by name: a paper adds its file and one line here."""

from monopose.errors import InputError
from monopose.tuning.ablation import Ablation
from monopose.tuning.ablations import (
    occlusion_tcn,
    occlusion_tcn_images,
    occlusion_tcn_preset,
    videopose3d,
)

ABLATIONS: dict[str, Ablation] = {
    "videopose3d": videopose3d.ABLATION,
    "occlusion_tcn": occlusion_tcn.ABLATION,
    "occlusion_tcn_images": occlusion_tcn_images.ABLATION,
    "occlusion_tcn_preset": occlusion_tcn_preset.ABLATION,
}


def ablation(name: str) -> Ablation:
    """The ablation of that name; raises InputError naming those there are."""
    if name not in ABLATIONS:
        raise InputError(
            f"there is no ablation {name!r}", fix=f"give one of {', '.join(ABLATIONS)}"
        )
    return ABLATIONS[name]
