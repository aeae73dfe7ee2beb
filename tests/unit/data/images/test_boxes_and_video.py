"""Boxes around people, and frames of folders and videos."""

from pathlib import Path

import av
import numpy as np
import pytest

from monopose.data.images.boxes import boxes_near_image, person_boxes
from monopose.data.images.encoded import encode
from monopose.data.images.video import media_info, read_frames
from monopose.errors import InputError
from monopose.geometry.camera import Camera


def _video(path: Path, frames: int = 6) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(frames):
            image = np.full((48, 64, 3), 20 + 30 * index, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_box_is_square_and_a_quarter_larger_than_the_keypoints() -> None:
    keypoints = np.array([[[10.0, 20.0], [30.0, 100.0], [500.0, 500.0]]], np.float32)
    score = np.array([[1.0, 0.5, 0.0]], np.float32)
    # Extent 20 x 80 about (20, 60); the third joint is missing.
    np.testing.assert_allclose(person_boxes(keypoints, score), [[-30, 10, 100, 100]])


def test_a_tiny_person_has_a_box_and_nobody_has_none() -> None:
    keypoints = np.full((2, 3, 2), 50.0, np.float32)
    score = np.array([[1, 0, 0], [0, 0, 0]], np.float32)
    np.testing.assert_allclose(person_boxes(keypoints, score), [[42, 42, 16, 16], [0, 0, 0, 0]])


def test_a_joint_that_projects_far_away_counts_an_image_beyond_the_image() -> None:
    camera = Camera("0", fx=100.0, fy=100.0, cx=50.0, cy=30.0, width=100, height=60)
    keypoints = np.array([[0, 0], [1e6, 0], [40, -1e6]], np.float32)
    # From x = 0 to 200 and y = -60 to 0: a square of 250 about (100, -30).
    box = boxes_near_image(keypoints, np.ones(3, np.float32), camera)
    np.testing.assert_allclose(box, [-25, -155, 250, 250])


def test_a_video_tells_its_size_rate_and_frames(tmp_path: Path) -> None:
    info = media_info(_video(tmp_path / "a.mp4"))
    assert (info.width, info.height, info.fps, info.frames) == (64, 48, 25.0, 6)
    frames = list(read_frames(tmp_path / "a.mp4", stride=2))
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 3
    assert [round(float(frame.mean()) / 10) for frame in frames] == [2, 8, 14]


def test_a_folder_is_read_by_name(tmp_path: Path) -> None:
    for index in (2, 0, 1):
        image = np.full((16, 24, 3), 40 * index, np.uint8)
        (tmp_path / f"img_{index:06d}.jpg").write_bytes(encode(image))
    (tmp_path / "notes.txt").write_text("mine")
    info = media_info(tmp_path)
    assert (info.width, info.height, info.frames, info.fps) == (24, 16, 3, None)
    means = [round(float(frame.mean())) for frame in read_frames(tmp_path)]
    assert means == [0, 40, 80]


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"not a video" * 50)
    for read in (lambda path: list(read_frames(path)), media_info):
        for name in ("a.mp4", "absent.mp4"):
            with pytest.raises(InputError, match=f"{name}: is not a video that can be read"):
                read(tmp_path / name)


def test_a_cut_off_video_is_named_not_a_traceback(tmp_path: Path) -> None:
    path = _video(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"a\.mp4"):
        list(read_frames(path))


def test_an_empty_folder_and_a_damaged_image_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \.jpg, \.jpeg or \.png"):
        media_info(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8nothing")
    for read in (lambda path: list(read_frames(path)), media_info):
        with pytest.raises(InputError, match=r"a\.jpg: is not a JPEG or PNG"):
            read(tmp_path)
