"""Every change of a crop moves keypoints, pixels, heatmaps and 3D targets together."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.image_clips import CENTRE, FOCAL, camera, image_clip
from tests.present import present

from monopose.data.clip import Clip
from monopose.data.images.batches import ImageBatch, finish, prepare
from monopose.data.images.encoded import crop, encode
from monopose.data.images.windows import ImageWindow, image_windows
from monopose.geometry.camera import distort
from monopose.geometry.crop import crop_rotation
from monopose.geometry.heatmaps import peaks
from monopose.recipes.images import ImageAugmentation, ImageInputs
from monopose.skeleton import joint_set

JOINTS = joint_set("h36m17")
ORDER = list(JOINTS.mirror)
# Only what moves things.
MOVES = ImageAugmentation(
    shift=0.15,
    scale=(0.7, 1.3),
    rotation_deg=60.0,
    rotation_share=0.8,
    colour=0.0,
    background_share=0.0,
    occlusion_share=0.0,
)
STILL = ImageInputs(size_px=96, heatmap_px=48, sigma_px=1.5, augmentation=None)
MOVING = STILL.model_copy(update={"augmentation": MOVES})
seeds = st.integers(0, 2**32 - 1)


def _batch(
    windows: list[ImageWindow], inputs: ImageInputs, seed: int = 0, on_device: bool = False
) -> ImageBatch:
    rng = np.random.default_rng(seed)
    prepared = prepare(windows, inputs, JOINTS, rng, on_device=on_device)
    return finish(prepared, inputs, JOINTS, torch.device("cpu"))


def _windows(*clips: Clip) -> list[ImageWindow]:
    return list(image_windows(clips, "h36m17"))


def _unmirrored(values: torch.Tensor, batch: ImageBatch) -> np.ndarray:
    """Joints in the order of the clip."""
    chosen = batch.mirrored.view(-1, *[1] * (values.ndim - 1))
    return torch.where(chosen, values[:, :, ORDER], values).double().numpy()


CLIP = image_clip(frames=6, size_px=32)
WINDOWS = _windows(CLIP)


def test_a_plain_crop_is_the_box() -> None:
    batch = _batch(WINDOWS, STILL)
    box = present(CLIP.crop_box_px)[0].astype(np.float64)
    seen = present(CLIP.keypoints_px)[0]
    wanted = (seen - box[:, None, :2]) / box[:, None, 2:] * 2 - 1
    np.testing.assert_allclose(batch.keypoints[:, 0], wanted, atol=1e-5)
    assert not batch.mirrored.any()
    pose_m = present(CLIP.pose_camera_m)[0].astype(np.float64)
    for frame in range(6):
        rotation = crop_rotation(box[frame, :2] + box[frame, 2:] / 2, camera())
        np.testing.assert_allclose(batch.to_camera[frame, 0], rotation, atol=1e-6)
        relative_m = pose_m[frame] - pose_m[frame, :1]
        # X_crop = R^T X_camera, written for columns.
        np.testing.assert_allclose(batch.pose_m[frame, 0], (rotation.T @ relative_m.T).T, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_keypoints_go_back_to_their_pixels(seed: int) -> None:
    batch = _batch(WINDOWS, MOVING, seed)
    keypoints = _unmirrored(batch.keypoints, batch)
    to_image = batch.to_image_px.double().numpy()
    back = np.einsum("btij,btkj->btki", to_image[..., :2], keypoints) + to_image[..., None, :, 2]
    np.testing.assert_allclose(back[:, 0], present(CLIP.keypoints_px)[0], atol=0.02)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_poses_go_back_to_the_camera(seed: int) -> None:
    batch = _batch(WINDOWS, MOVING, seed)
    to_camera = batch.to_camera.double().numpy()
    np.testing.assert_allclose(np.linalg.det(to_camera), 1.0, atol=1e-5)
    back_m = np.einsum("btij,btkj->btki", to_camera, _unmirrored(batch.pose_m, batch))
    back_m = np.where(batch.mirrored.numpy()[:, None, None, None], back_m * [-1, 1, 1], back_m)
    pose_m = present(CLIP.pose_camera_m)[0]
    np.testing.assert_allclose(back_m[:, 0], pose_m - pose_m[:, :1], atol=1e-5)


def _distant(centre_m: tuple[float, float, float]) -> Clip:
    """A person 40 m away: a crop so narrow that a turned camera sees what the crop shows."""
    rng = np.random.default_rng(5)
    pose_m = np.array(centre_m) + rng.uniform(-0.5, 0.5, (1, 6, 17, 3))
    focal = 10 * FOCAL
    seen = np.array(CENTRE) + focal * pose_m[..., :2] / pose_m[..., 2:]
    low, high = seen.min(axis=2), seen.max(axis=2)
    side = 1.25 * (high - low).max(axis=-1, keepdims=True)
    boxes = np.concatenate([(low + high - side) / 2, side, side], axis=-1)
    return replace(
        CLIP,
        cameras=(camera(fx=focal, fy=focal),),
        pose_camera_m=pose_m.astype(np.float32),
        keypoints_px=seen.astype(np.float32),
        crop_box_px=boxes.astype(np.float32),
    )


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_the_virtual_camera_sees_the_pose_where_the_keypoints_are(
    seed: int, x_m: float, y_m: float
) -> None:
    """3D targets are projected by the crop's own camera; signs of every angle must be right."""
    clip = _distant((x_m, y_m, 40.0))
    batch = _batch(_windows(clip), MOVING, seed)
    pose_m = present(clip.pose_camera_m)[0].astype(np.float64)
    root_m = np.where(batch.mirrored.numpy()[:, None], pose_m[:, 0] * [-1, 1, 1], pose_m[:, 0])
    to_camera = batch.to_camera[:, 0].double().numpy()
    root_m = np.einsum("bji,bj->bi", to_camera, root_m)
    absolute_m = root_m[:, None] + batch.pose_m[:, 0].double().numpy()
    side_px = 2 * batch.to_image_px[:, 0, :, 0].double().norm(dim=-1).numpy()
    seen = absolute_m[..., :2] / absolute_m[..., 2:] * (2 * 10 * FOCAL / side_px)[:, None, None]
    np.testing.assert_allclose(seen, batch.keypoints[:, 0], atol=0.02)


