"""A detector's own maps of each joint, as they lie in clips and as estimators are fed them.

Axes: V views, T frames, J joints, h pixels of a map's side. Maps are kept in 256 steps: as floats
they would be four times as large, and they are most of what a data set with maps is.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from torch import Tensor

from monopose.data.clip import Clip
from monopose.errors import InputError
from monopose.skeleton import Conversion

_STEPS = 255


@dataclass(frozen=True)
class ViewMaps:
    """Maps of one view as a clip holds them.

    heatmaps: 0..255 for 0..1. box_px: (x, y, side, side) in the full image, which the maps cover;
    all zero where nobody was found.
    """

    heatmaps: UInt8[np.ndarray, "T J h h"]
    box_px: Float[np.ndarray, "T 4"]

    def converted(self, to_set: Conversion) -> "ViewMaps":
        """The maps by joint name; those of a joint that is made of several are empty."""
        if to_set.source == to_set.target:
            return self
        parts = to_set.matrix > 0
        heatmaps = self.heatmaps[:, parts.argmax(axis=1)]
        heatmaps[:, parts.sum(axis=1) != 1] = 0
        return ViewMaps(heatmaps, self.box_px)

    def screen_box(self, width: int, height: int) -> Float32[np.ndarray, "T 3"]:
        """Centre x, y and half the side in screen-normalised units (batches.normalise_screen)."""
        side = self.box_px[:, 2:3]
        centre = self.box_px[:, :2] + self.box_px[:, 2:] / 2
        box = np.concatenate([centre * 2 - (width, height), side], axis=1) / width
        return np.where(side > 0, box, 0.0).astype(np.float32)


@dataclass(frozen=True)
class Maps:
    """Maps of frames on the training device.

    heatmaps: 0..255 for 0..1. box: centre x, y and half the side of the square that they cover,
    screen-normalised; zero where nobody was found.
    """

    heatmaps: UInt8[Tensor, "*frames J h h"]
    box: Float[Tensor, "*frames 3"]

    def seen(self, score: Float[Tensor, "*frames J"]) -> Float[Tensor, "*frames J h h"]:
        """The maps, 0..1, of joints with a score; a joint without one has an empty map."""
        scale = (score > 0).to(self.box.dtype) / _STEPS
        return self.heatmaps * scale[..., None, None]

    def at(self, frames: Tensor) -> "Maps":
        """Those of some frames, by number."""
        return Maps(self.heatmaps[frames], self.box[frames])

    def mirrored(self, order: Tensor, chosen: Bool[Tensor, " B"]) -> "Maps":
        """The chosen samples seen in a mirror; order: what each joint is called there."""
        heatmaps, box = self.heatmaps.clone(), self.box.clone()
        heatmaps[chosen] = heatmaps[chosen][:, :, order].flip(-1)
        box[chosen] = box[chosen] * box.new_tensor([-1.0, 1.0, 1.0])
        return Maps(heatmaps, box)


def beside(one: Maps | None, other: Maps | None) -> Maps | None:
    """Both batches as one; None where there are none."""
    if one is None or other is None:
        return None
    return Maps(torch.cat([one.heatmaps, other.heatmaps]), torch.cat([one.box, other.box]))


def view_maps(clip: Clip, view: int) -> ViewMaps | None:
    """The maps of one view of a clip that has any."""
    if clip.heatmaps is None or clip.crop_box_px is None:
        return None
    return ViewMaps(clip.heatmaps[view], clip.crop_box_px[view])


def required(maps: ViewMaps | None, size_px: int, where: str) -> ViewMaps:
    """The maps, of the side that an encoder takes; raises InputError for none and for others."""
    if maps is None:
        raise InputError(
            "has no heatmaps, and the model reads a detector's own",
            where=where,
            fix="make them with `monopose data detect`",
        )
    found = maps.heatmaps.shape[-1]
    if found != size_px:
        what = f"heatmaps are {found} px a side, the recipe's encoder takes {size_px}"
        raise InputError(what, where=where, fix=f"train with encoder.size_px={found}")
    return maps
