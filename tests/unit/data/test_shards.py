"""Data sets on disk: counts, splits, streaming, digests, refusals."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from tests.clip_files import assert_same_clip, make_clip
from tests.present import present

from monopose.data.clip import Clip
from monopose.data.manifest import signed
from monopose.data.schema import from_table
from monopose.data.shards import Cutting, read_clips, read_manifest, read_shard, verify, write_clips
from monopose.errors import InputError

LENGTHS = {"a": 25, "b": 3, "c": 12, "d": 7}


def _clips() -> list[Clip]:
    splits = {"a": "train", "b": "val", "c": "train", "d": "val"}
    subjects = {"a": "S1", "b": "S2", "c": "S3", "d": "S2"}
    return [
        make_clip(n, clip_id=i, split=splits[i], subject=subjects[i]) for i, n in LENGTHS.items()
    ]


SHORT = Cutting(max_frames=8, overlap_frames=3)


def _written(folder: Path, cutting: Cutting = SHORT, **options: Any) -> str:
    uri = str(folder / "set")
    write_clips(_clips(), uri, dataset="set", cutting=cutting, **options)
    return uri


def test_what_was_written_is_read(tmp_path: Path) -> None:
    read = {clip.clip_id: clip for clip in read_clips(_written(tmp_path))}
    assert len(read) == 4
    for clip in _clips():
        assert_same_clip(read[clip.clip_id], clip)
        assert present(read[clip.clip_id].pose_world_m).flags.writeable


def test_the_manifest_counts_takes_and_frames_once(tmp_path: Path) -> None:
    manifest = verify(_written(tmp_path, detections="gt", synthetic=True))
    assert (manifest.clips, manifest.frames) == (4, 25 + 3 + 12 + 7)
    assert manifest.splits["train"].clips == 2
    assert manifest.splits["train"].frames == 37
    assert manifest.splits["train"].subjects == ("S1", "S3")
    assert manifest.splits["val"].frames == 10
    assert manifest.splits["val"].subjects == ("S2",)
    assert manifest.splits["val"].has_3d == manifest.splits["val"].multiview == 2
    assert manifest.splits["val"].has_images == 0
    assert (manifest.dataset, manifest.joint_set, manifest.fps) == ("set", "h36m17", (50.0,))
    assert (manifest.detections, manifest.synthetic) == ("gt", True)
    assert sum(shard.frames for shard in manifest.shards) == 47


def test_rows_can_be_read_as_they_lie(tmp_path: Path) -> None:
    rows = list(read_clips(_written(tmp_path), "val", join=False))
    # d has 7 frames and fits in one piece of 8; a in the other split would not.
    assert [(row.clip_id, row.start_frame, row.num_frames) for row in rows] == [
        ("b", 0, 3),
        ("d", 0, 7),
    ]


def test_a_split_reads_only_its_own_files(tmp_path: Path) -> None:
    uri = _written(tmp_path)
    for shard in read_manifest(uri).shards:
        if shard.splits == ("train",):
            Path(uri, shard.name).unlink()
    assert [clip.clip_id for clip in read_clips(uri, "val")] == ["b", "d"]


def test_an_unknown_split_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no split 'test'.*choose one of train, val"):
        read_clips(_written(tmp_path), "test")


def test_shards_are_stored_while_clips_still_come(tmp_path: Path) -> None:
    seen: list[int] = []

    def clips() -> Iterator[Clip]:
        for index in range(6):
            seen.append(len(list(tmp_path.glob("set/part-*.parquet"))))
            yield make_clip(20, clip_id=str(index))

    # One clip is 20 x 17 x 7 x 4 = 9520 bytes: two of them pass 10 kB and close a shard.
    cutting = Cutting(shard_bytes=10_000)
    manifest = write_clips(clips(), str(tmp_path / "set"), dataset="set", cutting=cutting)
    assert seen == [0, 0, 1, 1, 2, 2]
    assert [shard.clips for shard in manifest.shards] == [2, 2, 2]


def test_a_take_is_never_split_between_shards(tmp_path: Path) -> None:
    manifest = verify(_written(tmp_path, Cutting(8, 3, shard_bytes=1)))
    assert [shard.clips for shard in manifest.shards] == [1, 1, 1, 1]
    assert {shard.frames for shard in manifest.shards} == set(LENGTHS.values())


def test_a_shard_is_plain_zstd_parquet(tmp_path: Path) -> None:
    uri = _written(tmp_path)
    shard = read_manifest(uri).shards[0]
    assert Path(uri, shard.name).stat().st_size == shard.bytes
    column = pq.ParquetFile(Path(uri, shard.name)).metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert from_table(read_shard(uri, shard))[0].clip_id == "a"


def test_the_same_clips_give_the_same_digest(tmp_path: Path) -> None:
    first, second = _written(tmp_path / "one"), _written(tmp_path / "two")
    assert read_manifest(first).digest == read_manifest(second).digest


def test_the_digest_names_the_data_not_their_shards(tmp_path: Path) -> None:
    whole = read_manifest(_written(tmp_path))
    clips, cutting = _clips()[::-1], Cutting(max_frames=4, overlap_frames=1, shard_bytes=1)
    other = write_clips(clips, str(tmp_path / "cut"), dataset="set", cutting=cutting)
    assert len(other.shards) > len(whole.shards)
    assert other.digest == whole.digest
    assert other.checksum != whole.checksum


@pytest.mark.parametrize("change", [{"frames": 1}, {"dataset": "x"}, {"content": "0" * 64}])
def test_the_digest_follows_what_the_data_are(tmp_path: Path, change: dict[str, Any]) -> None:
    manifest = read_manifest(_written(tmp_path))
    assert signed(manifest) == manifest
    assert signed(manifest.model_copy(update=change)).digest != manifest.digest


def test_every_shards_hash_is_in_the_checksum(tmp_path: Path) -> None:
    manifest = read_manifest(_written(tmp_path))
    changed = manifest.shards[0].model_copy(update={"sha256": "0" * 64})
    other = signed(manifest.model_copy(update={"shards": (changed, *manifest.shards[1:])}))
    assert other.checksum != manifest.checksum
    assert other.digest == manifest.digest


def test_one_changed_number_changes_the_digest(tmp_path: Path) -> None:
    before = read_manifest(_written(tmp_path)).digest
    clips = _clips()
    present(clips[2].pose_world_m)[5, 3, 1] += 1e-6
    assert write_clips(clips, str(tmp_path / "two"), dataset="set").digest != before


def test_an_existing_set_is_kept_unless_overwriting(tmp_path: Path) -> None:
    uri = _written(tmp_path)
    before = read_manifest(uri)
    with pytest.raises(InputError, match="there is a data set already"):
        write_clips([make_clip()], uri, dataset="new")
    assert verify(uri) == before
    after = write_clips([make_clip()], uri, dataset="new", overwrite=True)
    assert verify(uri) == after
    assert {path.name for path in Path(uri).iterdir()} == {
        "manifest.json",
        *(shard.name for shard in after.shards),
    }


def test_overwriting_leaves_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "part-of-my-thesis.txt").write_text("mine")
    write_clips([make_clip()], str(tmp_path), dataset="set")
    write_clips([make_clip(4)], str(tmp_path), dataset="set", overwrite=True)
    assert (tmp_path / "part-of-my-thesis.txt").read_text() == "mine"
    assert len(list(tmp_path.glob("part-*.parquet"))) == 1


def test_a_set_without_heatmaps_keeps_the_digests_of_before_there_were_any(tmp_path: Path) -> None:
    uri = _written(tmp_path)
    # As computed before clips could have heatmaps.
    assert read_manifest(uri).digest[:16] == "65d2a68e660e76e0"
    content = orjson.loads(Path(uri, "manifest.json").read_bytes())
    assert "has_heatmaps" not in content["splits"]["val"]


def test_the_manifest_is_readable_json(tmp_path: Path) -> None:
    content = orjson.loads(Path(_written(tmp_path), "manifest.json").read_bytes())
    assert content["schema_version"] == 2
    assert content["splits"]["val"]["clips"] == 2
    assert set(content["shards"][0]) == {"name", "sha256", "bytes", "clips", "frames", "splits"}


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([], "no clips to write"),
        ([make_clip(), make_clip()], r"clip 'set/S1/walk': clip_id occurs twice"),
        (
            [make_clip(), make_clip(clip_id="x", joint_set="humaneva15")],
            r"clip 'x': joint set 'humaneva15' in a data set of 'h36m17'.*convert",
        ),
    ],
)
def test_sets_that_make_no_sense_are_refused(
    tmp_path: Path, clips: list[Clip], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        write_clips(clips, str(tmp_path / "set"), dataset="set")
    assert list(tmp_path.glob("set/*")) == []


def test_an_overlap_as_long_as_a_piece_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give 0 <= overlap_frames < max_frames"):
        Cutting(max_frames=8, overlap_frames=8)
