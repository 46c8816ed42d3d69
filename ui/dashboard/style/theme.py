"""Colours, sizes and words that figures and panels share.

The risk scale runs from a neutral grey over yellow to dark purple, with lightness falling all
the way: it reads the same to colour-blind eyes and in grey. Levels differ by letter and by place,
never by colour alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from topology.messages import LEVELS

RISK_SCALE: tuple[tuple[float, str], ...] = (
    (0.0, "#e9edf1"),
    (0.05, "#fbe6b2"),
    (0.25, "#fcc26d"),
    (0.45, "#f48849"),
    (0.65, "#d14e62"),
    (0.85, "#85287c"),
    (1.0, "#35105f"),
)

NIGHT_SCALE: tuple[tuple[float, str], ...] = (
    (0.0, "#3d4651"),
    (0.05, "#6a4379"),
    (0.25, "#a2437f"),
    (0.45, "#d75a63"),
    (0.65, "#f38b4e"),
    (0.85, "#fbc565"),
    (1.0, "#fdf5c4"),
)
"""The same on a dark ground: there lightness rises all the way."""

DIFFERENCE_SCALE: tuple[tuple[float, str], ...] = (
    (0.0, "#1c4f91"),
    (0.3, "#7fb0dd"),
    (0.5, "#e9edf1"),
    (0.7, "#f0a56a"),
    (1.0, "#a1430a"),
)
"""From −1 (the first has more risk) over 0 to 1; lightness tells how much, the hue of whom."""

NIGHT_DIFFERENCE: tuple[tuple[float, str], ...] = (
    (0.0, "#a8d0ff"),
    (0.3, "#4a7fc0"),
    (0.5, "#3d4651"),
    (0.7, "#b9662b"),
    (1.0, "#ffcf9e"),
)

NIGHT_SHADES = (
    "#e4e9ee", "#c6d0da", "#a9b5c2", "#9aa7b5", "#4b5763",
    "#333d48", "#232b34", "#1a2027", "#151a20", "#11151a",
)  # fmt: skip
"""What mantine makes its parts of in the dark: text, dimmed, placeholder, edge, ..., ground."""

INK = "#1f2933"
MUTED = "#5f6b7a"
FAINT = "#d5dce3"
LAND = "#f4f6f8"
ACCENT = "#1c6dd0"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"

LEVEL_COLOURS = {"WARNING": "#a4560a", "HIGH": "#b52f50", "CRITICAL": "#4b1470"}
LEVEL_LETTERS = {"WARNING": "W", "HIGH": "H", "CRITICAL": "C"}
LEVEL_INK: dict[str, str] = {level: f"var(--level-{level.lower()})" for level in LEVELS}
"""A level's colour for text on the page; the style sheet knows it for light and dark."""


@dataclass(frozen=True, slots=True)
class Palette:
    """What a figure that is drawn by the server needs to know of light or dark."""

    card: str
    ink: str
    muted: str
    faint: str
    land: str
    line: str
    accent: str
    scale: tuple[tuple[float, str], ...]
    difference: tuple[tuple[float, str], ...]
    levels: Mapping[str, str]


LIGHT = Palette(
    card="#ffffff",
    ink=INK,
    muted=MUTED,
    faint=FAINT,
    land=LAND,
    line="#b4bfca",
    accent=ACCENT,
    scale=RISK_SCALE,
    difference=DIFFERENCE_SCALE,
    levels=LEVEL_COLOURS,
)
DARK = Palette(
    card="#1a2027",
    ink="#e4e9ee",
    muted="#9aa7b5",
    faint="#3a4450",
    land="#222a33",
    line="#5c6876",
    accent="#6cb0ff",
    scale=NIGHT_SCALE,
    difference=NIGHT_DIFFERENCE,
    levels={"WARNING": "#f0a14a", "HIGH": "#f6859a", "CRITICAL": "#d9a6ff"},
)


def palette(scheme: str | None) -> Palette:
    """The palette of ``light`` or ``dark``; light while the browser has not reported it."""
    return DARK if scheme == "dark" else LIGHT


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
