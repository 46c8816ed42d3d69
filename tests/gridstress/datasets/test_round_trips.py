"""What a publisher would write of a known series, read back, is that series; clock changes too."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridstress.datasets.reading import read_load
from tests.support import examples

ZONES = ["50Hertz", "Amprion"]
AREAS = {"50Hertz": "CTA|DE(50Hertz)", "Amprion": "CTA|DE(Amprion)"}
SPRING = pd.Timestamp("2024-03-30T20:00Z")
AUTUMN = pd.Timestamp("2024-10-26T20:00Z")


def labels(index: pd.DatetimeIndex, step: pd.Timedelta, clock: str) -> list[tuple[str, str, str]]:
    """Start, end and zone abbreviation of each period on a clock."""
    local = index.tz_convert(clock)
    ends = (index + step).tz_convert(clock)
    return [
        (f"{a:%d/%m/%Y %H:%M:%S}", f"{b:%d/%m/%Y %H:%M:%S}", f"{a:%Z} {b:%Z}")
        for a, b in zip(local, ends, strict=True)
    ]


def is_autumn(label: str, marks: str) -> bool:
    return label[:5] in ("26/10", "27/10", "28/10") and (
        "02:" in label or len(set(marks.split())) > 1
    )


def entsoe(values: pd.DataFrame, step: pd.Timedelta, clock: str) -> str:
    head = "MTU (UTC)" if clock == "UTC" else "MTU (CET/CEST)"
    lines = [f'"{head}","Area","Actual Total Load (MW)","Day-ahead Total Load Forecast (MW)"']
    for zone in values:
        for (a, b, marks), value in zip(
            labels(values.index, step, clock), values[zone], strict=True
        ):
            first, second = marks.split()
            if clock != "UTC" and is_autumn(a, marks):
                a, b = f"{a} ({first})", f"{b} ({second})"
            text = "" if np.isnan(value) else f"{value:.2f}"
            lines.append(f'"{a} - {b}","{AREAS[zone]}","{text}","1.0"')
    return "\n".join(lines) + "\n"


def old_entsoe(values: pd.DataFrame, step: pd.Timedelta) -> str:
    head = ['"Time (CET/CEST)"']
    for zone in values:
        head += [f'"Day-ahead Total Load Forecast [MW] - {AREAS[zone]}"']
        head += [f'"Actual Total Load [MW] - {AREAS[zone]}"']
    lines = [",".join(head)]
    for (a, b, _), row in zip(
        labels(values.index, step, "Europe/Berlin"), values.to_numpy(), strict=True
    ):
        a, b = a[:-3].replace("/", "."), b[:-3].replace("/", ".")
        if a == "31.03.2024 03:00" and step == pd.Timedelta("1h"):
            lines.append('"31.03.2024 02:00 - 31.03.2024 03:00"' + ',"","-"' * len(row))
        cells = "".join(f',"1","{"N/A" if np.isnan(v) else f"{v:.2f}"}"' for v in row)
        lines.append(f'"{a} - {b}"{cells}')
    return "\n".join(lines) + "\n"


def smard(values: pd.DataFrame, step: pd.Timedelta, language: str) -> str:
    hours = step / pd.Timedelta("1h")
    heads = {
        "de": "Datum von;Datum bis;Netzlast [MWh] Originalauflösungen;Residuallast [MWh]",
        "en": "Start date;End date;grid load [MWh] Calculated resolutions;Residual load [MWh]",
    }
    form = {"de": "%d.%m.%Y %H:%M", "en": "%b %-d, %Y %-I:%M %p"}[language]
    lines = ["\ufeff" + heads[language]]
    local = values.index.tz_convert("Europe/Berlin")
    for moment, value in zip(local, values.iloc[:, 0], strict=True):
        text = "-" if np.isnan(value) else f"{value * hours:,.4f}"
        if language == "de":
            text = text.translate(str.maketrans(",.", ".,"))
        lines.append(f"{moment.strftime(form)};an end that is wrong;{text};1")
    return "\r\n".join(lines) + "\r\n"


def plain(values: pd.DataFrame, step: pd.Timedelta) -> str:
    lines = ["zone,timestamp,load_mw"]
    for moment, row in values.iterrows():
        for zone, value in row.items():
            text = "" if np.isnan(value) else f"{value:.2f}"
            lines.append(f"{zone},{moment.isoformat()},{text}")
    return "\n".join(lines) + "\n"


WRITERS = {
    "ENTSO-E in UTC": lambda v, s: entsoe(v, s, "UTC"),
    "ENTSO-E on the wall clock": lambda v, s: entsoe(v, s, "Europe/Berlin"),
    "older ENTSO-E": old_entsoe,
    "SMARD in German": lambda v, s: smard(v, s, "de"),
    "SMARD in English": lambda v, s: smard(v, s, "en"),
    "plain CSV": plain,
}


def round_trip(name: str, values: pd.DataFrame, step: pd.Timedelta) -> None:
    of_one_zone = name.startswith("SMARD")
    written = values[ZONES[:1]] if of_one_zone else values
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a name that says nothing"
        path.write_text(WRITERS[name](written, step), encoding="utf-8")
        read = read_load(path, zone=ZONES[0] if of_one_zone else None)
    assert read.period_s == step.total_seconds()
    pd.testing.assert_frame_equal(
        read.values, written, check_freq=False, check_names=False, check_index_type=False, rtol=1e-9
    )


def series(start: pd.Timestamp, rows: int, step: pd.Timedelta, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.date_range(start, periods=rows, freq=step)
    return pd.DataFrame(rng.integers(1, 3_000_000, (rows, 2)) / 100, index, ZONES)


@pytest.mark.parametrize("step", [pd.Timedelta("1h"), pd.Timedelta("15min")])
@pytest.mark.parametrize("start", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize("name", WRITERS)
def test_every_format_reads_back_over_a_clock_change(
    name: str, start: pd.Timestamp, step: pd.Timedelta
) -> None:
    round_trip(name, series(start, int(pd.Timedelta("12h") / step), step), step)


@pytest.mark.parametrize("name", WRITERS)
@examples.part(0.3)
@given(
    day=st.integers(0, 364),
    days=st.integers(1, 4),
    seed=st.integers(0, 99),
    quarters=st.booleans(),
    holes=st.sets(st.integers(1, 22), max_size=6),
)
def test_every_format_reads_back_on_any_day_with_values_missing(
    name: str, day: int, days: int, seed: int, quarters: bool, holes: set[int]
) -> None:
    step = pd.Timedelta("15min" if quarters else "1h")
    start = pd.Timestamp("2024-01-01", tz="Europe/Berlin") + pd.DateOffset(days=day)
    values = series(start.tz_convert("UTC"), int(pd.Timedelta(days=days) / step), step, seed)
    values.iloc[list(holes)] = np.nan
    round_trip(name, values, step)
