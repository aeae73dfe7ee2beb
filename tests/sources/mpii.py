"""MPII's annotation file, small, with what its struct arrays are known for."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy.io
from tests.sources.case import Case

from monopose.data.importers.source import ImportOptions

FILE = "mpii_human_pose_v1_u12_1.mat"
WIDTH, HEIGHT = 160, 120
EMPTY = np.zeros((0, 0))
Record = dict[str, Any]


def structs(records: list[Record], *, column: bool = False) -> np.ndarray:
    """A 1 x N struct array (N x 1 as a column), as MATLAB keeps lists of structs."""
    names = list(records[0])
    out = np.empty((1, len(records)), [(name, object) for name in names])
    for place, record in enumerate(records):
        assert list(record) == names, "elements of a struct array have the same fields"
        for name in names:
            out[0, place][name] = record[name]
    return out.T if column else out


def place(person: int, joint: int) -> tuple[float, float]:
    """Where a joint of a person is, in every image."""
    return 20.0 + 50 * person + joint, 10.0 + 6 * joint + person


def points(person: int, ids: range, visible: Callable[[int], Any] | None = None) -> np.ndarray:
    """annopoints.point; the upper neck and the head top have no visibility."""
    records = []
    for joint in ids:
        x, y = place(person, joint)
        record: Record = {"x": x, "y": y, "id": joint}
        if visible is not None:
            record["is_visible"] = EMPTY if joint in (8, 9) else visible(joint)
        records.append(record)
    return structs(records)


def rect(person: int, point: Any, *, known: bool = True) -> Record:
    """One annorect element; the fields of a person who lacks them are empty."""
    centre = structs([{"x": 45.0 + 50 * person, "y": 60.0}])
    return {
        "x1": 20.0, "y1": 10.0, "x2": 40.0, "y2": 30.0,
        "annopoints": EMPTY if point is None else structs([{"point": point}]),
        "scale": 0.5 if known else EMPTY,
        "objpos": centre if known else EMPTY,
    }  # fmt: skip


def rough(person: int) -> Record:
    """What a test image tells of a person: no head box and no points."""
    return {"scale": 0.5, "objpos": structs([{"x": 45.0 + 50 * person, "y": 60.0}])}


def as_number(joint: int) -> Any:
    return joint % 2


def as_text(joint: int) -> Any:
    return str(joint % 2)


def people_by_image() -> list[tuple[str, int, Any]]:
    """(image, img_train, annorect) of every kind of image that there is."""
    whole = range(16)
    return [
        ("015601864.jpg", 1, structs([rect(0, points(0, whole, as_number)),
                                      rect(1, points(1, range(6, 16), as_text))])),
        ("005808361.jpg", 1, structs([rect(0, points(0, whole))])),
        ("086617615.jpg", 1, structs([rect(0, None),
                                      rect(1, points(1, range(3, 4), as_number), known=False)])),
        ("073199394.jpg", 1, EMPTY),
        ("062988812.jpg", 0, structs([rough(0), rough(1)])),
        ("004645041.jpg", 0, EMPTY),
        ("039905318.jpg", 0, structs([rough(0)])),
    ]  # fmt: skip


def release(images: list[tuple[str, int, Any]] | None = None, **changes: Any) -> Record:
    """The struct RELEASE."""
    images = people_by_image() if images is None else images
    annolist = [
        {"image": structs([{"name": name}]), "annorect": people,
         "frame_sec": EMPTY if train else 12.0, "vididx": EMPTY if train else 1.0}
        for name, train, people in images
    ]  # fmt: skip
    single = np.empty((len(images), 1), object)
    single[:] = [[np.array([[1.0]])] if train else [EMPTY] for _, train, _ in images]
    act = [
        {"cat_name": "sports" if train else EMPTY, "act_name": "curling" if train else EMPTY,
         "act_id": 1 if train else -1}
        for _, train, _ in images
    ]  # fmt: skip
    return {
        "annolist": structs(annolist),
        "img_train": np.array([[train for _, train, _ in images]], np.uint8),
        "version": "12",
        "single_person": single,
        "act": structs(act, column=True),
        "video_list": np.array([["d8i4hsLKYfU"]], object),
        **changes,
    }


def write(folder: Path, *, compress: bool = True, images: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save(folder, release(), compress=compress)
    if images:
        (folder / "images").mkdir()
        for index, (name, _, _) in enumerate(people_by_image()):
            write_photo(folder / "images" / name, index)


def save(folder: Path, record: Any, *, compress: bool = True) -> None:
    scipy.io.savemat(folder / FILE, {"RELEASE": record}, do_compression=compress)


def write_photo(path: Path, index: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    rows, columns = np.mgrid[: size[1], : size[0]]
    image = np.stack([rows + index, columns, rows + columns], axis=-1).clip(0, 255)
    cv2.imwrite(str(path), image.astype(np.uint8))


def broken(**changes: Any) -> Callable[[Path], object]:
    """Damage: RELEASE with other fields."""
    return lambda folder: save(folder, release(**changes))


def person(**changes: Any) -> Callable[[Path], object]:
    """Damage: the only image's only person has other fields."""
    record = {**rect(0, points(0, range(16), as_number)), **changes}
    return lambda folder: save(folder, release([("1.jpg", 1, structs([record]))]))


