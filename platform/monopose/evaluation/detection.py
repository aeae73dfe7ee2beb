"""How near found keypoints are to labelled ones, in units of the crop that they were found in."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

# Of the crop's side: about half a head of a person who fills it to four fifths.
NEAR = 0.05


@dataclass(frozen=True)
class Detected:
    """Sums over keypoints: how many were labelled, found near by, and their distances.

    distance is in sides of the crop.
    """

    keypoints: int = 0
    near: int = 0
    distance: float = 0.0

    def __add__(self, other: "Detected") -> "Detected":
        return Detected(
            self.keypoints + other.keypoints,
            self.near + other.near,
            self.distance + other.distance,
        )

    @property
    def pck(self) -> float:
        """Share of the keypoints found within NEAR of where they are."""
        return self.near / max(self.keypoints, 1)

    @property
    def mean_distance(self) -> float:
        """In sides of the crop."""
        return self.distance / max(self.keypoints, 1)


def detected(
    found: Float[Tensor, "*batch J 2"],
    labelled: Float[Tensor, "*batch J 2"],
    score: Float[Tensor, "*batch J"],
) -> Detected:
    """Compares keypoints in normalised crop coordinates (-1..1).

    Counted are those that have a label inside the crop.
    """
    counted = (score > 0) & (labelled.abs() <= 1).all(dim=-1)
    distances = ((found - labelled).norm(dim=-1) / 2)[counted]
    near = int((distances <= NEAR).sum())
    return Detected(int(counted.sum()), near, float(distances.double().sum()))
