"""Detectors' JSON: values of the documented layouts, and round trips."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.sources.stick_people import alone, person

from monopose.errors import InputError
from monopose.formats.alphapose import read_alphapose, write_alphapose
from monopose.formats.coco_results import read_coco_results, write_coco_results
from monopose.formats.mmpose import Predictions, read_mmpose, write_mmpose
from monopose.formats.openpose import read_openpose, recognise_25, write_openpose
from monopose.formats.people import Frame, Person

# A frame as OpenPose's documentation shows it, cut to two of BODY_25's parts being there.
OPENPOSE = {
    "version": 1.3,
    "people": [
        {
            "person_id": [-1],
            "pose_keypoints_2d": [582.349, 507.866, 0.845918, 746.975, 631.307, 0.587007]
            + [0, 0, 0] * 23,
            "face_keypoints_2d": [],
            "hand_left_keypoints_2d": [],
            "hand_right_keypoints_2d": [],
            "pose_keypoints_3d": [],
            "face_keypoints_3d": [],
            "hand_left_keypoints_3d": [],
            "hand_right_keypoints_3d": [],
        }
    ],
}


def assert_same(left: Person, right: Person) -> None:
    np.testing.assert_array_equal(left.keypoints_px, right.keypoints_px)
    np.testing.assert_array_equal(left.keypoint_score, right.keypoint_score)
    assert (left.score, left.track_id, left.box_px) == (right.score, right.track_id, right.box_px)


def rich_frames() -> list[Frame]:
    """Numbers with all their digits, boxes that are exact, identities."""
    rng = np.random.default_rng(0)
    people = [
        Person(rng.uniform(0, 999, (17, 2)), rng.uniform(0, 1, 17), 2.5, 3, (1.5, 2.0, 30.0, 4.25)),
        Person(rng.uniform(0, 999, (17, 2)), rng.uniform(0, 1, 17), 0.5, 0, None),
    ]
    return [Frame(0, tuple(people)), Frame(2, (people[1],))]


def test_openpose_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "walk_000000000000_keypoints.json"
    path.write_text(json.dumps(OPENPOSE))
    (found,) = read_openpose(path)
    np.testing.assert_array_equal(found.keypoints_px[:2], [[582.349, 507.866], [746.975, 631.307]])
    np.testing.assert_array_equal(found.keypoint_score[:3], [0.845918, 0.587007, 0])
    assert found.track_id is None
    write_openpose(path, [found])
    assert json.loads(path.read_text()) == OPENPOSE


def test_openpose_keeps_six_digits(tmp_path: Path) -> None:
    keypoints_px = np.array([[1234.56789, 0.123456789], [12.3456789, 0.0]])
    write_openpose(tmp_path / "a.json", [Person(keypoints_px, np.array([1.0, 0.87654321]))])
    (found,) = read_openpose(tmp_path / "a.json")
    np.testing.assert_array_equal(found.keypoints_px, [[1234.57, 0.123457], [12.3457, 0]])
    np.testing.assert_array_equal(found.keypoint_score, [1, 0.876543])


@pytest.mark.parametrize("people", [[], [{}], [{"person_id": [-1], "pose_keypoints_2d": []}]])
def test_openpose_frames_without_anyone(tmp_path: Path, people: list[object]) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"version": 1.3, "people": people}))
    assert read_openpose(tmp_path / "a.json") == ()


def test_a_tracked_openpose_person_has_an_identity(tmp_path: Path) -> None:
    tracked = [{**OPENPOSE["people"][0], "person_id": [7]}]  # type: ignore[index]
    (tmp_path / "a.json").write_text(json.dumps({"people": tracked}))
    assert read_openpose(tmp_path / "a.json")[0].track_id == 7


def test_25_parts_are_told_apart_by_where_eyes_and_ankles_are() -> None:
    assert recognise_25([person("body25", 100.0)]) == "body25"
    assert recognise_25([person("body25b", 100.0)]) == "body25b"
    unseen = Person(np.zeros((25, 2)), np.zeros(25))
    assert recognise_25([unseen]) is None
    assert recognise_25([unseen, person("body25b", 100.0)]) == "body25b"


def test_coco_results_as_documented(tmp_path: Path) -> None:
    record = {
        "image_id": 42,
        "category_id": 1,
        "keypoints": [float(value) for value in range(51)],
        "score": 0.236,
    }
    other = {"image_id": 42, "category_id": 18, "bbox": [258.15, 41.29, 348.26, 243.78]}
    (tmp_path / "a.json").write_text(json.dumps([record, other]))
    (frame,) = read_coco_results(tmp_path / "a.json")
    assert frame.image == 42
    (found,) = frame.people
    np.testing.assert_array_equal(found.keypoints_px[1], [3, 4])
    assert (found.keypoint_score[1], found.score) == (5, 0.236)
    write_coco_results(tmp_path / "b.json", [frame])
    assert json.loads((tmp_path / "b.json").read_text()) == [record]


def test_alphapose_as_documented(tmp_path: Path) -> None:
    record = {
        "image_id": "7.jpg",
        "category_id": 1,
        "keypoints": [float(value) for value in range(51)],
        "score": 3.1,
        "box": [1.0, 2.0, 30.0, 40.0],
        "idx": [5.0],
    }
    (tmp_path / "a.json").write_text(json.dumps([record]))
    (frame,) = read_alphapose(tmp_path / "a.json")
    assert frame.image == "7.jpg"
    assert (frame.people[0].score, frame.people[0].track_id) == (3.1, 5)
    assert frame.people[0].box_px == (1, 2, 30, 40)


def test_mmpose_as_its_inferencer_and_demo_write(tmp_path: Path) -> None:
    instance = {
        "keypoints": [[1.5, 2.5], [3.0, 4.0]],
        "keypoint_scores": [0.9, 0.25],
        "bbox": [[10.0, 20.0, 110.0, 220.0]],
        "bbox_score": 0.75,
    }
    for flavour, written in {
        "image": [instance],
        "video": [{"frame_id": 0, "instances": [instance]}],
        "demo": {
            "meta_info": {"dataset_name": "coco", "keypoint_id2name": {"0": "nose", "1": "hip"}},
            "instance_info": [{"frame_id": 1, "instances": [instance]}],
        },
    }.items():
        (tmp_path / "a.json").write_text(json.dumps(written))
        found = read_mmpose(tmp_path / "a.json")
        assert found.flavour == flavour
        assert found.joints == (("nose", "hip") if flavour == "demo" else None)
        assert [frame.image for frame in found.frames] == [1 if flavour == "demo" else 0]
        (one,) = found.frames[0].people
        assert one.box_px == (10, 20, 100, 200)
        np.testing.assert_array_equal(one.keypoints_px, [[1.5, 2.5], [3, 4]])
        assert (one.keypoint_score[1], one.score, one.track_id) == (0.25, 0.75, None)


def test_everything_survives_its_own_format(tmp_path: Path) -> None:
    frames = rich_frames()
    write_coco_results(tmp_path / "coco.json", frames)
    write_alphapose(tmp_path / "alphapose.json", frames)
    write_mmpose(tmp_path / "mmpose.json", Predictions("video", tuple(frames)))
    for found in (
        read_coco_results(tmp_path / "coco.json"),
        read_alphapose(tmp_path / "alphapose.json"),
        read_mmpose(tmp_path / "mmpose.json").frames,
    ):
        assert [frame.image for frame in found] == [0, 2]
        for left, right in zip(found, frames, strict=True):
            for one, other in zip(left.people, right.people, strict=True):
                assert_same(one, other)


def test_mmpose_keeps_empty_frames_and_refuses_a_video_as_an_image(tmp_path: Path) -> None:
    frames = tuple(alone("coco17"))
    write_mmpose(tmp_path / "a.json", Predictions("video", frames))
    assert read_mmpose(tmp_path / "a.json").frames[6] == Frame(6, ())
    with pytest.raises(InputError, match="an image file holds one frame, not 8"):
        write_mmpose(tmp_path / "b.json", Predictions("image", frames))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1]", r"a result is 1, not an object"),
        ('[{"image_id": 1, "keypoints": [1, 2]}]', "keypoints has 2 numbers, not three a joint"),
        ('[{"image_id": 1, "keypoints": [1, 2, null]}]', "holds None, not a usual number"),
        ('[{"image_id": 1, "keypoints": [1, 2, true]}]', "holds True, not a usual number"),
        ('[{"image_id": 1.5, "keypoints": [1, 2, 1]}]', "image_id is 1.5, not a whole number"),
        ('[{"image_id": "a\\nb", "keypoints": [1, 2, 1]}]', "not a number or a name"),
        ("[", "is not readable JSON"),
    ],
)
def test_other_values_are_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=told):
        read_coco_results(tmp_path / "a.json")
