"""Colours, sizes and words that figures and panels share.

The risk scale runs from a neutral grey over yellow to dark purple, with lightness falling all
the way: it reads the same to colour-blind eyes and in grey. Levels differ by letter and by place,
never by colour alone.
"""

from collections.abc import Sequence
from itertools import pairwise

RISK_SCALE: tuple[tuple[float, str], ...] = (
    (0.0, "#e9edf1"),
    (0.05, "#fbe6b2"),
    (0.25, "#fcc26d"),
    (0.45, "#f48849"),
    (0.65, "#d14e62"),
    (0.85, "#85287c"),
    (1.0, "#35105f"),
)

INK = "#1f2933"
MUTED = "#5f6b7a"
FAINT = "#d5dce3"
LAND = "#f4f6f8"
ACCENT = "#1c6dd0"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"

LEVELS = ("WARNING", "HIGH", "CRITICAL")
LEVEL_COLOURS = {"WARNING": "#b8620a", "HIGH": "#b52f50", "CRITICAL": "#4b1470"}
LEVEL_LETTERS = {"WARNING": "W", "HIGH": "H", "CRITICAL": "C"}

MODEL_TITLES = {"linear": "Linear attenuation", "centrality": "Centrality-based"}

AFFECTED_RISK = 0.05
"""From this risk on a node counts as affected, as in the worker's API."""


def model_title(model: str) -> str:
    """The model's name for people."""
    return MODEL_TITLES.get(model, model.replace("_", " ").capitalize())


def scale_colour(risk: float, scale: Sequence[tuple[float, str]] = RISK_SCALE) -> str:
    """Colour of a risk in [0, 1] as ``#rrggbb``, interpolated as the map does."""
    value = min(max(risk, 0.0), 1.0)
    for (low, from_), (high, to) in pairwise(scale):
        if value <= high:
            part = (value - low) / (high - low)
            mixed = (a + (b - a) * part for a, b in zip(_rgb(from_), _rgb(to), strict=True))
            return "#" + "".join(f"{round(channel):02x}" for channel in mixed)
    return scale[-1][1]


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` in [0, 1], as WCAG 2 defines it."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in _rgb(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ink_on(colour: str) -> str:
    """Near-black or white, whichever stands out more (contrast of 4 or more on any colour)."""
    return "#ffffff" if luminance(colour) < 0.196 else "#10151a"


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
