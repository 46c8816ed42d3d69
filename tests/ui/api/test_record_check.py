"""What others write into our topics is shown only if it fits the grid."""

from typing import Any

import msgspec
import pytest

from tables.shard_view import ShardView
from tests.fuzz.seeds import results
from topology.codec import decode
from topology.errors import MessageError
from topology.grid import Grid
from topology.messages import RiskWindow, WindowHead
from ui.api.record_check import RecordValidator

WINDOW, _, _, VIEW = (tagged[1:] for tagged in results()[:4])


@pytest.fixture
def shape(triangle: Grid) -> RecordValidator:
    return RecordValidator(triangle, ["linear"], 1)


def test_what_fits_is_let_in(shape: RecordValidator) -> None:
    shape.check_head(decode(WINDOW, WindowHead), "linear", 0)
    shape.check_window(decode(WINDOW, RiskWindow))
    shape.check_view(msgspec.json.decode(VIEW, type=ShardView))


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"shard": 1},
        {"shard": -1},
        {"stress": [1, "", ""]},
        {"risk": [4, "", ""]},
        {"stress": [3, "AAAAAA==", "AAAAAAAA+H8="]},
        {"level": [0, 1, 4]},
        {"open_episodes": [[3, 1e9, 0.5]]},
        {"open_episodes": [[-1, 1e9, None]]},
        {"watermark_s": 1e15},
        {"closed_until_s": -(10**12)},
        {"panes": [{"start_s": 0, "stress": [1, "", ""], "source_stress": [3, "", ""]}]},
        {"panes": [{"start_s": 0, "stress": [3, "", ""], "source_stress": [2, "", ""]}]},
        {"panes": [{"start_s": 0, "stress": [3, "", ""], "source_stress": [3, "AAAA", ""]}]},
    ],
)
def test_a_view_of_another_grid_is_refused(shape: RecordValidator, changes: dict[str, Any]) -> None:
    view = msgspec.json.encode(msgspec.json.decode(VIEW) | changes)
    with pytest.raises(MessageError, match="run 'r'"):
        shape.check_view(msgspec.json.decode(view, type=ShardView))


@pytest.mark.parametrize(
    ("changes", "model", "shard"),
    [({}, "centrality", 0), ({"shard": 1}, "linear", 0), ({"risk": [0.5] * 4}, "linear", 0)],
)
def test_a_window_of_another_place_or_size_is_refused(
    shape: RecordValidator, changes: dict[str, Any], model: str, shard: int
) -> None:
    raw = msgspec.json.encode(msgspec.json.decode(WINDOW) | changes)
    with pytest.raises(MessageError, match="run 'r'"):
        shape.check_head(decode(raw, WindowHead), model, shard)


def test_a_window_of_another_grid_is_refused(shape: RecordValidator) -> None:
    window = decode(WINDOW.replace(b'"c"', b'"x"'), RiskWindow)
    with pytest.raises(MessageError, match="run 'r'"):
        shape.check_window(window)
