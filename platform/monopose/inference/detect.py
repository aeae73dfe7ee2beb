"""A 2D detector run over a data set with images: its keypoints, and the maps they were read from.

What comes out is a data set for lifting. Its 3D, cameras, names and splits are those of the
images' set, in the detector's joint set; the images themselves are not kept.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from monopose.data.clip import Clip
from monopose.data.images.batches import finish, prepare
from monopose.data.images.windows import ImageWindow, image_windows
from monopose.data.joint_sets import in_joint_set
from monopose.data.manifest import Manifest
from monopose.data.shards import read_clips, read_manifest, write_clips
from monopose.errors import InputError
from monopose.geometry.heatmaps import decode
from monopose.skeleton import joint_set
from monopose.training.checkpoint import Detector

# Crops in one pass through the network.
_AT_ONCE = 64


def detect(
    detector: Detector,
    source_uri: str,
    uri: str,
    *,
    overwrite: bool = False,
    on_clip: Callable[[], object] = lambda: None,
) -> Manifest:
    """Writes the data set at `source_uri` again, with what the detector finds in its images.

    One clip is held at a time, and a shard of what is written. Raises InputError when a clip has
    no images or 3D that the detector's joint set cannot hold, and what `write_clips` raises.
    """
    if source_uri.rstrip("/") == uri.rstrip("/"):
        raise InputError("is the data set with the images", where=uri, fix="name another")
    manifest = read_manifest(source_uri)
    _check_images(manifest, source_uri)

    def clips() -> Iterator[Clip]:
        for clip in read_clips(source_uri, heatmaps=False):
            yield detected(clip, detector)
            on_clip()

    return write_clips(
        clips(),
        uri,
        dataset=manifest.dataset,
        detections=f"{detector.recipe.name} {detector.recipe.digest()}",
        synthetic=manifest.synthetic,
        overwrite=overwrite,
    )


def detected(clip: Clip, detector: Detector) -> Clip:
    """The clip in the detector's joint set, with its keypoints and maps instead of images.

    A keypoint's score is the largest value of its map, 0..1. Frames without a person's box have
    maps and scores of zero. Raises InputError for 3D that cannot be converted, and for an image
    that cannot be decoded.
    """
    recipe = detector.recipe
    kept = replace(in_joint_set(clip, recipe.joint_set), image=None)
    found = _Found.nothing(clip, len(joint_set(recipe.joint_set)), recipe.size_px // 4)
    windows = list(image_windows([clip], recipe.joint_set))
    for first in range(0, len(windows), _AT_ONCE):
        _fill(found, windows[first : first + _AT_ONCE], detector)
    return replace(
        kept,
        keypoints_px=found.keypoints_px * (found.score > 0)[..., None],
        keypoint_score=found.score,
        crop_box_px=found.box_px,
        heatmaps=found.heatmaps,
    )


@dataclass(frozen=True)
class _Found:
    """What is found of a clip so far."""

    keypoints_px: Float32[np.ndarray, "V T J 2"]
    score: Float32[np.ndarray, "V T J"]
    box_px: Float32[np.ndarray, "V T 4"]
    heatmaps: UInt8[np.ndarray, "V T J h h"]

    @classmethod
    def nothing(cls, clip: Clip, joints: int, side: int) -> "_Found":
        shape = (clip.num_views, clip.num_frames)
        return cls(
            np.zeros((*shape, joints, 2), np.float32),
            np.zeros((*shape, joints), np.float32),
            np.zeros((*shape, 4), np.float32),
            np.zeros((*shape, joints, side, side), np.uint8),
        )


@torch.inference_mode()
def _fill(found: _Found, windows: Sequence[ImageWindow], detector: Detector) -> None:
    recipe = detector.recipe
    inputs = recipe.inputs(training=False).model_copy(update={"heatmap_px": None})
    joints = joint_set(recipe.joint_set)
    device = next(detector.network.parameters()).device
    # Nothing is drawn at random without augmentation.
    prepared = prepare(windows, inputs, joints, np.random.default_rng(0))
    batch = finish(prepared, inputs, joints, device)
    maps = detector.network(batch.images[:, 0]).float()
    keypoints_px, score = decode(maps, batch.to_image_px[:, 0], recipe.sigma_px)
    at = tuple(np.array([(w.view, w.frame) for w in windows]).T)
    found.keypoints_px[at] = keypoints_px.cpu().numpy()
    found.score[at] = score.cpu().numpy()
    found.box_px[at] = [window.box_px[0] for window in windows]
    found.heatmaps[at] = (maps.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()


def _check_images(manifest: Manifest, where: str) -> None:
    for name, counts in manifest.splits.items():
        if counts.has_images < counts.clips:
            raise InputError(
                f"{counts.clips - counts.has_images} of the {counts.clips} clips of split "
                f"{name!r} have no images",
                where=where,
                fix="import with --images, or make the studio with --images",
            )