def test_a_point_right_of_the_centre_of_a_crop_turned_clockwise_moves_up() -> None:
    turned = MOVES.model_copy(
        update={"shift": 0.0, "scale": (1.0, 1.0), "flip": False, "rotation_share": 1.0}
    )
    inputs = STILL.model_copy(update={"augmentation": turned})
    batch, plain = _batch(WINDOWS, inputs, 3), _batch(WINDOWS, STILL)
    linear = batch.to_image_px[:, 0, :, :2]
    angle = torch.atan2(linear[:, 1, 0], linear[:, 0, 0])
    assert angle.abs().max() > 0.3
    x, y = plain.keypoints[:, 0].unbind(-1)
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    wanted = torch.stack([x * cos + y * sin, y * cos - x * sin], dim=-1)
    torch.testing.assert_close(batch.keypoints[:, 0], wanted, atol=1e-4, rtol=0)
    x, y, z = plain.pose_m[:, 0].unbind(-1)
    wanted = torch.stack([x * cos + y * sin, y * cos - x * sin, z], dim=-1)
    torch.testing.assert_close(batch.pose_m[:, 0], wanted, atol=1e-4, rtol=0)


def _spot_clip(stored: tuple[int, int], joint: int) -> Clip:
    """The full image is black but for a disc about one joint; crops are stored at some size."""
    seen, boxes = present(CLIP.keypoints_px)[0], present(CLIP.crop_box_px)[0]
    frames = []
    for frame in range(6):
        full = np.zeros((2000, 2400, 3), np.uint8)
        # Room for boxes that reach over the border.
        place = seen[frame, joint] + 500
        cv2.circle(full, (int(place[0] * 16) - 8, int(place[1] * 16) - 8), 16 * 7, (255,) * 3, -1,
                   cv2.LINE_AA, 4)  # fmt: skip
        box = boxes[frame] + np.array([500, 500, 0, 0], np.float32)
        cut = crop(full, box, max(stored))
        frames.append(encode(cv2.resize(cut, stored, interpolation=cv2.INTER_AREA), 98))
    return replace(CLIP, image=(tuple(frames),))


