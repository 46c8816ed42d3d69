"""Open Power System Data, package ``time_series``, single index."""

from gridstress.datasets.wide import WideTable
from gridstress.datasets.zones import GERMAN_ZONES, canonical_zone


def _zone(code: str) -> str:
    """The German control zones as we call them, all others as OPSD does: ``FR``, ``GB_GBN``."""
    control_zone = canonical_zone(code.removeprefix("DE_"))
    return control_zone if control_zone in GERMAN_ZONES else code


FORMAT = WideTable(
    "opsd",
    "Open Power System Data, time_series",
    "Open Power System Data, time_series 2020-10-06, from ENTSO-E Transparency",
    time="utc_timestamp",
    suffix="_load_actual_entsoe_transparency",
    zone_of=_zone,
)
