"""The manifest of a data set: what it holds, and the digest of every byte of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from monopose.data.clip import Clip
from monopose.data.schema import SCHEMA_VERSION
from monopose.errors import InputError, IntegrityError

MANIFEST = "manifest.json"
SHARD_NAME = r"^part-\d{5}-[0-9a-f]{16}\.parquet$"
REBUILD = "import the data set again, or copy it again from where it came"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SplitCounts(_Frozen):
    """What one split holds; the last four count its clips that have that label."""

    clips: int = 0
    frames: int = 0
    sequence_frames: int = 0
    """frames over all views"""
    subjects: tuple[str, ...] = ()
    has_3d: int = 0
    has_2d: int = 0
    multiview: int = 0
    has_images: int = 0


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
    digest: SHA-256 over everything else but the names and order of the shards; every result
    carries it.
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
    shards: tuple[Shard, ...]
    digest: str = ""


def manifest_digest(manifest: Manifest) -> str:
    """The digest a manifest with this content must carry."""
    content = manifest.model_dump(mode="json", exclude={"digest", "shards"})
    content["shards"] = sorted(shard.sha256 for shard in manifest.shards)
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass
class Tally:
    """Counts over the clips of a data set, and the promises that span clips."""

    joint_set: str = ""
    fps: set[float] = field(default_factory=set)
    clip_ids: set[str] = field(default_factory=set)
    splits: dict[str, SplitCounts] = field(default_factory=dict)

    def add(self, clip: Clip) -> None:
        """Counts a whole take; raises InputError for a repeated clip_id or a mixed joint set."""
        where = f"clip {clip.clip_id!r}"
        if clip.clip_id in self.clip_ids:
            raise InputError("clip_id occurs twice in the data set", where=where)
        self.joint_set = self.joint_set or clip.joint_set
        if clip.joint_set != self.joint_set:
            what = f"joint set {clip.joint_set!r} in a data set of {self.joint_set!r}"
            raise InputError(what, where=where, fix="convert the clips to one joint set first")
        self.clip_ids.add(clip.clip_id)
        self.fps.add(float(clip.fps))
        old = self.splits.get(clip.split, SplitCounts())
        self.splits[clip.split] = SplitCounts(
            clips=old.clips + 1,
            frames=old.frames + clip.num_frames,
            sequence_frames=old.sequence_frames + clip.num_frames * clip.num_views,
            subjects=tuple(sorted({*old.subjects, clip.subject})),
            has_3d=old.has_3d + clip.has_3d,
            has_2d=old.has_2d + clip.has_2d,
            multiview=old.multiview + clip.multiview,
            has_images=old.has_images + clip.has_images,
        )


def manifest_of(
    tally: Tally,
    shards: Sequence[Shard],
    *,
    dataset: str,
    detections: str | None,
    synthetic: bool,
) -> Manifest:
    """The manifest of the shards that hold the counted clips, with its digest."""
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        dataset=dataset,
        joint_set=tally.joint_set,
        detections=detections,
        synthetic=synthetic,
        fps=tuple(sorted(tally.fps)),
        clips=sum(counts.clips for counts in tally.splits.values()),
        frames=sum(counts.frames for counts in tally.splits.values()),
        splits=dict(sorted(tally.splits.items())),
        shards=tuple(shards),
    )
    return manifest.model_copy(update={"digest": manifest_digest(manifest)})


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
    try:
        manifest = Manifest.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors()[0]
        what = f"manifest field {'.'.join(map(str, first['loc'])) or '(all)'}: {first['msg']}"
        raise IntegrityError(what, where=where, fix=REBUILD) from error
    if manifest.digest != manifest_digest(manifest):
        raise IntegrityError("manifest does not match its digest", where=where, fix=REBUILD)
    return manifest
