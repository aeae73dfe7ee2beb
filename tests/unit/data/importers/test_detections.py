"""OpenPose, AlphaPose, MMPose and COCO results as clips."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.present import present
from tests.sources.detections import (
    CALIBRATION,
    COMMON,
    named,
    openpose_folder,
    write_video,
    write_views,
    write_with_video,
)
from tests.sources.stick_people import FPS, alone, crossing, person

from monopose.data.clip import Clip
from monopose.data.images.encoded import decode
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.detections import detected
from monopose.data.importers.detections.takes_media import is_named_in
from monopose.data.importers.source import ImportOptions
from monopose.errors import InputError
from monopose.formats.alphapose import write_alphapose
from monopose.formats.coco_results import write_coco_results
from monopose.formats.mmpose import Predictions, write_mmpose
from monopose.formats.people import Frame
from monopose.skeleton import joint_set


def clips_of(source: str, path: Path, options: ImportOptions = COMMON) -> list[Clip]:
    return list(plan_import(source, [path], options).clips())


def test_a_person_is_missing_in_a_frame_and_the_clip_goes_on(tmp_path: Path) -> None:
    frames = alone("body25")
    openpose_folder(tmp_path / "walk", frames, "walk_{:012d}_keypoints.json")
    (clip,) = clips_of("openpose", tmp_path / "walk")
    assert (clip.clip_id, clip.joint_set, clip.fps) == ("walk/person1/walk", "body25", FPS)
    assert (clip.cameras[0].width, clip.cameras[0].height, clip.cameras[0].fx) == (640, 480, None)
    score = present(clip.keypoint_score)[0]
    assert score.min(axis=1).tolist() == pytest.approx([0.8] * 6 + [0] + [0.8])
    assert (present(clip.keypoints_px)[0, 6] == 0).all()
    left_wrist = joint_set("body25").index("left_wrist")
    # 100 px from the left, 16 px a frame, 240 px tall; the wrist 0.17 across and 0.5 down.
    expected = [100 + 16 * 3 + 0.17 * 240, 100 + 0.5 * 240]
    np.testing.assert_allclose(present(clip.keypoints_px)[0, 3, left_wrist], expected, atol=0.01)


def test_the_person_with_most_to_see_comes_first(tmp_path: Path) -> None:
    openpose_folder(tmp_path / "walk", crossing("body25b"), "cam01.{:04d}.json")
    tall, small = clips_of("openpose", tmp_path / "walk")
    assert (tall.subject, small.subject) == ("person1", "person2")
    assert tall.joint_set == "body25b"
    assert np.ptp(present(tall.keypoints_px)[0, ..., 1], axis=1) == pytest.approx(240)
    assert np.ptp(present(small.keypoints_px)[0, ..., 1], axis=1) == pytest.approx(150)


def test_a_person_who_comes_later_starts_later(tmp_path: Path) -> None:
    frames = [Frame(n, f.people[: 1 + (n >= 10)]) for n, f in enumerate(crossing("body25b"))]
    openpose_folder(tmp_path / "walk", frames, "cam01.{:04d}.json")
    first, second = clips_of("openpose", tmp_path / "walk")
    assert (first.start_frame, first.num_frames) == (0, 24)
    assert (second.start_frame, second.num_frames) == (10, 14)


def test_takes_are_told_by_folder_and_by_name(tmp_path: Path) -> None:
    for take in ("a", "b"):
        openpose_folder(tmp_path / "one", alone("body25"), f"{take}_{{:012d}}_keypoints.json")
    openpose_folder(tmp_path / "two", alone("body25"), "{:04d}.json")
    found = clips_of("openpose", tmp_path)
    assert sorted(clip.action for clip in found) == ["one_a", "one_b", "two"]


def test_the_layout_is_told_or_refused(tmp_path: Path) -> None:
    openpose_folder(tmp_path, alone("body25"), "{:04d}.json")
    told = replace(COMMON, layout="body25b")
    assert clips_of("openpose", tmp_path, told)[0].joint_set == "body25b"
    with pytest.raises(InputError, match="people of \\[25\\] joints, openpose18 has 18"):
        clips_of("openpose", tmp_path, replace(COMMON, layout="openpose18"))
    with pytest.raises(InputError, match="unknown layout 'x'; choose one of body25, body25b, "):
        clips_of("openpose", tmp_path, replace(COMMON, layout="x"))


def test_nobody_in_sight_is_refused(tmp_path: Path) -> None:
    openpose_folder(tmp_path, [Frame(0, ()), Frame(1, ())], "{:04d}.json")
    with pytest.raises(InputError, match="shows nobody, the layout is not clear; name it with"):
        clips_of("openpose", tmp_path)
    with pytest.raises(InputError, match=r"nobody is seen for 0\.25 s"):
        clips_of("openpose", tmp_path, replace(COMMON, layout="body25"))


def test_a_file_without_a_number_is_refused(tmp_path: Path) -> None:
    openpose_folder(tmp_path, alone("body25"), "{:04d}.json")
    (tmp_path / "readme.json").write_text("{}")
    with pytest.raises(InputError, match=r"readme\.json: has no frame number in its name"):
        clips_of("openpose", tmp_path)


def test_a_video_tells_size_and_rate_and_gives_crops(tmp_path: Path) -> None:
    write_with_video(tmp_path)
    options = ImportOptions(media=tmp_path / "walk.mp4", images=True, crop_px=32)
    plan = plan_import("openpose", [tmp_path / "walk"], options)
    assert not any("assumed" in note or "unknown" in note for note in plan.notes)
    (clip,) = plan.clips()
    assert (clip.fps, clip.cameras[0].width, clip.cameras[0].height) == (20, 640, 480)
    # Frame n of the video is of brightness 10 n; the box of frame 6 lies between 5 and 7.
    middles = [decode(payload)[16, 16].mean() for payload in present(clip.image)[0]]
    np.testing.assert_allclose(middles, 10.0 * np.arange(8), atol=4.9)
    boxes = present(clip.crop_box_px)[0]
    np.testing.assert_allclose(boxes[6], (boxes[5] + boxes[7]) / 2, atol=1e-3)
    # From the eyes to the toes, with the usual margin.
    assert boxes[0, 2] == pytest.approx((1.0 - 0.06) * 240 * 1.25)


def test_long_takes_with_crops_are_cut_where_the_video_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [Frame(n, f.people[: 1 + (n >= 10)]) for n, f in enumerate(crossing("body25b"))]
    openpose_folder(tmp_path / "walk", frames, "cam01.{:04d}.json")
    write_video(tmp_path / "walk.mp4", 24)
    options = ImportOptions(media=tmp_path / "walk.mp4", images=True, crop_px=32)
    whole = clips_of("openpose", tmp_path / "walk", options)
    assert [clip.action for clip in whole] == ["cam01", "cam01"]
    monkeypatch.setattr(detected, "_FRAMES_AT_ONCE", 9)
    pieces = clips_of("openpose", tmp_path / "walk", options)
    # The second person comes in frame 10 and is in the second and the third piece of the video.
    assert [(clip.clip_id, clip.start_frame, clip.num_frames) for clip in pieces] == [
        ("walk/person1/cam01 chunk0", 0, 9),
        ("walk/person1/cam01 chunk1", 9, 9),
        ("walk/person2/cam01 chunk1", 10, 8),
        ("walk/person1/cam01 chunk2", 18, 6),
        ("walk/person2/cam01 chunk2", 18, 6),
    ]
    for clip in whole:
        parts = [piece for piece in pieces if piece.subject == clip.subject]
        crops = [crop for piece in parts for crop in present(piece.image)[0]]
        assert crops == list(present(clip.image)[0])
        for name in ("keypoints_px", "keypoint_score", "crop_box_px"):
            joined = np.concatenate([getattr(piece, name) for piece in parts], axis=1)
            np.testing.assert_array_equal(joined, getattr(clip, name))


def test_media_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    write_with_video(tmp_path)
    write_video(tmp_path / "short.mp4", 5)
    options = ImportOptions(media=tmp_path / "short.mp4", images=True, crop_px=32)
    with pytest.raises(InputError, match=r"short\.mp4: has 5 frames, the people of .* are in 8"):
        clips_of("openpose", tmp_path / "walk", options)
    with pytest.raises(InputError, match="is 640x480, --image-size says 1x1"):
        clips_of("openpose", tmp_path / "walk", replace(options, image_size=(1, 1)))
    with pytest.raises(InputError, match="there are no images to crop; give them with --media"):
        clips_of("openpose", tmp_path / "walk", ImportOptions(images=True))


def test_a_folder_of_media_is_matched_by_name(tmp_path: Path) -> None:
    for take, frames in (("cam01", 8), ("cam02", 8)):
        openpose_folder(tmp_path / "json" / f"{take}_json", alone("body25"), "{:04d}.json")
        (tmp_path / "video").mkdir(exist_ok=True)
        write_video(tmp_path / "video" / f"{take}.mp4", frames)
    found = clips_of("openpose", tmp_path / "json", ImportOptions(media=tmp_path / "video"))
    assert [clip.cameras[0].width for clip in found] == [640, 640]
    (tmp_path / "video" / "cam02.mp4").unlink()
    with pytest.raises(InputError, match="has no video or image folder for 'cam02_json', but cam"):
        clips_of("openpose", tmp_path / "json", ImportOptions(media=tmp_path / "video"))


def test_calibrated_views_are_one_clip(tmp_path: Path) -> None:
    write_views(tmp_path)
    options = ImportOptions(fps=FPS, cameras=tmp_path / "Calib.toml")
    (clip,) = clips_of("openpose", tmp_path, options)
    assert (clip.num_views, clip.num_frames, clip.action) == (2, 8, "all_views")
    one, other = clip.cameras
    assert (one.camera_id, one.fx, one.fy, one.cx, one.cy) == ("cam_01", 700, 710, 320, 240)
    assert one.distortion == (-0.001, 0.002, 0.0001, 0.0002, 0.0)
    # A quarter turn about x: the world's up (z) is the image's up (-y).
    np.testing.assert_allclose(
        present(one.rotation), [[1, 0, 0], [0, 0, -1], [0, 1, 0]], atol=1e-12
    )
    np.testing.assert_allclose(present(other.translation_m), [0.001, 1.002, 5.003004005006])
    with pytest.raises(InputError, match="images of several calibrated views are not brought in"):
        clips_of("openpose", tmp_path, replace(options, images=True, media=tmp_path))


def test_views_stay_in_step_whatever_frame_each_begins_with(tmp_path: Path) -> None:
    """The files of AlphaPose and of COCO results do not mention frames without people."""
    (tmp_path / "Calib.toml").write_text(CALIBRATION)
    walk = [Frame(n, (person("coco17", 100.0 + 16 * n),)) for n in range(12)]
    write_alphapose(tmp_path / "cam01.json", named(walk[2:]))
    write_alphapose(tmp_path / "cam02.json", named(walk[5:]))
    options = ImportOptions(fps=FPS, cameras=tmp_path / "Calib.toml")
    (clip,) = clips_of("alphapose", tmp_path, options)
    assert (clip.start_frame, clip.num_frames) == (2, 10)
    score, pixels = present(clip.keypoint_score), present(clip.keypoints_px)
    assert (score[1] > 0).any(axis=-1).tolist() == [False] * 3 + [True] * 7
    np.testing.assert_array_equal(pixels[0, 3:], pixels[1, 3:])
    write_alphapose(tmp_path / "cam02.json", named([replace(walk[0], image=40)]))
    with pytest.raises(InputError, match="no frame numbers in common: cam01 2-11, cam02 40-40"):
        clips_of("alphapose", tmp_path, options)


def test_ten_views_are_told_from_the_first(tmp_path: Path) -> None:
    """`cam1` is a part of `cam10`, and files are not in the order of the numbers."""
    cameras = CALIBRATION.partition("[cam_01]")[2].partition("[cam_02]")[0]
    numbers = range(1, 12)
    sections = (f"[cam{n}]{cameras.replace('cam_01', f'cam{n}')}" for n in numbers)
    (tmp_path / "Calib.toml").write_text("".join(sections))
    for n in numbers:
        frames = [Frame(0, (person("coco17", 100.0 + n),))]
        write_alphapose(tmp_path / f"cam{n}.json", named(frames))
    options = ImportOptions(fps=FPS, cameras=tmp_path / "Calib.toml")
    (clip,) = clips_of("alphapose", tmp_path, options)
    nose_px = present(clip.keypoints_px)[:, 0, 0, 0]
    of_camera = {camera.camera_id: x for camera, x in zip(clip.cameras, nose_px, strict=True)}
    first = of_camera["cam1"]
    assert {n: of_camera[f"cam{n}"] - first for n in numbers} == {n: n - 1 for n in numbers}


@pytest.mark.parametrize(
    ("name", "longer", "expected"),
    [
        ("cam_01", "cam01_json", True),
        ("cam1", "cam10", False),
        ("cam1", "Cam1_2023_json", True),
        ("1", "take 21", False),
        ("2", "take1-2", True),
        ("left", "left-view", True),
        ("__", "cam1", False),
    ],
)
def test_names_are_parts_of_names_by_whole_numbers(name: str, longer: str, expected: bool) -> None:
    assert is_named_in(name, longer) is expected


def test_several_people_in_calibrated_views_are_refused(tmp_path: Path) -> None:
    write_views(tmp_path)
    openpose_folder(tmp_path / "cam02_json", crossing("body25b", 3), "cam02.{:04d}.json")
    with pytest.raises(InputError, match="cam02_json: frame 0 shows 2 people; with --cameras give"):
        clips_of("openpose", tmp_path, ImportOptions(cameras=tmp_path / "Calib.toml"))


def test_alphapose_skips_frames_and_face_and_hands(tmp_path: Path) -> None:
    write_alphapose(tmp_path / "a.json", named(alone("halpe26")))
    (clip,) = clips_of("alphapose", tmp_path / "a.json")
    assert (clip.joint_set, clip.num_frames) == ("halpe26", 8)
    assert present(clip.keypoint_score)[0, 6].max() == 0
    write_alphapose(tmp_path / "b.json", named(crossing("halpe26", extra=110)))
    whole = clips_of("alphapose", tmp_path / "b.json")
    assert [present(clip.keypoints_px).shape for clip in whole] == [(1, 24, 26, 2)] * 2


def test_images_of_alphapose_are_placed_by_their_folder(tmp_path: Path) -> None:
    """Their names bear no numbers; the folder's order counts, empty frames included."""
    names = ["anna", "berta", "carla", "doris"]
    (tmp_path / "images").mkdir()
    for name in names:
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.zeros((48, 64, 3), np.uint8))
    frames = [Frame(f"{n}.png", (person("coco17", 20.0, 30.0),)) for n in names if n != "berta"]
    write_alphapose(tmp_path / "a.json", frames)
    media = ImportOptions(media=tmp_path / "images", fps=4.0)
    (clip,) = clips_of("alphapose", tmp_path / "a.json", media)
    assert present(clip.keypoint_score)[0].max(axis=1).tolist() == pytest.approx([0.8, 0, 0.8, 0.8])
    assert (clip.cameras[0].width, clip.cameras[0].height) == (64, 48)
    with pytest.raises(InputError, match=r"image 'anna\.png' has no number in its name"):
        clips_of("alphapose", tmp_path / "a.json", ImportOptions(fps=4.0))


