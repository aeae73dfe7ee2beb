from typing import Any

import pytest
import torch
from tests.moving_clips import moving_tensors

from monopose.data.augment import augment, to_batch
from monopose.data.batches import Batch, cut_chunks
from monopose.data.context import Context
from monopose.data.occlusion import PATTERNS, hidden_keypoints, limbs, occlude, severity_at
from monopose.recipes.parts import DataMix, Occlusion
from monopose.skeleton import JointSet, joint_set

JOINTS = joint_set("h36m17")
# 21 x 21 joints on a grid of step 0.05 from 0 to 1, all children of the first.
SIDE = 21
GRID = JointSet("grid", tuple(f"j{i}" for i in range(SIDE**2)), (-1,) + (0,) * (SIDE**2 - 1))


def always(*patterns: str, **values: Any) -> Occlusion:
    """Every chunk gets one of the patterns, with no cap."""
    defaults = {"share": 1.0, "combined": 0.0, "most": 1.0, "patterns": patterns}
    return Occlusion.model_validate(defaults | values)


def places(count: int, frames: int) -> torch.Tensor:
    """Uniform in the unit square, but for two keypoints in corners that fix the box."""
    keypoints = torch.rand(
        count, frames, len(JOINTS), 2, generator=torch.Generator().manual_seed(9)
    )
    keypoints[:, 0, 0], keypoints[:, 0, 1] = 0.0, 1.0
    return keypoints


def hidden(
    occlusion: Occlusion,
    count: int = 200,
    frames: int = 20,
    severity: float = 1.0,
    seed: int = 0,
    visible: torch.Tensor | None = None,
) -> torch.Tensor:
    if visible is None:
        visible = torch.ones(count, frames, len(JOINTS), dtype=torch.bool)
    generator = torch.Generator().manual_seed(seed)
    keypoints = places(count, frames)
    return hidden_keypoints(keypoints, visible, occlusion, JOINTS, generator, severity)


def hidden_on_grid(occlusion: Occlusion, count: int, frames: int) -> torch.Tensor:
    """B x T x 21 x 21, x along the last axis."""
    steps = torch.linspace(0.0, 1.0, SIDE)
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1).view(1, 1, -1, 2)
    keypoints = grid.expand(count, frames, -1, 2)
    visible = torch.ones(keypoints.shape[:3], dtype=torch.bool)
    generator = torch.Generator().manual_seed(3)
    found = hidden_keypoints(keypoints, visible, occlusion, GRID, generator)
    return found.view(count, frames, SIDE, SIDE)


def within_chance(found: float, share: float, trials: int) -> bool:
    """Five standard deviations of the binomial, and half a step of 1/256."""
    return abs(found - share) < 5 * (share * (1 - share) / trials) ** 0.5 + 1 / 512


def run_lengths(gone: torch.Tensor) -> torch.Tensor:
    """Length of the one run along dim 1; fails where there are two."""
    begins = gone.long().diff(dim=1, prepend=torch.zeros_like(gone[:, :1]).long()) == 1
    assert (begins.sum(dim=1) <= 1).all()
    return gone.sum(dim=1)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_the_share_of_chunks_is_the_recipes(share: float) -> None:
    found = hidden(always("frame", share=share), count=1000).flatten(1).any(dim=1)
    assert within_chance(float(found.float().mean()), share, 1000)


def test_point_hides_each_keypoint_with_the_chance_on_its_own() -> None:
    found = hidden(always("point", point_share=(0.4, 0.4))).float()
    assert within_chance(float(found.mean()), 0.4, found.numel())
    for one, other in ((found[:, 1:], found[:, :-1]), (found[..., 1:], found[..., :-1])):
        assert within_chance(float((one * other).mean()), 0.16, one.numel())


def test_the_chance_of_a_point_is_drawn_for_each_chunk_from_its_range() -> None:
    shares = hidden(always("point", point_share=(0.1, 0.6)), count=500).float().mean(dim=(1, 2))
    slack = 5 * (0.25 / 340) ** 0.5
    assert 0.1 - slack < shares.min() < 0.15
    assert 0.55 < shares.max() < 0.6 + slack
    # The mean of 500 uniform numbers over 0.5 has a deviation of 0.5 / sqrt(12 * 500).
    assert abs(float(shares.mean()) - 0.35) < 5 * 0.5 / 6000**0.5


