"""What a user can say about a source, for every command that reads one."""

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

Detections = Annotated[
    str | None, typer.Option(help="Which 2D: gt, cpn_ft_h36m_dbb, ...; gt | model for mocap.")
]
JointSet = Annotated[
    str | None, typer.Option(help="Convert to this joint set.", show_default="the source's")
]
Layout = Annotated[
    str | None, typer.Option(help="Which flavour of the format, if files do not tell.")
]
JointMap = Annotated[
    Path | None, typer.Option(help="JSON {our joint: the file's joint or joints}.")
]
Fps = Annotated[float | None, typer.Option(help="Frames per second, if files do not tell.")]
UnitM = Annotated[float | None, typer.Option(help="Metres per unit, if files do not tell.")]
Up = Annotated[str | None, typer.Option(help="x | y | z, if files do not tell.")]
Cameras = Annotated[Path | None, typer.Option(help="A calibration file lying apart.")]
Media = Annotated[
    Path | None, typer.Option(help="The video or image folder that keypoints belong to.")
]
ImageSize = Annotated[
    str | None, typer.Option(help="WIDTHxHEIGHT in pixels, if there is no image.")
]
Stride = Annotated[int, typer.Option(help="Keep every n-th frame.")]
Seed = Annotated[int, typer.Option(help="Of virtual cameras and modelled detections.")]


def axis(up: str | None) -> Literal["x", "y", "z"] | None:
    """The axis that `--up` names; raises InputError."""
    from monopose.errors import InputError

    known: dict[str, Literal["x", "y", "z"]] = {"x": "x", "y": "y", "z": "z"}
    if up is not None and up not in known:
        raise InputError(f"unknown axis {up!r}", where="--up", fix="choose x, y or z")
    return None if up is None else known[up]


def size(text: str | None) -> tuple[int, int] | None:
    """(width, height) of `--image-size`; raises InputError."""
    from monopose.errors import InputError

    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not found:
        raise InputError(f"is {text!r}", where="--image-size", fix="give it like 1920x1080")
    width, height = int(found[1]), int(found[2])
    if not width or not height:
        raise InputError(f"is {text!r}, without a pixel", where="--image-size")
    return width, height
