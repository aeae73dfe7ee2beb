"""The union of all spaces; each paper adds its branch here."""

from typing import Any

import baselines
import occlusion_tcn


def space(trial: Any) -> dict[str, Any]:
    """Draws the family first, then only that family's parameters."""
    families = {"baselines": baselines.space, "occlusion_tcn": occlusion_tcn.space}
    family = trial.suggest_categorical("choose_family", list(families))
    return families[family](trial)
