"""COCO's keypoints by its format page: v 0, 1, 2, crowds, image folders, splits."""

from pathlib import Path

import numpy as np
import pytest
from tests.present import present
from tests.sources import coco as source
from tests.sources.mpii import write_photo

from monopose.data.clip import Clip
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions
from monopose.errors import InputError


def clips(path: Path, **options: object) -> dict[str, Clip]:
    plan = plan_import("coco", [path], ImportOptions(**options))  # type: ignore[arg-type]
    return {clip.clip_id: clip for clip in plan.clips()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source.write(tmp_path)
    return tmp_path


def test_people_with_labels_come_by_split(folder: Path) -> None:
    splits = {name: clip.split for name, clip in clips(folder).items()}
    assert splits == {
        "coco/unknown/000000000100_110": "train",
        "coco/unknown/000000000100_111": "train",
        "coco/unknown/000000000200_210": "val",
        "coco/unknown/000000000200_211": "val",
    }


def test_keypoints_and_scores_follow_v(folder: Path) -> None:
    clip = clips(folder)["coco/unknown/000000000200_211"]
    for joint in range(17):
        v = joint % 3
        expected = source.place(211, joint) if v else (0, 0)
        np.testing.assert_allclose(present(clip.keypoints_px)[0, 0, joint], expected)
        assert present(clip.keypoint_score)[0, 0, joint] == (0, 0.5, 1)[v]
    assert (clip.joint_set, clip.fps) == ("coco17", 1.0)
    assert (clip.cameras[0].width, clip.cameras[0].height) == (source.WIDTH, source.HEIGHT)


def test_crops_are_square_around_the_box(folder: Path) -> None:
    clip = clips(folder, images=True)["coco/unknown/000000000100_110"]
    # The box 28, 18.5, 70.25 x 90 has its middle at 63.125, 63.5; the side is 90 and a quarter.
    expected = [63.125 - 56.25, 63.5 - 56.25, 112.5, 112.5]
    np.testing.assert_allclose(present(clip.crop_box_px)[0, 0], expected)


def test_images_may_lie_anywhere(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    media = tmp_path_factory.mktemp("media")
    for name in ("train2017", "val2017"):
        (folder / name).rename(media / name)
    with pytest.raises(InputError, match="has no image folder"):
        clips(folder, images=True)
    assert len(clips(folder, images=True, media=media)) == 4
    annotations = folder / "annotations" / source.VAL
    assert len(clips(annotations, images=True, media=media / "val2017")) == 2


def test_a_named_file_needs_no_published_name(folder: Path) -> None:
    path = (folder / "annotations" / source.VAL).rename(folder / "mine.json")
    plan = plan_import("coco", [path], ImportOptions())
    assert {clip.split for clip in plan.clips()} == {"train"}
    assert "mine.json does not name a split: its people are train" in plan.notes


def test_images_of_another_size_than_labelled_are_named(folder: Path) -> None:
    write_photo(folder / "train2017" / "000000000100.jpg", 0, (80, 60))
    with pytest.raises(InputError, match=r"000000000100\.jpg: is 80x60, its labels are for 160x"):
        clips(folder)
