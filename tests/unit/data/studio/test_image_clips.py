"""Clips with images: bodies where their keypoints are, occlusion, the domains' contracts."""

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
from tests.present import present

from monopose.data.clip import Clip
from monopose.data.images.encoded import decode
from monopose.data.studio.images import compiled as columns
from monopose.data.studio.images.film import Take, film_clip, take_of, visible_shares
from monopose.data.studio.images.filming import detector_boxes
from monopose.data.studio.images.lens import lens_of
from monopose.data.studio.images.objects import box
from monopose.data.studio.images.outfit import draw_outfit, material
from monopose.data.studio.images.render import depth_buffer, parts_of
from monopose.data.studio.images.scene import Film, Scene, sun
from monopose.data.studio.images.shape_rows import PARTS
from monopose.data.studio.images.visibility import own_parts
from monopose.data.studio.studio import studio_clips
from monopose.errors import InputError
from monopose.skeleton import joint_set

H36M = joint_set("h36m17")
WANTED: dict[str, Any] = {"seconds": 1.0, "subjects": 3, "images": True, "stride": 25}
SIZE_PX = 192


def bare_scene() -> Scene:
    rng = np.random.default_rng(0)
    light = sun(rng, elevation_deg=(60.0, 70.0), strength=0.8, ambient=0.5, softness_m=0.02)
    scene = Scene(light, Film(1.0, 0.0, 0.4, 95))
    scene.ground = scene.stuff(material(np.full(3, 0.3)))
    return scene


def dressed(pose_world_m: np.ndarray) -> Take:
    return take_of(pose_world_m, 1.7, draw_outfit(np.random.default_rng(1)), bare_scene())


def still(clip: Clip) -> Take:
    return dressed(present(clip.pose_world_m))


@pytest.fixture(scope="module")
def motions() -> list[Clip]:
    options: dict[str, Any] = {"seconds": 2.0, "subjects": 3, "detections": "gt", "stride": 25}
    return list(studio_clips(4, actions=["walk", "kick", "reach", "crawl"], **options))


@pytest.fixture(scope="module")
def filmed() -> dict[str, list[Clip]]:
    actions = ["walk", "sit"]
    return {
        domain: list(studio_clips(2, domain=domain, detections="gt", actions=actions, **WANTED))
        for domain in ("studio", "wild")
    }


def in_crop(keypoints_px: np.ndarray, box_px: np.ndarray) -> np.ndarray:
    return (keypoints_px - box_px[..., None, :2]) / box_px[..., None, 2:] * SIZE_PX


def test_limbs_end_where_their_keypoints_are(motions: list[Clip]) -> None:
    """A small ball at the end of each forearm and shank cone is drawn around the keypoint."""
    for clip in motions[::3]:
        take, boxes = still(clip), detector_boxes(present(clip.keypoints_px), _rng())
        for joint, part in (("wrist", "forearm"), ("ankle", "shank"), ("knee", "thigh")):
            for side in ("left", "right"):
                number = PARTS.index(f"{side}_{part}")
                of_part = np.flatnonzero(take.body[0, :, columns.PART] == number)
                end = next(
                    int(k) for k in of_part if _ends_at(clip, take, int(k), f"{side}_{joint}")
                )
                shape = take.body[0, [end]].copy()
                centre = shape[0, columns.BALL_B : columns.BALL_B + 3]
                shape[0, :9], shape[0, columns.CENTRE : columns.R1] = (
                    (np.eye(3) / 0.02).ravel(),
                    centre,
                )
                shape[0, columns.R1 : columns.LENGTH], shape[0, columns.LENGTH] = 1.0, 0.0
                lens = lens_of(clip.cameras[0], boxes[0, 0])
                rows, places = np.nonzero(depth_buffer(shape, lens, SIZE_PX)[1] == 0)
                expected = in_crop(present(clip.keypoints_px)[0, 0], boxes[0, 0])
                at = (places.mean() + 0.5, rows.mean() + 0.5)
                np.testing.assert_allclose(at, expected[H36M.index(f"{side}_{joint}")], atol=0.5)


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _ends_at(clip: Clip, take: Take, k: int, joint: str) -> bool:
    end_m = take.body[0, k, columns.BALL_B : columns.BALL_B + 3]
    joint_m = present(clip.pose_world_m)[0, H36M.index(joint)]
    return bool(np.linalg.norm(end_m - joint_m) < 1e-5)


