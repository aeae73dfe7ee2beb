"""COCO's keypoint files, small: two splits, crowds, people without keypoints, extra fields."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.sources.case import Case
from tests.sources.mpii import write_photo

from monopose.data.importers.source import ImportOptions

WIDTH, HEIGHT = 160, 120
TRAIN, VAL = "person_keypoints_train2017.json", "person_keypoints_val2017.json"
Record = dict[str, Any]


def place(person: int, joint: int) -> tuple[int, int]:
    """Where a joint is; joint j has v = j modulo 3."""
    return 30 + 4 * joint + person % 10, 20 + 5 * joint


def keypoints(person: int) -> list[int]:
    labels: list[int] = []
    for joint in range(17):
        v = joint % 3
        labels += [*place(person, joint), v] if v else [0, 0, 0]
    return labels


def annotation(number: int, image: int, **changes: Any) -> Record:
    return {
        "segmentation": [[10.5, 20.25, 30.0, 40.0, 12.0, 60.5]],
        "num_keypoints": 11,
        "area": 1234.5678,
        "iscrowd": 0,
        "keypoints": keypoints(number),
        "image_id": image,
        "bbox": [28.0, 18.5, 70.25, 90.0],
        "category_id": 1,
        "id": number,
        **changes,
    }


def image(number: int, **changes: Any) -> Record:
    return {
        "license": 4, "file_name": f"{number:012d}.jpg", "coco_url": "", "height": HEIGHT,
        "width": WIDTH, "date_captured": "2013-11-14 17:02:52", "flickr_url": "", "id": number,
        **changes,
    }  # fmt: skip


def content(first: int, **changes: Any) -> Record:
    """A file with three images: of two people, of a crowd, of one person without a label."""
    crowd = {"counts": [1, 2, 3], "size": [HEIGHT, WIDTH]}
    return {
        "info": {"description": "COCO 2017 Dataset"},
        "licenses": [],
        "images": [image(first + i) for i in range(3)],
        "annotations": [
            annotation(first + 10, first),
            annotation(first + 11, first),
            annotation(first + 12, first + 1, iscrowd=1, segmentation=crowd),
            annotation(first + 13, first + 2, num_keypoints=0, keypoints=[0] * 51),
        ],
        "categories": [{"supercategory": "person", "id": 1, "name": "person"}],
        **changes,
    }


def write(folder: Path) -> None:
    """annotations/ beside train2017/ and val2017/, as the archives unpack."""
    (folder / "annotations").mkdir(parents=True)
    for first, name, images in ((100, TRAIN, "train2017"), (200, VAL, "val2017")):
        (folder / "annotations" / name).write_text(json.dumps(content(first)))
        (folder / images).mkdir()
        for number in range(first, first + 3):
            write_photo(folder / images / f"{number:012d}.jpg", number - first, (WIDTH, HEIGHT))


def put(folder: Path, value: Any) -> None:
    (folder / "annotations" / TRAIN).write_text(json.dumps(value))


def broken(**changes: Any) -> Callable[[Path], object]:
    """Damage: other top-level fields."""
    return lambda folder: put(folder, content(100, **changes))


def person(**changes: Any) -> Callable[[Path], object]:
    """Damage: an annotation with other fields."""
    return broken(annotations=[annotation(1, 100, **changes)])


def pictured(**changes: Any) -> Callable[[Path], object]:
    """Damage: an image with other fields."""
    return broken(images=[image(100, **changes)], annotations=[annotation(1, 100)])


WRONG: dict[str, Callable[[Path], object]] = {
    "a list": lambda folder: put(folder, [content(100)]),
    "images is a number": broken(images=5),
    "annotations is a list of lists": broken(annotations=[[1]]),
    "no annotations": broken(annotations=[]),
    "50 numbers": person(keypoints=[1] * 50),
    "keypoints of text": person(keypoints=["1"] * 51),
    "keypoints nested": person(keypoints=[[1, 2, 2]] * 17),
    "keypoints null": person(keypoints=None),
    "visibility 3": person(keypoints=[1, 1, 3] * 17),
    "a huge place": person(keypoints=[10**300, 1, 2] * 17),
    "a bool": person(keypoints=[True, 1, 2] * 17),
    "id of text": person(id="1"),
    "image unlisted": person(image_id=999),
    "a box of three": person(bbox=[1, 2, 3]),
    "a box of text": person(bbox="1,2,3,4"),
    "the same id twice": broken(annotations=[annotation(1, 100), annotation(1, 100)]),
    "a name is a number": pictured(file_name=3),
    "a name leads elsewhere": pictured(file_name="../../x.jpg"),
    "a name is absolute": pictured(file_name="/x.jpg"),
    "a name of two lines": pictured(file_name="x\ny.jpg"),
    "width is text": pictured(width="160"),
    "width is zero": pictured(width=0),
    "another size": pictured(width=WIDTH + 1),
    "deep": lambda folder: (folder / "annotations" / TRAIN).write_text("[" * 100_000),
}
# Of each file only the first image shows somebody with labels.
UNREAD = ("*101.jpg", "*102.jpg", "*201.jpg", "*202.jpg")

CASES = {
    "coco": Case("coco", write, unread=("*.jpg",), wrong=WRONG),
    "coco images": Case("coco", write, ImportOptions(images=True, crop_px=64), unread=UNREAD),
}