def point(**changes: Any) -> Callable[[Path], object]:
    """Damage: a point has other fields."""
    record = {"x": 1.0, "y": 2.0, "id": 3, "is_visible": 1, **changes}
    return person(annopoints=structs([{"point": structs([record])}]))


def huge_sizes(folder: Path) -> None:
    """annolist says that it has 2^31 - 1 elements."""
    save(folder, release(), compress=False)
    payload = (folder / FILE).read_bytes()
    shape = struct.pack("<iiii", 5, 8, 1, len(people_by_image()))
    huge = struct.pack("<iiii", 5, 8, 1, 2**31 - 1)
    assert shape in payload
    (folder / FILE).write_bytes(payload.replace(shape, huge))


def bomb(folder: Path) -> None:
    """90 MB of zeros in a file of 90 kB."""
    scipy.io.savemat(folder / FILE, {"x": np.zeros(90 << 20, np.uint8)}, do_compression=True)


def cell(*values: Any) -> np.ndarray:
    """A 1 x N cell array, as scipy writes one."""
    out = np.empty((1, len(values)), object)
    out[0, :] = values
    return out


CELL = cell(np.ones((1, 2)), "x")
WRONG: dict[str, Callable[[Path], object]] = {
    "release is a number": lambda folder: save(folder, 3.0),
    "no release": lambda folder: scipy.io.savemat(folder / FILE, {"x": 1.0}),
    "hdf5": lambda folder: (folder / FILE).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(999)),
    "annolist is text": broken(annolist="none"),
    "annolist is a cell": broken(annolist=CELL),
    "few flags": broken(img_train=np.ones((1, 2), np.uint8)),
    "flags are text": broken(img_train="1111000"),
    "annorect is a number": lambda folder: save(folder, release([("1.jpg", 1, 7.0)])),
    "a name is a number": lambda folder: save(folder, release([(np.float64(3), 1, EMPTY)])),  # type: ignore[list-item]
    "no name": lambda folder: save(folder, release([(EMPTY, 1, EMPTY)])),  # type: ignore[list-item]
    "a name leads elsewhere": lambda folder: save(
        folder, release([("../1.jpg", 1, structs([rect(0, points(0, range(16)))]))])
    ),
    "annopoints is text": person(annopoints="x"),
    "point is a cell": person(annopoints=structs([{"point": CELL}])),
    "scale is two numbers": person(scale=np.ones((1, 2))),
    "scale is infinite": person(scale=np.inf),
    "objpos is a number": person(objpos=5.0),
    "joint 16": point(id=16),
    "joint 1.5": point(id=1.5),
    "x is text": point(x="left"),
    "x is infinite": point(x=np.nan),
    "y is huge": point(y=1e300),
    "visible is a cell": point(is_visible=CELL),
    "visible is a word": point(is_visible="maybe"),
    "huge sizes": huge_sizes,
    "bomb": bomb,
}  # fmt: skip

CASES = {
    "mpii": Case("mpii", write, unread=("*.jpg",), wrong=WRONG),
    "mpii uncompressed": Case("mpii", lambda folder: write(folder, compress=False, images=False)),
    "mpii images": Case("mpii", write, ImportOptions(images=True, crop_px=64),
                        unread=("073199394.jpg", "062988812.jpg", "004645041.jpg",
                                "039905318.jpg")),
}  # fmt: skip
