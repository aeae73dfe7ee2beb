"""What a batch holds: axes, joint sets, unknowns, changes of pixels, and refusals."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from tests.clip_files import make_clip
from tests.image_clips import camera, image_clip
from tests.present import present

from monopose.data.clip import Clip
from monopose.data.images.appearance import below, colour_maps, patches, person_masks
from monopose.data.images.batches import ImageBatch, finish, prepare
from monopose.data.images.encoded import encode
from monopose.data.images.windows import image_windows
from monopose.errors import InputError
from monopose.geometry.crop import crop_rotation
from monopose.recipes.images import ImageAugmentation, ImageInputs
from monopose.skeleton import joint_set

JOINTS = joint_set("h36m17")
STILL = ImageInputs(size_px=64, heatmap_px=None, augmentation=None)
NOTHING = ImageAugmentation(
    shift=0, scale=(1, 1), rotation_share=0, flip=False, colour=0, background_share=0,
    occlusion_share=0,
)  # fmt: skip
CLIP = image_clip(frames=5, size_px=64)


def _batch(clips: list[Clip], inputs: ImageInputs, seed: int = 0) -> ImageBatch:
    windows = list(image_windows(clips, "h36m17", inputs.frames, inputs.frame_step))
    prepared = prepare(windows, inputs, JOINTS, np.random.default_rng(seed))
    return finish(prepared, inputs, JOINTS, torch.device("cpu"))


def _changed(**values: object) -> ImageInputs:
    return STILL.model_copy(update={"augmentation": NOTHING.model_copy(update=values)})


def _flat(colour: int = 120) -> Clip:
    image = encode(np.full((64, 64, 3), colour, np.uint8))
    return replace(CLIP, image=((image,) * 5,))


def test_single_frames_have_a_time_axis_of_one() -> None:
    batch = _batch([CLIP], STILL.model_copy(update={"heatmap_px": 16}))
    assert batch.images.shape == (5, 1, 3, 64, 64)
    assert batch.images.dtype == torch.uint8
    assert batch.keypoints.shape == (5, 1, 17, 2)
    assert present(batch.heatmaps).shape == (5, 1, 17, 16, 16)
    assert batch.pose_m.shape == (5, 1, 17, 3)
    assert batch.to_camera.shape == (5, 1, 3, 3)
    assert batch.joint_mask.all()
    assert batch.has_3d.all()
    assert _batch([CLIP], STILL).heatmaps is None


def test_windows_of_several_frames_are_centred_and_repeat_the_ends() -> None:
    batch = _batch([CLIP], STILL.model_copy(update={"frames": 3, "frame_step": 2}))
    single = _batch([CLIP], STILL)
    assert batch.images.shape == (5, 3, 3, 64, 64)
    for middle in range(5):
        for place, offset in enumerate((-2, 0, 2)):
            frame = min(max(middle + offset, 0), 4)
            torch.testing.assert_close(batch.images[middle, place], single.images[frame, 0])
            torch.testing.assert_close(batch.pose_m[middle, place], single.pose_m[frame, 0])


def test_the_frames_of_a_sample_change_alike() -> None:
    inputs = STILL.model_copy(update={"frames": 3, "augmentation": ImageAugmentation()})
    still = replace(CLIP, image=((present(CLIP.image)[0][0],) * 5,))
    box = np.repeat(present(CLIP.crop_box_px)[:, :1], 5, axis=1)
    batch = _batch([replace(still, crop_box_px=box)], inputs, seed=4)
    torch.testing.assert_close(batch.to_image_px[:, 0], batch.to_image_px[:, 2])
    torch.testing.assert_close(batch.to_camera[:, 0], batch.to_camera[:, 1])


def test_other_joint_sets_are_converted_and_masked() -> None:
    clip = image_clip("set/S1/lsp", joint_set="lsp14")
    batch = _batch([clip], STILL)
    lsp = joint_set("lsp14")
    for name in ("left_ankle", "right_wrist"):
        wanted = present(clip.keypoints_px)[0, :, lsp.index(name)]
        found = batch.keypoints[:, 0, JOINTS.index(name)].double()
        linear, centre = batch.to_image_px[:, 0, :, :2].double(), batch.to_image_px[:, 0, :, 2]
        back = torch.einsum("bij,bj->bi", linear, found) + centre
        np.testing.assert_allclose(back, wanted, atol=0.01)
    assert not batch.joint_mask.all()
    missing = ~batch.joint_mask[0]
    assert not batch.score[:, :, missing].any()
    assert not batch.keypoints[:, :, missing].any()


def test_photos_with_2d_labels_only() -> None:
    clip = replace(
        CLIP,
        pose_camera_m=None,
        cameras=(camera(fx=None, fy=None, cx=None, cy=None),),
        keypoint_score=np.zeros((1, 5, 17), np.float32),
    )
    batch = _batch([clip], STILL)
    assert not batch.has_3d.any()
    assert not batch.pose_m.any()
    assert not batch.keypoints.any()
    # Intrinsics assumed: 1.2 times the width, centred.
    box = present(CLIP.crop_box_px)[0]
    assumed = camera(fx=1200.0, fy=1200.0, cx=500.0, cy=480.0)
    rotation = crop_rotation(box[:, :2] + box[:, 2:] / 2, assumed)
    np.testing.assert_allclose(batch.to_camera[:, 0], rotation, atol=1e-6)


def test_uncropped_images_are_cut_around_the_keypoints() -> None:
    full = np.zeros((960, 1000, 3), np.uint8)
    seen = present(CLIP.keypoints_px)[0]
    for point in seen[0].astype(int).tolist():
        cv2.circle(full, point, 12, (255, 255, 255), -1)
    clip = replace(CLIP, image=((encode(full),) * 5,), crop_box_px=None)
    batch = _batch([clip], STILL)
    assert batch.keypoints.abs().max() <= 1 / 1.25 + 1e-3
    column, row = ((batch.keypoints[0, 0] + 1) * 32).long().unbind(-1)
    inside = ((seen[0] > 12) & (seen[0] < (988, 948))).all(axis=-1)
    assert inside.sum() > 5
    assert (batch.images[0, 0, 0, row, column][torch.from_numpy(inside)] > 128).all()


def test_frames_without_a_person_are_no_samples() -> None:
    boxes = present(CLIP.crop_box_px).copy()
    boxes[0, [1, 3]] = 0
    assert len(_batch([replace(CLIP, crop_box_px=boxes)], STILL).images) == 3


def test_clips_without_images_are_passed_over() -> None:
    assert len(list(image_windows([make_clip(4), CLIP, make_clip(3)], "h36m17"))) == 5


def test_the_same_draws_give_the_same_batch() -> None:
    inputs = STILL.model_copy(update={"augmentation": ImageAugmentation()})
    one, same, other = (_batch([CLIP], inputs, seed) for seed in (1, 1, 2))
    torch.testing.assert_close(one.images, same.images)
    torch.testing.assert_close(one.pose_m, same.pose_m)
    assert not torch.equal(one.images, other.images)


def test_a_damaged_image_names_its_clip() -> None:
    frames = list(present(CLIP.image)[0])
    frames[2] = frames[2][:200]
    with pytest.raises(InputError, match=r"set/S1/walk view 0 from frame 0: is "):
        _batch([replace(CLIP, image=(tuple(frames),))], STILL)


def test_no_colour_change_is_the_identity() -> None:
    maps = colour_maps(3, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(maps, np.tile(np.eye(3, 4), (3, 1, 1)), atol=1e-6)


def test_colours_change_within_their_limits() -> None:
    rng = np.random.default_rng(0)
    grey = colour_maps(500, 0.2, rng) @ np.array([127.5, 127.5, 127.5, 1.0])
    # Contrast and saturation keep mid-grey: gains move it by 10 %, the offset by 20 %.
    assert np.abs(grey - 127.5).max() <= 127.5 * 0.3 + 1e-3
    assert np.abs(grey - 127.5).max() > 127.5 * 0.2
    before, after = (_batch([_flat()], inputs).images for inputs in (STILL, _changed(colour=0.3)))
    assert before.float().std() < 1
    assert len({tuple(image[0, :, 9, 9].tolist()) for image in after}) == 5


def test_patches_hide_pixels_and_lower_scores() -> None:
    inputs = _changed(occlusion_share=1.0, occlusion_size=(0.3, 0.5), occluded_score=0.25)
    batch, plain = _batch([_flat()], inputs), _batch([_flat()], STILL)
    hidden = (batch.images != plain.images).any(dim=2)
    share = hidden.float().mean(dim=(1, 2, 3))
    assert ((share > 0.01) & (share < 0.6)).all()
    column, row = ((batch.keypoints[:, 0] + 1) * 32).long().clamp(0, 63).unbind(-1)
    covered = hidden[torch.arange(5)[:, None], 0, row, column]
    lowered = batch.score[:, 0] == 0.25
    assert covered.any()
    assert lowered.any()
    # A pixel's rounding at a patch's edge aside.
    assert (covered == lowered).float().mean() > 0.95
    torch.testing.assert_close(batch.keypoints, plain.keypoints)


def test_patches_are_laid_on_the_share_that_was_asked_for() -> None:
    change = NOTHING.model_copy(update={"occlusion_share": 0.3, "occlusion_patches": 3})
    laid = patches(4000, change, np.random.default_rng(0))
    used = (laid[..., 0] < laid[..., 2]).sum(axis=1)
    assert abs((used > 0).mean() - 0.3) < 0.03
    assert {1, 2, 3} <= set(used.tolist())
    side = (laid[..., 2:] - laid[..., :2])[laid[..., 0] < laid[..., 2]] / 2
    assert side.min() >= change.occlusion_size[0] - 1e-6
    assert side.max() <= change.occlusion_size[1] + 1e-6


def test_a_point_is_below_a_patch_only_inside_it() -> None:
    points = np.array([[[[0.0, 0.0], [0.4, 0.0], [0.0, -0.9]]]])
    laid = np.array([[[-0.5, -0.5, 0.3, 0.5], [2, 2, 2, 2]]])
    np.testing.assert_array_equal(below(points, laid), [[[True, False, False]]])


def test_surroundings_change_and_people_stay() -> None:
    batch, plain = (_batch([_flat()], i) for i in (_changed(background_share=1.0), STILL))
    moved = (batch.images.int() - plain.images.int()).abs().amax(dim=2)[:, 0]
    masks = person_masks(batch.keypoints[:, 0], batch.score[:, 0], JOINTS)
    fine = torch.nn.functional.interpolate(masks[:, None], size=64, mode="nearest")[:, 0]
    core, far = fine == 1, fine == 0
    inner = torch.nn.functional.avg_pool2d(core.float(), 5, 1, 2) == 1
    assert inner.any()
    assert moved[inner].max() <= 1
    assert far.any()
    assert moved[far].float().mean() > 20


def test_masks_are_limbs_of_the_right_place_and_width() -> None:
    keypoints = torch.full((1, 17, 2), -0.5)
    score = torch.zeros(1, 17)
    hip, knee = JOINTS.index("left_hip"), JOINTS.index("left_knee")
    keypoints[0, hip], keypoints[0, knee] = torch.tensor([-0.5, 0.0]), torch.tensor([0.5, 0.0])
    score[0, [hip, knee]] = 1.0
    mask = person_masks(keypoints, score, JOINTS)[0]
    # One horizontal bone of length 1: 0.11 away all stays, 0.165 away nothing.
    centres = (2 * torch.arange(32) + 1) / 32 - 1
    along = centres[(mask[16] > 0.99)]
    assert (along[0].item(), along[-1].item()) == pytest.approx((-0.5, 0.5), abs=0.13)
    rows = centres[(mask[:, 16] > 0.01)]
    assert rows.abs().max().item() == pytest.approx(0.14, abs=0.04)
    assert not mask[:8].any()


def test_unknown_places_leave_the_surroundings_alone() -> None:
    clip = replace(_flat(), keypoint_score=np.zeros((1, 5, 17), np.float32))
    batch, plain = (_batch([clip], i) for i in (_changed(background_share=1.0), STILL))
    torch.testing.assert_close(batch.images, plain.images)
