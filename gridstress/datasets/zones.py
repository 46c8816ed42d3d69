"""What publishers call the German control zones, and what we call them."""

from gridstress.datasets.series import NATIONAL

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