def test_a_seen_keypoint_lies_on_its_own_part_and_side(motions: list[Clip]) -> None:
    own, right_place, total = own_parts(), 0, 0
    for clip in motions:
        take, boxes = still(clip), detector_boxes(present(clip.keypoints_px), _rng())
        seen = visible_shares(take, present(clip.pose_world_m), clip.cameras)
        for view, camera in enumerate(clip.cameras):
            shapes = take.body[1]
            number = depth_buffer(shapes, lens_of(camera, boxes[view, 1]), SIZE_PX)[1]
            parts = parts_of(shapes, number)
            at = in_crop(present(clip.keypoints_px)[view, 1], boxes[view, 1]).astype(int)
            for joint in np.flatnonzero(seen[view, 1] == 1):
                part = parts[at[joint, 1], at[joint, 0]]
                right_place += bool(part >= 0 and own[joint, part])
                total += 1
    assert total > 300
    assert right_place / total > 0.97


def test_left_is_drawn_left(motions: list[Clip]) -> None:
    """Parts of the two sides have names of their own, and each is drawn on its own side."""
    for clip in motions:
        take, box_px = still(clip), detector_boxes(present(clip.keypoints_px), _rng())[0, 0]
        lens = lens_of(clip.cameras[0], box_px)
        at = in_crop(present(clip.keypoints_px)[0, 0], box_px)
        for part, joints in (("forearm", ("elbow", "wrist")), ("shank", ("knee", "ankle"))):
            middles = {}
            for side in ("left", "right"):
                mine = take.body[0, :, columns.PART] == PARTS.index(f"{side}_{part}")
                rows, places = np.nonzero(depth_buffer(take.body[0, mine], lens, SIZE_PX)[1] >= 0)
                ends = at[[H36M.index(f"{side}_{joint}") for joint in joints]]
                middles[side] = ends.mean(axis=0)
                here = np.array([places.mean(), rows.mean()])
                assert np.linalg.norm(here - middles[side]) < 0.06 * SIZE_PX, (clip.clip_id, part)


def test_a_box_before_the_camera_hides_what_is_behind_it(motions: list[Clip]) -> None:
    clip = motions[0]
    camera, pose_m = clip.cameras[0], present(clip.pose_world_m)
    take = still(clip)
    eye_m = -present(camera.rotation).T @ present(camera.translation_m)
    before = visible_shares(take, pose_m, [camera])[0, 0]
    spot = pose_m[0, 0, :2] + 0.3 * (eye_m[:2] - pose_m[0, 0, :2])
    scene = bare_scene()
    place = (float(spot[0]), float(spot[1]), float(np.arctan2(*(eye_m[:2] - spot)[::-1])))
    box(scene.shapes, place, (0.2, 3.0, 0.75), 0)
    hidden = replace(take, scene=scene, things=scene.shapes.rows()[0])
    after = visible_shares(hidden, pose_m, [camera])[0, 0]
    legs = [H36M.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("ankle",)]
    upper = [H36M.index(joint) for joint in ("head_top", "neck_nose", "thorax")]
    assert before[legs].max() == 1
    assert after[legs].max() == 0
    np.testing.assert_array_equal(after[upper], before[upper])
    assert (after <= before).all()
    boxes = detector_boxes(present(clip.keypoints_px), _rng())
    shapes = hidden.view(0, lens_of(camera, boxes[0, 0])).shapes
    parts = parts_of(shapes, depth_buffer(shapes, lens_of(camera, boxes[0, 0]), SIZE_PX)[1])
    at = in_crop(present(clip.keypoints_px)[0, 0], boxes[0, 0])[legs].astype(int)
    assert (parts[at[:, 1], at[:, 0]] == PARTS.index("object")).all()


def test_the_body_hides_its_own_far_arm(motions: list[Clip]) -> None:
    """Seen from the side, the hanging far wrist is behind the hip, the near one is not."""
    pose_m = np.zeros((1, 17, 3), np.float32)
    heights = (0.95, 0.95, 0.5, 0.08, 0.95, 0.5, 0.08, 1.17, 1.4, 1.52, 1.7, 1.42, 1.12, 0.9, 1.42, 1.12, 0.9)  # fmt: skip  # noqa: E501
    lateral = (0, -0.09, -0.09, -0.09, 0.09, 0.09, 0.09, 0, 0, 0, 0, 0.18, 0.2, 0.2, -0.18, -0.2, -0.2)  # fmt: skip  # noqa: E501
    pose_m[0, :, 2], pose_m[0, :, 1] = heights, lateral
    pose_m[0, 9, 0] = 0.05
    take = dressed(pose_m)
    camera = motions[0].cameras[0]
    # The camera stands on the person's left: world y runs to the left.
    rotation = np.array([[-1.0, 0, 0], [0, 0, -1], [0, -1, 0]])
    position_m = np.array([0.0, 6.0, 1.0])
    side_on = replace(camera, rotation=rotation, translation_m=-rotation @ position_m)
    seen = visible_shares(take, pose_m, [side_on])[0, 0]
    assert seen[H36M.index("left_wrist")] == 1
    assert seen[H36M.index("right_wrist")] == 0
    assert seen[H36M.index("right_elbow")] == 0


