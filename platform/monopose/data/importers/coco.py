"""COCO's keypoint annotations, `person_keypoints_*.json`, and their image folders, as clips.

Source: Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, and the data set's
description of its format: 17 keypoints of (x, y, v) with v 0 not labelled, 1 labelled though not
visible, 2 visible.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from jaxtyping import Float64

from monopose.data.importers.reading.photos import (
    LabelledPerson,
    Photo,
    PhotoSet,
    image_folder,
    plan_photos,
)
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan, files_below
from monopose.errors import InputError
from monopose.skeleton import joint_set

_JOINTS = len(joint_set("coco17"))
_SPLITS = {"train": "train", "val": "val", "test": "test"}
_SCORE_OF_V = np.array([0.0, 0.5, 1.0], np.float32)
_LIMIT_PX = 1e6


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """Reads each annotation file once and hands each part its own photos' labels.

    Crowds and people without keypoints are left out. The images of person_keypoints_val2017.json
    are looked for in val2017 and images/val2017, beside the file and one folder above, or in
    --media (or its folder val2017). The file is parsed as a whole, which takes about ten times
    its size in memory while it is read. Raises InputError naming the file and the record.
    """
    named = [path for path in paths if path.is_file() and path.suffix == ".json"]
    below = [path for path in paths if path not in named]
    files = named + (files_below(below, "person_keypoints_*.json") if below or not named else [])
    plans = [_plan_file(path, options) for path in files]
    parts = [part for one in plans for part in one.parts]
    notes = tuple(dict.fromkeys(note for one in plans for note in one.notes))
    return ImportPlan("coco", parts, None, notes)


def _plan_file(path: Path, options: ImportOptions) -> ImportPlan:
    images_name = path.stem.removeprefix("person_keypoints_")
    found = re.search("train|val|test", path.stem)
    notes = ["crowds and people without keypoints are left out"]
    if found is None:
        notes.append(f"{path.name} does not name a split: its people are train")
    split = _SPLITS[found[0]] if found else "train"
    folder = _folder(options.media, path, images_name)
    source = PhotoSet.of("coco", "coco17", folder, options)
    try:
        photos = _photos(_read(path), split)
    except InputError as error:
        raise InputError(error.what, where=str(path), fix=error.fix) from error
    return plan_photos(source, photos, notes, str(path))


def _folder(media: Path | None, path: Path, name: str) -> Path | None:
    if media is not None and (media / name).is_dir():
        return media / name
    return image_folder(media, path, (name, f"images/{name}"))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except (orjson.JSONDecodeError, OSError) as error:
        raise InputError(f"is not readable JSON ({error})") from error
    if not isinstance(content, dict):
        raise InputError("is not a COCO annotation file, which is an object")
    return content


def _photos(content: dict[str, Any], split: str) -> list[Photo]:
    people: dict[int, list[LabelledPerson]] = defaultdict(list)
    images = {_whole(record, "id"): record for record in _records(content, "images")}
    for record in _records(content, "annotations"):
        if record.get("iscrowd") or "keypoints" not in record or record.get("num_keypoints") == 0:
            continue
        image = _whole(record, "image_id")
        if image not in images:
            raise InputError(f"annotation {_whole(record, 'id')} is of image {image}, unlisted")
        person = _person(record, Path(_name(images[image])).stem)
        people[image] += [person] if person.keypoint_score.any() else []
    return [
        Photo(_name(record), split, tuple(people[number]), _size(record))
        for number, record in images.items()
        if people.get(number)
    ]


def _records(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    records = content.get(name)
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise InputError(f"has no list of objects {name!r}", fix="give a COCO keypoints file")
    return records


def _whole(record: dict[str, Any], name: str) -> int:
    value = record.get(name)
    if type(value) is not int or value < 0:
        raise InputError(f"{name} is {str(value)[:40]!r}, not a whole number")
    return value


def _name(image: dict[str, Any]) -> str:
    name = image.get("file_name")
    if not isinstance(name, str) or not name:
        raise InputError(f"image {_whole(image, 'id')} has no file_name")
    return name


def _size(image: dict[str, Any]) -> tuple[int, int] | None:
    if "width" not in image and "height" not in image:
        return None
    width, height = _whole(image, "width"), _whole(image, "height")
    if not (0 < width < 1 << 16 and 0 < height < 1 << 16):
        raise InputError(f"image {_whole(image, 'id')} is {width} x {height}")
    return width, height


def _person(record: dict[str, Any], stem: str) -> LabelledPerson:
    number = _whole(record, "id")
    labels = _numbers(record["keypoints"], 3 * _JOINTS, f"keypoints of annotation {number}")
    labels = labels.reshape(_JOINTS, 3)
    if not np.isin(labels[:, 2], (0, 1, 2)).all():
        raise InputError(f"annotation {number} has a visibility other than 0, 1 and 2")
    score = _SCORE_OF_V[labels[:, 2].astype(int)]
    pixels = np.where(score[:, None] > 0, labels[:, :2], 0).astype(np.float32)
    return LabelledPerson(f"{stem}_{number}", pixels, score, _box(record, number))


def _box(record: dict[str, Any], number: int) -> tuple[float, float, float, float] | None:
    if record.get("bbox") is None:
        return None
    x, y, width, height = _numbers(record["bbox"], 4, f"bbox of annotation {number}").tolist()
    return (x, y, width, height) if width > 0 and height > 0 else None


def _numbers(values: Any, count: int, what: str) -> Float64[np.ndarray, " count"]:
    plain = isinstance(values, list) and all(type(value) in (int, float) for value in values)
    if not plain or len(values) != count:
        raise InputError(f"{what} are not {count} numbers")
    if any(abs(value) > _LIMIT_PX for value in values):
        raise InputError(f"{what} reach {max(values, key=abs):g}")
    return np.array(values, np.float64)


IMPORTER = Importer(
    plan,
    frozenset({"media", "image_size", "images", "crop_px"}),
    "COCO keypoints: person_keypoints_*.json, image folders",
)