def test_a_joint_track_is_one_run_of_at_most_run_frames() -> None:
    found = hidden(always("joint_track", run_frames=6, track_share=(0.3, 0.3)), count=500)
    lengths = run_lengths(found)
    assert lengths.max() == 6
    touched = found.any(dim=1)
    assert within_chance(float(touched.float().mean()), 0.3, touched.numel())
    # Joints are hit on their own: two neighbours together as often as chance has it.
    both = (touched[:, 1:] & touched[:, :-1]).float()
    assert within_chance(float(both.mean()), 0.09, both.numel())


@pytest.mark.parametrize("pattern", ["joint_track", "frame", "limb"])
def test_every_frame_is_as_likely_to_be_in_a_run(pattern: str) -> None:
    """A run of L frames cut at the ends of T covers each with the chance L / (T + L - 1)."""
    found = hidden(always(pattern, run_frames=8, track_share=(1.0, 1.0)), count=3000, frames=10)
    longest = 20 if pattern == "limb" else 8
    chance = sum(length / (9 + length) for length in range(1, longest + 1)) / longest
    if pattern == "limb":
        found = found[:, :, list(limbs(JOINTS)[0])][found[:, :, 3].any(dim=1)]
        # Chunks whose leg is hidden at all: a run of any length meets the chunk.
    for frame in range(10):
        share = float(found[:, frame, -1].float().mean())
        assert within_chance(share, chance, len(found)), frame


def test_frame_hides_all_joints_for_one_run() -> None:
    found = hidden(always("frame", run_frames=7), count=1000, frames=30)
    assert torch.equal(found.all(dim=2), found.any(dim=2))
    gone = found.all(dim=2)
    lengths = run_lengths(gone)
    assert [int(length) for length in lengths.aminmax()] == [1, 7]
    inner = lengths[~gone[:, 0] & ~gone[:, -1]]
    # Of runs that touch no end, length L has 30 - L - 1 of the 29 + L places.
    odds = torch.tensor([(29.0 - length) / (29 + length) for length in range(1, 8)])
    for length, chance in enumerate((odds / odds.sum()).tolist(), start=1):
        assert within_chance(float((inner == length).float().mean()), chance, len(inner))


def test_limb_hides_one_kinematic_chain_for_one_run() -> None:
    found = hidden(always("limb"), count=500)
    run_lengths(found)
    touched = found.any(dim=1)
    chains = {tuple(torch.nonzero(row).flatten().tolist()) for row in touched}
    assert chains == {tuple(sorted(chain)) for chain in limbs(JOINTS)}
    for chunk, joints in zip(found, touched, strict=True):
        assert (chunk[:, joints].all(dim=1) == chunk[:, joints].any(dim=1)).all()
    # A run of 20 + k frames, k drawn from -19..20, covers all 20 in k + 1 of its 39 + k places.
    whole = sum((k + 1) / (39 + k) for k in range(21)) / 40
    assert within_chance(float((found.any(dim=2).sum(dim=1) == 20).float().mean()), whole, 500)


@pytest.mark.parametrize(
    ("name", "chains"),
    [
        (
            "h36m17",
            [
                "right_hip right_knee right_ankle",
                "left_hip left_knee left_ankle",
                "neck_nose head_top",
                "left_shoulder left_elbow left_wrist",
                "right_shoulder right_elbow right_wrist",
            ],
        ),
        (
            "lsp14",
            [
                "right_hip right_knee right_ankle",
                "left_hip left_knee left_ankle",
                "right_shoulder right_elbow right_wrist",
                "left_shoulder left_elbow left_wrist",
                "head_top",
            ],
        ),
    ],
)
def test_limbs_are_arms_legs_and_head(name: str, chains: list[str]) -> None:
    joints = joint_set(name)
    named = [{joints.joints[joint] for joint in chain} for chain in limbs(joints)]
    assert sorted(map(sorted, named)) == sorted(sorted(chain.split()) for chain in chains)