def test_studio_clips_carry_3d_and_wild_ones_2d_only(filmed: dict[str, list[Clip]]) -> None:
    for clip in filmed["studio"]:
        assert clip.has_3d
        assert clip.num_views == 4
        assert all(c.has_intrinsics and c.has_extrinsics for c in clip.cameras)
    for clip in filmed["wild"]:
        assert not clip.has_3d
        assert clip.num_views == 1
        assert not any(c.has_intrinsics or c.has_extrinsics for c in clip.cameras)
        assert present(clip.cameras[0].width) > 0
    for domain, clips in filmed.items():
        for clip in clips:
            assert (clip.dataset, clip.fps, clip.num_frames) == (domain, 2.0, 2)
            assert set(np.unique(present(clip.keypoint_score))) <= {0.0, 0.5, 1.0}
            assert decode(present(clip.image)[0][1]).shape == (128, 128, 3)
            assert present(clip.crop_box_px).shape == (clip.num_views, 2, 4)
        splits = {(clip.subject, clip.split) for clip in clips}
        assert {split for _, split in splits} == {"train", "val", "test"}
        assert len(splits) == 3
    assert not {c.subject for c in filmed["studio"]} & {c.subject for c in filmed["wild"]}


def test_crops_hold_the_keypoints_and_are_pictures(filmed: dict[str, list[Clip]]) -> None:
    for clip in (*filmed["studio"], *filmed["wild"]):
        for view, frames in enumerate(present(clip.image)):
            for frame, payload in enumerate(frames):
                known = present(clip.keypoint_score)[view, frame] > 0
                box_px = present(clip.crop_box_px)[view, frame]
                at = in_crop(present(clip.keypoints_px)[view, frame], box_px)[known] / SIZE_PX
                assert ((at > -0.02) & (at < 1.02)).all()
                assert decode(payload).astype(float).std() > 8


def test_wild_places_and_cameras_differ_and_a_studios_do_not(
    filmed: dict[str, list[Clip]],
) -> None:
    studio = {repr(c.cameras) for c in filmed["studio"] if c.subject == "S01"}
    assert len(studio) == 1
    sizes = {(c.cameras[0].width, c.cameras[0].height) for c in filmed["wild"]}
    assert len(sizes) > 1


def test_same_seed_same_bytes_whatever_else_is_asked_for(filmed: dict[str, list[Clip]]) -> None:
    for domain in ("studio", "wild"):
        alone = next(studio_clips(2, domain=domain, detections="gt", actions=["sit"], **WANTED))
        other = next(studio_clips(3, domain=domain, detections="gt", actions=["sit"], **WANTED))
        together = next(clip for clip in filmed[domain] if clip.action == "sit")
        assert alone.image == together.image
        np.testing.assert_array_equal(present(alone.crop_box_px), present(together.crop_box_px))
        assert other.image != together.image


def test_threads_change_nothing(motions: list[Clip]) -> None:
    clip = motions[0]
    take, boxes = still(clip), detector_boxes(present(clip.keypoints_px), _rng())[:2]
    one, three = (film_clip(take, clip.cameras[:2], boxes, 64, 5, workers) for workers in (1, 3))
    assert one == three


def test_outside_the_image_a_crop_is_black(motions: list[Clip]) -> None:
    clip = motions[0]
    boxes = np.array([[[-300.0, 100.0, 600.0, 600.0]]], np.float32)
    still_ = still(clip)
    take = replace(still_, body=still_.body[:1])
    image = decode(film_clip(take, clip.cameras[:1], boxes, 64, 0)[0][0])
    assert image[:, :31].max() < 12
    assert image[:, 33:].mean() > 20


def test_images_leave_motion_and_modelled_detections_as_they_are() -> None:
    options: dict[str, Any] = {"seconds": 0.5, "subjects": 3, "actions": ["wave"], "stride": 10}
    plain, filmed = (next(studio_clips(1, images=images, **options)) for images in (False, True))
    for name in ("pose_world_m", "keypoints_px", "keypoint_score"):
        np.testing.assert_array_equal(present(getattr(plain, name)), getattr(filmed, name))
    whole = next(studio_clips(1, seconds=0.5, subjects=3, actions=["wave"]))
    np.testing.assert_array_equal(present(whole.keypoints_px)[:, ::10], present(plain.keypoints_px))
    assert (plain.fps, plain.image) == (5.0, None)


def test_clips_come_one_by_one_however_many_are_asked_for() -> None:
    endless = studio_clips(subjects=10**9, takes=10**6, actions=["wave"], seconds=0.1)
    assert len(list(islice(endless, 3))) == 3


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"stride": 0}, "a stride of 0 leaves less than two of 200 frames"),
        ({"stride": 150}, "a stride of 150 leaves less than two of 200 frames"),
        ({"images": True, "crop_px": 4}, "crops of 4 px cannot be made"),
    ],
)
def test_impossible_images_are_refused(options: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        next(studio_clips(**options))
