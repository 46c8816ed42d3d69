"""What publishers call zones, and what we call them; which zones contain others."""

from collections.abc import Iterable

from gridstress.datasets.series import NATIONAL

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
    "de": NATIONAL,
    "de-lu": NATIONAL,
    "germany (de)": NATIONAL,
    "germany": NATIONAL,
    "deutschland": NATIONAL,
    "national": NATIONAL,
}


def canonical_zone(name: str) -> str:
    """Map ``CTA|DE(50Hertz)`` or ``tennet`` to our zone name, ``BZN|DE-LU`` to ``national``.

    Luxembourg is about 1 % of the bidding zone DE-LU; the zone of 2018 that also held Austria
    (DE-AT-LU) is not Germany. Names we do not know lose only their area type (``BZN|FR``: FR).
    """
    area = name.rpartition("|")[2].strip()
    return _ZONE_OF.get(area.lower(), area)


_PARTS = {
    "DE": GERMAN_ZONES,
    "DE_LU": ("DE", "LU", *GERMAN_ZONES),
    "DE_AT_LU": ("DE", "AT", "LU", *GERMAN_ZONES),
    "GB_UKM": ("GB_GBN", "GB_NIR"),
    "IE_sem": ("IE", "GB_NIR"),
}
"""Parts of zones of which the names do not say it, as those of ``NO`` and ``NO_1`` do."""

COUNTRY_OF = {"GB_UKM": "GB"}
"""Countries whose load has another name than the country's code."""


def overlap(zones: Iterable[str]) -> tuple[str, str] | None:
    """Find two zones of which one contains the other, so that load would be counted twice."""
    names = sorted(zones)
    for whole in names:
        for part in names:
            named_so = part.startswith(f"{whole}_") and part not in _PARTS
            if named_so or part in _PARTS.get(whole, ()):
                return whole, part
    return None
