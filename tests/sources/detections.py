"""Outputs of 2D detectors in the layouts that the tools write, small."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from tests.sources.case import Case
from tests.sources.stick_people import FPS, HEIGHT, WIDTH, alone, crossing

from monopose.data.importers.source import ImportOptions
from monopose.formats.alphapose import write_alphapose
from monopose.formats.coco_results import write_coco_results
from monopose.formats.mmpose import Predictions, write_mmpose
from monopose.formats.openpose import write_openpose
from monopose.formats.people import Frame
from monopose.skeleton import joint_set

SIZE = (WIDTH, HEIGHT)
COMMON = ImportOptions(fps=FPS, image_size=SIZE)
# As Pose2Sim writes it; the last camera comes last so that a cut-off file lacks a part of it.
CALIBRATION = """[metadata]
adjusted = false
error = 0.0

[cam_01]
name = "cam_01"
size = [ 640.0, 480.0]
matrix = [ [ 700.0, 0.0, 320.0], [ 0.0, 710.0, 240.0], [ 0.0, 0.0, 1.0]]
distortions = [ -0.001, 0.002, 0.0001, 0.0002]
rotation = [ 1.5707963267948966, 0.0, 0.0]
translation = [ 0.0, 1.0, 4.0]
fisheye = false

[cam_02]
name = "cam_02"
size = [ 640.0, 480.0]
matrix = [ [ 720.0, 0.0, 320.0], [ 0.0, 730.0, 240.0], [ 0.0, 0.0, 1.0]]
distortions = [ 0.0, 0.0, 0.0, 0.0]
fisheye = false
rotation = [ 1.2091995761561452, -1.2091995761561452, 1.2091995761561452]
translation = [ 0.001, 1.002, 5.00300400500600]
"""


def openpose_folder(folder: Path, frames: list[Frame], pattern: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        write_openpose(folder / pattern.format(frame.image), frame.people)


def write_views(folder: Path) -> None:
    """One person from two cameras, sorted by person as Pose2Sim does: `{}` where absent."""
    for camera in ("cam01", "cam02"):
        view = folder / f"{camera}_json"
        openpose_folder(view, alone("body25b"), f"{camera}.{{:04d}}.json")
        (view / f"{camera}.0006.json").write_text('{"version": 1.3, "people": [{}]}')
    (folder / "Calib.toml").write_text(CALIBRATION)


def write_video(path: Path, frames: int) -> None:
    """A video whose frames are of one brightness each."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=int(FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(frames):
            image = np.full((HEIGHT, WIDTH, 3), 10 * number, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def write_with_video(folder: Path) -> None:
    openpose_folder(folder / "walk", alone("body25"), "walk_{:012d}_keypoints.json")
    write_video(folder / "walk.mp4", 8)


def named(frames: list[Frame]) -> list[Frame]:
    """Frames by their image's name, as AlphaPose calls those of a video."""
    return [replace(frame, image=f"{frame.image}.jpg") for frame in frames]


def write_tracked_alphapose(path: Path) -> None:
    """With its tracker AlphaPose gives identities, some as lists."""
    frames = [
        replace(f, people=tuple(replace(p, track_id=i + 1) for i, p in enumerate(f.people)))
        for f in named(crossing("halpe26", extra=110))
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_alphapose(path, frames)
    records = json.loads(path.read_text())
    for record in records[::3]:
        record["idx"] = [record["idx"]]
    path.write_text(json.dumps(records))


def write_images_of_mmpose(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for frame in alone("coco17"):
        write_mmpose(folder / f"{frame.image:06d}.json", Predictions("image", (frame,)))


def write_mmpose_demo(folder: Path) -> None:
    """The demos count from 1 and name the joints in their own way."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [{"head_top": "head", "pelvis": "hip"}.get(j, j) for j in joint_set("halpe26").joints]
    frames = tuple(replace(f, image=int(f.image) + 1) for f in crossing("halpe26"))
    write_mmpose(folder / "results_walk.json", Predictions("demo", frames, tuple(names)))


def one_file(write: Callable[[Path], object], name: str) -> Callable[[Path], object]:
    def written(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / name)

    return written


def changed(file: str, change: Callable[[Any], Any]) -> Callable[[Path], object]:
    """A damage: the JSON of a file, changed and written back."""

    def damage(folder: Path) -> None:
        path = next(folder.rglob(file))
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return damage


def first_person(**fields: Any) -> Callable[[Any], Any]:
    return lambda whole: {**whole, "people": [{**whole["people"][0], **fields}]}


def first_record(**fields: Any) -> Callable[[Any], Any]:
    return lambda whole: [{**whole[0], **fields}, *whole[1:]]


WRONG_OPENPOSE = {
    "words for numbers": changed("*0003*", first_person(pose_keypoints_2d=["a"] * 75)),
    "two numbers missing": changed("*0003*", first_person(pose_keypoints_2d=[1.0] * 73)),
    "another count": changed("*0003*", first_person(pose_keypoints_2d=[1.0] * 54)),
    "far outside": changed("*0003*", first_person(pose_keypoints_2d=[1e30] * 75)),
    "people by name": changed("*0003*", lambda whole: {"people": whole}),
    "an id of words": changed("*0003*", first_person(person_id=["me"])),
}
WRONG_RECORDS = {
    "no image": changed("*.json", first_record(image_id=None)),
    "image of a list": changed("*.json", first_record(image_id=[[]])),
    "far frame": changed("*.json", first_record(image_id=-5)),
    "words for numbers": changed("*.json", first_record(keypoints="1, 2, 3")),
    "another count": changed("*.json", first_record(keypoints=[1.0] * 54)),
    "a score of words": changed("*.json", first_record(score="high")),
}
WRONG_MMPOSE = {
    "frame twice": changed("*.json", lambda whole: [whole[0], *whole]),
    "fewer scores": changed(
        "*.json",
        lambda whole: [
            {
                "frame_id": 0,
                "instances": [{**whole[0]["instances"][0], "keypoint_scores": [1.0]}],
            }
        ],
    ),
    "points of three": changed(
        "*.json",
        lambda whole: [
            {
                "frame_id": 0,
                "instances": [{"keypoints": [[1, 2, 3]] * 17, "keypoint_scores": [1] * 17}],
            }
        ],
    ),
    "a frame far away": changed("*.json", lambda whole: [*whole, {"frame_id": 1e30}]),
}
WRONG_CALIBRATION = {
    "another number of views": lambda folder: (folder / "Calib.toml").write_text(
        CALIBRATION.split("[cam_02]")[0]
    ),
    "fisheye": lambda folder: (folder / "Calib.toml").write_text(
        CALIBRATION.replace("fisheye = false", "fisheye = true")
    ),
    "matrix of words": lambda folder: (folder / "Calib.toml").write_text(
        CALIBRATION.replace("[ 700.0, 0.0, 320.0]", '[ "a", "b", "c"]')
    ),
    "huge image": lambda folder: (folder / "Calib.toml").write_text(
        CALIBRATION.replace("[ 640.0, 480.0]", "[ 1e300, 480.0]")
    ),
}

CASES = {
    "openpose-body25b": Case(
        source="openpose",
        write=lambda f: openpose_folder(f / "cam01_json", crossing("body25b"), "cam01.{:04d}.json"),
        options=COMMON,
        wrong=WRONG_OPENPOSE,
    ),
    "openpose-coco18": Case(
        source="openpose",
        write=lambda f: openpose_folder(f, alone("openpose18"), "walk_{:012d}_keypoints.json"),
        options=replace(COMMON, joint_set="h36m17"),
    ),
    "openpose-images": Case(
        source="openpose",
        write=write_with_video,
        options=ImportOptions(media=Path("walk.mp4"), images=True, crop_px=32),
    ),
    "openpose-views": Case(
        source="openpose",
        write=write_views,
        options=ImportOptions(fps=FPS, cameras=Path("Calib.toml")),
        wrong=WRONG_CALIBRATION,
    ),
    "alphapose": Case(
        source="alphapose",
        write=one_file(
            lambda path: write_alphapose(path, named(crossing("coco17"))), "alphapose-results.json"
        ),
        options=COMMON,
        wrong=WRONG_RECORDS,
    ),
    "alphapose-tracked": Case(
        source="alphapose",
        write=one_file(write_tracked_alphapose, "alphapose-results.json"),
        options=COMMON,
    ),
    "mmpose": Case(
        source="mmpose",
        write=one_file(
            lambda path: write_mmpose(path, Predictions("video", tuple(crossing("coco17")))),
            "walk.json",
        ),
        options=COMMON,
        wrong=WRONG_MMPOSE,
    ),
    "mmpose-demo": Case(source="mmpose", write=write_mmpose_demo, options=COMMON),
    "mmpose-images": Case(source="mmpose", write=write_images_of_mmpose, options=COMMON),
    "coco-results": Case(
        source="coco-results",
        write=one_file(
            lambda path: write_coco_results(path, alone("coco17")), "keypoints_results.json"
        ),
        options=COMMON,
        wrong=WRONG_RECORDS,
    ),
    "coco-results-photos": Case(
        source="coco-results",
        write=one_file(
            lambda path: write_coco_results(
                path,
                [replace(f, image=139 + 7919 * int(f.image)) for f in crossing("coco17", 5)],
            ),
            "person_keypoints_val2017_results.json",
        ),
        options=ImportOptions(image_size=SIZE),
    ),
}
