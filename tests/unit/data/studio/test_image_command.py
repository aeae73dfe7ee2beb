"""`monopose data studio --images`: what the user asks for is what lies in the shards."""

import subprocess
import sysconfig
from pathlib import Path

from tests.present import present

from monopose.data.images.encoded import decode
from monopose.data.shards import read_clips, read_manifest

MONOPOSE = str(Path(sysconfig.get_path("scripts")) / "monopose")


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [MONOPOSE, "data", "studio", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_command_writes_crops_of_the_wild(tmp_path: Path) -> None:
    uri = str(tmp_path / "wild")
    wanted = ["--images", "--domain", "wild", "--subjects", "3", "--seconds", "0.2"]
    wanted += ["--crop-px", "48", "--detections", "gt"]
    result = run("--to", uri, *wanted)
    assert result.returncode == 0, result.stderr
    manifest = read_manifest(uri)
    assert (manifest.dataset, manifest.synthetic, manifest.clips) == ("wild", True, 60)
    for clip in read_clips(uri, "val"):
        # Ten frames at 50 Hz; images are kept at 10 Hz unless another stride is asked for.
        assert (clip.fps, clip.num_frames, clip.has_3d) == (10.0, 2, False)
        assert decode(present(clip.image)[0][0]).shape == (48, 48, 3)


def test_an_unknown_domain_is_refused(tmp_path: Path) -> None:
    result = run("--to", str(tmp_path / "x"), "--domain", "moon")
    assert result.returncode == 2
    assert result.stderr == "error: --domain: unknown domain 'moon'; studio|wild\n"
    assert not (tmp_path / "x").exists()
