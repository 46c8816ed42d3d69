import pytest

from gridstress.runtime.app import GridstressApp
from gridstress.settings import load_settings
from topology.grid import Grid, Node


def grid_of(zone_nodes: int) -> Grid:
    nodes = [Node(f"n{i:05}", "", 0, 0, "large", 1.0, 1.0, 1.0) for i in range(zone_nodes)]
    return Grid("test", (Node("other", "", 0, 0, "small", 1.0, 1.0, 1.0), *nodes), ())


@pytest.mark.parametrize(("zone_nodes", "frames"), [(1, 128), (6_000, 128), (40_000, 20)])
def test_a_stream_holds_fewer_frames_of_very_large_zones(zone_nodes: int, frames: int) -> None:
    app = GridstressApp(load_settings(), grid_of(zone_nodes))
    assert app.conf.stream_buffer_maxsize == frames
