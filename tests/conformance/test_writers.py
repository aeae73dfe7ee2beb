"""What every writer must keep: clip -> file -> its importer -> clip, whole files or none."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.writer_samples import SAMPLES, Sample, in_joints, two_people

from monopose.data.clip import Clip
from monopose.errors import InputError, StorageError
from monopose.formats import writers
from monopose.formats.convert import convert
from monopose.formats.writers import WRITERS, Writer

VIEW_FORMATS = [name for name, writer in WRITERS.items() if writer.holds == "view"]
ODD = ("../../up", "a/b:c*?<>|", "walk 1", "WALK 1", "Ünï/走る", "x" * 300, "...", "-rf", "a\tb")


def test_every_writer_is_tested() -> None:
    assert SAMPLES.keys() == WRITERS.keys()


@pytest.fixture(params=WRITERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sample(name: str) -> Sample:
    return SAMPLES[name]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where files are written; it holds nothing else."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def target_of(name: str, out: Path) -> Path:
    return out / f"one{WRITERS[name].suffix}"


def one_piece(name: str, clips: Sequence[Clip]) -> list[Clip]:
    """What fits into one file: a clip; for 2D of one view."""
    return list(clips) if WRITERS[name].holds == "all" else list(clips[:1])


def assert_kept(name: str, before: Clip, after: Clip) -> None:
    """All that the format keeps is the same, numbers within its precision."""
    keeps, sample = WRITERS[name].keeps, SAMPLES[name]
    assert after.joint_set == before.joint_set
    if "3D" in keeps:
        assert before.pose_world_m is not None
        assert after.pose_world_m is not None
        np.testing.assert_allclose(
            after.pose_world_m, before.pose_world_m, rtol=0, atol=sample.error_m
        )
    if "2D" in keeps:
        close(after.keypoints_px, before.keypoints_px, sample.error_px)
        close(after.keypoint_score, before.keypoint_score, sample.error_score)
    if "frame rate" in keeps:
        assert after.fps == before.fps
    if "cameras" in keeps:
        for one, other in zip(after.cameras, before.cameras, strict=True):
            for field, value in vars(one).items():
                np.testing.assert_equal(vars(other)[field], value, err_msg=field)
    if "subjects" in keeps:
        assert (after.dataset, after.subject) == (before.dataset, before.subject)
    if "splits" in keeps:
        assert (after.split, after.start_frame) == (before.split, before.start_frame)


def close(after: np.ndarray | None, before: np.ndarray | None, atol: float) -> None:
    assert after is not None
    assert before is not None
    np.testing.assert_allclose(after, before, rtol=0, atol=atol)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_one_file_comes_back(name: str, sample: Sample, out: Path) -> None:
    clips, target = one_piece(name, sample.clips()), target_of(name, out)
    done = convert(clips, target, name)
    assert (done.clips, done.files) == (len(clips), 1)
    assert [path.name for path in out.iterdir()] == [target.name]
    assert target.is_dir() == (not WRITERS[name].suffix)
    found = sample.read(name, target)
    assert len(found) == len(clips)
    for before, after in zip(clips, found, strict=True):
        assert_kept(name, before, after)


def test_a_folder_of_clips_comes_back(name: str, sample: Sample, out: Path) -> None:
    clips = sample.clips()
    done = convert(clips, out / "several", name)
    assert done.clips == len(clips) == 2
    assert done.files == (1 if WRITERS[name].holds == "all" else 2)
    found = sample.read(name, out / "several")
    assert len(found) == len(clips)
    for before in clips:
        # Its own name, or the file's, which is made of the subject's and its own.
        (after,) = [clip for clip in found if clip.action.endswith(before.action)]
        assert_kept(name, before, after)


def test_the_same_clips_give_the_same_bytes(name: str, sample: Sample, out: Path) -> None:
    for folder in ("a", "b"):
        (out / folder).mkdir()
        convert(sample.clips(), out / folder / "files", name)
    assert tree(out / "a") == tree(out / "b")
    assert tree(out / "a")


def lacking(sample: Sample, writer: Writer) -> list[Clip]:
    """The last clip without each of the things that the format needs."""
    last = sample.clips()[-1]
    without = {
        "pose_world_m": replace(last, pose_world_m=None),
        "keypoints_px": replace(last, keypoints_px=None, keypoint_score=None),
    }
    bad = [without[field] for field in writer.needs]
    return bad + ([in_joints(last, sample.wrong_joints)] if sample.wrong_joints else [])


def test_what_cannot_be_expressed_is_refused_whole(name: str, sample: Sample, out: Path) -> None:
    for bad in lacking(sample, WRITERS[name]):
        with pytest.raises(InputError) as caught:
            convert([sample.clips()[0], bad], out / "files", name)
        assert bad.clip_id in str(caught.value)
        assert name in str(caught.value)
        assert list(out.iterdir()) == []


def test_no_clips_are_refused(name: str, out: Path) -> None:
    for target in (out / "files", target_of(name, out)):
        with pytest.raises(InputError, match="no clips"):
            convert([], target, name)
    assert list(out.iterdir()) == []


def test_a_failure_in_the_middle_leaves_what_was_there(
    name: str, sample: Sample, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert(sample.clips()[:1], out / "files", name)
    before = tree(out)
    writer, written = WRITERS[name], list[Path]()

    def fails(path: Path, clips: Sequence[Clip], detections: str) -> None:
        writer.write(path, clips, detections)
        written.append(path)
        if len(written) == (1 if writer.holds == "all" else 2):
            raise OSError(28, "No space left on device")

    monkeypatch.setitem(writers.WRITERS, name, replace(writer, write=fails))
    with pytest.raises(StorageError, match="No space left"):
        convert(sample.clips(), out / "files", name, overwrite=True)
    assert written
    assert tree(out) == before
    assert [path.name for path in out.iterdir()] == ["files"]


def test_an_interruption_while_clips_are_read_leaves_nothing(
    name: str, sample: Sample, out: Path
) -> None:
    def interrupted() -> Iterator[Clip]:
        yield sample.clips()[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(interrupted(), out / "files", name)
    assert list(out.iterdir()) == []


def test_what_is_there_is_replaced_only_when_asked(name: str, sample: Sample, out: Path) -> None:
    first, second = sample.clips()
    convert([first], out / "files", name)
    before = tree(out)
    with pytest.raises(InputError, match="is there already"):
        convert([second], out / "files", name)
    assert tree(out) == before
    convert([second], out / "files", name, overwrite=True)
    (out / "alone").mkdir()
    convert([second], out / "alone" / "files", name)
    assert tree(out / "files") == tree(out / "alone" / "files")


def test_a_folder_of_other_files_is_never_replaced(name: str, sample: Sample, out: Path) -> None:
    (out / "home" / "deep").mkdir(parents=True)
    (out / "home" / "deep" / "thesis.tex").write_text("years")
    with pytest.raises(InputError, match=r"thesis\.tex"):
        convert(sample.clips(), out / "home", name, overwrite=True)
    assert tree(out) == {"home/deep/thesis.tex": b"years"}


@pytest.mark.parametrize("name", [name for name, writer in WRITERS.items() if writer.suffix])
def test_several_do_not_go_into_one_file(name: str, out: Path) -> None:
    with pytest.raises(InputError, match="one file"):
        convert(SAMPLES[name].clips(), target_of(name, out), name)
    assert list(out.iterdir()) == []


def test_odd_ids_give_safe_names(name: str, sample: Sample, out: Path) -> None:
    clip = sample.clips()[0]
    clips = [
        replace(clip, clip_id=f"{clip.dataset}/{clip.subject}/{action}", action=action)
        for action in ODD
        if action.isprintable() or WRITERS[name].holds != "all"
    ]
    done = convert(clips, out / "files", name)
    assert [path.name for path in out.iterdir()] == ["files"]
    if WRITERS[name].holds == "all":
        assert {clip.action for clip in sample.read(name, out / "files")} == set(ODD) - {"a\tb"}
        return
    found = sorted((out / "files").iterdir())
    assert len(found) == len({path.name.casefold() for path in found}) == done.files == len(ODD)
    for path in found:
        assert len(path.name.encode()) < 200
        assert not set(path.name) & set('/\\:*?"<>|\t ')
        assert not path.name.startswith((".", "-"))
    assert len(sample.read(name, out / "files")) == len(ODD)


@pytest.mark.parametrize("name", VIEW_FORMATS)
def test_people_of_one_take_share_a_file_and_views_do_not(name: str, out: Path) -> None:
    joints = SAMPLES[name].clips()[0].joint_set
    people = two_people(joints, "meet", views=2)
    done = convert(people, out / "files", name)
    assert (done.clips, done.files) == (2, 2)
    names = sorted(path.stem for path in (out / "files").iterdir())
    assert names == ["meet_cam0", "meet_cam1"]
    found = {(clip.action, clip.subject): clip for clip in SAMPLES[name].read(name, out / "files")}
    assert len(found) == 4
    for view in range(2):
        for before in people:
            after = found[f"meet_cam{view}", before.subject]
            assert before.keypoints_px is not None
            assert before.keypoint_score is not None
            assert after.start_frame == before.start_frame
            close(after.keypoints_px, before.keypoints_px[view, None], SAMPLES[name].error_px)
            close(after.keypoint_score, before.keypoint_score[view, None], 1e-6)


@pytest.mark.parametrize("name", VIEW_FORMATS)
def test_subjects_that_are_not_of_one_video_stay_apart(name: str, out: Path) -> None:
    joints = SAMPLES[name].clips()[0].joint_set
    people = [replace(c, subject=s) for c, s in zip(two_people(joints), ("S1", "S5"), strict=True)]
    assert convert(people, out / "files", name).files == 2
