"""The one Arrow schema of clips: clip <-> table row, and cutting long takes into rows.

A row is a clip or a piece of one. Its arrays lie in it as flat float32 lists, which Arrow hands
to numpy without a copy; `num_views`, `num_frames` and `num_joints` give them their shape back.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from monopose.data.clip import Clip
from monopose.geometry.camera import Camera
from monopose.skeleton import joint_set

SCHEMA_VERSION = 2

# Axes of each array: V views, T frames, J joints, or a fixed length.
ARRAYS: dict[str, tuple[str | int, ...]] = {
    "pose_world_m": ("T", "J", 3),
    "pose_camera_m": ("V", "T", "J", 3),
    "keypoints_px": ("V", "T", "J", 2),
    "keypoint_score": ("V", "T", "J"),
    "crop_box_px": ("V", "T", 4),
}
# Bytes, not floats; one object a view and frame, as images are.
HEATMAPS = "heatmaps"
_PER_FRAME = {**ARRAYS, HEATMAPS: ("V", "T", "J", "h", "h")}
_TEXTS = ("clip_id", "dataset", "subject", "action", "split", "joint_set")
_NUMBERS = {
    "fps": pa.float64(),
    "start_frame": pa.int64(),
    "overlap_frames": pa.int32(),
    "num_views": pa.int32(),
    "num_frames": pa.int32(),
    "num_joints": pa.int32(),
}
_CAMERA = pa.struct(
    [
        pa.field("camera_id", pa.string(), nullable=False),
        ("rotation", pa.list_(pa.float64())),
        ("translation_m", pa.list_(pa.float64())),
        ("fx", pa.float64()),
        ("fy", pa.float64()),
        ("cx", pa.float64()),
        ("cy", pa.float64()),
        ("distortion", pa.list_(pa.float64())),
        ("width", pa.int32()),
        ("height", pa.int32()),
    ]
)
_FLAT = pa.list_(pa.float32())
_BYTES = pa.list_(pa.binary())


def clip_schema() -> pa.Schema:
    """The columns of a shard.

    Texts and numbers are never null. `overlap_frames` counts the leading frames of a row that
    the previous row of the same take holds too. `rotation` is row-major; images and heatmaps are
    view-major (all frames of view 0 first). Heatmaps are J x h x h bytes a view and frame.
    """
    columns = [pa.field(name, pa.string(), nullable=False) for name in _TEXTS]
    columns += [pa.field(name, kind, nullable=False) for name, kind in _NUMBERS.items()]
    columns.append(pa.field("cameras", pa.list_(_CAMERA), nullable=False))
    columns += [pa.field(name, _FLAT) for name in ARRAYS]
    columns += [pa.field("image", _BYTES), pa.field(HEATMAPS, _BYTES)]
    return pa.schema(columns)


def to_table(clips: Sequence[Clip], overlap_frames: Sequence[int] | None = None) -> pa.Table:
    """Clips as rows of `clip_schema()`, in their order.

    overlap_frames: for each row, the leading frames repeated from the row before (default 0).
    """
    overlaps = [0] * len(clips) if overlap_frames is None else list(overlap_frames)
    columns: dict[str, Any] = {name: [getattr(clip, name) for clip in clips] for name in _TEXTS}
    columns["fps"] = [clip.fps for clip in clips]
    columns["start_frame"] = [clip.start_frame for clip in clips]
    columns["overlap_frames"] = overlaps
    columns["num_views"] = [clip.num_views for clip in clips]
    columns["num_frames"] = [clip.num_frames for clip in clips]
    columns["num_joints"] = [len(joint_set(clip.joint_set)) for clip in clips]
    columns["cameras"] = [[_camera_record(camera) for camera in c.cameras] for c in clips]
    for name in ARRAYS:
        columns[name] = _flat_column([getattr(clip, name) for clip in clips])
    columns["image"] = [_flat_images(clip) for clip in clips]
    columns[HEATMAPS] = [_flat_heatmaps(clip) for clip in clips]
    return pa.table(columns, schema=clip_schema())


def from_table(table: pa.Table) -> list[Clip]:
    """The rows of a table as clips.

    Arrays are read-only views of the table's memory: copy before writing to one, or before
    giving it to torch, which warns of read-only memory.
    """
    described = (*_TEXTS, *_NUMBERS, "cameras", "image")
    rows = table.select(described).to_pylist()
    flat = {name: _flat_rows(table.column(name)) for name in ARRAYS}
    flat[HEATMAPS] = _flat_bytes(table.column(HEATMAPS))
    return [
        _clip(row, {name: values[i] for name, values in flat.items()}) for i, row in enumerate(rows)
    ]


def clip_digest(clip: Clip) -> bytes:
    """SHA-256 of everything a clip holds, as it lies in a row; the same after any round trip."""
    described = [*(getattr(clip, name) for name in _TEXTS), float(clip.fps), clip.start_frame]
    cameras = [[_exact(value) for value in _camera_record(c).values()] for c in clip.cameras]
    shapes = {n: v.shape for n in _PER_FRAME if (v := getattr(clip, n)) is not None}
    digest = hashlib.sha256(orjson.dumps([described, cameras, list(shapes.items())]))
    for name in shapes:
        digest.update(np.ascontiguousarray(getattr(clip, name)).data)
    for frame in _flat_images(clip) or []:
        digest.update(len(frame).to_bytes(8))
        digest.update(frame)
    return digest.digest()


def size_bytes(clip: Clip) -> int:
    """Bytes of a clip's arrays and images, which is nearly all of its row before compression."""
    arrays = (getattr(clip, name) for name in _PER_FRAME)
    images = _flat_images(clip) or []
    return sum(a.nbytes for a in arrays if a is not None) + sum(map(len, images))


