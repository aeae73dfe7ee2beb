"""The manifest of a data set: what it holds, which data they are, and what every shard must be.

Two hashes with two purposes: `digest` names the data, however they are cut into shards, and goes
with every result; `checksum` guards the manifest itself and, by the shards' SHA-256 in it, every
byte of the set.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_serializer,
)

from monopose.data.clip import Clip
from monopose.data.schema import SCHEMA_VERSION, clip_digest
from monopose.errors import InputError, IntegrityError

MANIFEST = "manifest.json"
SHARD_NAME = r"^part-\d{5}-[0-9a-f]{16}\.parquet$"
REBUILD = "import the data set again, or copy it again from where it came"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SplitCounts(_Frozen):
    """What one split holds; the last five count its clips that have that label."""

    clips: int = 0
    frames: int = 0
    sequence_frames: int = 0
    """frames over all views"""
    subjects: tuple[str, ...] = ()
    has_3d: int = 0
    has_2d: int = 0
    multiview: int = 0
    has_images: int = 0
    has_heatmaps: int = 0

    @model_serializer(mode="wrap")
    def _as_before_heatmaps(self, plain: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Sets without heatmaps keep the digests they had before there were any."""
        content = plain(self)
        if not self.has_heatmaps:
            content.pop("has_heatmaps", None)
        return content


class Shard(_Frozen):
    """One Parquet file: its name beside the manifest, size, SHA-256 and what it holds."""

    name: str = Field(pattern=SHARD_NAME)
    sha256: str
    bytes: int
    clips: int
    frames: int
    splits: tuple[str, ...]


class Manifest(_Frozen):
    """What a data set holds. Clips are whole takes; repeated frames of an overlap count once.

    detections: which 2D source the keypoints come from, None when there is only one.
    content: the sum of all clips' digests, whatever order they were counted in.
    digest: SHA-256 over everything above the shards; the same data have it in any sharding.
    checksum: SHA-256 over everything else.
    """

    schema_version: int
    dataset: str
    joint_set: str
    detections: str | None
    synthetic: bool
    fps: tuple[float, ...]
    clips: int
    frames: int
    splits: dict[str, SplitCounts]
    content: str
    shards: tuple[Shard, ...]
    digest: str = ""
    checksum: str = ""


def signed(manifest: Manifest) -> Manifest:
    """The manifest with the digest and the checksum that its content must have."""
    digest = _sha256(manifest, {"shards", "digest", "checksum"})
    manifest = manifest.model_copy(update={"digest": digest})
    return manifest.model_copy(update={"checksum": _sha256(manifest, {"checksum"})})


def _sha256(manifest: Manifest, without: set[str]) -> str:
    content = manifest.model_dump(mode="json", exclude=without)
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass
class Tally:
    """Counts over the clips of a data set, and the promises that span clips."""

    joint_set: str = ""
    fps: set[float] = field(default_factory=set)
    clip_ids: set[str] = field(default_factory=set)
    splits: dict[str, SplitCounts] = field(default_factory=dict)
    content: int = 0

    def add(self, clip: Clip) -> None:
        """Counts a whole take; raises InputError for a repeated clip_id or a mixed joint set."""
        one = SplitCounts(
            clips=1,
            frames=clip.num_frames,
            sequence_frames=clip.num_frames * clip.num_views,
            subjects=(clip.subject,),
            has_3d=int(clip.has_3d),
            has_2d=int(clip.has_2d),
            multiview=int(clip.multiview),
            has_images=int(clip.has_images),
            has_heatmaps=int(clip.has_heatmaps),
        )
        self.merge(
            Tally(
                clip.joint_set,
                {float(clip.fps)},
                {clip.clip_id},
                {clip.split: one},
                int.from_bytes(clip_digest(clip)),
            )
        )

    def merge(self, other: "Tally") -> None:
        """Counts what another tally counted, as if its clips had come here; raises as `add`."""
        for twice in sorted(self.clip_ids & other.clip_ids)[:1]:
            raise InputError("clip_id occurs twice in the data set", where=f"clip {twice!r}")
        self.joint_set = self.joint_set or other.joint_set
        if other.joint_set and other.joint_set != self.joint_set:
            what = f"joint set {other.joint_set!r} in a data set of {self.joint_set!r}"
            where = f"clip {min(other.clip_ids)!r}"
            raise InputError(what, where=where, fix="convert the clips to one joint set first")
        self.clip_ids |= other.clip_ids
        self.fps |= other.fps
        for split, counts in other.splits.items():
            self.splits[split] = _sum(self.splits.get(split, SplitCounts()), counts)
        self.content = (self.content + other.content) % (1 << 256)


def _sum(one: SplitCounts, other: SplitCounts) -> SplitCounts:
    """Both together, subjects counted once."""
    added: dict[str, Any] = {
        name: getattr(one, name) + getattr(other, name) for name in SplitCounts.model_fields
    }
    return SplitCounts(**added | {"subjects": tuple(sorted({*added["subjects"]}))})


@dataclass(frozen=True)
class About:
    """What the clips themselves do not tell of their set; see `Manifest`."""

    dataset: str
    detections: str | None = None
    synthetic: bool = False


def manifest_of(tally: Tally, shards: Sequence[Shard], about: About) -> Manifest:
    """The manifest of the shards that hold the counted clips, with its digest."""
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        dataset=about.dataset,
        joint_set=tally.joint_set,
        detections=about.detections,
        synthetic=about.synthetic,
        fps=tuple(sorted(tally.fps)),
        clips=sum(counts.clips for counts in tally.splits.values()),
        frames=sum(counts.frames for counts in tally.splits.values()),
        splits=dict(sorted(tally.splits.items())),
        content=f"{tally.content:064x}",
        shards=tuple(shards),
    )
    return signed(manifest)


def parse_manifest(payload: bytes, where: str) -> Manifest:
    """The manifest in a file's bytes.

    Raises InputError when a newer version wrote it, IntegrityError when it is damaged.
    """
    try:
        content = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise IntegrityError("manifest is not JSON", where=where, fix=REBUILD) from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        what = f"schema version {version} is newer than this program's {SCHEMA_VERSION}"
        raise InputError(what, where=where, fix="upgrade monopose")
    if isinstance(version, int) and version < SCHEMA_VERSION:
        what = f"schema version {version} is older than this program's {SCHEMA_VERSION}"
        raise InputError(what, where=where, fix=REBUILD)
    try:
        manifest = Manifest.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors()[0]
        what = f"manifest field {'.'.join(map(str, first['loc'])) or '(all)'}: {first['msg']}"
        raise IntegrityError(what, where=where, fix=REBUILD) from error
    if manifest != signed(manifest):
        raise IntegrityError("manifest does not match its checksum", where=where, fix=REBUILD)
    return manifest
