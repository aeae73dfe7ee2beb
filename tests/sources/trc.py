"""TRC files as Pose2Sim writes them: metres, Y up, `Units` among eight settings, 16 digits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.sources.case import Case

from monopose.data.importers.source import ImportOptions

FRAMES = 7
# A standing body, x forward, y up, z to its right; metres.
MARKERS = {
    "RHip": (0.0, 0.95, 0.1), "RKnee": (0.03, 0.5, 0.1), "RAnkle": (0.0, 0.08, 0.1),
    "RBigToe": (0.2, 0.02, 0.12), "LHip": (0.0, 0.95, -0.1), "LKnee": (0.03, 0.5, -0.1),
    "LAnkle": (0.0, 0.08, -0.1), "LBigToe": (0.2, 0.02, -0.12), "Neck": (0.0, 1.5, 0.0),
    "Head": (0.02, 1.78, 0.0), "Nose": (0.1, 1.62, 0.0), "RShoulder": (0.0, 1.45, 0.18),
    "RElbow": (0.0, 1.17, 0.22), "RWrist": (0.05, 0.93, 0.24), "LShoulder": (0.0, 1.45, -0.18),
    "LElbow": (0.0, 1.17, -0.22), "LWrist": (0.05, 0.93, -0.24),
}  # fmt: skip


def text(frames: int = FRAMES, empty: tuple[int, str] | None = None) -> str:
    """Everybody moves 2 cm a frame along x; empty: (frame, marker) that was not seen."""
    names = list(MARKERS)
    settings = "DataRate CameraRate NumFrames NumMarkers Units OrigDataRate OrigDataStartFrame"
    lines = [
        "PathFileType\t4\t(X/Y/Z)\ttrial.trc",
        "\t".join([*settings.split(), "OrigNumFrames"]),
        "\t".join(map(str, [60, 60, frames, len(names), "m", 60, 0, frames])),
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{i + 1}" for i in range(len(names)) for axis in "XYZ"),
    ]
    for frame in range(frames):
        cells = [str(frame + 1), repr((frame + 1) / 60)]
        for name, (x, y, z) in MARKERS.items():
            values = np.array([x + 0.02 * frame, y, z]) + 1e-3 * np.sin(frame + 7 * x + y)
            unseen = (frame, name) == empty
            cells += ["", "", ""] if unseen else [repr(float(value)) for value in values]
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trial.trc").write_text(text())


def _changed(old: str, new: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        whole = (folder / "trial.trc").read_text()
        assert old in whole
        (folder / "trial.trc").write_text(whole.replace(old, new, 1))

    return damage


_WRONG = {
    "huge count of frames": _changed(f"60\t{FRAMES}", "60\t999999999"),
    "huge count of markers": _changed(f"{len(MARKERS)}\tm", "99999999999\tm"),
    "unknown unit": _changed("\tm\t", "\tfoot\t"),
    "rate in words": _changed("\n60\t", "\nfast\t"),
    "marker twice": _changed("LHip", "RHip"),
    "marker missing": _changed("LHip", "Other"),
    "names out of their columns": _changed("RKnee\t", "RKnee"),
    "cell too many": _changed("\n2\t", "\n2\t0.1\t"),
    "word for a value": _changed("\n1\t0.016", "\n1\t0.016\tx"),
    "no header": _changed("PathFileType", "Path"),
}

_OPTIONS = ImportOptions(
    joint_map=Path(__file__).with_name("trc_joint_map.json"), detections="gt", joint_set="lsp14"
)
CASES = {
    "trc": Case(source="trc", write=write, options=_OPTIONS, exact_2d=True, wrong=_WRONG),
}