def cut(clip: Clip, max_frames: int, overlap_frames: int) -> Iterator[tuple[Clip, int]]:
    """A take in pieces of at most `max_frames`, each with its count of repeated leading frames.

    Neighbouring pieces share `overlap_frames` frames, so that a window of that many frames lies
    whole in some piece. A take that is short enough comes back as it is.
    """
    assert 0 <= overlap_frames < max_frames
    frames, start = clip.num_frames, 0
    while True:
        end = min(start + max_frames, frames)
        yield _frames(clip, start, end), overlap_frames if start else 0
        if end == frames:
            return
        start = end - overlap_frames


def join(pieces: Sequence[Clip]) -> Clip:
    """The take that `cut` made these pieces of; its arrays are new and writable."""
    skips, end = [], pieces[0].start_frame
    for piece in pieces:
        skips.append(end - piece.start_frame)
        assert 0 <= skips[-1] < piece.num_frames, "pieces of one take follow each other"
        end = piece.start_frame + piece.num_frames
    parts = [
        _frames(piece, skip, piece.num_frames) for piece, skip in zip(pieces, skips, strict=True)
    ]
    whole: dict[str, Any] = {}
    for name, axes in _PER_FRAME.items():
        if getattr(parts[0], name) is not None:
            arrays = [getattr(part, name) for part in parts]
            whole[name] = np.concatenate(arrays, axis=axes.index("T"))
    if parts[0].image is not None:
        views = zip(*(part.image for part in parts if part.image is not None), strict=True)
        whole["image"] = tuple(tuple(frame for run in view for frame in run) for view in views)
    return replace(pieces[0], **whole)


def _frames(clip: Clip, start: int, end: int) -> Clip:
    if (start, end) == (0, clip.num_frames):
        return clip
    part: dict[str, Any] = {"start_frame": clip.start_frame + start}
    for name, axes in _PER_FRAME.items():
        values = getattr(clip, name)
        if values is not None:
            part[name] = values[start:end] if axes[0] == "T" else values[:, start:end]
    if clip.image is not None:
        part["image"] = tuple(view[start:end] for view in clip.image)
    return replace(clip, **part)


def _flat_images(clip: Clip) -> list[bytes] | None:
    return None if clip.image is None else [frame for view in clip.image for frame in view]


