"""Import and re-sharding as Ray Data jobs, on a real S3 server."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.clip_files import make_clip
from tests.conftest import S3Store

from monopose import storage
from monopose.data.clip import Clip
from monopose.data.importers.source import Part
from monopose.data.manifest import MANIFEST, About
from monopose.data.prepare import import_on_cluster, reshard
from monopose.data.shards import Cutting, read_manifest, verify, write_clips
from monopose.errors import InputError, IntegrityError

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]
ABOUT = About("set", "gt")
# A clip of 20 frames is 9520 bytes.
FOUR_CLIPS = Cutting(shard_bytes=30_000)


def part(names: tuple[str, ...]) -> Iterator[Clip]:
    for name in names:
        yield make_clip(20, clip_id=name, split="val" if name.endswith("v") else "train")


def broken_part(path: str) -> Iterator[Clip]:
    yield make_clip(20, clip_id="before")
    raise InputError("is damaged", where=path, fix="mend it")


def parts(count: int) -> list[Part]:
    return [partial(part, (f"{n}a", f"{n}b", f"{n}v")) for n in range(count)]


@pytest.fixture
def uri(s3_store: S3Store) -> str:
    return storage.join(s3_store.root, "data", "set")


def test_tasks_give_the_data_that_one_process_gives(uri: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    ours = import_on_cluster(
        parts(6), uri, ABOUT, cutting=FOUR_CLIPS, on_task=lambda *counts: seen.append(counts)
    )
    alone = write_clips(
        (clip for read in parts(6) for clip in read()),
        str(tmp_path / "alone"), dataset="set", detections="gt",
    )  # fmt: skip
    assert ours.digest == alone.digest
    assert verify(uri) == ours
    assert seen == [(n, 6) for n in range(1, 7)]


def test_small_shards_are_merged(uri: str) -> None:
    manifest = import_on_cluster(parts(12), uri, ABOUT)
    assert [shard.splits for shard in manifest.shards] == [("train",), ("val",)]
    assert {n for n in storage.list_names(uri) if n != MANIFEST} == {
        shard.name for shard in manifest.shards
    }


def test_a_broken_part_is_told_and_leaves_the_old_set(uri: str) -> None:
    before = import_on_cluster(parts(2), uri, ABOUT)
    failing: list[Part] = [*parts(2), partial(broken_part, "file.mat")]
    with pytest.raises(InputError, match=r"^file\.mat: is damaged; mend it$"):
        import_on_cluster(failing, uri, ABOUT, overwrite=True)
    assert verify(uri) == before


def test_a_clip_of_two_parts_is_refused(uri: str) -> None:
    with pytest.raises(InputError, match="clip_id occurs twice"):
        import_on_cluster([*parts(1), *parts(1)], uri, ABOUT)
    assert MANIFEST not in storage.list_names(uri)


def test_resharding_keeps_the_digest(uri: str) -> None:
    before = import_on_cluster(parts(8), uri, ABOUT)
    small = reshard(uri, uri + "-small", cutting=Cutting(shard_bytes=1))
    assert small.digest == before.digest
    assert len(small.shards) == 24
    assert all(shard.clips == 1 for shard in small.shards)
    again = reshard(uri + "-small", uri + "-again")
    assert again.digest == before.digest
    assert len(again.shards) == 2
    assert verify(uri + "-again") == again


def test_resharding_names_a_damaged_shard(uri: str) -> None:
    manifest = import_on_cluster(parts(2), uri, ABOUT)
    name = manifest.shards[0].name
    storage.write_bytes(storage.join(uri, name), b"x" * manifest.shards[0].bytes)
    with pytest.raises(IntegrityError, match=rf"^\S+{name}: shard is altered[^\n]*$"):
        reshard(uri, uri + "-new")
    assert read_manifest(uri) == manifest
