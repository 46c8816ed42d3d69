from itertools import pairwise
from math import cos, radians

import msgspec
import pytest

from tests.ui import literal_api
from ui.dashboard.figures.map import line_width, map_figure, trace_positions
from ui.dashboard.figures.map_nodes import (
    FAINT,
    Against,
    difference_values,
    foremost,
    letter_values,
    node_values,
)
from ui.dashboard.figures.outline import GERMANY
from ui.dashboard.figures.timeline import GRID_DAY, time_axis, timeline_figure, timeline_points
from ui.dashboard.figures.windows import windows_figure
from ui.dashboard.style.theme import (
    DARK,
    LIGHT,
    NIGHT_SCALE,
    RISK_SCALE,
    ink_on,
    luminance,
    palette,
    scale_colour,
)
from ui.schema.grid import GridInfo
from ui.schema.views import Alert, GridState, NodeDetail

NOW = 1e9
GRID = msgspec.convert(literal_api.GRID, GridInfo)
NAMES = {node.id: node.name for node in GRID.nodes}


def state_of(model="linear", **changes):
    return msgspec.convert(literal_api.state(model) | changes, GridState)


def alert_of(**changes):
    return msgspec.convert(literal_api.alert(**changes), Alert)


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_risk_scale_darkens_all_the_way_so_that_no_eye_needs_the_hue():
    shades = [luminance(scale_colour(step / 100)) for step in range(101)]
    assert all(darker < lighter for lighter, darker in pairwise(shades))
    assert [stop for stop, _ in RISK_SCALE][:: len(RISK_SCALE) - 1] == [0.0, 1.0]


@pytest.mark.parametrize("risk", [step / 20 for step in range(21)])
def test_letters_are_readable_on_every_shade(risk):
    colour = scale_colour(risk)
    assert contrast(colour, ink_on(colour)) >= 4


def test_nodes_carry_their_own_values_whatever_order_the_state_has():
    turned = state_of(
        nodes=["wendlingen", "diele", "krummel"],
        risk=[0.83, 0.0, 0.31],
        stress=[1.77, 0.0, 0.37],
        level=["HIGH", "", ""],
        load_mw=[690.0, 301.0, 262.5],
    )
    assert node_values(GRID, turned) == node_values(GRID, state_of())
    values = node_values(GRID, turned)
    assert values["risk"] == [0.0, 0.31, 0.83]
    assert letter_values(values)["letter"] == ["H"]
    assert letter_values(values)["y"] == [48.68]
    assert values["hover"][2] == (
        "risk 0.83 · HIGH alarm open<br>stress 1.77 h<br>690 MW, 99 % of rating"
    )


def test_nodes_outside_of_the_zone_that_is_chosen_are_faint():
    assert node_values(GRID, state_of(), "TenneT")["opacity"] == [1, FAINT, FAINT]
    assert node_values(GRID, state_of())["opacity"] == [1, 1, 1]


def test_without_a_state_all_nodes_are_at_rest():
    values = node_values(GRID, None)
    assert values["risk"] == [0.0, 0.0, 0.0]
    assert values["opacity"] == [FAINT] * 3
    assert set(values["hover"]) == {"no data at this time"}
    assert letter_values(foremost(values))["letter"] == []


def test_a_difference_is_coloured_from_less_to_more_and_the_largest_is_on_top():
    before = state_of(risk=[0.9, 0.31, 0.8], level=["CRITICAL", "", "HIGH"])
    values = difference_values(GRID, before, state_of())
    assert values["risk"] == [-0.9, 0.0, 0.03]
    assert values["hover"][0] == "risk 0.90, then 0.00<br>difference −0.90"
    assert values["size"][0] > values["size"][2] > values["size"][1]
    assert foremost(values)["id"] == ["krummel", "wendlingen", "diele"]
    assert letter_values(values)["letter"] == []
    figure = map_figure(GRID, state_of(), against=Against(before))
    marker = figure.data[trace_positions(GRID)["nodes"]].marker
    assert (marker.cmin, marker.cmax) == (-1, 1)
    assert marker.colorbar.title.text == "difference"
    missing = map_figure(GRID, None, against=Against(before))
    assert missing.data[trace_positions(GRID)["nodes"]].marker.opacity == (FAINT,) * 3


def test_lines_thicken_with_the_voltage_within_bounds():
    assert line_width(1) < line_width(220) < line_width(380) < line_width(10_000) <= 5


def test_the_map_draws_every_node_and_every_line_in_its_place():
    figure = map_figure(GRID, state_of(), "diele")
    where = trace_positions(GRID)
    nodes = figure.data[where["nodes"]]
    assert (nodes.name, list(nodes.customdata)) == ("nodes", ["diele", "krummel", "wendlingen"])
    assert "others" not in where
    assert (nodes.x[0], nodes.y[0]) == (7.31, 53.13)
    selected = figure.data[where["selected"]]
    assert (list(selected.x), list(selected.y)) == ([7.31], [53.13])
    lines = {trace.name: trace for trace in figure.data if trace.name.endswith("kV")}
    assert lines["380 kV"].x == (7.31, 10.41, None)
    assert lines["220 kV"].line.width < lines["380 kV"].line.width


