"""The Arrow schema: what goes in comes out, and cut takes join to themselves."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clip_files import assert_same_clip, make_clip
from tests.present import present

from monopose.data.clip import Clip, validate
from monopose.data.schema import (
    clip_digest,
    clip_schema,
    cut,
    from_table,
    join,
    size_bytes,
    to_table,
)
from monopose.geometry.camera import Camera
from monopose.skeleton import JOINT_SETS

# What a clip may be called: letters, marks and symbols of all scripts, on one line.
LETTERS = st.characters(exclude_categories=["C", "Z"], include_characters=" ")
TEXT = st.text(LETTERS, min_size=1, max_size=8)


def _camera(rng: np.random.Generator, known: bool) -> Camera:
    if not known:
        return Camera("unknown")
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    k1, k2, p1, p2, k3 = (float(value) for value in rng.normal(size=5))
    lens = (k1, k2, p1, p2, k3)
    return Camera(
        "c", rotation, rng.normal(size=3), 1100.5, 1099.0, 500.25, 499.0, lens, 1000, 1002
    )


SPECS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "views": st.integers(1, 3),
        "frames": st.integers(1, 14),
        "joint_set": st.sampled_from(["h36m17", "coco17", "humaneva15"]),
        "arrays": st.sets(
            st.sampled_from(["pose_world_m", "pose_camera_m", "keypoints_px"]), min_size=1
        ),
        "scored": st.booleans(),
        "images": st.booleans(),
        "maps_px": st.sampled_from([0, 1, 3]),
        "calibrated": st.lists(st.booleans(), min_size=3, max_size=3),
        "texts": st.tuples(TEXT, TEXT, TEXT, st.text(LETTERS, max_size=8), TEXT),
        "fps": st.floats(1, 240),
        "start_frame": st.integers(0, 2**40),
    }
)


def _clip(spec: dict[str, Any]) -> Clip:
    rng = np.random.default_rng(spec["seed"])
    views, frames, joints = spec["views"], spec["frames"], len(JOINT_SETS[spec["joint_set"]])
    shapes = {
        "pose_world_m": (frames, joints, 3),
        "pose_camera_m": (views, frames, joints, 3),
        "keypoints_px": (views, frames, joints, 2),
    }
    parts: dict[str, Any] = {
        name: rng.normal(size=shapes[name]).astype(np.float32) for name in sorted(spec["arrays"])
    }
    if "keypoints_px" in parts and spec["scored"]:
        parts["keypoint_score"] = rng.random((views, frames, joints), np.float32)
    if spec["images"]:
        parts["crop_box_px"] = rng.random((views, frames, 4), np.float32)
        parts["image"] = tuple(tuple(rng.bytes(5) for _ in range(frames)) for _ in range(views))
    if side := spec["maps_px"]:
        corner, sides = rng.random((2, views, frames, 2), np.float32)
        sides[..., 1] = sides[..., 0]
        parts["crop_box_px"] = np.concatenate([corner, sides], axis=-1)
        parts["heatmaps"] = rng.integers(0, 256, (views, frames, joints, side, side), np.uint8)
    clip_id, dataset, subject, action, split = spec["texts"]
    return Clip(
        clip_id,
        dataset,
        subject,
        action,
        split,
        fps=spec["fps"],
        joint_set=spec["joint_set"],
        cameras=tuple(_camera(rng, known) for known in spec["calibrated"][:views]),
        start_frame=spec["start_frame"],
        **parts,
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(SPECS, max_size=3))
def test_clips_survive_the_table_and_its_slices(specs: list[dict[str, Any]]) -> None:
    originals = [_clip(spec) for spec in specs]
    table = to_table(originals)
    assert table.schema.equals(clip_schema())
    for original, read in zip(originals, from_table(table), strict=True):
        assert_same_clip(original, validate(read))
    for original, read in zip(originals[1:], from_table(table.slice(1)), strict=True):
        assert_same_clip(original, read)
    doubled = pa.concat_tables([table, table])
    for original, read in zip(originals * 2, from_table(doubled), strict=True):
        assert_same_clip(original, read)


@settings(max_examples=80, deadline=None)
@given(SPECS, st.integers(1, 8), st.integers(0, 7))
def test_cut_then_join_is_the_same_take(
    spec: dict[str, Any], max_frames: int, overlap: int
) -> None:
    original = _clip(spec)
    overlap = min(overlap, max_frames - 1)
    pieces = [piece for piece, _ in cut(original, max_frames, overlap)]
    assert all(validate(piece).num_frames <= max_frames for piece in pieces)
    assert_same_clip(join(pieces), original)
    assert_same_clip(join(from_table(to_table(pieces))), original)


def test_cut_records_where_each_piece_lies() -> None:
    # 10 frames, pieces of 4, 2 shared: 0-4, 2-6, 4-8, 6-10, counted by hand.
    pieces = list(cut(make_clip(10, start_frame=100), 4, 2))
    assert [overlap for _, overlap in pieces] == [0, 2, 2, 2]
    assert [piece.start_frame for piece, _ in pieces] == [100, 102, 104, 106]
    firsts = [float(present(piece.pose_world_m)[0, 0, 0]) for piece, _ in pieces]
    assert firsts == [0, 2, 4, 6]
    seen = [float(present(piece.keypoints_px)[1, -1, 0, 0]) for piece, _ in pieces]
    assert seen == [6, 10, 14, 18]


@pytest.mark.parametrize("frames", [1, 3, 4])
def test_a_short_take_is_one_piece(frames: int) -> None:
    clip = make_clip(frames)
    assert list(cut(clip, 4, 2)) == [(clip, 0)]


def test_every_window_of_the_overlap_lies_in_one_piece() -> None:
    spans = [(p.start_frame, p.start_frame + p.num_frames) for p, _ in cut(make_clip(50), 9, 4)]
    for start in range(50 - 4 + 1):
        assert any(low <= start and start + 4 <= high for low, high in spans), start


def test_the_overlap_is_a_column() -> None:
    pieces, overlaps = zip(*cut(make_clip(10), 4, 1), strict=True)
    assert to_table(pieces, overlaps)["overlap_frames"].to_pylist() == [0, 1, 1]


def test_the_flat_column_is_row_major() -> None:
    clip = make_clip(2, pose_world_m=np.arange(2 * 17 * 3, dtype=np.float32).reshape(2, 17, 3))
    row = to_table([clip]).to_pylist()[0]
    assert row["pose_world_m"] == [float(value) for value in range(2 * 17 * 3)]
    assert (row["num_views"], row["num_frames"], row["num_joints"]) == (2, 2, 17)
    assert row["pose_camera_m"] is None
    assert row["cameras"][0]["camera_id"] == "a"
    assert row["cameras"][0]["rotation"] is None


def test_reading_does_not_copy_the_arrays() -> None:
    table = to_table([make_clip(4)])
    buffer = table["pose_world_m"].chunk(0).values.buffers()[1]
    pose = present(from_table(table)[0].pose_world_m)
    assert pose.__array_interface__["data"][0] == buffer.address


def test_heatmaps_lie_in_a_row_as_one_object_a_view_and_frame() -> None:
    maps = np.arange(2 * 3 * 17 * 4, dtype=np.uint8).reshape(2, 3, 17, 2, 2)
    clip = make_clip(3, heatmaps=maps, crop_box_px=np.ones((2, 3, 4), np.float32))
    (row,) = to_table([clip]).to_pylist()
    # View-major: frame 1 of view 1 is object 4, and starts 4 * 68 bytes after the first.
    assert [len(each) for each in row["heatmaps"]] == [68] * 6
    assert row["heatmaps"][4] == bytes((4 * 68 + i) % 256 for i in range(68))
    assert size_bytes(clip) == size_bytes(replace(clip, heatmaps=None)) + 6 * 68


def test_a_clip_without_heatmaps_keeps_its_digest_and_one_byte_of_them_changes_it() -> None:
    # As computed before clips could have heatmaps.
    assert clip_digest(make_clip(5)).hex()[:16] == "f7749df6d492a321"
    maps = np.zeros((2, 3, 17, 2, 2), np.uint8)
    clip = make_clip(3, heatmaps=maps, crop_box_px=np.ones((2, 3, 4), np.float32))
    other = replace(clip, heatmaps=maps.copy())
    assert clip_digest(other) == clip_digest(clip)
    present(other.heatmaps)[1, 2, 16, 1, 1] = 1
    assert clip_digest(other) != clip_digest(clip)


def test_size_counts_arrays_and_images() -> None:
    images = ((b"abc", b"de"), (b"", b"f"))
    # 2 frames x 17 joints x (3 + 2 views x 2) floats of 4 bytes, and 6 bytes of images.
    assert size_bytes(make_clip(2, image=images)) == 2 * 17 * 7 * 4 + 6
