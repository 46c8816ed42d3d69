"""What publishers call zones, and what we call them; which zones contain others."""

import re
from collections.abc import Callable, Iterable

from gridstress.datasets.series import NATIONAL

GERMANY = "DE"

GERMAN_ZONES = ("50Hertz", "Amprion", "TenneT", "TransnetBW")
"""The German control zones, as we call them."""

_ZONE_OF = {
    "50hertz": "50Hertz",
    "de(50hertz)": "50Hertz",
    "de(50hzt)": "50Hertz",
    "amprion": "Amprion",
    "de(amprion)": "Amprion",
    "tennet": "TenneT",
    "tennet de": "TenneT",
    "tennet ger": "TenneT",
    "de(tennet ger)": "TenneT",
    "de(tennet)": "TenneT",
    "transnetbw": "TransnetBW",
    "de(transnetbw)": "TransnetBW",
    "de": GERMANY,
    "de-lu": GERMANY,
    "de_lu": GERMANY,
    "germany (de)": GERMANY,
    "germany": GERMANY,
    "deutschland": GERMANY,
}


def canonical_zone(name: str) -> str:
    """Map ``CTA|DE(50Hertz)`` or ``tennet`` to our zone name, ``BZN|DE-LU`` to ``DE``.

    Luxembourg is about 1 % of the bidding zone DE-LU; the zone of 2018 that also held Austria
    (DE-AT-LU) is not Germany. Names we do not know lose only their area type (``BZN|FR``: FR).
    """
    area = name.rpartition("|")[2].strip()
    return _ZONE_OF.get(area.lower(), area)


COUNTRY_OF = {"GB_UKM": "GB"}
"""Countries whose load has another name than the country's code."""


def is_country(zone: str) -> bool:
    """Whether a zone is called as a country is: by two capital letters."""
    return re.fullmatch("[A-Z]{2}", zone) is not None


def zones_called(zones: Iterable[str], name: str, country: str = "") -> list[str]:
    """Find the zones that a name means: the zone of this name, or else of a name like it.

    ``national`` means Germany's load, too, in files that have it as ``DE``; ``country`` is the code
    of the country whose load ``NATIONAL`` is.
    """
    known, own = list(zones), canonical_zone(name)
    country_of = {NATIONAL: country, **COUNTRY_OF}
    like: tuple[Callable[[str], bool], ...] = (
        lambda zone: zone == name,
        lambda zone: zone == own,
        lambda zone: canonical_zone(zone) == own,
        lambda zone: country_of.get(zone, "").casefold() == own.casefold(),
        lambda zone: name == NATIONAL and zone == GERMANY,
        lambda zone: zone.casefold() == name.casefold(),
    )
    for test in like:
        if found := [zone for zone in known if test(zone)]:
            return found
    return []


def listed(zones: Iterable[str], most: int = 10) -> str:
    """Write zones in a line, the first ``most`` and how many more there are."""
    names = list(zones)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


_PARTS = {
    "DE": GERMAN_ZONES,
    "DE_LU": ("DE", "LU", *GERMAN_ZONES),
    "DE_AT_LU": ("DE", "AT", "LU", *GERMAN_ZONES),
    **dict.fromkeys(("GB", "UK", "GB_UKM"), ("GB_GBN", "GB_NIR")),
    "IE_sem": ("IE", "GB_NIR"),
    "IE_SEM": ("IE", "NIE"),
}
"""Parts of zones of which the names do not say it, as those of ``NO`` and ``NO_1`` do."""


def overlap(zones: Iterable[str]) -> tuple[str, str] | None:
    """Find two zones of a collection that have load in common, so that it would count twice."""
    names = sorted(zones)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            mine, others = _all(one), _all(other)
            if any(_contains(a, b) or _contains(b, a) for a in mine for b in others):
                return one, other
    return None


def _all(zone: str) -> tuple[str, ...]:
    """A zone's code in one spelling, and its parts: ``NO_1`` for ``NO1``, ``NO`` for ``X (NO)``."""
    code = re.sub(r"^([A-Z]{2})(\d+)$", r"\1_\2", zone.replace("-", "_"))
    if found := re.search(r"\(([A-Z]{2})\)$", zone):
        code = found[1]
    return (code, *_PARTS.get(code, ()))


def _contains(whole: str, part: str) -> bool:
    return whole == part or (part.startswith(f"{whole}_") and part not in _PARTS)