def _flat_heatmaps(clip: Clip) -> list[bytes] | None:
    if clip.heatmaps is None:
        return None
    return [frame.tobytes() for view in clip.heatmaps for frame in view]


def _flat_column(values: Sequence[np.ndarray | None]) -> pa.ListArray:
    lengths = [0 if array is None else array.size for array in values]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    present = [array.ravel() for array in values if array is not None]
    flat = np.concatenate([np.zeros(0, np.float32), *present])
    absent = pa.array([array is None for array in values], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat), type=_FLAT, mask=absent)


def _flat_rows(column: pa.ChunkedArray) -> list[np.ndarray | None]:
    rows: list[np.ndarray | None] = []
    for chunk in column.chunks:
        flat = chunk.values.to_numpy(zero_copy_only=True)
        offsets = chunk.offsets.to_numpy()
        valid = chunk.is_valid().to_numpy(zero_copy_only=False)
        rows += [flat[offsets[i] : offsets[i + 1]] if valid[i] else None for i in range(len(chunk))]
    return rows


def _flat_bytes(column: pa.ChunkedArray) -> list[np.ndarray | None]:
    """The bytes of all objects of each row, one after the other, as they lie in memory."""
    rows: list[np.ndarray | None] = []
    for chunk in column.chunks:
        _, ends, content = chunk.values.buffers()
        flat = np.frombuffer(content or b"", np.uint8)
        # A column without any object may come without a buffer.
        places = np.frombuffer(ends or bytes(4), np.int32)[chunk.values.offset :]
        offsets = places[chunk.offsets.to_numpy()]
        valid = chunk.is_valid().to_numpy(zero_copy_only=False)
        rows += [flat[offsets[i] : offsets[i + 1]] if valid[i] else None for i in range(len(chunk))]
    return rows


def _clip(row: dict[str, Any], flat: dict[str, np.ndarray | None]) -> Clip:
    sizes = {"V": row["num_views"], "T": row["num_frames"], "J": row["num_joints"]}
    arrays: dict[str, Any] = {}
    for name, axes in ARRAYS.items():
        values = flat[name]
        shape = [sizes[axis] if isinstance(axis, str) else axis for axis in axes]
        arrays[name] = None if values is None else values.reshape(shape)
    if (maps := flat[HEATMAPS]) is not None:
        count = sizes["V"] * sizes["T"] * sizes["J"]
        side = math.isqrt(maps.size // count)
        arrays[HEATMAPS] = maps.reshape(*sizes.values(), side, side)
    texts = {name: row[name] for name in _TEXTS}
    return Clip(
        **texts,
        fps=row["fps"],
        start_frame=row["start_frame"],
        cameras=tuple(_camera(record) for record in row["cameras"]),
        image=_image(row["image"], sizes["V"], sizes["T"]),
        **arrays,
    )


def _image(
    encoded: list[bytes] | None, views: int, frames: int
) -> tuple[tuple[bytes, ...], ...] | None:
    if encoded is None:
        return None
    return tuple(tuple(encoded[view * frames : (view + 1) * frames]) for view in range(views))


def _camera_record(camera: Camera) -> dict[str, Any]:
    record = {part.name: getattr(camera, part.name) for part in fields(camera)}
    for name in ("rotation", "translation_m"):
        if record[name] is not None:
            record[name] = np.asarray(record[name], np.float64).ravel()
    return record


def _exact(value: Any) -> Any:
    """A camera's part without the types it has before, but not after, a round trip."""
    if value is None or isinstance(value, str):
        return value
    return np.asarray(value, np.float64).ravel().tolist()


def _camera(record: dict[str, Any]) -> Camera:
    parts = dict(record)
    for name, shape in (("rotation", (3, 3)), ("translation_m", (3,))):
        if parts[name] is not None:
            assert math.prod(shape) == len(parts[name])
            parts[name] = np.array(parts[name], np.float64).reshape(shape)
    if parts["distortion"] is not None:
        parts["distortion"] = tuple(parts["distortion"])
    return Camera(**parts)
