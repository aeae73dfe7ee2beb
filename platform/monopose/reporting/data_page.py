"""A data set as one self-contained HTML page: what it holds, how it looks, what is suspicious."""

import html
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from monopose.data import shards
from monopose.data.clip import Clip
from monopose.data.expectations.finding import Finding
from monopose.data.manifest import Manifest, SplitCounts
from monopose.reporting import data_figures, page
from monopose.reporting.clip_player import MOST_FRAMES, pack, player
from monopose.reporting.findings import findings_table, summary
from monopose.reporting.page import Block
from monopose.reporting.survey import ERROR_EDGES_PX, SCORE_EDGES, Survey
from monopose.reporting.tables import TextTable, data_set_name

IMAGE_BYTES = 5_000_000
"""The most that all images of a page take; with plotly.js and the rest it stays below 15 MB."""
MOST_PLAYED = 12
_PER_CAUSE = 10


def data_page(uri: str, *, played: int = 6, on_clip: Callable[[], None] = lambda: None) -> str:
    """The page of the data set at a storage URI; every clip is read, counted and examined once.

    played: how many clips can be played, evenly over the data set, at most 12. on_clip: called
    after each clip, to show progress.
    Raises what `shards.verify` raises.
    """
    before = shards.read_manifest(uri)
    wanted = min(played, MOST_PLAYED, before.clips)
    chosen = {round(place) for place in np.linspace(0, before.clips - 1, max(wanted, 0))}
    survey, packed = Survey(), []

    def look(clip: Clip) -> None:
        number = len(survey.examination.traces)
        survey.add(clip)
        if number in chosen:
            packed.append(pack(clip, IMAGE_BYTES // len(chosen)))
        on_clip()

    manifest = shards.verify(uri, look)
    findings = survey.examination.finish()
    return build_data_page(manifest, survey, findings, packed)


def build_data_page(
    manifest: Manifest, survey: Survey, findings: list[Finding], packed: list[dict[str, Any]]
) -> str:
    """The page as HTML; parts for which the data has nothing are left out."""
    blocks = [
        *_checks(findings),
        *_counts(manifest, survey),
        *_clips(manifest, packed),
        *_cameras(survey),
        *_body(survey),
        *_keypoints(manifest, survey),
    ]
    return page.page(f"Data set {manifest.dataset}", _lead(manifest, survey), blocks)


def _lead(manifest: Manifest, survey: Survey) -> str:
    minutes = sum(survey.seconds.values()) / 60
    length = f"{minutes:.1f} minutes" if minutes >= 1 else f"{60 * minutes:.1f} seconds"
    views = sum(split.sequence_frames for split in manifest.splits.values())
    rates = ", ".join(f"{rate:g}" for rate in manifest.fps[:6])
    rows = [
        ("data set", data_set_name(manifest.dataset, manifest.digest, manifest.synthetic)),
        ("holds", f"{manifest.clips} clips, {manifest.frames:,} frames ({length}), "
         f"{views:,} frames over all views"),
        ("joints", f"{manifest.joint_set}"),
        ("2D", manifest.detections or "one source"),
        ("frame rates", f"{rates} Hz" + (" and more" if len(manifest.fps) > 6 else "")),
    ]  # fmt: skip
    mark = '<p class="mark">Synthetic data.</p>' if manifest.synthetic else ""
    return mark + page.facts(rows)


def _checks(findings: list[Finding]) -> Iterator[Block]:
    body = ""
    if findings:
        caption = (
            f"At most {_PER_CAUSE} clips of each cause; `monopose data check --json` lists all."
        )
        table = findings_table(findings, _PER_CAUSE, caption).html()
        mark = f'<p class="mark">{html.escape(summary(findings))}</p>'
        body = mark + page.scrolling("Findings", table)
    yield Block(
        "What is suspicious",
        "Expectations on people, cameras and time, on every clip; a finding names the mistake that "
        "would explain it."
        if findings
        else "Nothing: what can be told of every clip's units, axes, sides, joint order, cameras, "
        "timing, limbs, copies and splits is as people and cameras are.",
        body,
    )


def _counts(manifest: Manifest, survey: Survey) -> Iterator[Block]:
    columns = ("split", "clips", "frames", "minutes", "subjects")
    having = ("with 3D", "with 2D", "several views", "with images")
    rows = tuple(_split_cells(name, survey, s) for name, s in manifest.splits.items())
    table = TextTable(
        "Clips, frames of one view, and how many clips have what", columns + having, rows
    )
    yield Block("What it holds", "Counts by split.", page.scrolling("Splits", table.html()))
    for label, groups in (("subject", survey.by_subject), ("action", survey.by_action)):
        number = len({group for _, group in groups})
        if number > 1:
            shown = data_figures.MOST_BARS
            cut = f" The {shown} largest of {number}." if number > shown else ""
            yield Block(
                f"Clips by {label}",
                f"Number of clips, coloured by split.{cut}",
                figure=data_figures.counts(groups),
                alternative=f"Bars of the clips of {min(number, shown)} {label}s.",
                level=3,
            )


def _split_cells(name: str, survey: Survey, split: SplitCounts) -> tuple[str, ...]:
    having = (split.has_3d, split.has_2d, split.multiview, split.has_images)
    return (
        name,
        f"{split.clips:,}",
        f"{split.frames:,}",
        f"{survey.seconds[name] / 60:.1f}",
        f"{len(split.subjects):,}",
        *(f"{count:,}" for count in having),
    )


def _clips(manifest: Manifest, packed: list[dict[str, Any]]) -> Iterator[Block]:
    if not packed:
        return
    yield Block(
        "Clips to play",
        f"{len(packed)} of {manifest.clips} clips, evenly over the data set, at most {MOST_FRAMES} "
        "evenly spaced frames each, images made smaller. Left is blue, right orange; a keypoint "
        "is hollow where its score is below one half. Drag the 3D to turn it.",
        player(packed),
    )


def _cameras(survey: Survey) -> Iterator[Block]:
    rigs = list(survey.rigs.values())
    if not rigs:
        return
    names = "; ".join(f"{rig.label}: {len(rig.cameras)} cameras" for rig in rigs)
    yield Block(
        "Cameras",
        "Where cameras stand and look (the spike marks the image's upper edge), the paths of "
        "pelvises in grey, and one pose. Metres, z up. "
        + (f"The first {len(rigs)} sets of cameras; choose one." if len(rigs) > 1 else ""),
        figure=data_figures.camera_layout(rigs),
        alternative=f"Camera layout in 3D. {names}.",
    )


def _body(survey: Survey) -> Iterator[Block]:
    if survey.bones_m:
        subjects = len({subject for subject, _ in survey.bones_m})
        yield Block(
            "Bone lengths",
            f"Median length over each clip, averaged by subject, mm; one point for each of "
            f"{subjects} subjects, left beside right.",
            figure=data_figures.bone_lengths(survey),
            alternative="Box plots of bone lengths by subject, left and right.",
            min_width_px=620,
        )
    if survey.speeds:
        yield Block(
            "Speeds",
            "How often pelvis, ankles and wrists move at which speed, all frames; people seldom "
            "pass 10 m/s.",
            figure=data_figures.speeds(survey),
            alternative="Distribution of speeds of pelvis, ankles and wrists.",
        )


def _keypoints(manifest: Manifest, survey: Survey) -> Iterator[Block]:
    if survey.noise.any():
        spread = np.cumsum(survey.noise.sum(axis=0)) / survey.noise.sum()
        half, most = (ERROR_EDGES_PX[1 + int(np.searchsorted(spread, q))] for q in (0.5, 0.95))
        yield Block(
            "Noise of the 2D",
            f"Distance of keypoints from the projected 3D, up to 200 frames a clip: half lie "
            f"within {half:.2g} px, 95 % within {most:.2g} px. Capped at 2000 px.",
            figure=data_figures.noise(survey),
            alternative="Cumulative distribution of the reprojection error in pixels.",
        )
        by_score = data_figures.error_by_score(survey)
        if by_score is not None:
            yield Block(
                "Score and error",
                f"Does a high score mean a small error? {len(SCORE_EDGES) - 1} bins of the score.",
                figure=by_score,
                alternative="Median and quartiles of the reprojection error by score.",
                level=3,
            )
    if survey.seen is not None:
        yield Block(
            "Visibility",
            "For each joint the share of frames and views in which it is present, and its mean "
            f"score there ({manifest.joint_set}).",
            figure=data_figures.visibility(survey),
            alternative="Bars of each joint's presence, points of its mean score.",
        )
