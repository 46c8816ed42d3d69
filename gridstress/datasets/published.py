"""Layouts of load files that publishers offer, each recognised by its columns."""

from dataclasses import replace

from gridstress.datasets.layout import Layout
from gridstress.datasets.series import NATIONAL
from gridstress.datasets.stamps import ISO
from gridstress.datasets.table import LATIN, UTF8

EIA = Layout(
    "eia",
    "EIA-930, hourly demand of US balancing authorities",
    "U.S. Energy Information Administration, EIA-930",
    time=("UTC Time at End of Hour",),
    value="Demand (MW)",
    zone_column="Balancing Authority",
    time_formats=("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M"),
    timezone="UTC",
    interval_end=True,
)

EIA_SUBREGIONS = replace(EIA, zone_column="Sub-Region")
"""The file that has the larger balancing authorities in parts."""

NESO = Layout(
    "neso",
    "NESO, historic demand of Great Britain",
    "National Energy System Operator (NESO)",
    time=("SETTLEMENT_DATE",),
    value="ND",
    zone=NATIONAL,
    country="GB",
    time_formats=(ISO, "%d-%b-%Y"),
    timezone="Europe/London",
    half_hours="SETTLEMENT_PERIOD",
    skipped=("FORECAST_ACTUAL_INDICATOR", "F"),
)

AEMO = Layout(
    "aemo",
    "AEMO, price and demand of the Australian market's regions",
    "Australian Energy Market Operator (AEMO)",
    time=("SETTLEMENTDATE",),
    value="TOTALDEMAND",
    zone_column="REGION",
    time_formats=("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M"),
    timezone="+10:00",
    interval_end=True,
)

NYISO = Layout(
    "nyiso",
    "NYISO, real-time actual load (pal)",
    "New York Independent System Operator (NYISO)",
    time=("Time Stamp",),
    value="Load",
    zone_column="Name",
    time_formats=("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M"),
    offsets_column="Time Zone",
    offsets={"EST": -5, "EDT": -4},
    average_s=300,
)

ENTSOE_PY = Layout(
    "entsoe-py",
    "entsoe-py, load saved as CSV",
    "ENTSO-E Transparency Platform",
    time=("",),
    value="Actual Load",
    time_formats=(ISO,),
)

ECO2MIX = tuple(
    Layout(
        "eco2mix",
        "RTE eCO2mix, load of France or its regions",
        "RTE, eCO2mix",
        time=time,
        value=value,
        zone_column=zone,
        national="France",
        country="FR",
        time_formats=formats,
        timezone=clock,
        blank_is_absent=True,
        encodings=(UTF8, LATIN),
        footer="RTE ne pourra",
    )
    for zone in ("Périmètre", "Région")
    for time, value, formats, clock in (
        (("Date - Heure",), "Consommation (MW)", (ISO,), ""),
        (("Date et Heure",), "Consommation (MW)", (ISO,), ""),
        (
            ("Date", "Heures"),
            "Consommation",
            ("%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M"),
            "Europe/Paris",
        ),
    )
)
"""As the open-data portal has it, with offsets, and as RTE's own site has it, in local time."""

LAYOUTS: tuple[Layout, ...] = (
    EIA_SUBREGIONS,
    EIA,
    NESO,
    AEMO,
    NYISO,
    ENTSOE_PY,
    *ECO2MIX,
)
