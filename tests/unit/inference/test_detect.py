"""A detector over a data set: what it finds lies where its maps say, in the full image."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.image_clips import image_clip
from tests.present import present
from torch import Tensor

from monopose.data.clip import Clip, validate
from monopose.data.images.encoded import encode
from monopose.data.shards import read_clips, write_clips
from monopose.errors import InputError
from monopose.inference.detect import detect, detected
from monopose.models.images.hrnet import HeatmapNetwork
from monopose.recipes.detector import detector as detector_recipe
from monopose.training.checkpoint import Detector

RECIPE = detector_recipe("smoke")
SIDE = RECIPE.size_px // 4
GREYS = ((40, 90, 150), (200, 120, 60))


class GreyReader(HeatmapNetwork):
    """Joint j's map is a Gaussian as far right as the crop is bright, in row 2 + j / 2.

    Its height is 1 - j / 20; the last joint's map is all below zero.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Maps of crops of one grey."""
        column = images[:, :, 8:-8, 8:-8].float().mean(dim=(1, 2, 3)) / 255 * SIDE - 0.5
        row = 2 + torch.arange(17) / 2
        pixel = torch.arange(SIDE)
        x = torch.exp(-0.5 * (pixel - column[:, None]) ** 2)
        y = torch.exp(-0.5 * (pixel - row[:, None]) ** 2) * (1 - torch.arange(17) / 20)[:, None]
        maps = y[None, :, :, None] * x[:, None, None, :]
        maps[:, 16] = -0.1
        return maps


DETECTOR = Detector("", GreyReader(RECIPE.network, 17).eval(), RECIPE, {})


def grey_clip(clip_id: str = "set/S1/walk") -> Clip:
    """Two views of three frames, each of a grey of its own; nobody in frame 1 of view 1."""
    one = image_clip(clip_id, frames=3)
    boxes = np.concatenate([present(one.crop_box_px), present(one.crop_box_px) + 7])
    boxes[1, 1] = 0
    shown = tuple(
        tuple(encode(np.full((64, 64, 3), grey, np.uint8)) for grey in view) for view in GREYS
    )
    return replace(
        one,
        cameras=one.cameras * 2,
        pose_camera_m=np.repeat(present(one.pose_camera_m), 2, axis=0),
        keypoints_px=None,
        keypoint_score=None,
        image=shown,
        crop_box_px=boxes,
    )


def test_keypoints_are_where_the_maps_say_in_every_view_and_frame() -> None:
    clip = grey_clip()
    found = validate(detected(clip, DETECTOR))
    boxes = present(clip.crop_box_px).astype(float)
    for view in range(2):
        for frame in range(3):
            if (view, frame) == (1, 1):
                continue
            left, top, side, _ = boxes[view, frame]
            across = left + side * GREYS[view][frame] / 255
            down = top + side * (2.5 + np.arange(16) / 2) / SIDE
            seen = present(found.keypoints_px)[view, frame]
            # A grey of JPEG is one off at most; half a pixel of the map is the Gaussians' tails.
            np.testing.assert_allclose(seen[:16, 0], across, atol=side / 255 + 0.02 * side / SIDE)
            np.testing.assert_allclose(seen[:16, 1], down, atol=0.02 * side / SIDE)
            assert not seen[16].any()
    np.testing.assert_array_equal(present(found.crop_box_px), boxes.astype(np.float32))


def test_maps_are_kept_in_256_steps_and_scores_are_their_largest_values() -> None:
    found = detected(grey_clip(), DETECTOR)
    maps, score = present(found.heatmaps), present(found.keypoint_score)
    assert maps.shape == (2, 3, 17, SIDE, SIDE)
    network = DETECTOR.network(torch.full((1, 3, 64, 64), GREYS[0][2], dtype=torch.uint8))[0]
    assert np.abs(maps[0, 2] / 255 - network.clamp(0, 1).numpy()).max() < 1 / 255 + 0.02
    np.testing.assert_allclose(score[0, 2], maps[0, 2].max(axis=(1, 2)) / 255, atol=0.5 / 255)
    assert not maps[:, :, 16].any()
    assert not score[:, :, 16].any()


def test_a_frame_with_nobody_has_empty_maps_and_no_keypoints() -> None:
    found = detected(grey_clip(), DETECTOR)
    for values in (found.heatmaps, found.keypoint_score, found.keypoints_px, found.crop_box_px):
        assert not present(values)[1, 1].any()
    assert present(found.keypoint_score)[0, 1, :16].all()


def test_a_crop_that_is_no_square_becomes_one_around_its_middle() -> None:
    boxes = present(grey_clip().crop_box_px).copy()
    boxes[0, 0] = 100, 200, 50, 80
    found = validate(detected(replace(grey_clip(), crop_box_px=boxes), DETECTOR))
    assert present(found.crop_box_px)[0, 0].tolist() == [85, 200, 80, 80]


def test_a_data_set_is_written_again_with_labels_and_without_images(tmp_path: Path) -> None:
    clips = [grey_clip("set/S1/a"), replace(grey_clip("set/S1/b"), split="val")]
    source, target = str(tmp_path / "images"), str(tmp_path / "found")
    write_clips(clips, source, dataset="set", synthetic=True)
    told: list[int] = []
    manifest = detect(DETECTOR, source, target, on_clip=lambda: told.append(1))
    assert len(told) == 2
    assert manifest.detections == f"detector-smoke {RECIPE.digest()}"
    assert (manifest.dataset, manifest.synthetic, manifest.joint_set) == ("set", True, "h36m17")
    assert {name: s.has_heatmaps for name, s in manifest.splits.items()} == {"train": 1, "val": 1}
    for before, after in zip(clips, read_clips(target), strict=True):
        assert (after.clip_id, after.split, after.image) == (before.clip_id, before.split, None)
        np.testing.assert_array_equal(present(after.pose_camera_m), present(before.pose_camera_m))


def test_what_cannot_be_detected_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source, target = str(tmp_path / "images"), str(tmp_path / "found")
    bare = replace(grey_clip("set/S1/b"), image=None)
    write_clips([grey_clip("set/S1/a"), bare], source, dataset="set")
    with pytest.raises(InputError, match=r"1 of the 2 clips of split 'train' have no images"):
        detect(DETECTOR, source, target)
    with pytest.raises(InputError, match="is the data set with the images"):
        detect(DETECTOR, source, source + "/", overwrite=True)
    assert not Path(target).exists()


def test_3d_that_the_detectors_joints_cannot_hold_is_refused() -> None:
    coco = Detector("", DETECTOR.network, RECIPE.model_copy(update={"joint_set": "coco17"}), {})
    with pytest.raises(InputError, match=r"3D of h36m17 has no .*left_eye.* for coco17"):
        detected(grey_clip(), coco)
