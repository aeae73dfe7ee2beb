"""Virtual cameras around a motion."""

from dataclasses import replace

import numpy as np
import pytest
from tests.clip_files import make_clip
from tests.present import present

from monopose.data.clip import Clip
from monopose.data.importers.mocap.virtual_views import (
    cameras_around,
    detections_named,
    seen_by_virtual_cameras,
)
from monopose.errors import InputError
from monopose.geometry.camera import camera_to_world, project, world_to_camera


def walking(metres: float, frames: int = 200, start: tuple[float, float] = (0.0, 0.0)) -> Clip:
    """A person-sized cloud of joints that goes straight along x, its feet 3 cm above z = 0.2."""
    body = np.random.default_rng(0).uniform((-0.3, -0.3, 0.03), (0.3, 0.3, 1.75), (17, 3))
    body[0, 2], body[1, 2] = 0.03, 1.75
    path = np.linspace(0, metres, frames)[:, None, None] * np.array([1.0, 0, 0])
    pose = (body + path + np.array([*start, 0.2])).astype(np.float32)
    return make_clip(frames, pose_world_m=pose, keypoints_px=None, cameras=())


@pytest.mark.parametrize("metres", [0.5, 4.0, 12.0, 60.0])
@pytest.mark.parametrize("seed", range(3))
def test_everything_is_in_view_all_the_time(metres: float, seed: int) -> None:
    clip = seen_by_virtual_cameras(walking(metres, start=(30.0, -20.0)), "gt", seed)
    pixels = present(clip.keypoints_px)
    assert len(clip.cameras) == 4
    # Rounding float32 pixels near 1000 costs less than 0.1 px of the 25 px border.
    assert pixels.min() > 24.9
    assert pixels.max() < 1000 - 24.9
    assert present(clip.camera_poses_m())[..., 2].min() >= 2 - 1e-3


def test_cameras_are_no_farther_than_they_need() -> None:
    near = present(seen_by_virtual_cameras(walking(0.5), "gt", 1).camera_poses_m())
    # In place the ring is the studio's: 6.9-8.1 m from the middle.
    assert 5.5 < near[..., 2].min() < near[..., 2].max() < 9.5
    far = seen_by_virtual_cameras(walking(12.0), "gt", 1)
    edge = np.abs(present(far.keypoints_px) - 500).max(axis=(1, 2, 3))
    # Those that had to go back have a joint on the border.
    assert (edge > 440).sum() >= 2


def test_cameras_stand_around_the_take_and_above_its_floor() -> None:
    clip = walking(3.0, start=(30.0, -20.0))
    cameras = cameras_around(present(clip.pose_world_m), np.random.default_rng(0))
    places = np.stack([camera_to_world(np.zeros(3), camera) for camera in cameras])
    relative = places[:, :2] - (31.5, -20.0)
    bearing = np.sort(np.degrees(np.arctan2(relative[:, 1], relative[:, 0])) % 360)
    assert np.all(np.abs(np.diff([*bearing, bearing[0] + 360]) - 90) < 40)
    assert np.all((places[:, 2] > 0.2 + 1.2) & (places[:, 2] < 0.2 + 2.5))


def test_the_seed_and_the_clip_decide_alone() -> None:
    clip = walking(3.0)
    first, again = (seen_by_virtual_cameras(clip, "model", 5) for _ in range(2))
    np.testing.assert_array_equal(present(first.keypoints_px), present(again.keypoints_px))
    for other in (
        seen_by_virtual_cameras(clip, "model", 6),
        seen_by_virtual_cameras(replace(clip, clip_id="set/S1/run"), "model", 5),
    ):
        assert other.cameras[0].fx != first.cameras[0].fx


def test_exact_and_modelled_detections() -> None:
    exact, modelled = (seen_by_virtual_cameras(walking(3.0), name, 5) for name in ("gt", "model"))
    for pose, camera, seen in zip(
        present(exact.camera_poses_m()), exact.cameras, present(exact.keypoints_px), strict=True
    ):
        np.testing.assert_allclose(project(pose, camera), seen, atol=2e-3)
    assert (present(exact.keypoint_score) == 1).all()
    error = np.linalg.norm(present(modelled.keypoints_px) - present(exact.keypoints_px), axis=-1)
    assert 1 < error.mean() < 15
    assert present(modelled.keypoint_score).std() > 0.1


def test_impossible_wishes_are_refused() -> None:
    with pytest.raises(InputError, match="model or gt"):
        detections_named("cpn")
    with pytest.raises(InputError, match=r"moves over 15[01] m.*unit of length"):
        seen_by_virtual_cameras(walking(150.0), "gt", 0)
    other = make_clip(3, joint_set="lsp14", keypoints_px=None, cameras=())
    with pytest.raises(InputError, match="of h36m17, not of lsp14"):
        seen_by_virtual_cameras(other, "model", 0)


def test_a_camera_above_the_middle_sees_up_as_up() -> None:
    clip = seen_by_virtual_cameras(walking(1.0), "gt", 2)
    for camera, seen in zip(clip.cameras, present(clip.keypoints_px), strict=True):
        assert (seen[:, 1, 1] < seen[:, 0, 1] - 100).all()
        up = world_to_camera(np.array([0.0, 0, 1]), camera) - world_to_camera(np.zeros(3), camera)
        assert up[1] < -0.9
