"""A shard as a file: rows cut by bytes, row groups, and reads that leave the images alone."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.clip_files import assert_same_clip, make_clip

from monopose import storage
from monopose.data import shard_files
from monopose.data.clip import Clip
from monopose.data.manifest import Manifest, signed
from monopose.data.schema import cut, from_table, join, to_table
from monopose.data.shard_files import encode_table, read_row_groups, read_shard, row_limits
from monopose.data.shards import read_clips, verify, write_clips
from monopose.errors import IntegrityError, StorageError


def _with_images(frames: int, frame_bytes: int, clip_id: str = "set/S1/walk") -> Clip:
    rng = np.random.default_rng(frames)
    images = tuple(tuple(rng.bytes(frame_bytes) for _ in range(frames)) for _ in range(2))
    boxes = np.ones((2, frames, 4), np.float32)
    return make_clip(frames, clip_id=clip_id, image=images, crop_box_px=boxes)


def _written(folder: Path, clips: list[Clip]) -> tuple[str, Manifest]:
    uri = str(folder / "set")
    return uri, write_clips(clips, uri, dataset="set")


def test_a_take_with_images_is_cut_by_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_files, "ROW_BYTES", 100_000)
    clip = _with_images(40, 2000)
    # A frame holds 2 images of 2000 bytes, 17 x 3 and 2 x 17 x 2 numbers, 2 boxes: 4508 bytes.
    assert row_limits(clip, 4096, 256) == (22, 2)
    rows = [(piece.num_frames, overlap) for piece, overlap in cut(clip, *row_limits(clip, 99, 9))]
    assert rows == [(22, 0), (20, 2)]


def test_takes_that_fit_and_takes_without_images_are_cut_as_asked() -> None:
    assert row_limits(_with_images(40, 2000), 4096, 256) == (4096, 256)
    assert row_limits(make_clip(9000), 4096, 256) == (4096, 256)


def test_a_frame_larger_than_a_row_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_files, "ROW_BYTES", 1000)
    assert row_limits(_with_images(3, 2000), 4096, 256) == (1, 0)


def test_row_groups_hold_as_many_bytes_as_they_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_files, "GROUP_BYTES", 50_000)
    sizes = [1000, 1000, 8000, 30_000, 1000]
    clips = [_with_images(2, size, f"c{i}") for i, size in enumerate(sizes)]
    uri, manifest = _written(tmp_path, clips)
    groups = list(read_row_groups(uri, manifest.shards[0]))
    # Rows of 5, 5, 33, 121 and 5 kB: three fit, the fourth is too large for any group.
    assert [group.num_rows for group in groups] == [3, 1, 1]
    read = [clip for group in groups for clip in from_table(group)]
    for before, after in zip(clips, read, strict=True):
        assert_same_clip(before, after)


def test_without_images_all_else_is_there(tmp_path: Path) -> None:
    clips = [_with_images(3, 500, "a"), make_clip(4, clip_id="b")]
    uri, manifest = _written(tmp_path, clips)
    whole, table = (read_shard(uri, manifest.shards[0], images=i) for i in (True, False))
    assert table.schema.equals(whole.schema)
    assert table.drop_columns("image").equals(whole.drop_columns("image"))
    assert [clip.image for clip in from_table(table)] == [None, None]


def test_without_images_their_bytes_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, manifest = _written(tmp_path, [_with_images(20, 50_000)])
    fetched: list[int] = []

    class Counted:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def read(self, count: int = -1) -> bytes:
            fetched.append(count)
            return bytes(self.file.read(count))

    real = storage.filesystem

    def counting(where: str) -> tuple[Any, str]:
        fs, path = real(where)

        class Opening:
            def open(self, *arguments: Any, **options: Any) -> Any:
                from contextlib import contextmanager

                @contextmanager
                def opened() -> Any:
                    with fs.open(*arguments, **options) as file:
                        yield Counted(file)

                return opened()

        return Opening(), path

    monkeypatch.setattr(storage, "filesystem", counting)
    read_shard(uri, manifest.shards[0], images=False)
    assert manifest.shards[0].bytes > 2_000_000
    assert 0 < sum(fetched) < 200_000


@pytest.mark.parametrize("place", [0.3, 0.6, 0.97])
def test_an_altered_page_is_found_without_the_sha256(tmp_path: Path, place: float) -> None:
    uri, manifest = _written(tmp_path, [make_clip(400)])
    path = Path(uri, manifest.shards[0].name)
    content = bytearray(path.read_bytes())
    group = pq.ParquetFile(path).metadata.row_group(0)
    wanted = {"pose_world_m.list.element", "keypoints_px.list.element"}
    for index in range(group.num_columns):
        column = group.column(index)
        if column.path_in_schema in wanted:
            size = column.total_compressed_size
            content[column.data_page_offset + int(place * size)] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=rf"{path.name}: shard is altered"):
        read_shard(uri, manifest.shards[0], images=False)


def test_missing_and_truncated_shards_are_named_without_images_too(tmp_path: Path) -> None:
    uri, manifest = _written(tmp_path, [_with_images(3, 500)])
    path = Path(uri, manifest.shards[0].name)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with pytest.raises(IntegrityError, match=f"shard has {len(whole) - 5} bytes, the manifest"):
        read_shard(uri, manifest.shards[0], images=False)
    path.write_bytes(b"x" * len(whole))
    with pytest.raises(IntegrityError, match="shard is altered"):
        read_shard(uri, manifest.shards[0], images=False)
    path.unlink()
    with pytest.raises(IntegrityError, match="shard is missing"):
        read_shard(uri, manifest.shards[0], images=False)


def test_a_storage_that_refuses_is_not_a_damaged_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, manifest = _written(tmp_path, [make_clip()])

    def refuse(where: str) -> Any:
        raise PermissionError(13, "no", where)

    monkeypatch.setattr(storage, "filesystem", refuse)
    with pytest.raises(StorageError, match="access was refused"):
        read_shard(uri, manifest.shards[0], images=False)


def test_a_take_cut_by_bytes_is_joined_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_files, "ROW_BYTES", 40_000)
    clip = _with_images(50, 1000)
    uri, _ = _written(tmp_path, [clip])
    assert len(list(read_clips(uri, join=False))) == 4
    (read,) = read_clips(uri)
    assert_same_clip(read, clip)


def test_the_same_rows_give_the_same_bytes() -> None:
    tables = [to_table([make_clip(5), _with_images(2, 300)]) for _ in range(2)]
    assert encode_table(tables[0]) == encode_table(tables[1])


def _with_maps(frames: int, clip_id: str = "maps") -> Clip:
    maps = np.random.default_rng(frames).integers(0, 256, (2, frames, 17, 8, 8), np.uint8)
    return replace(_with_images(frames, 300, clip_id), heatmaps=maps)


@pytest.mark.parametrize(
    ("asked", "images", "maps"),
    [
        ({}, True, True),
        ({"images": False}, False, False),
        ({"images": False, "heatmaps": True}, False, True),
        ({"heatmaps": False}, True, False),
    ],
)
def test_heatmaps_are_read_with_the_images_or_as_asked(
    tmp_path: Path, asked: dict[str, Any], images: bool, maps: bool
) -> None:
    before = [_with_maps(3), make_clip(4, clip_id="plain")]
    uri, manifest = _written(tmp_path, before)
    assert manifest.splits["train"].has_heatmaps == 1
    for joined in (True, False):
        whole, plain = read_clips(uri, join=joined, **asked)
        lost: dict[str, Any] = {} if images else {"image": None}
        lost |= {} if maps else {"heatmaps": None}
        assert_same_clip(whole, replace(before[0], **lost))
        assert_same_clip(plain, before[1])
    verify(uri)


def test_a_take_with_heatmaps_is_cut_by_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_files, "ROW_BYTES", 100_000)
    clip = replace(_with_maps(40), image=None)
    # A frame holds 2 x 17 maps of 64 bytes, 17 x 3 and 2 x 17 x 2 numbers, 2 boxes: 2684 bytes.
    assert row_limits(clip, 4096, 256) == (37, 4)
    clips = [from_table(to_table([piece]))[0] for piece, _ in cut(clip, 37, 4)]
    assert_same_clip(join(clips), clip)


def test_shards_from_before_there_were_heatmaps_are_read(tmp_path: Path) -> None:
    clip = _with_images(3, 500, "a")
    uri, manifest = _written(tmp_path, [clip])
    payload = encode_table(to_table([clip]).drop_columns("heatmaps"))
    name, sha256 = manifest.shards[0].name, hashlib.sha256(payload).hexdigest()
    (tmp_path / "set" / name).write_bytes(payload)
    shard = manifest.shards[0].model_copy(update={"sha256": sha256, "bytes": len(payload)})
    (tmp_path / "set" / "manifest.json").write_text(
        signed(manifest.model_copy(update={"shards": (shard,)})).model_dump_json()
    )
    assert verify(uri).digest == manifest.digest
    for images in (True, False):
        (read,) = read_clips(uri, images=images)
        assert_same_clip(read, clip if images else replace(clip, image=None))


def test_clips_can_be_read_without_their_images(tmp_path: Path) -> None:
    uri, _ = _written(tmp_path, [_with_images(3, 500, "a"), make_clip(4, clip_id="b")])
    for joined in (True, False):
        clips = list(read_clips(uri, images=False, join=joined))
        assert [(clip.clip_id, clip.image) for clip in clips] == [("a", None), ("b", None)]
        assert clips[0].crop_box_px is not None
