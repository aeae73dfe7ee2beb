"""Broken storage, broken files and broken clips: one clear error, and nothing half-written."""

import io
import os
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
import s3fs
from tests.clip_files import make_clip, people, write_videopose3d

from monopose import storage
from monopose.data.clip import Clip, validate
from monopose.data.importers.videopose3d import videopose3d_clips
from monopose.data.manifest import Manifest, signed
from monopose.data.shards import Cutting, read_clips, read_manifest, verify, write_clips
from monopose.errors import InputError, IntegrityError, MonoposeError, StorageError

EACH_ALONE = Cutting(shard_bytes=1)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    where = str(tmp_path / "set")
    clips = [make_clip(6, clip_id=str(i), split="train" if i else "val") for i in range(4)]
    write_clips(clips, where, dataset="set", cutting=EACH_ALONE)
    return where


def _shard(uri: str) -> Path:
    return Path(uri, read_manifest(uri).shards[1].name)


def _refusal(uri: str, kind: type[MonoposeError]) -> str:
    """The message of reading, which must be that of verifying."""
    with pytest.raises(kind) as reading:
        list(read_clips(uri))
    with pytest.raises(kind) as verifying:
        verify(uri)
    assert str(reading.value) == str(verifying.value)
    return str(reading.value)


def test_a_missing_shard_is_named(uri: str) -> None:
    shard = _shard(uri)
    shard.unlink()
    message = _refusal(uri, IntegrityError)
    assert message.startswith(f"{shard}: shard is missing; import the data set again")


def test_a_truncated_shard_is_named_with_both_sizes(uri: str) -> None:
    shard = _shard(uri)
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-7])
    message = _refusal(uri, IntegrityError)
    assert f"{shard}: shard has {len(whole) - 7} bytes, the manifest says {len(whole)}" in message


@pytest.mark.parametrize("place", [0.0, 0.2, 0.5, 0.8, 0.9999])
def test_one_flipped_bit_anywhere_is_found(uri: str, place: float) -> None:
    shard = _shard(uri)
    content = bytearray(shard.read_bytes())
    content[int(place * len(content))] ^= 1
    shard.write_bytes(content)
    message = _refusal(uri, IntegrityError)
    assert message.startswith(f"{shard}: shard is altered: its SHA-256 is not the manifest's; ")


def test_a_damaged_shard_of_another_split_does_not_matter(uri: str) -> None:
    Path(uri, read_manifest(uri).shards[0].name).unlink()
    for split, counts in read_manifest(uri).splits.items():
        if split not in read_manifest(uri).shards[0].splits:
            assert len(list(read_clips(uri, split))) == counts.clips


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"", IntegrityError, "manifest is not JSON"),
        (b"\x00\xff garbage", IntegrityError, "manifest is not JSON"),
        (b"[]", IntegrityError, r"manifest field \(all\)"),
        (b"{}", IntegrityError, "manifest field schema_version: Field required"),
        (b'{"schema_version": 99}', InputError, "schema version 99 is newer.*upgrade monopose"),
        (b'{"schema_version": 1}', InputError, "schema version 1 is older.*import the data set"),
    ],
)
def test_a_manifest_that_is_none_is_refused(
    uri: str, content: bytes, kind: type[MonoposeError], message: str
) -> None:
    Path(uri, "manifest.json").write_bytes(content)
    with pytest.raises(kind, match=rf"set/manifest\.json: {message}"):
        read_manifest(uri)


def test_a_changed_count_is_found_by_the_checksum(uri: str) -> None:
    path = Path(uri, "manifest.json")
    content = orjson.loads(path.read_bytes())
    content["splits"]["train"]["frames"] += 1
    path.write_bytes(orjson.dumps(content))
    with pytest.raises(
        IntegrityError, match=r"manifest\.json: manifest does not match its checksum"
    ):
        read_manifest(uri)


def test_counts_are_checked_against_the_clips(uri: str) -> None:
    manifest = read_manifest(uri)
    splits = {n: c.model_copy(update={"frames": c.frames + 1}) for n, c in manifest.splits.items()}
    forged = manifest.model_copy(update={"splits": splits})
    _store(uri, forged)
    with pytest.raises(IntegrityError, match="counts are not the manifest's"):
        verify(uri)


def test_a_manifest_cannot_name_files_elsewhere(uri: str) -> None:
    shard = read_manifest(uri).shards[0].model_copy(update={"name": "../other.parquet"})
    _store(uri, read_manifest(uri).model_copy(update={"shards": (shard,)}))
    with pytest.raises(IntegrityError, match=r"manifest field shards\.0\.name"):
        read_manifest(uri)


def _store(uri: str, manifest: Manifest) -> None:
    content = signed(manifest).model_dump(mode="json")
    Path(uri, "manifest.json").write_bytes(orjson.dumps(content))


def test_no_data_set_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing: there is no data set; check the name"):
        read_manifest(str(tmp_path / "nothing"))


def _files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).glob("*")}


def _failing_clips(error: BaseException) -> Iterator[Clip]:
    for index in range(3):
        yield make_clip(5, clip_id=f"new {index}")
    raise error


@pytest.mark.parametrize("error", [ValueError("source broke"), KeyboardInterrupt()])
def test_a_source_that_breaks_midway_leaves_the_old_set(uri: str, error: BaseException) -> None:
    before = _files(uri)
    with pytest.raises(type(error)):
        write_clips(_failing_clips(error), uri, dataset="new", cutting=EACH_ALONE, overwrite=True)
    assert _files(uri) == before
    assert verify(uri).dataset == "set"


