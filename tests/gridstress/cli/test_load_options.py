"""The options for reading a load file are the same in every command that reads one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gridstress.cli import app
from gridstress.cli.load_options import OPTION_NAMES, LoadOptions, with_load_options
from topology.errors import DataError, UsageError

run = CliRunner()
HOURS = 12


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parsed(*arguments: str) -> LoadOptions:
    """What a command is given for these arguments."""
    found: list[LoadOptions] = []

    @with_load_options
    def command(*, reading: LoadOptions) -> None:
        found.append(reading)

    typer.main.get_command(_only(command)).main(list(arguments), standalone_mode=False)
    return found[0]


def _only(command: Callable[..., None]) -> typer.Typer:
    made = typer.Typer()
    made.command()(command)
    return made


def test_options_are_handed_on_as_they_were_given() -> None:
    given = [
        "--zone", "-a b", "--map", "A,B=x", "--map", "C=y", "--resolution", "15min",
        "--on-gap", "fail", "--time-column", "day", "--time-column", "hour", "--timezone", "UTC",
        "--time-format=%d=%m", "--interval-start", "--decimal-comma", "--unit", "GW",
    ]  # fmt: skip
    reading = parsed(*given)
    assert reading.interval_end is False
    assert reading.map == ["A,B=x", "C=y"]
    assert parsed(*reading.arguments()) == reading
    assert parsed(*parsed("--interval-end").arguments()).interval_end is True
    assert parsed().arguments() == []


def smard(quarters: int = 4 * HOURS) -> None:
    rows = (f"01.01.2024 {q // 4:02}:{q % 4 * 15:02};x;{250 + q}" for q in range(quarters))
    Path("smard.csv").write_text("\n".join(["Datum von;Datum bis;Netzlast [MWh]", *rows]), "utf-8")


def table() -> None:
    rows = (f"{1 + hour // 24:02}/01/2024 {hour % 24:02}:00;TenneT;1.500,5" for hour in range(24))
    Path("mine.csv").write_text("\n".join(["wann;wo;kW", *rows]), "utf-8")


COLUMNS = ["--time-column", "wann", "--value-column", "kW", "--zone-column", "wo"]
FORM = ["--unit", "kW", "--time-format", "%d/%m/%Y %H:%M", "--decimal-comma"]


@pytest.mark.parametrize("command", [["replay"], ["compare"], ["data", "show"], ["up"]])
def test_every_command_that_reads_a_load_has_all_of_them(command: list[str]) -> None:
    found = typer.main.get_command(app)
    for word in command:
        found = found.commands[word]  # type: ignore[attr-defined]
    assert set(OPTION_NAMES) <= {one.name for one in found.params}


def test_compare_takes_the_zone_of_a_file_that_does_not_name_it() -> None:
    smard()
    quick = ["--no-sweep", "--no-physics", "--json"]
    with pytest.raises(UsageError, match="which zone it is of"):
        run.invoke(app, ["compare", "smard.csv", *quick], catch_exceptions=False)
    done = run.invoke(app, ["compare", "smard.csv", "--zone", "TenneT", *quick])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["run"] == "smard"


def frames(*options: str) -> list[dict]:
    options = ("--output", "frames.jsonl", "--run", "r", *options)
    done = run.invoke(app, ["replay", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in Path("frames.jsonl").read_text().splitlines()]


def test_replay_averages_to_hours_unless_an_option_says_otherwise() -> None:
    smard()
    of_tennet = ["smard.csv", "--zone", "TenneT"]
    assert {one["period_s"] for one in frames(*of_tennet)} == {3600}
    assert {one["period_s"] for one in frames(*of_tennet, "--resolution", "15min")} == {900}


def test_every_command_sums_zones_into_those_of_the_grid() -> None:
    rows = (f"2024-01-0{1 + h // 24}T{h % 24:02}:00Z,{z},100" for h in range(48) for z in "ABC")
    Path("load.csv").write_text("\n".join(["timestamp,zone,load_mw", *rows]))
    arguments = ["load.csv", "--map", "A,B=TenneT", "--map", "C=Amprion"]
    with pytest.raises(DataError, match="no zone 'A', 'B', 'C'"):
        frames("load.csv")
    sent = {one["zone"]: sum(one["load_mw"][0]) for one in frames(*arguments) if one["nodes"]}
    assert {zone: round(mw) for zone, mw in sent.items()} == {"TenneT": 200, "Amprion": 100}
    shown = json.loads(run.invoke(app, ["data", "show", *arguments, "--json"]).stdout)
    assert {one["zone"]: one["mean_mw"] for one in shown["zones"]} == {
        "TenneT": 200,
        "Amprion": 100,
    }
    compared = run.invoke(app, ["compare", *arguments, "--no-sweep", "--no-physics", "--json"])
    assert compared.exit_code == 0, compared.output


def test_zones_of_the_mapping_file_are_checked_like_those_of_the_option() -> None:
    rows = (f"2024-01-01T{h:02}:00Z,A,100" for h in range(3))
    Path("load.csv").write_text("\n".join(["timestamp,zone,load_mw", *rows]))
    Path("load.csv.mapping.toml").write_text('[zones]\nA = "Q"\n')
    with pytest.raises(UsageError, match="makes zone 'Q', which grid 'germany"):
        frames("load.csv")


def own_grid(*zones: str) -> None:
    """A grid of these zones, one node each."""
    nodes = [
        {"id": zone, "name": zone, "lat": 0, "lon": i, "zone": zone, "share": 1, "rating_mw": 10,
         "sensitivity": 0.8}
        for i, zone in enumerate(zones)
    ]  # fmt: skip
    grid = {"name": "mine", "nodes": nodes, "lines": []}
    if len(zones) > 1:
        grid["zone_shares"] = dict.fromkeys(zones, 1 / len(zones))
    Path("mine.json").write_text(json.dumps(grid))


def bundled(*options: str) -> tuple[set[str], str]:
    """Zones of the bundled year's first hours on ``mine.json``, and what was said."""
    short = ["--until", "2025-01-01T02:00", "--output", "o.jsonl", "--run", "r"]
    arguments = ["replay", "--topology", "mine.json", *short, *options]
    done = run.invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in Path("o.jsonl").read_text().splitlines()]
    return {one["zone"] for one in rows if one["nodes"]}, done.stderr


