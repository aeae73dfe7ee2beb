"""From a clip of joints to the same clip with images: person dressed, place built, views shot."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32

from monopose.data.clip import Clip
from monopose.data.images.boxes import person_boxes
from monopose.data.studio.images.film import Take, film_clip, take_of, visible_shares
from monopose.data.studio.images.outfit import Outfit, draw_outfit
from monopose.data.studio.images.places import STUDIO_ROOMS, studio_place, wild_place
from monopose.data.studio.images.scene import Path
from monopose.geometry.camera import Camera, project, world_to_camera

Domain = Literal["studio", "wild"]

_BOX_SHIFT_SHARE = 0.015
_BOX_SCALE_SHARE = 0.04
# A thing in front that leaves less than this of the joints to be seen is taken away again.
_LEAST_VISIBLE = 0.55
OCCLUDED_SCORE = 0.5


def with_images(
    clip: Clip,
    stature_m: float,
    *,
    domain: Domain,
    crop_px: int,
    exact: bool,
    person_key: Sequence[int],
    take_key: Sequence[int],
    workers: int | None = None,
) -> Clip:
    """The clip with a JPEG crop for each view and frame, and the boxes of the crops.

    The clip has a pose_world_m and calibrated cameras; both stay. exact: its keypoints are exact,
    and their scores become 1 for a joint that is seen, 0.5 for one that a thing or the body hides
    and 0 outside the image (with coordinates 0). person_key: seeds that say whose clothes (the
    same for all clips of a person in the studio). take_key: seeds of this clip alone, first the
    data set's own. workers: threads, default one for each usable core.
    """
    assert clip.pose_world_m is not None
    rng = np.random.default_rng([*take_key, 7])
    outfit = draw_outfit(np.random.default_rng([*person_key, 11]), varied=domain == "wild")
    take = _staged(clip, clip.pose_world_m, stature_m, outfit, domain, take_key[0], rng)
    true_px = np.stack(
        [project(world_to_camera(clip.pose_world_m, c), c) for c in clip.cameras]
    ).astype(np.float32)
    boxes_px = detector_boxes(true_px, rng)
    noise_seed = int(rng.integers(2**30))
    image = film_clip(take, clip.cameras, boxes_px, crop_px, noise_seed, workers)
    clip = replace(clip, image=image, crop_box_px=boxes_px)
    return _judged(clip, take, true_px) if exact else clip


def _staged(
    clip: Clip,
    pose_world_m: Float32[np.ndarray, "T J 3"],
    stature_m: float,
    outfit: Outfit,
    domain: Domain,
    seed: int,
    rng: np.random.Generator,
) -> Take:
    """Person and place; without the thing in front where it would hide too much."""
    eyes_m = np.stack([eye_m(camera) for camera in clip.cameras])
    path = Path(pose_world_m[..., :2].reshape(-1, 2).astype(float))
    if domain == "wild":
        scene = wild_place(rng, path, eyes_m[0])
    else:
        number = sum(clip.subject.encode()) % STUDIO_ROOMS
        scene = studio_place(np.random.default_rng([seed, 13, number]), rng, path, eyes_m)
    take = take_of(pose_world_m, stature_m, outfit, scene)
    if scene.front_from is None:
        return take
    some = slice(None, None, max(1, len(pose_world_m) // 5))
    seen = visible_shares(replace(take, body=take.body[some]), pose_world_m[some], clip.cameras)
    if seen.mean(axis=(1, 2)).min() >= _LEAST_VISIBLE:
        return take
    del scene.shapes.shapes[scene.front_from :]
    return replace(take, things=scene.shapes.rows()[0])


def eye_m(camera: Camera) -> Float[np.ndarray, "3"]:
    """Where a camera stands in the world, metres."""
    assert camera.rotation is not None
    assert camera.translation_m is not None
    return -camera.rotation.T @ camera.translation_m


def detector_boxes(
    true_px: Float32[np.ndarray, "V T J 2"], rng: np.random.Generator
) -> Float32[np.ndarray, "V T 4"]:
    """Boxes around people as a detector gives them: each a little off in place and size."""
    box = person_boxes(true_px, np.ones(true_px.shape[:-1], np.float32))
    side = box[..., 2:] * np.exp(rng.normal(0.0, _BOX_SCALE_SHARE, (*box.shape[:-1], 1)))
    shift = rng.normal(0.0, _BOX_SHIFT_SHARE, (*box.shape[:-1], 2)) * side
    corner = box[..., :2] + (box[..., 2:] - side) / 2 + shift
    return np.concatenate([corner, side], axis=-1).astype(np.float32)


def _judged(clip: Clip, take: Take, true_px: Float32[np.ndarray, "V T J 2"]) -> Clip:
    assert clip.pose_world_m is not None
    seen = visible_shares(take, clip.pose_world_m, clip.cameras)
    score = np.where(seen >= 0.5, 1.0, OCCLUDED_SCORE)
    size_px = np.array([(c.width, c.height) for c in clip.cameras], float)[:, None, None]
    inside = np.asarray(np.all((true_px >= 0) & (true_px < size_px), axis=-1))
    score = np.where(inside, score, 0.0).astype(np.float32)
    keypoints_px = np.where(inside[..., None], true_px, 0.0).astype(np.float32)
    return replace(clip, keypoints_px=keypoints_px, keypoint_score=score)
