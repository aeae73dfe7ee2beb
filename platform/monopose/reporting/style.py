"""Colours and layout that all figures share; each is readable on white and on near-black."""

from typing import Any

TRUTH = "#4a90c4"
PREDICTION = "#e07b1a"
LEFT, RIGHT, MIDDLE = "#4a90c4", "#e07b1a", "#8a8a8a"
BEST = "#e0522d"
OTHER = "rgba(128,128,128,0.5)"
GRID = "rgba(128,128,128,0.3)"
SERIES = ("#e0522d", "#4a90c4", "#3c9d6b", "#a86bc4", "#b8860b", "#8a8a8a")
# Good to bad; the middle of the luminance range, so that no end vanishes on either background.
SCALE = [[0.0, "#e0522d"], [0.5, "#a86bc4"], [1.0, "#6f9bc0"]]


def base_layout(**changes: Any) -> dict[str, Any]:
    """Transparent, no template; the page's script sets the font colour to the theme's."""
    layout: dict[str, Any] = {
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#777"},
        "margin": {"l": 60, "r": 20, "t": 40, "b": 50},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        "height": 420,
    }
    return layout | changes


def axis(title: str, **changes: Any) -> dict[str, Any]:
    """A cartesian axis with quiet grid lines; the title says the unit."""
    quiet = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID, "automargin": True}
    return {"title": {"text": title, "standoff": 12}, **quiet, **changes}