def test_a_grid_of_other_zones_gets_a_synthetic_year_of_its_own() -> None:
    own_grid("north", "Amprion")
    zones, said = bundled()
    assert zones == {"north", "Amprion"}
    assert "the bundled year does not fit grid 'mine'" in said
    assert "(Amprion, north), scaled so that 3% of the node-hours" in said
    own_grid("north")
    assert bundled("--map", "TenneT,Amprion=north")[0] == {"north"}
    assert "note:" not in bundled("--map", "TenneT,Amprion=north")[1]


def test_a_grid_of_some_german_zones_gets_their_part_of_the_bundled_year() -> None:
    own_grid("Amprion", "TenneT")
    zones, said = bundled()
    assert zones == {"Amprion", "TenneT"}
    assert "note:" not in said
    assert "data: Synthetic load, from statistics" in said


def test_the_year_for_another_grid_follows_the_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    own_grid("north")
    bundled()
    high = json.loads(Path("o.jsonl").read_text().splitlines()[0])["load_mw"][0][0]
    monkeypatch.setenv("GRIDSTRESS_STRESS_THRESHOLD", "0.425")
    bundled()
    low = json.loads(Path("o.jsonl").read_text().splitlines()[0])["load_mw"][0][0]
    assert low == pytest.approx(high / 2, abs=0.001)


def test_a_mapped_file_is_replayed_and_shown() -> None:
    table()
    found = frames("mine.csv", *COLUMNS, *FORM, "--timezone", "Europe/Berlin")
    assert {one["zone"] for one in found if one["timestamps"]} >= {"TenneT"}
    arguments = ["data", "show", "mine.csv", *COLUMNS, *FORM, "--timezone", "UTC", "--json"]
    shown = json.loads(run.invoke(app, arguments).stdout)
    assert shown["format"] == "columns as the mapping names them"
    assert shown["zones"][0]["mean_mw"] == 1.5


def test_a_mapping_beside_the_file_is_used_and_announced() -> None:
    table()
    Path("mine.csv.mapping.toml").write_text(
        'time_column = "wann"\nvalue_column = "kW"\nzone_column = "wo"\nunit = "kW"\n'
        'time_format = "%d/%m/%Y %H:%M"\ndecimal_comma = true\ntimezone = "UTC"\n'
    )
    done = run.invoke(app, ["data", "show", "mine.csv"])
    assert done.exit_code == 0, done.output
    assert "2024-01-01T00:00:00Z to 2024-01-02T00:00:00Z" in done.stdout
    assert "columns as mine.csv.mapping.toml names them" in done.stderr


def test_show_can_average_and_refuse_gaps() -> None:
    smard()
    arguments = ["data", "show", "smard.csv", "--zone", "TenneT", "--json"]
    assert json.loads(run.invoke(app, arguments).stdout)["period_s"] == 900
    averaged = run.invoke(app, [*arguments, "--resolution", "1h"])
    assert json.loads(averaged.stdout)["period_s"] == 3600
    Path("smard.csv").write_text(Path("smard.csv").read_text().replace(";255", ";-"))
    with pytest.raises(DataError, match="1 values are missing"):
        run.invoke(app, [*arguments, "--on-gap", "fail"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "show", "mine.csv", "--timezone", "Mars"], "no time zone 'Mars'"),
        (["data", "show", "mine.csv", "--time-format", "%d"], "'%d' is not a format"),
        (["data", "show", "synthetic", "--unit", "kW"], "the columns of synthetic are known"),
        (["compare", "--run", "x", "--zone", "A"], "how a load file is read"),
        (["replay", "--archive", "x", "--unit", "kW"], "--unit does not go with it"),
        (["replay", "--archive", "x", "--map", "A=B"], "--map does not go with it"),
        (["replay", "mine.csv", "--map", "A"], "--map 'A' is not written ZONE,ZONE=ZONE"),
        (["replay", "--map", "TenneT=north"], "zone 'north', which grid"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: list[str], message: str) -> None:
    table()
    with pytest.raises(UsageError, match=message):
        run.invoke(app, arguments, catch_exceptions=False)
