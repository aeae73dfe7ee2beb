"""Baseline: a residual MLP on single frames (Martinez et al., ICCV 2017)."""

from monopose.recipes.parts import Budget, MlpEncoder, NoTemporal, Optimiser, Size
from monopose.recipes.recipe import Recipe

_WIDTH_BLOCKS_EPOCHS: dict[str, tuple[int, int, int]] = {
    "smoke": (64, 1, 2),
    "small": (256, 2, 30),
    "paper": (1024, 2, 200),
}


def simple_baseline(size: Size = "small") -> Recipe:
    """Width 64, 256 or 1024 with 1 or 2 residual blocks."""
    width, blocks, epochs = _WIDTH_BLOCKS_EPOCHS[size]
    return Recipe(
        name="simple_baseline" if size == "small" else f"simple_baseline-{size}",
        encoder=MlpEncoder(width=width, blocks=blocks),
        temporal=NoTemporal(),
        budget=Budget(epochs=epochs, chunk_frames=8, batch_chunks=64),
        optimiser=Optimiser(learning_rate=1e-3, ema_decay=0.99),
    )