def test_area_hides_exactly_what_lies_in_a_rectangle() -> None:
    """The box about what is hidden holds nothing that is seen, and has at most the drawn sides."""
    found = hidden(always("area", area_size=(0.2, 0.5)), count=300)
    touched = found.flatten(1).any(dim=1)
    assert touched.float().mean() > 0.9
    for keypoints, gone in zip(places(300, 20)[touched], found[touched], strict=True):
        low, high = keypoints[gone].amin(dim=0), keypoints[gone].amax(dim=0)
        assert (high - low <= 0.5).all()
        inside = ((keypoints >= low) & (keypoints <= high)).all(dim=-1)
        assert torch.equal(inside, gone)


def test_area_hides_the_share_that_its_sides_say() -> None:
    """A side s about a uniform centre overlaps the unit interval by s - s^2 / 4 on average."""
    found = hidden(always("area", area_size=(0.4, 0.4)), count=2000)
    expected = (0.4 - 0.4**2 / 4) ** 2
    assert abs(float(found.float().mean()) - expected) < 0.005


def test_a_static_area_stands_still_on_the_grid() -> None:
    found = hidden_on_grid(always("area", area_size=(0.3, 0.3)), count=100, frames=4)
    assert torch.equal(found, found[:, :1].expand_as(found))
    for gone in found[:, 0]:
        rows, columns = gone.any(dim=1), gone.any(dim=0)
        assert torch.equal(gone, rows[:, None] & columns)
        # A side of 0.3 covers 6 steps of 0.05; fewer only where the rectangle leaves the box.
        for covered in (rows, columns):
            if not covered[0] and not covered[-1]:
                assert 5 <= covered.sum() <= 7
            assert run_lengths(covered[None]) <= 7


def test_a_moving_area_moves_linearly() -> None:
    """Where it leaves the box on no side, the middle of what it hides is known to one step."""
    frames = 30
    found = hidden_on_grid(always("moving_area", area_size=(0.3, 0.3)), count=150, frames=frames)
    time, steps, checked, fastest = (
        torch.arange(frames).double(),
        torch.linspace(0, 1, SIDE),
        0,
        0.0,
    )
    for chunk in found:
        for covered in (chunk.any(dim=2), chunk.any(dim=1)):
            if covered[:, 0].any() or covered[:, -1].any():
                continue
            middle = torch.stack([steps[row].aminmax().max + steps[row].min() for row in covered])
            middle = middle.double() / 2
            slope = (middle[-1] - middle[0]) / (frames - 1)
            line = middle[0] + slope * time
            # Each middle is known to half a step, and so are both ends of the line.
            assert (middle - line).abs().max() <= 0.05 + 1e-6
            checked, fastest = checked + 1, max(fastest, float(slope.abs()) * frames)
    assert checked > 30
    assert fastest > 0.4


def test_chunks_get_one_pattern_or_two_of_those_named() -> None:
    named = always("limb", "point", point_share=(0.0, 0.0))
    alone = hidden(named, count=1000).flatten(1).any(dim=1)
    assert within_chance(float(alone.float().mean()), 1 / 2, 1000)
    combined = hidden(named.model_copy(update={"combined": 1.0}), count=1000).flatten(1).any(dim=1)
    assert within_chance(float(combined.float().mean()), 3 / 4, 1000)
    twice = always("limb", "point", "point", point_share=(0.0, 0.0))
    rarer = hidden(twice, count=1000).flatten(1).any(dim=1)
    assert within_chance(float(rarer.float().mean()), 1 / 3, 1000)


@pytest.mark.parametrize("most", [0.0, 0.25, 0.5])
def test_no_chunk_hides_more_than_the_cap(most: float) -> None:
    found = hidden(always("point", point_share=(0.9, 0.9), most=most), count=500, frames=20)
    counts = found.sum(dim=(1, 2))
    assert counts.max() <= most * 340
    # Whole frames are given back, so at most one frame's worth is missing from the cap.
    assert counts.min() > most * 340 - 17
    # No frame is favoured: each is hidden in about the share `most / 0.9` of the chunks.
    if most:
        by_frame = (found.sum(dim=2) > 8).float().mean(dim=0)
        assert by_frame.max() - by_frame.min() < 10 * (0.25 / 500) ** 0.5


