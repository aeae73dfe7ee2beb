"""MPI-INF-3DHP's training sequences as clips of synchronised views.

Layout of the release: S1..S8/Seq1,Seq2, each with `annot.mat`, `camera.calibration` and, for
images, `imageSequence/video_<camera>.avi` or a folder of frames per camera. See
formats/mpi_inf_3dhp.py for what the poses are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from monopose.data.clip import Clip
from monopose.data.images.boxes import boxes_near_image
from monopose.data.images.encoded import encode_crops
from monopose.data.images.video import media_info, read_frames
from monopose.data.importers.source import (
    Importer,
    ImportOptions,
    ImportPlan,
    files_below,
    known_layout,
)
from monopose.data.joint_sets import in_joint_set
from monopose.data.schema import cut
from monopose.errors import InputError
from monopose.formats.mpi_inf_3dhp import (
    TRAIN_SEQUENCES,
    Annotation,
    read_train_annotations,
)
from monopose.formats.skeletool import CalibratedCamera, read_calibration
from monopose.geometry.camera import Camera, camera_to_world, project

# The cameras that work on the data set has settled on: chest height, no wall of the studio in view.
COMMON_CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)
_LAYOUTS: dict[str, tuple[Annotation, tuple[int, ...]]] = {
    "annot3": ("annot3", COMMON_CAMERAS),
    "univ_annot3": ("univ_annot3", COMMON_CAMERAS),
    "annot3_all_cameras": ("annot3", tuple(range(14))),
    "univ_annot3_all_cameras": ("univ_annot3", tuple(range(14))),
}
# How the frames of a video with images may be stored: {camera} below the sequence's folder.
_MEDIA = (
    "imageSequence/video_{}.avi", "imageSequence/video_{}", "imageFrames/video_{}", "video_{}",
)  # fmt: skip
_FRAMES_AT_ONCE = 128
_SAME_POINT_M = 0.001
# An annotation farther off belongs to another calibration; the release's own is exact to a pixel.
_REPROJECTION_PX = 20.0
_VIDEO_MAY_LACK = 0.01
_HEAD_TOP, _ANKLES = 7, (20, 25)
# How much of the way from ankles to head must lie along an axis for it to be the vertical one.
_UPRIGHT = 0.5


@dataclass(frozen=True)
class _Sequence:
    """One sequence and how it is read; frames and fps before every stride-th is taken."""

    path: Path
    calibration: Path
    subject: str
    name: str
    dataset: str
    annotation: Annotation
    cameras: tuple[int, ...]
    frames: int
    fps: float
    options: ImportOptions


def sequence_clips(sequence: _Sequence) -> Iterator[Clip]:
    """The sequence as one clip; with images as consecutive clips, so that memory is bounded.

    Where all cameras agree on the pose it is stored once, in the world; `univ_annot3` is scaled
    in each camera's frame, and then a pose per view is stored. Raises InputError naming the file.
    """
    found = read_train_annotations(sequence.path, sequence.annotation, sequence.cameras)
    calibrated = read_calibration(sequence.calibration)
    cameras = tuple(_camera(calibrated, c, sequence.calibration) for c in sequence.cameras)
    kept = slice(None, sequence.frames, sequence.options.stride)
    poses_m = found.pose_camera_mm[:, kept] / np.float32(1000)
    keypoints_px = found.keypoints_px[:, kept]
    if sequence.annotation == "annot3":
        _check_projection(poses_m, keypoints_px, cameras, sequence)
    cameras = _z_up(cameras, poses_m, sequence.options.up)
    world_m = _one_world_pose(poses_m, cameras)
    clip = Clip(
        clip_id=f"{sequence.dataset}/{sequence.subject}/{sequence.name}",
        dataset=sequence.dataset,
        subject=sequence.subject,
        action=sequence.name,
        split="train",
        fps=sequence.fps / sequence.options.stride,
        joint_set="mpi_inf_3dhp_28",
        cameras=cameras,
        pose_world_m=world_m,
        pose_camera_m=poses_m if world_m is None else None,
        keypoints_px=keypoints_px,
        keypoint_score=np.ones(keypoints_px.shape[:-1], np.float32),
    )
    pieces = _with_images(clip, sequence) if sequence.options.images else iter([clip])
    yield from (in_joint_set(piece, sequence.options.joint_set) for piece in pieces)


def _camera(calibrated: dict[str, CalibratedCamera], number: int, path: Path) -> Camera:
    found = calibrated.get(str(number))
    if found is None:
        known = ", ".join(calibrated)[:60]
        raise InputError(f"has no camera {number}, only {known}", where=str(path))
    return Camera(
        camera_id=str(number),
        rotation=found.extrinsic_mm[:3, :3],
        translation_m=found.extrinsic_mm[:3, 3] / 1000,
        fx=float(found.intrinsic[0, 0]),
        fy=float(found.intrinsic[1, 1]),
        cx=float(found.intrinsic[0, 2]),
        cy=float(found.intrinsic[1, 2]),
        width=found.size_px[0],
        height=found.size_px[1],
    )


def _check_projection(
    poses_m: Float32[np.ndarray, "V T 28 3"],
    keypoints_px: Float32[np.ndarray, "V T 28 2"],
    cameras: tuple[Camera, ...],
    sequence: _Sequence,
) -> None:
    """Raises InputError when the 2D is not what this calibration makes of the 3D."""
    for camera, pose_m, seen_px in zip(cameras, poses_m, keypoints_px, strict=True):
        front = pose_m[..., 2] > 0
        if not front.any():
            what = f"the person is behind camera {camera.camera_id}"
            raise InputError(what, where=str(sequence.path))
        away_px = project(pose_m[front].astype(np.float64), camera) - seen_px[front]
        median_px = float(np.median(np.linalg.norm(away_px, axis=-1)))
        if not median_px <= _REPROJECTION_PX:
            what = f"annot3 projects {median_px:.4g} px from annot2 in camera {camera.camera_id}"
            where = f"{sequence.path} with {sequence.calibration.name}"
            raise InputError(what, where=where, fix="give the calibration of this sequence")


def _z_up(
    cameras: tuple[Camera, ...], poses_m: Float32[np.ndarray, "V T 28 3"], up: str | None
) -> tuple[Camera, ...]:
    """The cameras in a world with Z up.

    up: the calibration's vertical axis. None takes the axis that people stand along in this very
    sequence, and Y where they mostly do not stand, as public converters of the set take Y.
    """
    axis, sign = "xyz".index(up or "y"), 1.0
    if up is None:
        world_m = camera_to_world(poses_m[0].astype(np.float64), cameras[0])
        body_m = (world_m[:, _HEAD_TOP] - world_m[:, _ANKLES].mean(axis=1)).mean(axis=0)
        along = body_m / max(float(np.linalg.norm(body_m)), 1e-9)
        if np.abs(along).max() > _UPRIGHT:
            axis = int(np.abs(along).argmax())
            sign = float(np.sign(along[axis]))
    # Rows: our axes in the calibration's. A cyclic change of axes keeps the world right handed;
    # for an axis that points down it is turned over about X.
    turn = np.diag((1.0, sign, sign)) @ np.roll(np.eye(3), 2 - axis, axis=0)
    return tuple(
        replace(c, rotation=c.rotation @ turn.T) for c in cameras if c.rotation is not None
    )


def _one_world_pose(
    poses_m: Float32[np.ndarray, "V T 28 3"], cameras: tuple[Camera, ...]
) -> Float32[np.ndarray, "T 28 3"] | None:
    """The pose in the world when all views agree on it to the millimetre; otherwise None."""
    views = zip(poses_m, cameras, strict=True)
    world_m = np.stack([camera_to_world(pose.astype(np.float64), camera) for pose, camera in views])
    if np.abs(world_m - world_m.mean(axis=0)).max() > _SAME_POINT_M:
        return None
    return world_m.mean(axis=0).astype(np.float32)


def _with_images(clip: Clip, sequence: _Sequence) -> Iterator[Clip]:
    """Consecutive clips of a few frames each, "Seq1 chunk0" and on, with crops of every view."""
    media = [_media(sequence, camera) for camera in sequence.cameras]
    frames = min(_frames_of(path, clip, sequence) for path in media)
    boxes_px = np.stack([_boxes(clip, view) for view in range(clip.num_views)])
    streams = [read_frames(path, sequence.options.stride) for path in media]
    for number, piece in enumerate(_pieces(clip, frames)):
        part = slice(piece.start_frame, piece.start_frame + piece.num_frames)
        image = tuple(
            encode_crops(
                _exactly(stream, piece.num_frames, camera, path),
                boxes_px[view, part],
                sequence.options.crop_px,
            )
            for view, (stream, camera, path) in enumerate(
                zip(streams, clip.cameras, media, strict=True)
            )
        )
        action = f"{clip.action} chunk{number}"
        clip_id = f"{clip.dataset}/{clip.subject}/{action}"
        crops_px = boxes_px[:, part]
        yield replace(piece, clip_id=clip_id, action=action, image=image, crop_box_px=crops_px)


def _media(sequence: _Sequence, camera: int) -> Path:
    folder = sequence.path.parent
    for pattern in _MEDIA:
        if (folder / pattern.format(camera)).exists():
            return folder / pattern.format(camera)
    what = f"has no video or images of camera {camera}"
    raise InputError(what, where=str(folder), fix=f"put it at {_MEDIA[0].format(camera)}")


def _frames_of(path: Path, clip: Clip, sequence: _Sequence) -> int:
    """How many of the clip's frames the media has; raises InputError when it lacks too many."""
    held = media_info(path).frames
    if held is None:
        return clip.num_frames
    frames = min(clip.num_frames, -(-held // sequence.options.stride))
    if frames < clip.num_frames * (1 - _VIDEO_MAY_LACK):
        wanted = clip.num_frames * sequence.options.stride
        raise InputError(f"has {held} frames where about {wanted} are labelled", where=str(path))
    return frames


def _boxes(clip: Clip, view: int) -> Float32[np.ndarray, "T 4"]:
    assert clip.keypoints_px is not None
    assert clip.keypoint_score is not None
    return boxes_near_image(clip.keypoints_px[view], clip.keypoint_score[view], clip.cameras[view])


def _pieces(clip: Clip, frames: int) -> Iterator[Clip]:
    """The clip's first so many frames, a few at a time."""
    whole, _ = next(cut(clip, frames, 0))
    yield from (piece for piece, _ in cut(whole, _FRAMES_AT_ONCE, 0))


def _exactly(
    stream: Iterator[UInt8[np.ndarray, "H W 3"]], count: int, camera: Camera, path: Path
) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    for _ in range(count):
        image = next(stream, None)
        if image is None:
            raise InputError("ends before its labels do", where=str(path), fix="copy it again")
        if image.shape[:2] != (camera.height, camera.width):
            what = f"has {image.shape[1]} x {image.shape[0]} pixels, not those of its calibration"
            raise InputError(what, where=str(path))
        yield image


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """A part per sequence. Raises InputError for an unknown layout, folder name or frame rate."""
    layout = known_layout(options.layout or "annot3", _LAYOUTS)
    annotation, cameras = _LAYOUTS[layout]
    if options.stride < 1:
        raise InputError(f"stride is {options.stride}, not 1 or more", where="--stride")
    dataset = f"mpi_inf_3dhp_{layout}"
    found = [
        _sequence(path, dataset, annotation, cameras, options)
        for path in files_below(paths, "annot.mat")
    ]
    names = [f"{sequence.subject}/{sequence.name}" for sequence in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{twice} comes twice", where=", ".join(map(str, paths)))
    notes = (
        f"3D is {annotation}, which the data set's name says: numbers on annot3 and univ_annot3 "
        "cannot be compared",
        f"{len(cameras)} of 14 cameras" + (", the common subset" if len(cameras) < 14 else ""),
        "frames beyond the published count of a sequence are left out; frame rates are the "
        "published ones" if options.fps is None else f"frame rate {options.fps:g} as given",
        "annot2 does not tell hidden joints: all count as visible",
        "up is the axis that people stand along" if options.up is None else f"{options.up} is up",
    )  # fmt: skip
    return ImportPlan(dataset, [partial(sequence_clips, one) for one in found], "gt", notes)


def _sequence(
    path: Path,
    dataset: str,
    annotation: Annotation,
    cameras: tuple[int, ...],
    options: ImportOptions,
) -> _Sequence:
    subject, name = path.parts[-3:-1] if len(path.parts) > 2 else ("", "")
    if (subject, name) not in TRAIN_SEQUENCES:
        what = f"lies in {subject}/{name}, which is none of S1..S8/Seq1, Seq2"
        raise InputError(what, where=str(path), fix="keep the folders of the release")
    frames, fps = TRAIN_SEQUENCES[subject, name]
    calibration = options.cameras or path.parent / "camera.calibration"
    if not calibration.is_file():
        fix = "copy it there, or name it by --cameras"
        raise InputError("there is no camera.calibration", where=str(calibration), fix=fix)
    fps = options.fps or fps
    return _Sequence(
        path, calibration, subject, name, dataset, annotation, cameras, frames, fps, options
    )


IMPORTER = Importer(
    plan,
    frozenset({"layout", "joint_set", "fps", "up", "cameras", "images", "crop_px", "stride"}),
    "MPI-INF-3DHP's training set: S*/Seq*/annot.mat, camera.calibration",
)
