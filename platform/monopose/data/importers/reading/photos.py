"""Photos with labelled people: what MPII, LSP and COCO have in common.

Each person in a photo is a clip of one view and one frame. A photo has no frame rate; its clips
say PHOTO_FPS so that they keep the record.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Float32, UInt8

from monopose.data.clip import Clip
from monopose.data.images.boxes import MARGIN, person_boxes
from monopose.data.images.encoded import decode, encode_crops
from monopose.data.images.headers import image_size
from monopose.data.importers.source import ImportOptions, ImportPlan, Part
from monopose.errors import InputError
from monopose.geometry.camera import Camera

PHOTO_FPS = 1.0
PHOTOS_A_PART = 500


@dataclass(frozen=True)
class LabelledPerson:
    """One person in a photo. name: unique within the data set, the clip's action.

    keypoint_score: 1 visible, 0.5 labelled though occluded, 0 missing. box_px: (x, y, width,
    height) of the person where the source has one.
    """

    name: str
    keypoints_px: Float32[np.ndarray, "J 2"]
    keypoint_score: Float32[np.ndarray, " J"]
    box_px: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Photo:
    """One image file by its name below the image folder, and the people labelled in it."""

    name: str
    split: str
    people: tuple[LabelledPerson, ...]
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class PhotoSet:
    """What the photos of a source share. crop_px: side of the stored crops, None for no images.

    box_margin: how much larger than the source's own boxes a crop is.
    """

    dataset: str
    joint_set: str
    folder: Path | None
    image_size: tuple[int, int] | None
    crop_px: int | None
    box_margin: float = MARGIN

    @classmethod
    def of(
        cls, dataset: str, joint_set: str, folder: Path | None, options: ImportOptions
    ) -> "PhotoSet":
        """Raises InputError when images are asked for and their folder is not there."""
        if options.images and folder is None:
            fix = "give the folder of images with --media"
            raise InputError("has no image folder beside it", where=dataset, fix=fix)
        crop_px = options.crop_px if options.images else None
        return cls(dataset, joint_set, folder, options.image_size, crop_px)


def image_folder(media: Path | None, beside: Path, names: Sequence[str]) -> Path | None:
    """The folder of images: `media`, or the first of the names found beside or above a file.

    Raises InputError when `media` is given and is not a folder.
    """
    if media is not None:
        if not media.is_dir():
            raise InputError("is not a folder of images", where=str(media))
        return media
    places = [base / name for base in (beside.parent, beside.parent.parent) for name in names]
    return next((place for place in places if place.is_dir()), None)


def plan_photos(
    source: PhotoSet, photos: Sequence[Photo], notes: Sequence[str], where: str
) -> ImportPlan:
    """The plan of reading these photos: parts of PHOTOS_A_PART photos each, with their labels.

    Photos whose image is not in the folder are left out when images are wanted, and keep an
    unknown size otherwise; the notes say how many. Raises InputError when no person is left.
    """
    photos = [photo for photo in photos if photo.people]
    kept, told = _present(source, photos, where)
    if not kept:
        raise InputError("has no labelled person", where=where)
    count = Counter(person.name for photo in kept for person in photo.people)
    name, times = count.most_common(1)[0]
    if times > 1:
        raise InputError(f"has {times} people called {name!r}", where=where)
    return ImportPlan(source.dataset, parts_of(source, kept), None, (*notes, *told))


def parts_of(source: PhotoSet, photos: Sequence[Photo]) -> list[Part]:
    """Parts of a bounded number of photos, each with its own slice of the labels."""
    starts = range(0, len(photos), PHOTOS_A_PART)
    return [
        partial(photo_clips, source, tuple(photos[start : start + PHOTOS_A_PART]))
        for start in starts
    ]


def _present(source: PhotoSet, photos: list[Photo], where: str) -> tuple[list[Photo], list[str]]:
    for photo in photos:
        path = PurePosixPath(photo.name)
        outside = path.is_absolute() or ".." in path.parts or not path.name
        if outside or not photo.name.isprintable():
            what = f"image name {photo.name[:60]!r} is not one in the folder of images"
            raise InputError(what, where=where)
    told = [f"a photo has no frame rate: clips say {PHOTO_FPS:g} fps"]
    there = _files(source.folder) if source.folder is not None else set()
    absent = sum(photo.name not in there for photo in photos)
    if source.crop_px is not None:
        if absent:
            told.append(f"{absent} labelled photos are not in {source.folder} and are left out")
        return [photo for photo in photos if photo.name in there], told
    unsized = sum(photo.size is None and photo.name not in there for photo in photos)
    if unsized and source.image_size is None:
        told.append(f"the image size of {unsized} photos is unknown (give --media or --image-size)")
    return photos, told


def _files(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def photo_clips(source: PhotoSet, photos: tuple[Photo, ...]) -> Iterator[Clip]:
    """A clip per person. Raises InputError naming an image that is damaged or of another size."""
    for photo in photos:
        size, image = _size(source, photo), None
        if source.crop_px is not None:
            image = read_photo(_path(source, photo))
        for person in photo.people:
            yield _clip(source, photo, person, size, image)


def _path(source: PhotoSet, photo: Photo) -> Path:
    assert source.folder is not None
    return source.folder / photo.name


def _size(source: PhotoSet, photo: Photo) -> tuple[int, int] | None:
    """Of the image's header where there is one; a size that the source tells must agree."""
    if source.folder is None or not _path(source, photo).is_file():
        return photo.size or source.image_size
    found = image_size(_path(source, photo))
    if photo.size is not None and photo.size != found:
        what = f"is {found[0]}x{found[1]}, its labels are for {photo.size[0]}x{photo.size[1]}"
        raise InputError(what, where=str(_path(source, photo)), fix="give the images of the labels")
    return found


def read_photo(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """The pixels as labels count them; raises InputError naming a missing or damaged file."""
    try:
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"is not readable ({type(error).__name__})", where=str(path)) from error


def _clip(
    source: PhotoSet,
    photo: Photo,
    person: LabelledPerson,
    size: tuple[int, int] | None,
    image: UInt8[np.ndarray, "H W 3"] | None,
) -> Clip:
    width, height = size or (None, None)
    crops, box = None, None
    if image is not None and source.crop_px is not None:
        box = _square(source, photo, person)
        crops = (encode_crops([image], box[0], source.crop_px),)
    return Clip(
        clip_id=f"{source.dataset}/unknown/{person.name}",
        dataset=source.dataset,
        subject="unknown",
        action=person.name,
        split=photo.split,
        fps=PHOTO_FPS,
        joint_set=source.joint_set,
        cameras=(Camera("photo", width=width, height=height),),
        keypoints_px=person.keypoints_px[None, None],
        keypoint_score=person.keypoint_score[None, None],
        image=crops,
        crop_box_px=box,
    )


def _square(source: PhotoSet, photo: Photo, person: LabelledPerson) -> Float32[np.ndarray, "1 1 4"]:
    """A square around the source's own box, or around the keypoints where it has none."""
    if person.box_px is None:
        box = person_boxes(person.keypoints_px, person.keypoint_score)
    else:
        x, y, width, height = person.box_px
        side = max(width, height, 1.0) * source.box_margin
        box = np.array([x + (width - side) / 2, y + (height - side) / 2, side, side], np.float32)
    if not (np.isfinite(box).all() and 0 < box[2] < 1e5 and np.abs(box[:2]).max() < 1e5):
        what = f"the box of {person.name!r} is {box.tolist()}"
        raise InputError(what, where=str(_path(source, photo)))
    return box.astype(np.float32)[None, None]
