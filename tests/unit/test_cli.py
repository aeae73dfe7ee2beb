"""The command line as a user meets it: one process a call."""

import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from monopose.cli import app

MONOPOSE = str(Path(sysconfig.get_path("scripts")) / "monopose")


def run(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [MONOPOSE, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120
    )


def commands() -> list[tuple[str, ...]]:
    found = []

    def walk(command: object, path: tuple[str, ...]) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found.append(path)
            return
        for name, child in children.items():
            walk(child, (*path, name))

    walk(typer.main.get_command(app), ())
    return found


def test_help_loads_neither_torch_nor_ray_nor_arrow() -> None:
    # What keeps `--help` below half a second; the time itself depends on the machine.
    code = (
        "import sys; import monopose.cli; "
        "late = {'torch', 'ray', 'pyarrow', 'numpy', 'fsspec', 'cv2', 'scipy', 'pydantic'}; "
        "print(sorted(late & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    command: object = typer.main.get_command(app)
    for name in path:
        command = getattr(command, "commands")[name]  # noqa: B009
    help_text = str(getattr(command, "help", ""))
    assert f"Example: monopose {' '.join(path)}" in help_text


def test_the_commands_of_the_first_step_exist() -> None:
    wanted: set[tuple[str, ...]] = {("up",), ("down",), ("status",)}
    wanted |= {("data", verb) for verb in ("import", "studio", "check")}
    assert wanted <= set(commands())


def test_wrong_input_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    result = run("data", "import", "videopose3d", "absent", "--to", "x", cwd=tmp_path)
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("error: ")
    assert "absent" in result.stderr


def test_a_target_that_is_there_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "manifest.json").touch()
    result = run("data", "import", "coco", "nowhere", "--to", "./set", cwd=tmp_path)
    assert result.returncode == 2
    expected = "there is a data set already; name another, or --overwrite"
    assert result.stderr.strip() == f"error: {tmp_path / 'set'}: {expected}"


def test_the_job_makes_the_default_set_once(tmp_path: Path) -> None:
    """Without arguments it looks where `--to studio` writes, below the storage root."""
    there = tmp_path / "store" / "data" / "studio"
    there.mkdir(parents=True)
    (there / "manifest.json").touch()
    job = Path(__file__).parents[2] / "jobs" / "prepare_data.py"
    result = subprocess.run(
        [sys.executable, str(job)],
        env={**os.environ, "MONOPOSE_ROOT": str(tmp_path / "store")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "is there already; `studio --overwrite` makes it anew" in result.stdout


@pytest.mark.parametrize(
    ("package", "extra", "arguments"),
    [
        ("cv2", "data", ("data", "sources")),
        ("h5py", "data", ("data", "sources")),
        ("plotly", "report", ("data", "show", "set", "--html", "x.html")),
        ("ray", "ray", ("sweep",)),
    ],
)
def test_an_extra_that_is_not_installed_is_named(
    package: str, extra: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv[1:] = {list(arguments)!r}; "
        "from monopose.cli import main; main()"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 2
    expected = f"error: {package} is not installed; pip install 'monopose[{extra}]'\n"
    assert result.stderr.endswith(expected)
    assert "Traceback" not in result.stderr


def test_a_missing_data_set_is_named(tmp_path: Path) -> None:
    result = run("data", "check", "nowhere", cwd=tmp_path)
    assert result.returncode == 2
    assert str(tmp_path / ".monopose" / "store" / "data" / "nowhere") in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_option_is_exit_code_2(tmp_path: Path) -> None:
    result = run("data", "check", "--no-such-option", cwd=tmp_path)
    assert result.returncode == 2
    assert "--no-such-option" in result.stderr


def test_check_prints_counts_and_what_is_suspicious(tmp_path: Path) -> None:
    """All joints of this clip are one point: whole, yet no body."""
    from tests.clip_files import make_clip

    from monopose.data import shards

    manifest = shards.write_clips([make_clip()], str(tmp_path / "set"), dataset="set")
    result = run("data", "check", "./set", "--json", "found.json", cwd=tmp_path)
    assert result.returncode == 1, result.stderr
    assert manifest.digest[:12] in result.stdout
    assert "set (h36m17), 1 clip (train 1), 10 frames, 1 shard, digest " in result.stdout
    assert "no length" in result.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["digest"] == manifest.digest
    assert {"set/S1/walk"} == {finding["clip_id"] for finding in found["findings"]}


def test_check_and_show_a_sound_data_set(tmp_path: Path) -> None:
    from monopose.data import shards
    from monopose.data.studio.studio import studio_clips

    clips = list(studio_clips(0, subjects=3, actions=("walk",)))
    shards.write_clips(clips, str(tmp_path / "set"), dataset="set")
    checked = run("data", "check", "./set", "--strict", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert "nothing suspicious" in checked.stdout
    shown = run("data", "show", "./set", "--html", "page.html", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "Clips to play" in (tmp_path / "page.html").read_text()
    lost = run("data", "show", "./set", "--html", "no/folder.html", cwd=tmp_path)
    assert lost.returncode == 2
    assert "no/folder.html" in lost.stderr


def test_check_strict_fails_for_warnings_too(tmp_path: Path) -> None:
    from monopose.data import shards
    from monopose.data.studio.studio import studio_clips

    clips = list(studio_clips(0, subjects=3, actions=("walk",)))
    copies = [*clips, replace(clips[0], clip_id="again")]
    shards.write_clips(copies, str(tmp_path / "set"), dataset="set")
    assert run("data", "check", "./set", cwd=tmp_path).returncode == 0
    assert run("data", "check", "./set", "--strict", cwd=tmp_path).returncode == 1