def test_mmpose_names_its_joints_and_counts_from_one_in_demos(tmp_path: Path) -> None:
    h36m = "root right_hip right_knee right_foot left_hip left_knee left_foot spine thorax "
    h36m += "neck_base head left_shoulder left_elbow left_wrist right_shoulder right_elbow "
    names = (*h36m.split(), "right_wrist")
    frames = tuple(replace(f, image=int(f.image) + 1) for f in alone("coco17"))
    write_mmpose(tmp_path / "a.json", Predictions("demo", frames, names))
    (clip,) = clips_of("mmpose", tmp_path / "a.json")
    assert (clip.joint_set, clip.start_frame) == ("h36m17", 0)
    write_mmpose(tmp_path / "a.json", Predictions("demo", frames, ("x", *names[1:])))
    with pytest.raises(InputError, match="unknown joint names"):
        clips_of("mmpose", tmp_path / "a.json")


def test_coco_results_are_frames_or_photos(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_coco_results(path, crossing("coco17"))
    assert [clip.num_frames for clip in clips_of("coco-results", path)] == [24, 24]
    photos = clips_of("coco-results", path, replace(COMMON, layout="photos"))
    assert len(photos) == 48
    assert {clip.subject for clip in photos} == {"unknown"}
    assert photos[5].action == "results_2_1"
    write_coco_results(path, [Frame(139, crossing("coco17", 1)[0].people)])
    assert [clip.num_frames for clip in clips_of("coco-results", path)] == [1, 1]


def test_scores_beyond_one_are_clipped(tmp_path: Path) -> None:
    record = {"image_id": 0, "category_id": 1, "keypoints": [9.0, 8.0, 5.5] * 17, "score": 7}
    (tmp_path / "a.json").write_text(json.dumps([record]))
    (clip,) = clips_of("coco-results", tmp_path / "a.json")
    assert (present(clip.keypoint_score) == 1).all()
