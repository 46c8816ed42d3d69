"""Numbers and times as people read them."""

from datetime import UTC, datetime

DASH = "–"


def grid_time(text: str | None) -> str:
    """Event time such as ``Tue 15 Jan 2019 18:00``, in UTC; a dash when there is none."""
    moment = parse(text)
    return moment.strftime("%a %d %b %Y %H:%M") if moment else DASH


def short_time(text: str | None) -> str:
    """Event time such as ``15 Jan 18:00``; a dash when there is none."""
    moment = parse(text)
    return moment.strftime("%d %b %H:%M") if moment else DASH


def parse(text: str | None) -> datetime | None:
    """ISO-8601 text as a UTC datetime; None for None."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def age(seconds: float) -> str:
    """How long ago: ``8 s``, ``3 min``, ``2 h``, ``4 d``."""
    whole = max(0, int(seconds))
    if whole < 100:
        return f"{whole} s"
    if whole < 100 * 60:
        return f"{whole // 60} min"
    if whole < 48 * 3600:
        return f"{whole // 3600} h"
    return f"{whole // 86_400} d"


def span(seconds: float) -> str:
    """A length of time in its largest whole unit: ``6 h``, ``15 min``, ``30 s``."""
    whole = int(seconds)
    if whole and whole % 3600 == 0:
        return f"{whole // 3600} h"
    if whole and whole % 60 == 0:
        return f"{whole // 60} min"
    return f"{whole} s"


def load(mw: float | None) -> str:
    """A load such as ``3,412 MW``; a dash for None."""
    if mw is None:
        return DASH
    return f"{mw:,.0f} MW" if abs(mw) >= 10 else f"{mw:.2g} MW"


def percent(part: float | None) -> str:
    """A part such as ``90 %``; a dash for None."""
    return DASH if part is None else f"{part:.0%}".replace("%", " %")


def score(value: float | None) -> str:
    """A risk with two decimals; a dash for None. What rounds to 1 is below 1: ``>0.99``."""
    if value is None:
        return DASH
    return ">0.99" if value >= 0.995 else f"{value:.2f}"


def change(value: float | None) -> str:
    """A signed difference with two decimals; a dash for None."""
    if value is None:
        return DASH
    return "±0.00" if abs(value) < 0.005 else f"{value:+.2f}".replace("-", "−")


def speed(value: float | None) -> str:
    """Event seconds per wall second, in words."""
    if value is None or value <= 0:
        return ""
    if value < 1.5:
        return "in real time"
    if value < 120:
        return f"{value:.0f} s of grid time a second"
    if value < 3300:
        return f"{value / 60:.0f} min of grid time a second"
    return f"{value / 3600:.1f} h of grid time a second".replace(".0 h", " h")


def plural(count: int, noun: str) -> str:
    """``1 node``, ``2 nodes``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
