"""Each publisher's layout, and mapped tables: what is written of a known series is read back."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridstress.datasets.mapping import Mapping
from gridstress.datasets.reading import read_load
from gridstress.datasets.series import NATIONAL
from tests.support import examples
from topology.errors import DataError, UsageError

HOUR, HALF, QUARTER, FIVE = (pd.Timedelta(minutes=m) for m in (60, 30, 15, 5))
CHANGES = {
    "Europe": ("2024-03-31T01:00Z", "2024-10-27T01:00Z"),
    "New York": ("2024-03-10T07:00Z", "2024-11-03T06:00Z"),
    "Sydney": ("2024-10-05T16:00Z", "2024-04-06T16:00Z"),
}
"""When the clocks there are put forward and back."""

Writer = Callable[[pd.DataFrame, pd.Timedelta], str]


@dataclass(frozen=True)
class Form:
    """How a publisher writes a series; ``write`` is apart from what reads it."""

    write: Writer
    zones: tuple[str, ...]
    steps: tuple[pd.Timedelta, ...]
    where: str
    zone: str | None = None
    mapping: Mapping | None = None
    encoding: str = "utf-8"
    source: str = "csv"


def number(value: float, form: str = ".2f") -> str:
    return "" if np.isnan(value) else f"{value:{form}}"


def lines(head: str, rows: list[str], end: str = "\n") -> str:
    return end.join([head, *rows]) + end


def cells(values: pd.DataFrame) -> list[tuple[pd.Timestamp, str, float]]:
    """Time, zone and value, all zones of a time before the next."""
    return [(t, zone, row[zone]) for t, row in values.iterrows() for zone in values]


def eia(values: pd.DataFrame, step: pd.Timedelta) -> str:
    rows = []
    for t, zone, value in cells(values):
        utc, local = t + step, (t + step).tz_convert("America/New_York")
        stamp = "%m/%d/%Y %-I:%M:%S %p"
        demand = f'"{value:,.2f}"' if not np.isnan(value) else ""
        rows.append(
            f"{zone},{t:%m/%d/%Y},1,{local.strftime(stamp)},{utc.strftime(stamp)},1,{demand},2"
        )
    head = (
        "Balancing Authority,Data Date,Hour Number,Local Time at End of Hour,"
        "UTC Time at End of Hour,Demand Forecast (MW),Demand (MW),Net Generation (MW)"
    )
    return lines(head, rows)


def neso(values: pd.DataFrame, step: pd.Timedelta, date: str) -> str:
    rows = []
    for t, _, value in cells(values):
        local = t.tz_convert("Europe/London")
        period = (t - local.normalize()) // step + 1
        rows.append(f"{local.strftime(date).upper()},{period},{number(value)},9,8")
    return lines("SETTLEMENT_DATE,SETTLEMENT_PERIOD,ND,TSD,ENGLAND_WALES_DEMAND", rows)


def aemo(values: pd.DataFrame, step: pd.Timedelta) -> str:
    rows = [
        f"{zone},{(t + step).tz_convert('Etc/GMT-10'):%Y/%m/%d %H:%M:%S},{number(value)},9.5,TRADE"
        for t, zone, value in cells(values)
    ]
    return lines("REGION,SETTLEMENTDATE,TOTALDEMAND,RRP,PERIODTYPE", rows)


def nyiso(values: pd.DataFrame, step: pd.Timedelta) -> str:
    rows = []
    for t, zone, value in cells(values):
        local = t.tz_convert("America/New_York")
        rows.append(f'"{local:%m/%d/%Y %H:%M:%S}","{local:%Z}","{zone}",61757,{number(value)}')
    return lines('"Time Stamp","Time Zone","Name","PTID","Load"', rows, "\r\n")


def entsoe_py(values: pd.DataFrame, step: pd.Timedelta) -> str:
    frame = values.set_axis(["Actual Load"], axis="columns").tz_convert("Europe/Berlin")
    return frame.rename_axis(None).to_csv(float_format="%.2f")


def portal(values: pd.DataFrame, step: pd.Timedelta, time: str, zone: str) -> str:
    rows = []
    for t, name, value in cells(values):
        local = t.tz_convert("Europe/Paris")
        day = f"{local:%Y-%m-%d};{local:%H:%M}"
        rows.append(f"{name};Données;{day};{local.isoformat()};{number(value)};7")
        rows.append(f"{name};Données;{day};{(local + step / 2).isoformat()};;7")
    head = f"{zone};Nature;Date;Heure;{time};Consommation (MW);Nucléaire (MW)"
    return lines(head, rows)


def own_site(values: pd.DataFrame, step: pd.Timedelta, date: str) -> str:
    rows = []
    for t, _, value in cells(values):
        for at, text in ((t, number(value)), (t + step / 2, "")):
            local = at.tz_convert("Europe/Paris")
            rows.append(f"France\tDonnées\t{local.strftime(date)}\t{local:%H:%M}\t{text}\t7\t")
    head = "Périmètre\tNature\tDate\tHeures\tConsommation\tPrévision J-1"
    return lines(head, [*rows, "RTE ne pourra être tenu responsable de l'usage."])


def local_ends(values: pd.DataFrame, step: pd.Timedelta) -> str:
    """GWh-like table on a wall clock: end stamps, commas, day before month, in GW."""
    rows = []
    for t, zone, value in cells(values):
        local = (t + step).tz_convert("Europe/Madrid")
        text = number(value / 1000, ",.5f").translate(str.maketrans(",.", ".,"))
        rows.append(f"{zone};{local:%d/%m/%Y};{local:%H:%M};{text}")
    return lines("Zona;Fecha;Hora;Demanda", rows)


def energy(values: pd.DataFrame, step: pd.Timedelta) -> str:
    rows = [
        f"{t.tz_convert('Europe/Vienna').isoformat(sep=' ')},{number(value * (step / HOUR), '.6f')}"
        for t, _, value in cells(values)
    ]
    return lines("when,MWh", rows)


def kilowatts(values: pd.DataFrame, step: pd.Timedelta) -> str:
    rows = [
        f"{t.tz_convert('Etc/GMT+5'):%Y/%m/%d %H:%M}\t{number(value * 1000, '.0f')}"
        for t, _, value in cells(values)
    ]
    return lines("when\tkW", rows)


FRANCE, REGIONS = (NATIONAL,), ("Bretagne", "Grand Est")
LOCAL_ENDS = Mapping(
    time_column=("Fecha", "Hora"), value_column="Demanda", zone_column="Zona", unit="GW",
    timezone="Europe/Madrid", interval_end=True, time_format="%d/%m/%Y %H:%M", decimal_comma=True,
)  # fmt: skip

FORMS = {
    "EIA-930": Form(eia, ("CISO", "PJM"), (HOUR,), "New York", source="eia"),
    "NESO, dates with names of months": Form(
        lambda v, s: neso(v, s, "%d-%b-%Y"), (NATIONAL,), (HALF,), "Europe", source="neso"
    ),
    "NESO, ISO dates": Form(
        lambda v, s: neso(v, s, "%Y-%m-%d"), (NATIONAL,), (HALF,), "Europe", source="neso"
    ),
    "AEMO": Form(aemo, ("NSW1", "VIC1"), (HALF, FIVE), "Sydney", source="aemo"),
    "NYISO": Form(nyiso, ("CAPITL", "N.Y.C."), (FIVE,), "New York", source="nyiso"),
    "entsoe-py": Form(
        entsoe_py, ("FR",), (HOUR, QUARTER), "Europe", zone="FR", source="entsoe-py"
    ),
    "eCO2mix, France": Form(
        lambda v, s: portal(v.set_axis(["France"], axis=1), s, "Date et Heure", "Périmètre"),
        FRANCE, (HALF,), "Europe", source="eco2mix",
    ),
    "eCO2mix, regions": Form(
        lambda v, s: portal(v, s, "Date - Heure", "Région"),
        REGIONS, (HALF,), "Europe", source="eco2mix",
    ),
    "eCO2mix, RTE's own site": Form(
        lambda v, s: own_site(v, s, "%Y-%m-%d"),
        FRANCE, (HALF,), "Europe", encoding="latin-1", source="eco2mix",
    ),
    "eCO2mix, RTE's own site, other dates": Form(
        lambda v, s: own_site(v, s, "%d/%m/%Y"), FRANCE, (HALF,), "Europe", source="eco2mix"
    ),
    "mapped: ends on a wall clock, GW": Form(
        local_ends, ("Norte", "Sur"), (HOUR, QUARTER), "Europe", mapping=LOCAL_ENDS
    ),
    "mapped: MWh with offsets": Form(
        energy, ("AT",), (HOUR, QUARTER), "Europe", zone="AT",
        mapping=Mapping(time_column=("when",), value_column="MWh", unit="MWh"),
    ),
    "mapped: kW at a steady offset": Form(
        kilowatts, ("Lima",), (HOUR, QUARTER), "New York", zone="Lima",
        mapping=Mapping(
            time_column=("when",), value_column="kW", unit="kW", timezone="-05:00"
        ),
    ),
}  # fmt: skip
STEPS = [(name, step) for name, form in FORMS.items() for step in form.steps]


def series(form: Form, start: pd.Timestamp, rows: int, step: pd.Timedelta, seed: int = 0):
    rng = np.random.default_rng(seed)
    index = pd.date_range(start, periods=rows, freq=step)
    loads = rng.integers(1, 3_000_000, (rows, len(form.zones))) / 100
    return pd.DataFrame(loads, index, list(form.zones))


def round_trip(form: Form, values: pd.DataFrame, step: pd.Timedelta) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a name that says nothing"
        path.write_text(form.write(values, step), encoding=form.encoding)
        read = read_load(path, form.zone, form.mapping)
    assert read.period_s == step.total_seconds()
    assert read.source == form.source
    pd.testing.assert_frame_equal(
        read.values, values, check_freq=False, check_names=False, check_index_type=False, rtol=1e-12
    )


@pytest.mark.parametrize("change", [0, 1], ids=["forward", "back"])
@pytest.mark.parametrize(("name", "step"), STEPS)
def test_every_layout_reads_back_over_a_clock_change(
    name: str, step: pd.Timedelta, change: int
) -> None:
    form = FORMS[name]
    middle = pd.Timestamp(CHANGES[form.where][change])
    round_trip(form, series(form, middle - 6 * HOUR, int(12 * HOUR / step), step), step)


@pytest.mark.parametrize(("name", "step"), STEPS)
@examples.part(0.2)
@given(
    hour=st.integers(0, 8000), rows=st.integers(25, 60), seed=st.integers(0, 99),
    holes=st.sets(st.integers(1, 22), max_size=6),
)  # fmt: skip
def test_every_layout_reads_back_from_any_hour_with_values_missing(
    name: str, step: pd.Timedelta, hour: int, rows: int, seed: int, holes: set[int]
) -> None:
    form = FORMS[name]
    start = pd.Timestamp("2024-01-01T00:00Z") + hour * HOUR
    if form.mapping is LOCAL_ENDS or "own site" in name:
        # A wall clock needs both of the hours that it shows twice.
        start = start.normalize() + 3 * HOUR
        rows = int(24 * HOUR / step) * 2
    values = series(form, start, rows, step, seed)
    values.iloc[list(holes)] = np.nan
    round_trip(form, values, step)


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str, name: str = "some.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_nyiso_stamps_between_the_five_minutes_are_averaged_and_repeated_rows_count_once(
    write,
) -> None:
    rows = [
        ("00:00:00", 100), ("00:00:00", 100), ("00:02:30", 140), ("00:05:00", 200),
        ("00:10:00", 300), ("00:20:00", 500), ("00:25:00", 600),
    ]  # fmt: skip
    text = "".join(f'"01/02/2024 {t}","EST","WEST",1,{v}\n' for t, v in rows)
    head = '"Time Stamp","Time Zone","Name","PTID","Load"\n'
    read = read_load(write(head + text))
    assert read.start.isoformat() == "2024-01-02T05:00:00+00:00"
    found = read.values["WEST"].tolist()
    assert found[:3] == [120, 200, 300]
    assert np.isnan(found[3])
    assert found[4:] == [500, 600]
    with pytest.raises(DataError, match=r"twice for zone 'WEST', with different values"):
        read_load(write(head + text + '"01/02/2024 00:25:00","EST","WEST",1,601\n'))


def test_forecast_rows_of_neso_are_no_measurements(write) -> None:
    head = "SETTLEMENT_DATE,SETTLEMENT_PERIOD,ND,FORECAST_ACTUAL_INDICATOR,TSD\n"
    rows = "2024-08-01,1,21548,A,1\n2024-08-01,2,21176,A,1\n2024-08-01,3,0,F,0\n"
    assert read_load(write(head + rows)).values[NATIONAL].tolist() == [21548, 21176]


@pytest.mark.parametrize(
    ("day", "last", "count"),
    [("31-MAR-2024", 47, 46), ("28-OCT-2024", 49, 48), ("27-OCT-2024", 51, 50)],
)
def test_a_half_hour_that_a_day_does_not_have_is_refused(write, day, last, count) -> None:
    rows = "".join(f"{day},{period},1\n" for period in range(1, last + 1))
    with pytest.raises(DataError, match=f"row {last + 1}, .*which has 1 to {count}"):
        read_load(write("SETTLEMENT_DATE,SETTLEMENT_PERIOD,ND\n" + rows))


def test_one_half_hour_of_a_long_day_is_not_taken_for_another(write) -> None:
    rows = "".join(f"27-OCT-2024,{period},{period}\n" for period in range(1, 51))
    read = read_load(write("SETTLEMENT_DATE,SETTLEMENT_PERIOD,ND\n" + rows))
    assert read.start.isoformat() == "2024-10-26T23:00:00+00:00"
    assert read.values[NATIONAL].tolist() == list(range(1, 51))


def test_a_file_whose_period_changes_is_refused(write) -> None:
    ends = [
        *pd.date_range("2021-09-30 00:30", "2021-10-01 00:00", freq="30min"),
        *pd.date_range("2021-10-01 00:05", "2021-10-02 00:00", freq="5min"),
    ]
    rows = "".join(f"NSW1,{end:%Y/%m/%d %H:%M:%S},1,1,TRADE\n" for end in ends)
    with pytest.raises(DataError, match=r"every 30 min from .* one every 5 min") as error:
        read_load(write("REGION,SETTLEMENTDATE,TOTALDEMAND,RRP,PERIODTYPE\n" + rows))
    assert "split" in error.value.hint


EIA_HEAD = "Balancing Authority,UTC Time at End of Hour,Demand (MW)\n"
EIA_ROWS = "CISO,01/01/2024 8:00:00 AM,1\nCISO,01/01/2024 9:00:00 AM,2\n"


def test_an_option_changes_a_known_layout(write) -> None:
    path = write(
        EIA_HEAD.replace("\n", ",Demand (MW) (Adjusted)\n") + EIA_ROWS.replace("\n", ",7\n")
    )
    read = read_load(path, mapping=Mapping(value_column="Demand (MW) (Adjusted)"))
    assert read.values["CISO"].tolist() == [7, 7]
    assert read.start.isoformat() == "2024-01-01T07:00:00+00:00"


def test_parts_of_balancing_authorities_are_zones_of_their_own(write) -> None:
    head = "Balancing Authority,Sub-Region,UTC Time at End of Hour,Demand (MW)\n"
    rows = [
        f"CISO,{part},01/01/2024 {h}:00:00 AM,{h}\n" for h in (8, 9) for part in ("PGAE", "SCE")
    ]
    assert read_load(write(head + "".join(rows))).zones == ("PGAE", "SCE")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (EIA_HEAD + "CISO,2024-01-01 08:00,1\n", ["row 2", "01/31/2024 06:05:00 PM"]),
        (EIA_HEAD + EIA_ROWS + ",01/01/2024 10:00:00 AM,1\n", ["row 4", "names no zone"]),
        (EIA_HEAD + EIA_ROWS + "CISO,01/01/2024 9:00:00 AM,1\n", ["row 4", "twice"]),
        (
            EIA_HEAD + EIA_ROWS + "CISO,01/01/0001 9:00:00 AM,1\n",
            ["row 4", "of the years 1900 to 2199"],
        ),
        (EIA_HEAD + EIA_ROWS + 'CISO,01/01/2024 10:00:00 AM,"12,34"\n', ["row 4", "'12,34'"]),
        (EIA_HEAD + EIA_ROWS + "CISO,01/01/2024 10:00:00 AM,2147483647\n", ["1,000,000"]),
        (EIA_HEAD.replace("\n", ",Demand (MW)\n") + "C,x,1,1\n", ["row 1", "twice"]),
        (
            '"Time Stamp","Time Zone","Name","PTID","Load"\n"01/02/2024 00:00:00","PST","A",1,1\n',
            ["row 2", "'Time Zone'", "'PST'", "EST, EDT"],
        ),
        (
            "REGION,SETTLEMENTDATE,TOTALDEMAND\nNSW1,1/02/2024 0:30,1\n",
            ["row 2", "'1/02/2024 0:30'", "2024/01/31"],
        ),
        (
            "Périmètre\tDate\tHeures\tConsommation\nFrance\t2024-10-27\t02:00\t1\n"
            "France\t2024-10-27\t03:00\t1\n",
            ["row 2", "1 times", "twice"],
        ),
        ("Périmètre\tDate\tHeures\tConsommation\nFrance\t2024-10-27\t01:00\t1\t2\n", ["5 cells"]),
    ],
)
def test_an_odd_value_is_refused_with_its_place(write, text, names) -> None:
    path = write(text)
    with pytest.raises(DataError) as error:
        read_load(path)
    for name in [str(path), *names]:
        assert name in str(error.value)


def test_a_file_without_its_zone_needs_one(write) -> None:
    path = write(",Actual Load\n2024-01-01 00:00:00+01:00,1.0\n2024-01-01 01:00:00+01:00,2.0\n")
    with pytest.raises(UsageError, match="does not say which zone") as error:
        read_load(path)
    assert "--zone" in error.value.hint
    assert read_load(path, "FR").zones == ("FR",)
