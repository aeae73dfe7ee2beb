"""Identities over time, on people whose motion is known."""

from dataclasses import replace

import numpy as np
import pytest
from tests.sources.stick_people import alone, crossing, person

from monopose.data.importers.detections.tracks import Track, tracks
from monopose.formats.people import Frame, Person

FPS = 20.0


def joined(frames: list[Frame], fps: float = FPS) -> list[Track]:
    return tracks([(int(frame.image), frame.people) for frame in frames], fps)


def heights_px(track: Track) -> np.ndarray:
    return np.array([np.ptp(person.keypoints_px[:, 1]) for person in track.people])


def test_crossing_people_keep_their_identities() -> None:
    """They differ in size: a swap half way would show."""
    found = joined(crossing("coco17"))
    assert [len(track.frames) for track in found] == [24, 24]
    assert np.ptp(heights_px(found[0])) < 1e-6
    assert np.ptp(heights_px(found[1])) < 1e-6
    assert heights_px(found[0])[0] > heights_px(found[1])[0]


def test_twins_that_cross_are_told_apart_by_where_they_were_going() -> None:
    frames = [
        Frame(n, (person("coco17", 100.0 + 16 * n), person("coco17", 468.0 - 16 * n)))
        for n in range(24)
    ]
    found = joined(frames)
    assert [len(track.frames) for track in found] == [24, 24]
    for track in found:
        steps = np.diff([each.keypoints_px[0, 0] for each in track.people])
        assert (np.sign(steps) == np.sign(steps[0])).all()


def test_the_order_of_people_within_a_frame_does_not_matter() -> None:
    frames = crossing("coco17")
    shuffled = [replace(f, people=f.people[::-1]) if int(f.image) % 3 else f for f in frames]
    for one, other in zip(joined(frames), joined(shuffled), strict=True):
        assert one.people == other.people


def test_a_gap_of_half_a_second_is_bridged_and_a_longer_one_is_not() -> None:
    def without(missing: range) -> list[Frame]:
        frames = [Frame(n, (person("coco17", 100.0 + 4 * n),)) for n in range(60)]
        return [replace(f, people=()) if f.image in missing else f for f in frames]

    (whole,) = joined(without(range(20, 30)))
    assert whole.frames == [*range(20), *range(30, 60)]
    later, earlier = joined(without(range(20, 32)))
    assert (earlier.frames, later.frames) == ([*range(20)], [*range(32, 60)])


def test_ghosts_are_left_out_and_the_most_seen_person_is_first() -> None:
    frames = crossing("coco17")
    ghost = person("coco17", 300.0, 60.0)
    frames[5] = replace(frames[5], people=(ghost, *frames[5].people))
    found = joined(frames)
    assert len(found) == 2
    assert found[0].weight == pytest.approx(24 * 0.9)
    assert found[1].weight == pytest.approx(24 * 0.6)


def test_a_limb_that_jumps_to_the_other_side_does_not_end_a_track() -> None:
    frames = [Frame(n, (person("coco17", 100.0 + 4 * n),)) for n in range(20)]
    swapped = frames[10].people[0].keypoints_px.copy()
    swapped[[13, 14, 15, 16]] = swapped[[14, 13, 16, 15]]
    moved = replace(frames[10].people[0], keypoints_px=swapped)
    (track,) = joined([*frames[:10], Frame(10, (moved,)), *frames[11:]])
    assert len(track.frames) == 20


def test_identities_of_the_file_are_trusted() -> None:
    """Here they say what likeness would not: the two change places in frame 12."""
    frames = [
        replace(
            f,
            people=tuple(
                replace(p, track_id=(i if int(f.image) < 12 else 1 - i) + 40)
                for i, p in enumerate(f.people)
            ),
        )
        for f in crossing("coco17")
    ]
    for track in joined(frames):
        assert len(track.frames) == 24
        assert np.ptp(heights_px(track)) > 50
        assert len({each.track_id for each in track.people}) == 1


def test_of_two_with_one_identity_the_surer_is_kept() -> None:
    sure = replace(person("coco17", 100.0, score=0.9), track_id=1)
    unsure = replace(person("coco17", 300.0, score=0.4), track_id=1)
    (track,) = joined([Frame(n, (sure, unsure)) for n in range(8)])
    assert track.people == [sure] * 8


def test_a_single_image_is_enough_for_its_people() -> None:
    assert len(joined(crossing("coco17", 1))) == 2
    assert joined([Frame(0, ())]) == []


def test_a_body_of_which_nothing_was_found_starts_no_track() -> None:
    nothing = Person(np.zeros((17, 2)), np.zeros(17))
    assert joined([Frame(n, (nothing,)) for n in range(8)]) == []


def test_one_missing_frame_is_within_a_track() -> None:
    (track,) = joined(alone("coco17"))
    assert track.frames == [0, 1, 2, 3, 4, 5, 7]