def test_the_map_keeps_the_users_zoom_and_the_shape_of_the_country():
    figure = map_figure(GRID, state_of())
    assert figure.layout.uirevision == map_figure(GRID, None).layout.uirevision == "germany"
    south, north = figure.layout.yaxis.range
    assert figure.layout.yaxis.scaleratio == pytest.approx(1 / cos(radians((south + north) / 2)))


def test_a_grid_elsewhere_is_drawn_without_germanys_outline():
    other = msgspec.structs.replace(GRID, name="case9")
    figure = map_figure(other, state_of())
    assert figure.data[0].name.endswith("kV")
    assert figure.data[trace_positions(other)["nodes"]].name == "nodes"


def test_the_outline_is_closed_and_where_germany_is():
    assert GERMANY[0] == GERMANY[-1]
    assert all(5.8 < lon < 15.1 and 47.2 < lat < 55.1 for lon, lat in GERMANY)


def test_the_map_needs_nothing_from_outside():
    kinds = {trace.type for trace in map_figure(GRID, state_of()).data}
    assert kinds == {"scatter"}


def test_the_timeline_shows_the_last_ten_minutes_only():
    inside, outside = alert_of(received_at=NOW - 599), alert_of(received_at=NOW - 601)
    points = timeline_points([inside, outside], NAMES, NOW)
    assert points["x"] == [NOW - 599]
    low, high = time_axis(NOW)["range"]
    assert low < NOW - 600
    assert high > NOW


def test_an_alerts_place_and_mark_tell_level_and_state_without_colour():
    points = timeline_points(
        [
            alert_of(received_at=NOW - 1, level="CRITICAL", status="ESCALATED"),
            alert_of(received_at=NOW - 100, level="WARNING", status="CLEARED"),
        ],
        NAMES,
        NOW,
    )
    assert points["y"] == [0, 2]
    assert points["symbol"] == ["circle-open", "diamond"]
    assert "Wendlingen" in points["hover"][1]
    assert "mostly from Krümmel (60%)" in points["hover"][1]


def test_alerts_that_come_together_do_not_hide_each_other_nor_leave_their_lane():
    crowd = [alert_of(received_at=NOW - 30) for _ in range(20)]
    places = timeline_points(crowd, NAMES, NOW)["y"]
    assert len(set(places)) == 20
    assert all(0.5 < place < 1.5 for place in places)


def test_an_empty_timeline_still_has_its_lanes():
    figure = timeline_figure([], NAMES, NOW)
    assert list(figure.layout.yaxis.ticktext) == ["WARNING", "HIGH", "CRITICAL"]
    assert len(figure.layout.xaxis.ticktext) == len(figure.layout.xaxis.tickvals)


def test_a_nodes_windows_are_drawn_against_the_levels():
    detail = msgspec.convert(literal_api.node("wendlingen"), NodeDetail)
    figure = windows_figure(detail.windows, GRID.settings.levels, "wendlingen")
    assert figure.data[0].y == (0.39, 0.82)
    assert {shape.y0 for shape in figure.layout.shapes} == {0.5, 0.7, 0.9}
    assert figure.layout.uirevision == "wendlingen"


def test_on_a_dark_ground_the_risk_scale_lightens_all_the_way():
    shades = [luminance(scale_colour(step / 100, NIGHT_SCALE)) for step in range(101)]
    assert all(lighter > darker for darker, lighter in pairwise(shades))
    assert palette("dark").scale == NIGHT_SCALE
    assert palette(None) is LIGHT


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_and_levels_stand_out_from_their_card(colours):
    assert contrast(colours.card, colours.ink) >= 7
    assert contrast(colours.card, colours.muted) >= 4.5
    assert all(contrast(colours.card, level) >= 4.5 for level in colours.levels.values())


def test_a_grid_day_ends_at_the_time_in_the_data():
    end = 1547575200.0  # 2019-01-15 18:00 UTC
    found = alert_of(received_at=1)
    inside = msgspec.structs.replace(found, timestamp="2019-01-14T18:00:00Z")
    outside = msgspec.structs.replace(found, timestamp="2019-01-14T17:00:00Z")
    points = timeline_points([inside, outside], NAMES, end, GRID_DAY)
    assert points["x"] == [end - 86_400]
    axis = time_axis(end, GRID_DAY)
    assert (axis["ticktext"][0], axis["ticktext"][-1]) == ("14 Jan 18:00", "15 Jan 18:00")
