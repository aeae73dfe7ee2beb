"""Clips with a detector's maps: Gaussians at the keypoints, drawn by hand in numpy."""

from dataclasses import replace

import numpy as np
from tests.moving_clips import moving_clip
from tests.present import present

from monopose.data.clip import Clip

SIDE = 16


def with_maps(clip: Clip, side: int = SIDE, sigma_px: float = 1.0) -> Clip:
    """The clip with maps over a square of 600 px about the middle of each frame's keypoints."""
    seen_px = present(clip.keypoints_px)
    corner = seen_px.mean(axis=2) - 300
    boxes = np.concatenate([corner, np.full_like(corner, 600)], axis=-1)
    # Pixel i of the map has its centre at (i + 1/2) / side of the box.
    place = (seen_px - corner[:, :, None]) / 600 * side - 0.5
    pixel = np.arange(side)
    along = np.exp(-0.5 * ((pixel - place[..., None]) / sigma_px) ** 2)
    maps = along[..., 1, :, None] * along[..., 0, None, :]
    return replace(clip, heatmaps=np.rint(maps * 255).astype(np.uint8), crop_box_px=boxes)


def map_clip(clip_id: str = "set/S1/walk", frames: int = 12, side: int = SIDE) -> Clip:
    """A moving clip with maps."""
    return with_maps(moving_clip(clip_id, frames), side)