def _centroids(images: torch.Tensor) -> torch.Tensor:
    """Normalised centre of brightness of N x 3 x S x S."""
    weight = images.double().mean(dim=1)
    size = weight.shape[-1]
    axis = (2 * torch.arange(size) + 1) / size - 1
    total = weight.sum(dim=(1, 2))
    x, y = (weight * axis).sum(dim=(1, 2)), (weight * axis[:, None]).sum(dim=(1, 2))
    return torch.stack([x, y], dim=-1) / total[:, None]


@pytest.mark.parametrize("on_device", [False, True])
@pytest.mark.parametrize("stored", [(256, 256), (100, 100), (200, 150)])
@pytest.mark.parametrize("joint", [3, 12])
def test_pixels_follow(on_device: bool, stored: tuple[int, int], joint: int) -> None:
    windows = _windows(_spot_clip(stored, joint))
    for seed in range(4):
        batch = _batch(windows, MOVING, seed, on_device)
        place = torch.from_numpy(_unmirrored(batch.keypoints, batch))[:, 0, joint]
        whole = place.abs().amax(dim=1) < 0.8
        assert whole.any()
        found = _centroids(batch.images[:, 0])[whole]
        # 96 pixels for -1..1: within half a pixel.
        assert (found - place[whole]).abs().max() < 1 / 96


@pytest.mark.parametrize("on_device", [False, True])
def test_plain_pixels_are_the_crop(on_device: bool) -> None:
    rng = np.random.default_rng(0)
    smooth = cv2.resize(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8), (96, 96))
    clip = replace(CLIP, image=((encode(smooth, 100),) * 6,))
    images = _batch(_windows(clip), STILL, on_device=on_device).images
    assert images.shape == (6, 1, 3, 96, 96)
    error = np.abs(images[0, 0].permute(1, 2, 0).numpy().astype(int) - smooth)[2:-2, 2:-2]
    # Four samples a pixel blur a little.
    assert error.mean() < 2.0


def test_both_ways_of_warping_agree() -> None:
    rng = np.random.default_rng(0)
    smooth = [cv2.resize(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8), (180, 180)),
              cv2.resize(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8), (256, 256))]  # fmt: skip
    clip = replace(CLIP, image=(tuple(encode(smooth[i % 2], 95) for i in range(6)),))
    coloured = MOVES.model_copy(update={"colour": 0.3})
    inputs = MOVING.model_copy(update={"augmentation": coloured})
    host, device = (_batch(_windows(clip), inputs, 7, on_device=d) for d in (False, True))
    torch.testing.assert_close(host.keypoints, device.keypoints)
    difference = (host.images.int() - device.images.int()).abs().float()
    assert difference.mean() < 1.5


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_heatmaps_peak_at_the_moved_keypoints(seed: int) -> None:
    batch = _batch(WINDOWS, MOVING, seed)
    maps = present(batch.heatmaps)
    assert maps.shape == (6, 1, 17, 48, 48)
    inside = batch.keypoints.abs().amax(dim=-1) < 1 - 1 / 48
    away = (peaks(maps) - batch.keypoints).abs().amax(dim=-1)
    assert away[inside].max() <= 1 / 48 + 1e-5


def test_the_lens_is_taken_out_of_the_crops_centre() -> None:
    lens = (-0.2, 0.25, 1e-3, -8e-4, -2e-3)
    clip = replace(CLIP, cameras=(camera(distortion=lens),))
    batch = _batch(_windows(clip), MOVING, 1)
    centre = batch.to_image_px[:, 0, :, 2].double().numpy()
    axis = batch.to_camera[:, 0, :, 2].double().numpy()
    axis = np.where(batch.mirrored.numpy()[:, None], axis * [-1, 1, 1], axis)
    seen = distort(axis[:, :2] / axis[:, 2:], lens) * FOCAL + np.array(CENTRE)
    np.testing.assert_allclose(seen, centre, atol=0.01)