def test_the_cap_counts_only_keypoints_that_there_are() -> None:
    visible = torch.zeros(200, 20, len(JOINTS), dtype=torch.bool)
    visible[:, :, :4] = True
    found = hidden(always("frame", run_frames=30, most=0.5), visible=visible)
    assert not (found & ~visible).any()
    assert found.sum(dim=(1, 2)).max() == 40
    assert found.any(dim=2).sum(dim=1).max() == 10


def test_a_chunk_under_the_cap_is_left_as_it_is() -> None:
    under = hidden(always("limb", most=1.0))
    assert torch.equal(hidden(always("limb", most=0.5)), under)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_severity_grows_from_nothing_to_the_full_pattern(pattern: str) -> None:
    occlusion = always(pattern, area_size=(0.3, 0.6))
    shares = [
        float(hidden(occlusion, count=400, severity=severity).float().mean())
        for severity in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert shares[0] == 0.0
    # About linear: long runs lose most at the chunk's ends, rectangles at the box's sides.
    for index, share in enumerate(shares[1:4], start=1):
        assert index * shares[4] / 4 * 0.8 < share < index * shares[4] / 4 * 2
    assert shares == sorted(shares)


def test_the_ramp_is_linear_up_to_its_share_of_the_budget() -> None:
    assert [severity_at(progress, 0.25) for progress in (0.0, 0.125, 0.25, 0.9)] == [0, 0.5, 1, 1]
    assert severity_at(0.0, 0.0) == 1.0


def batch(count: int = 40) -> Batch:
    starts = torch.tensor([[index % 8, index % 5] for index in range(count)])
    chunks = cut_chunks(moving_tensors(12, 14, 16, 18), starts, 4, Context(2, 2))
    return to_batch(chunks, Context(2, 2), JOINTS.root)


def test_hidden_keypoints_are_zero_and_labels_stay_complete() -> None:
    before = batch()
    before.score[:, :, 5] = 0.0
    before.score[:, :, 6] = 0.25
    after = occlude(before, always(*PATTERNS), JOINTS, torch.Generator().manual_seed(2))
    gone = (after.score == 0) & (before.score > 0)
    assert 0.05 < gone.float().mean() < 0.5
    assert (after.keypoints[gone] == 0).all()
    assert torch.equal(after.keypoints[~gone], before.keypoints[~gone])
    assert torch.equal(after.score[~gone], before.score[~gone])
    for name in ("pose_m", "valid", "joint_mask", "has_3d"):
        assert getattr(after, name) is getattr(before, name)
    # Context frames are hidden as often as output frames: the whole field is occluded.
    assert gone[:, :2].any()
    assert gone[:, -2:].any()


def test_chunks_without_a_keypoint_are_left_alone() -> None:
    empty = torch.zeros(200, 20, len(JOINTS), dtype=torch.bool)
    assert not hidden(always(*PATTERNS, combined=1.0), visible=empty).any()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_one_frame_and_one_chunk_are_no_special_case(pattern: str) -> None:
    found = hidden(always(pattern), count=1, frames=1)
    assert found.shape == (1, 1, len(JOINTS))


def test_the_same_generator_hides_the_same_and_no_other_is_touched() -> None:
    occlusion, state = always(*PATTERNS, combined=0.5), torch.get_rng_state()
    one, same, other = (hidden(occlusion, seed=seed) for seed in (4, 4, 5))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_augmentation_hides_by_the_progress_and_nothing_without_a_share() -> None:
    starts = torch.tensor([[index % 8, index % 5] for index in range(40)])
    chunks = cut_chunks(moving_tensors(12, 14, 16, 18), starts, 4, Context(2, 2))
    mix = DataMix(occlusion=always(*PATTERNS))

    def score(of: DataMix, progress: float) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        return augment(chunks, of, Context(2, 2), generator, progress).score

    assert (score(mix, 0.0) > 0).all()
    some, full = ((score(mix, progress) == 0).sum() for progress in (0.165, 1.0))
    assert 0 < some < full
    never = mix.model_copy(update={"occlusion": Occlusion(share=0.0)})
    assert (score(never, 1.0) > 0).all()
