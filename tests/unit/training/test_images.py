"""Streamed image batches: order, seeds, shares of workers, bounds and errors. No Ray here."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.image_clips import image_clip, image_clips
from tests.present import present

from monopose.data.clip import Clip
from monopose.data.images.batches import ImageBatch
from monopose.data.images.windows import ImageWindow, image_windows
from monopose.data.shard_files import stored_blocks
from monopose.data.shards import read_manifest, write_clips
from monopose.errors import InputError, IntegrityError
from monopose.recipes.images import ImageInputs
from monopose.training.images import StreamedImages, mixed
from monopose.training.loop import Workers

INPUTS = ImageInputs(size_px=16, heatmap_px=None)
CLIPS = list(image_clips(10, frames=2, size_px=32))


def _passes(clips: list[Clip] = CLIPS, block: int = 3) -> Iterator[list[Clip]]:
    yield from (clips[i : i + block] for i in range(0, len(clips), block))


def _stream(**changes: object) -> StreamedImages:
    plain = StreamedImages(_passes, INPUTS, "h36m17", 4, torch.device("cpu"), pool_bytes=8000)
    return replace(plain, **changes)  # type: ignore[arg-type]


def _same(one: list[ImageBatch], other: list[ImageBatch]) -> bool:
    return all(
        torch.equal(a.images, b.images) and torch.equal(a.pose_m, b.pose_m)
        for a, b in zip(one, other, strict=True)
    )


def test_an_epoch_has_the_steps_that_were_asked_for() -> None:
    # 20 frames in batches of 4: 12 steps go round the clips more than twice.
    batches = list(_stream().epoch(0, 12))
    assert [len(batch.images) for batch in batches] == [4] * 12


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_the_number_of_threads_changes_nothing(threads: int) -> None:
    once, again = (list(_stream(threads=n).epoch(1, 6)) for n in (2, threads))
    assert _same(once, again)


def test_seed_epoch_and_rank_change_everything() -> None:
    first = list(_stream().epoch(0, 3))
    for other in (
        _stream(seed=1).epoch(0, 3),
        _stream().epoch(1, 3),
        _stream(workers=Workers(rank=1), batch_size=4).epoch(0, 3),
    ):
        assert not _same(first, list(other))


def test_workers_share_a_batch() -> None:
    batches = list(_stream(workers=Workers(rank=1, world_size=2)).epoch(0, 2))
    assert [len(batch.images) for batch in batches] == [2, 2]


def test_a_pass_gives_every_frame_once() -> None:
    still = INPUTS.model_copy(update={"augmentation": None})
    stream = _stream(inputs=still, batch_size=20)
    (batch,) = stream.epoch(0, 1)
    found = sorted(batch.to_camera[:, 0, 0, 0].tolist())
    whole = replace(stream, pool_bytes=10**9)
    (same,) = whole.epoch(5, 1)
    assert found == sorted(same.to_camera[:, 0, 0, 0].tolist())
    assert len(set(found)) == 20


def _windows(count: int) -> Iterator[ImageWindow]:
    (window,) = image_windows([image_clip(frames=1, size_px=32)], "h36m17")
    for index in range(count):
        yield replace(window, name=str(index), payload=(bytes(100),))


def test_the_pool_holds_what_it_may_and_mixes_as_far_as_that_goes() -> None:
    taken = 0

    def counted() -> Iterator[ImageWindow]:
        nonlocal taken
        for window in _windows(500):
            taken += 1
            yield window

    rng = np.random.default_rng(0)
    order, ahead = [], []
    for index, window in enumerate(mixed(counted(), 5000, rng)):
        order.append(int(window.name))
        ahead.append(taken - index)
    assert sorted(order) == list(range(500))
    assert order != list(range(500))
    # 50 windows of 100 bytes, and the one that made it too many.
    assert max(ahead) == 51
    assert np.std(np.array(order) - np.arange(500)) > 20


def test_windows_do_not_keep_their_clips_in_memory() -> None:
    clip = image_clip(frames=3, size_px=32)
    for window in image_windows([clip], "h36m17"):
        for name in ("stored_px", "keypoints_px", "score", "pose_m"):
            for source in (clip.crop_box_px, clip.keypoints_px, clip.keypoint_score):
                assert not np.shares_memory(getattr(window, name), present(source))


def test_leaving_early_ends_the_threads() -> None:
    before = threading.active_count()
    batches = _stream().epoch(0, 100)
    next(batches)
    assert threading.active_count() > before
    batches.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_a_damaged_image_is_named_through_the_threads() -> None:
    broken = replace(CLIPS[4], image=((b"\xff\xd8broken",) * 2,))
    stream = _stream(start_pass=lambda: iter([[*CLIPS[:4], broken]]))
    with pytest.raises(InputError, match=f"{broken.clip_id} view 0"):
        list(stream.epoch(0, 9))


def test_a_set_without_images_gives_no_batches_rather_than_none_for_ever() -> None:
    blind = replace(CLIPS[0], image=None)
    with pytest.raises(InputError, match="no clip has images"):
        list(_stream(start_pass=lambda: iter([[blind]])).epoch(0, 2))


def test_shards_are_read_block_by_block_and_checked(tmp_path: Path) -> None:
    uri = str(tmp_path / "set")
    manifest = write_clips(CLIPS, uri, dataset="set")
    stream = _stream(start_pass=lambda: stored_blocks(uri, manifest, "train"))
    assert len(list(islice(stream.epoch(0, 3), 3))) == 3
    with pytest.raises(InputError, match="no split 'test'"):
        list(stored_blocks(uri, manifest, "test"))
    path = Path(uri, read_manifest(uri).shards[0].name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="shard is altered"):
        list(stream.epoch(0, 1))
