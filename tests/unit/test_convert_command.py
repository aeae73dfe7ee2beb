"""`monopose convert` as a user meets it."""

import json
from pathlib import Path

import pytest
import typer
from tests.unit.test_cli import run
from tests.writer_samples import two_people, walking
from typer.testing import CliRunner

from monopose.commands.convert import convert
from monopose.data import shards
from monopose.errors import MonoposeError
from monopose.formats.bvh import read_bvh
from monopose.formats.trc import read_trc


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds a data set of two walks, `set`."""
    shards.write_clips(walking(), str(tmp_path / "set"), dataset="studio", detections="gt")
    return tmp_path


def test_a_data_set_becomes_files_of_another_tool(folder: Path) -> None:
    done = run("convert", "./set", "motions", "--format", "bvh", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "motions: bvh, 2 clips in 2 files\n"
    assert "bvh does not keep 2D, cameras, subjects, splits" in done.stderr
    names = sorted(path.name for path in (folder / "motions").iterdir())
    assert names == ["S01_sit.bvh", "S01_walk.bvh"]


def test_one_clip_by_its_id_and_on_to_another_format(folder: Path) -> None:
    clip = ("--clip", "studio/S01/walk")
    assert run("convert", "./set", "walk.bvh", *clip, cwd=folder).returncode == 0
    done = run("convert", "--from", "bvh", "walk.bvh", "walk.trc", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "note: cameras are virtual" in done.stderr
    frames = len(read_bvh(folder / "walk.bvh").values)
    assert read_trc(folder / "walk.trc").positions_m.shape == (frames, 17, 3)


def test_joints_are_converted_for_a_format_of_detections(folder: Path) -> None:
    """Body 25 has a nose and toes that the bodies of the set lack; 3D is not in the way."""
    done = run(
        "convert", "./set", "op", "--format", "openpose", "--joint-set", "body25", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "op").iterdir())) == 2 * len(walking()[0].cameras)
    path = next((folder / "op").rglob("*_keypoints.json"))
    (person,) = json.loads(path.read_text())["people"]
    assert person["pose_keypoints_2d"][:3] == [0, 0, 0]
    assert len(person["pose_keypoints_2d"]) == 75


def test_a_source_that_cannot_convert_joints_leaves_it_to_the_writing(folder: Path) -> None:
    from tests.sources.coco import CASES

    next(iter(CASES.values())).write(folder / "coco")
    options = ("--format", "mmpose", "--joint-set", "h36m17")
    done = run("convert", "--from", "coco", "coco", "out", *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    written = json.loads(next((folder / "out").iterdir()).read_text())
    assert written["meta_info"]["keypoint_id2name"]["0"] == "root"


def test_two_people_of_one_video_are_one_file(tmp_path: Path) -> None:
    shards.write_clips(two_people("coco17"), str(tmp_path / "set"), dataset="videos")
    done = run("convert", "./set", "both.json", "--format", "coco-results", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    records = json.loads((tmp_path / "both.json").read_text())
    assert {record["track_id"] for record in records} == {1, 2}
    assert {record["image_id"] for record in records} == set(range(24))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("./set", "out"), "give --format"),
        (("./set", "out.json"), "give --format"),
        (("./set", "out", "--format", "fbx"), "unknown format 'fbx'"),
        (("./set", "out.trc", "--format", "bvh"), "is called .trc"),
        (("./set", "out.bvh"), "is one file"),
        (("./set", "out.bvh", "--clip", "studio/S01/run"), "there are studio/S01/walk"),
        (("./set", "out.bvh", "--fps", "25"), "has no option --fps"),
        (("./set", "out.bvh", "--split", "exam"), "no split 'exam'"),
        (("./set", "no/out.bvh"), "no: there is no such folder"),
        (("./set", "./other", "out", "--format", "bvh"), "one data set at a time"),
        (("./set", "out", "--format", "bvh", "--joint-set", "smpl24"), "for smpl24"),
        (("./set", "set", "--format", "bvh", "--overwrite"), "is read and written"),
        (("--from", "bvh", "set", "out.trc"), "holds no *.bvh"),
        (("--from", "fbx", "set", "out.trc"), "unknown source 'fbx'"),
    ],
)
def test_wrong_input_is_refused_and_writes_nothing(
    folder: Path, arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    alone = typer.Typer()
    alone.command()(convert)
    found = CliRunner().invoke(alone, arguments).exception
    assert isinstance(found, MonoposeError)
    assert said in str(found)
    assert [path.name for path in folder.iterdir()] == ["set"]


def test_a_refusal_is_one_line_and_exit_code_2(folder: Path) -> None:
    done = run("convert", "./set", "out.bvh", cwd=folder)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "out.bvh: is one file" in done.stderr