def test_a_source_that_breaks_midway_leaves_nothing_new(tmp_path: Path) -> None:
    where = str(tmp_path / "new")
    with pytest.raises(ValueError, match="source broke"):
        write_clips(
            _failing_clips(ValueError("source broke")), where, dataset="n", cutting=EACH_ALONE
        )
    assert _files(where) == {}
    with pytest.raises(InputError, match="there is no data set"):
        read_manifest(where)


def test_failing_midway_keeps_shards_that_are_equal_to_the_old(uri: str) -> None:
    clips = [make_clip(6, clip_id="0", split="val"), make_clip(6, clip_id="0", split="val")]
    with pytest.raises(InputError, match="clip_id occurs twice"):
        write_clips(clips, uri, dataset="set", cutting=EACH_ALONE, overwrite=True)
    assert verify(uri).clips == 4


@pytest.mark.parametrize("failing", ["part-00002", "manifest.json"])
def test_storage_that_fails_midway_leaves_the_old_set(
    uri: str, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, whole = _files(uri), storage.write_bytes

    def write_bytes(where: str, payload: bytes) -> None:
        if failing in where:
            raise StorageError("disk full", where=where)
        whole(where, payload)

    monkeypatch.setattr(storage, "write_bytes", write_bytes)
    clips = [make_clip(5, clip_id=str(i)) for i in range(4)]
    with pytest.raises(StorageError, match="disk full"):
        write_clips(clips, uri, dataset="new", cutting=EACH_ALONE, overwrite=True)
    monkeypatch.undo()
    assert before.items() <= _files(uri).items()
    assert verify(uri).dataset == "set"
    after = write_clips(clips, uri, dataset="new", cutting=EACH_ALONE, overwrite=True)
    assert set(_files(uri)) == {"manifest.json", *(shard.name for shard in after.shards)}


def test_a_clip_with_nan_is_refused_and_nothing_stays(tmp_path: Path) -> None:
    broken = make_clip(5, clip_id="broken")
    assert broken.pose_world_m is not None
    broken.pose_world_m[3, 2, 1] = np.nan
    where = str(tmp_path / "new")
    with pytest.raises(InputError, match=r"clip 'broken': pose_world_m holds NaN.*\(3, 2, 1\)"):
        write_clips([make_clip(), broken], where, dataset="new", cutting=EACH_ALONE)
    assert _files(where) == {}


def _damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    if rng.random() < 0.3:
        return whole[: rng.integers(len(whole))]
    content = bytearray(whole)
    for place in rng.integers(len(content), size=rng.integers(1, 20)):
        content[place] = rng.integers(256)
    return bytes(content)


def _refusals(source: Path, damaged: Path, contents: Iterator[bytes]) -> int:
    """How many of the contents the importer refuses; any error but MonoposeError passes through."""
    refused = []
    for content in contents:
        damaged.write_bytes(content)
        try:
            for clip in videopose3d_clips([source]):
                validate(clip)
        except MonoposeError as error:
            refused.append(str(error))
    assert all(str(source) in message or "clip 'tiny/" in message for message in refused)
    return len(refused)


@pytest.mark.parametrize("name", ["data_3d_tiny.npz", "data_2d_tiny_gt.npz"])
def test_200_damaged_files_give_one_kind_of_error(tmp_path: Path, name: str) -> None:
    source, rng = write_videopose3d(tmp_path, people(("S1",))), np.random.default_rng(11)
    whole = (source / name).read_bytes()
    refused = _refusals(source, source / name, (_damaged(whole, rng) for _ in range(100)))
    # A flip in a part of a zip that nobody reads changes nothing: such a file does load.
    assert refused > 80


def _zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("data_3d_tiny.npz", "positions_3d.npy"),
        ("data_2d_tiny_gt.npz", "positions_2d.npy"),
        ("data_2d_tiny_gt.npz", "metadata.npy"),
    ],
)
def test_damaged_pickles_in_sound_zips_give_one_kind_of_error(
    tmp_path: Path, name: str, member: str
) -> None:
    source, rng = write_videopose3d(tmp_path, people(("S1",), frames=1)), np.random.default_rng(12)
    with zipfile.ZipFile(source / name) as archive:
        members = {entry: archive.read(entry) for entry in archive.namelist()}
    contents = (_zipped({**members, member: _damaged(members[member], rng)}) for _ in range(200))
    assert _refusals(source, source / name, contents) > 100


def test_a_pickle_that_runs_a_command_does_not(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    folder = write_videopose3d(tmp_path / "source", people(("S1",)))
    np.savez(folder / "data_3d_tiny.npz", positions_3d=np.array({"S1": Evil()}, dtype=object))
    with pytest.raises(InputError, match=r"data_3d_tiny\.npz: pickle refers to (posix|nt)\.system"):
        list(videopose3d_clips([folder]))
    assert not (tmp_path / "ran").exists()


def test_a_bucket_nobody_serves_is_reported_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    started = time.monotonic()
    with pytest.raises(StorageError, match=r"s3://bucket/set.*cannot be reached.*check AWS_ENDP"):
        read_manifest("s3://bucket/set")
    with pytest.raises(StorageError, match=r"s3://bucket/set.*cannot be reached"):
        write_clips([make_clip()], "s3://bucket/set", dataset="set")
    with pytest.raises(StorageError, match=r"s3://bucket/x.*cannot be reached.*check AWS_ENDP"):
        storage.read_buffer("s3://bucket/x")
    s3fs.S3FileSystem.clear_instance_cache()
    assert time.monotonic() - started < 10
