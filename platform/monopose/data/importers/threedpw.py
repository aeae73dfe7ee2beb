"""3D Poses in the Wild, `sequenceFiles/{train,validation,test}/*.pkl`, as clips.

Source: von Marcard et al., "Recovering Accurate 3D Human Pose in the Wild Using IMUs and a Moving
Camera", ECCV 2018, and the readme of its files. The camera moves, and a clip's camera stands
still: clips hold camera-frame poses, computed frame by frame, and a camera of intrinsics only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from monopose.data.clip import Clip
from monopose.data.images.boxes import person_boxes
from monopose.data.images.encoded import encode_crops
from monopose.data.images.headers import image_size
from monopose.data.importers.reading.photos import image_folder, read_photo
from monopose.data.importers.reading.runs import runs
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan, files_below
from monopose.errors import InputError
from monopose.formats.unpickle import load_pickle
from monopose.geometry.camera import Camera, project
from monopose.skeleton import conversion, joint_set

FPS = 30.0
_SPLITS = {"train": "train", "validation": "val", "test": "test"}
_JOINTS = len(joint_set("smpl24"))
_DETECTED = joint_set("openpose18")
# The videos are of one size, upright or lying.
_LONG_PX, _SHORT_PX = 1920, 1080
_NEAREST_M = 0.1
_NOTES = (
    "the camera moves: clips hold poses in its frame, and no extrinsics",
    "3D is SMPL's joints, not the 14 that the literature regresses from its mesh",
    "2D is the publisher's detections, by joint name; the joints that they lack have score 0",
    "frames without a valid camera pose are left out, which cuts a take into several clips",
)
_ASSUMED_SIZE = (
    f"without its images a video is taken to be {_LONG_PX} x {_SHORT_PX}, upright where its "
    "principal point says so"
)


@dataclass(frozen=True)
class _Sequence:
    """One file. poses_m: world, by actor. detections: (x, y, confidence), by actor.

    extrinsics: world to camera, by frame. valid: by actor, whether a frame's extrinsics hold.
    """

    name: str
    camera: Camera
    extrinsics: Float64[np.ndarray, "T 4 4"]
    poses_m: list[Float64[np.ndarray, "T 24 3"]]
    detections: list[Float64[np.ndarray, "T 18 3"]]
    valid: list[Bool[np.ndarray, " T"]]


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """A part per sequence; the split is the folder that a file is in.

    Images are those of imageFiles/<sequence>, beside sequenceFiles or in --media. Raises
    InputError for a file outside the three folders, and for images that are wanted and not there.
    """
    parts = []
    for path in files_below(paths, "*.pkl"):
        if path.parent.name not in _SPLITS:
            fix = "keep files in folders train, validation and test, as published"
            raise InputError("is in none of the split folders", where=str(path), fix=fix)
        above = path.parent.parent
        folder = image_folder(options.media, above, ("imageFiles",))
        images = folder / path.stem if folder is not None else None
        if options.images and (images is None or not images.is_dir()):
            fix = "put imageFiles beside sequenceFiles, or give it with --media"
            raise InputError(f"has no images in imageFiles/{path.stem}", where=str(path), fix=fix)
        crop_px = options.crop_px if options.images else None
        parts.append(partial(sequence_clips, path, images, crop_px, options.image_size))
    assumed = (_ASSUMED_SIZE,) if not options.images and options.image_size is None else ()
    return ImportPlan("3dpw", parts, None, (*_NOTES, *assumed))


def sequence_clips(
    path: Path, images: Path | None, crop_px: int | None, size: tuple[int, int] | None
) -> Iterator[Clip]:
    """The clips of one file: per actor, one for each run of frames with a valid camera pose.

    The subject is the sequence and the actor's place in it, as 3DPW tells no identities across
    sequences. start_frame counts the sequence's images from 0. Raises InputError naming the file
    and the field at fault.
    """
    try:
        sequence = _sequence(path, load_pickle(path), _size(images, size))
    except InputError as error:
        raise InputError(error.what, where=error.where or str(path), fix=error.fix) from error
    for actor in range(len(sequence.poses_m)):
        for start, end in runs(sequence.valid[actor]):
            yield _clip(sequence, path, actor, range(start, end), images, crop_px)


def _size(images: Path | None, size: tuple[int, int] | None) -> tuple[int, int] | None:
    """Of the first image where there is one; else as given."""
    first = None if images is None else images / _image_name(0)
    return image_size(first) if first is not None and first.is_file() else size


def _image_name(frame: int) -> str:
    return f"image_{frame:05d}.jpg"


def _sequence(path: Path, fields: Any, size: tuple[int, int] | None) -> _Sequence:
    if not isinstance(fields, dict):
        raise InputError("is not a sequence of 3DPW, which is a dictionary")
    extrinsics = _numbers(fields.get("cam_poses"), "cam_poses", (None, 4, 4))
    frames = len(extrinsics)
    poses = _per_actor(fields, "jointPositions", (frames, 3 * _JOINTS))
    name = "poses2d" if "poses2d" in fields else "poses2D"
    detections = _per_actor(fields, name, (frames, 3, len(_DETECTED)))
    valid = [flags != 0 for flags in _per_actor(fields, "campose_valid", (frames,))]
    if not len(poses) == len(detections) == len(valid):
        what = f"has {len(poses)} actors in 3D, {len(detections)} in 2D, {len(valid)} in flags"
        raise InputError(what)
    return _Sequence(
        name=path.stem,
        camera=_camera(fields.get("cam_intrinsics"), size),
        extrinsics=extrinsics,
        poses_m=[pose.reshape(frames, _JOINTS, 3) for pose in poses],
        detections=[found.transpose(0, 2, 1) for found in detections],
        valid=valid,
    )


def _per_actor(
    fields: dict[str, Any], name: str, shape: tuple[int, ...]
) -> list[Float64[np.ndarray, "..."]]:
    values = fields.get(name)
    if not isinstance(values, (list, tuple, np.ndarray)) or not len(values):
        raise InputError(f"has no list of actors {name!r}")
    return [_numbers(one, f"{name}[{actor}]", shape) for actor, one in enumerate(values)]


def _numbers(values: Any, what: str, shape: tuple[int | None, ...]) -> Float64[np.ndarray, "..."]:
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        raise InputError(f"{what} is {type(values).__name__}, not an array of numbers")
    fits = values.ndim == len(shape) and all(
        wanted in (None, size) for wanted, size in zip(shape, values.shape, strict=True)
    )
    if not fits:
        wanted = " x ".join("frames" if size is None else str(size) for size in shape)
        raise InputError(f"{what} has shape {values.shape}, not {wanted}")
    return np.asarray(values, np.float64)


def _camera(matrix: Any, size: tuple[int, int] | None) -> Camera:
    intrinsics = _numbers(matrix, "cam_intrinsics", (3, 3))
    if not np.isfinite(intrinsics).all() or min(intrinsics[0, 0], intrinsics[1, 1]) <= 0:
        raise InputError(f"cam_intrinsics are {intrinsics.round(1).tolist()}")
    cx, cy = float(intrinsics[0, 2]), float(intrinsics[1, 2])
    width, height = size or ((_LONG_PX, _SHORT_PX) if cx > cy else (_SHORT_PX, _LONG_PX))
    return Camera(
        "moving", fx=float(intrinsics[0, 0]), fy=float(intrinsics[1, 1]), cx=cx, cy=cy,
        width=width, height=height,
    )  # fmt: skip


def _clip(
    sequence: _Sequence,
    path: Path,
    actor: int,
    frames: range,
    images: Path | None,
    crop_px: int | None,
) -> Clip:
    where = f"{path} actor {actor} frames {frames.start}-{frames.stop - 1}"
    pose_camera_m = _camera_pose(sequence, actor, frames, where)
    keypoints_px, score = _keypoints(sequence.detections[actor][frames.start : frames.stop])
    crops, boxes = None, None
    if images is not None and crop_px is not None:
        boxes = _boxes(pose_camera_m, sequence.camera, where)
        crops = (encode_crops(_images(images, frames, sequence.camera), boxes, crop_px),)
    subject = f"{sequence.name}_{actor}"
    action = f"{sequence.name}_{frames.start:05d}"
    return Clip(
        clip_id=f"3dpw/{subject}/{action}",
        dataset="3dpw",
        subject=subject,
        action=action,
        split=_SPLITS[path.parent.name],
        fps=FPS,
        joint_set="smpl24",
        cameras=(sequence.camera,),
        start_frame=frames.start,
        pose_camera_m=pose_camera_m[None],
        keypoints_px=keypoints_px[None],
        keypoint_score=score[None],
        image=crops,
        crop_box_px=None if boxes is None else boxes[None],
    )


def _camera_pose(
    sequence: _Sequence, actor: int, frames: range, where: str
) -> Float32[np.ndarray, "T 24 3"]:
    """Each frame's pose through that frame's own extrinsics."""
    matrices = sequence.extrinsics[frames.start : frames.stop]
    world_m = sequence.poses_m[actor][frames.start : frames.stop]
    rotation, translation_m = matrices[:, :3, :3], matrices[:, :3, 3]
    if not (np.isfinite(matrices).all() and np.isfinite(world_m).all()):
        raise InputError("has a pose or camera that is not finite", where=where)
    if max(np.abs(matrices).max(), np.abs(world_m).max()) > 1e6:
        raise InputError("has a pose or camera beyond a million metres", where=where)
    product = rotation @ rotation.transpose(0, 2, 1)
    if np.abs(product - np.eye(3)).max() > 1e-2 or (np.linalg.det(rotation) < 0).any():
        raise InputError("cam_poses holds a matrix that is not a rotation", where=where)
    camera_m = np.einsum("tij,tkj->tki", rotation, world_m) + translation_m[:, None]
    return camera_m.astype(np.float32)


def _keypoints(
    detections: Float64[np.ndarray, "T 18 3"],
) -> tuple[Float32[np.ndarray, "T 24 2"], Float32[np.ndarray, "T 24"]]:
    """Detections by joint name; frames without any are all zero in the file."""
    known = np.isfinite(detections).all(axis=-1) & (np.abs(detections) < 1e6).all(axis=-1)
    score = np.where(known, np.clip(detections[..., 2], 0, 1), 0).astype(np.float32)
    pixels = np.where(known[..., None], detections[..., :2], 0).astype(np.float32)
    change = conversion(_DETECTED.name, "smpl24")
    pixels, score = change.apply(pixels), change.apply_score(score)
    return np.where(score[..., None] > 0, pixels, np.float32(0)), score


def _boxes(
    pose_camera_m: Float32[np.ndarray, "T 24 3"], camera: Camera, where: str
) -> Float32[np.ndarray, "T 4"]:
    """Around the projected joints, since detections are missing in some frames."""
    seen = pose_camera_m[..., 2] > _NEAREST_M
    if not seen.any(axis=1).all():
        raise InputError("has a frame with nobody in front of the camera", where=where)
    shifted = np.where(seen[..., None], pose_camera_m, np.float32(1))
    boxes = person_boxes(project(shifted, camera), seen.astype(np.float32))
    if np.abs(boxes).max() > 1e5:
        raise InputError("has a person far outside the image", where=where)
    return np.asarray(boxes, np.float32)


def _images(folder: Path, frames: range, camera: Camera) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    for frame in frames:
        path = folder / _image_name(frame)
        image = read_photo(path)
        if image.shape[:2] != (camera.height, camera.width):
            what = f"is {image.shape[1]}x{image.shape[0]}, not {camera.width}x{camera.height}"
            raise InputError(what, where=str(path))
        yield image


IMPORTER = Importer(
    plan,
    frozenset({"media", "image_size", "images", "crop_px"}),
    "3DPW: sequenceFiles/{train,validation,test}/*.pkl, imageFiles/",
)
