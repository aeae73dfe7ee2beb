"""MPII by its description: ids, flags, empty fields and images without labels."""

from pathlib import Path

import numpy as np
import pytest
from tests.present import present
from tests.sources import mpii as source

from monopose.data.clip import Clip
from monopose.data.images.encoded import decode
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions, ImportPlan
from monopose.errors import InputError
from monopose.skeleton import joint_set


def planned(folder: Path, **options: object) -> ImportPlan:
    return plan_import("mpii", [folder], ImportOptions(**options))  # type: ignore[arg-type]


def clips(folder: Path, **options: object) -> dict[str, Clip]:
    return {clip.clip_id: clip for clip in planned(folder, **options).clips()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source.write(tmp_path)
    return tmp_path


def test_only_labelled_people_of_training_images_come(folder: Path) -> None:
    found = clips(folder)
    assert list(found) == [
        "mpii/unknown/015601864_0", "mpii/unknown/015601864_1",
        "mpii/unknown/005808361_0", "mpii/unknown/086617615_1",
    ]  # fmt: skip
    assert {clip.split for clip in found.values()} == {"train"}
    assert {clip.fps for clip in found.values()} == {1.0}
    notes = " ".join(planned(folder).notes)
    assert "4 images without a labelled person" in notes
    assert "no published validation split" in notes


def test_joints_lie_where_their_ids_say(folder: Path) -> None:
    clip = clips(folder)["mpii/unknown/015601864_1"]
    keypoints, score = present(clip.keypoints_px)[0, 0], present(clip.keypoint_score)[0, 0]
    # Person 1 of the first image has ids 6 to 15 only.
    np.testing.assert_array_equal(score[:6], 0)
    np.testing.assert_array_equal(keypoints[:6], 0)
    for joint in range(6, 16):
        np.testing.assert_allclose(keypoints[joint], source.place(1, joint))
    names = joint_set("mpii16").joints
    assert (names[6], names[9], names[15]) == ("pelvis", "head_top", "left_wrist")


@pytest.mark.parametrize("person", [0, 1])  # is_visible is a number in one, text in the other
def test_visibility_is_a_score(folder: Path, person: int) -> None:
    score = present(clips(folder)[f"mpii/unknown/015601864_{person}"].keypoint_score)[0, 0]
    for joint in range(6, 16):
        untold = joint in (8, 9)
        assert score[joint] == (1.0 if untold or joint % 2 else 0.5)


def test_points_without_the_field_are_visible(folder: Path) -> None:
    score = present(clips(folder)["mpii/unknown/005808361_0"].keypoint_score)
    np.testing.assert_array_equal(score, 1)


def test_a_person_of_one_point_is_a_person(folder: Path) -> None:
    score = present(clips(folder)["mpii/unknown/086617615_1"].keypoint_score)[0, 0]
    assert np.flatnonzero(score).tolist() == [3]


def test_sizes_are_the_headers_or_told_or_unknown(folder: Path) -> None:
    def size(**options: object) -> tuple[int | None, int | None]:
        camera = clips(folder, **options)["mpii/unknown/005808361_0"].cameras[0]
        return camera.width, camera.height

    assert size() == (source.WIDTH, source.HEIGHT)
    (folder / "images").rename(folder / "elsewhere")
    assert size() == (None, None)
    assert any("image size of 3 photos is unknown" in note for note in planned(folder).notes)
    assert size(image_size=(1280, 720)) == (1280, 720)
    assert size(media=folder / "elsewhere") == (source.WIDTH, source.HEIGHT)


def test_crops_are_of_the_persons_height_around_the_rough_centre(folder: Path) -> None:
    clip = clips(folder, images=True, crop_px=50)["mpii/unknown/005808361_0"]
    # scale 0.5 is 100 px, a quarter more for the margin, around (45, 60).
    np.testing.assert_allclose(present(clip.crop_box_px)[0, 0], [-17.5, -2.5, 125, 125])
    pixels = decode(present(clip.image)[0][0])
    assert pixels.shape == (50, 50, 3)
    # The green channel of the test's photos counts columns: crop pixel 25.5 is column 46.25.
    assert abs(float(pixels[20:30, 25, 1].mean()) - (25.5 * 2.5 - 17.5 - 0.5)) < 3


def test_a_person_without_a_centre_is_cropped_by_joints(folder: Path) -> None:
    clip = clips(folder, images=True)["mpii/unknown/086617615_1"]
    x, y = source.place(1, 3)
    np.testing.assert_allclose(present(clip.crop_box_px)[0, 0], [x - 8, y - 8, 16, 16])


def test_images_that_are_not_there_are_left_out_and_told(folder: Path) -> None:
    (folder / "images" / "015601864.jpg").unlink()
    plan = planned(folder, images=True)
    assert [clip.action for clip in plan.clips()] == ["005808361_0", "086617615_1"]
    assert any("1 labelled photos are not in" in note for note in plan.notes)


def test_images_without_a_folder_are_refused(tmp_path: Path) -> None:
    source.write(tmp_path, images=False)
    with pytest.raises(InputError, match=r"has no image folder beside it; .*--media"):
        planned(tmp_path, images=True)


def test_a_fault_names_file_image_and_field(folder: Path) -> None:
    source.WRONG["joint 16"](folder)
    with pytest.raises(InputError, match=rf"{source.FILE}: annolist\(1\).annorect\(0\) has joint"):
        planned(folder)


def test_other_files_of_matlab_do_not_disturb(folder: Path) -> None:
    (folder / "results.mat").write_bytes(b"")
    assert len(clips(folder)) == 4
    renamed = (folder / source.FILE).rename(folder / "labels.mat")
    with pytest.raises(InputError, match="holds no mpii_human_pose"):
        planned(folder)
    assert len(clips(renamed)) == 4
    with pytest.raises(InputError, match=r"needs one annotation file, found labels\.mat, results"):
        plan_import("mpii", [renamed, folder / "results.mat"], ImportOptions())


def test_batches_are_bounded(tmp_path: Path) -> None:
    people = source.structs([source.rect(0, source.points(0, range(16)))])
    source.save(tmp_path, source.release([(f"{i}.jpg", 1, people) for i in range(1001)]))
    plan = planned(tmp_path)
    assert [len(list(part())) for part in plan.parts] == [500, 500, 1]
