"""People found frame by frame, joined over time into one track each.

Identities of the file are kept where it gives them. Otherwise the people of a frame are assigned to
the open tracks so that the sum of their likenesses is largest. The likeness is that of COCO's
keypoint similarity, the mean over joints of exp(-(d / (size * kappa))^2 / 2), here with one kappa
for all joints, and d measured from where the track would be at its present speed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64
from scipy.optimize import linear_sum_assignment

from monopose.formats.people import Person

# A person out of sight for longer than this comes back as another.
BRIDGED_S = 0.5
# Tracks with people in fewer frames than fill this time are ghosts, or passers-by of no use.
SHORTEST_S = 0.25
# Unit of distance as a share of the person's extent, and the least likeness of the same person.
_KAPPA = 0.15
_LIKENESS_ABOVE = 0.2
_FEWEST_JOINTS = 3
# Frames that a track's speed is taken over.
_SPEED_FRAMES = 5


@dataclass(eq=False)
class Track:
    """One person's appearances, by ascending frame number."""

    frames: list[int] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)

    def add(self, frame: int, person: Person) -> None:
        """Appends a later appearance."""
        self.frames.append(frame)
        self.people.append(person)

    @property
    def weight(self) -> float:
        """Sum of the keypoints' scores over all frames: how much there is of this person."""
        return float(sum(np.clip(person.keypoint_score, 0, 1).mean() for person in self.people))

    def velocity_px(self) -> Float64[np.ndarray, "2"]:
        """Pixels a frame, of the keypoints' median between now and some frames ago."""
        if len(self.frames) < 2:
            return np.zeros(2)
        before = max(0, len(self.frames) - 1 - _SPEED_FRAMES)
        both = _both(self.people[before], self.people[-1])
        if not both.any():
            return np.zeros(2)
        moved = self.people[-1].keypoints_px[both] - self.people[before].keypoints_px[both]
        return np.median(moved, axis=0) / (self.frames[-1] - self.frames[before])


def tracks(frames: Sequence[tuple[int, Sequence[Person]]], fps: float) -> list[Track]:
    """The people of all frames as tracks, the one with most to see first; ghosts are left out.

    frames: (number, people) by ascending number; numbers may have gaps. All people must have the
    same joints.
    """
    everyone = [person for _, people in frames for person in people]
    identified = bool(everyone) and all(person.track_id is not None for person in everyone)
    found = _by_identity(frames) if identified else _by_likeness(frames, fps)
    least = min(SHORTEST_S * fps, max(1, len(frames)))
    kept = [track for track in found if len(track.frames) >= least]
    return sorted(kept, key=lambda track: -track.weight)


def _by_identity(frames: Sequence[tuple[int, Sequence[Person]]]) -> list[Track]:
    """The file's own; of two people with one identity in a frame, the surer one is kept."""
    found: dict[int, Track] = {}
    for number, people in frames:
        surest: dict[int, Person] = {}
        for person in sorted(people, key=lambda each: float(each.keypoint_score.sum())):
            assert person.track_id is not None
            surest[person.track_id] = person
        for identity, person in surest.items():
            found.setdefault(identity, Track()).add(number, person)
    return list(found.values())


def _by_likeness(frames: Sequence[tuple[int, Sequence[Person]]], fps: float) -> list[Track]:
    closed: list[Track] = []
    opened: list[Track] = []
    for number, people in frames:
        late = [track for track in opened if (number - track.frames[-1]) > BRIDGED_S * fps + 1]
        closed += late
        opened = [track for track in opened if track not in late]
        likeness = _likenesses(opened, people, number)
        rows, columns = linear_sum_assignment(likeness, maximize=True)
        taken = set()
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if likeness[row, column] > _LIKENESS_ABOVE:
                opened[row].add(number, people[column])
                taken.add(column)
        for column, person in enumerate(people):
            if column not in taken and (person.keypoint_score > 0).any():
                opened.append(Track([number], [person]))
    return closed + opened


def _likenesses(
    opened: Sequence[Track], people: Sequence[Person], number: int
) -> Float64[np.ndarray, "tracks people"]:
    likeness = np.zeros((len(opened), len(people)))
    for row, track in enumerate(opened):
        last = track.people[-1]
        moved_px = track.velocity_px() * (number - track.frames[-1])
        size_px = _extent_px(last)
        for column, person in enumerate(people):
            likeness[row, column] = _likeness(last, person, moved_px, size_px)
    return likeness


def _likeness(
    last: Person, person: Person, moved_px: Float64[np.ndarray, "2"], size_px: float
) -> float:
    both = _both(last, person)
    if both.sum() < _FEWEST_JOINTS:
        return 0.0
    apart_px = person.keypoints_px[both] - last.keypoints_px[both] - moved_px
    square = (apart_px**2).sum(axis=-1) / (_KAPPA * max(size_px, _extent_px(person), 1.0)) ** 2
    return float(np.exp(-square / 2).mean())


def _both(one: Person, other: Person) -> np.ndarray:
    return (one.keypoint_score > 0) & (other.keypoint_score > 0)


def _extent_px(person: Person) -> float:
    seen = person.keypoints_px[person.keypoint_score > 0]
    return float(np.ptp(seen, axis=0).max()) if len(seen) else 0.0
