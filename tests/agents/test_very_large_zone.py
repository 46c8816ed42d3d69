"""A row that is a frame of its own goes through all stages; the verifier agrees."""

import numpy as np

from agents.alarms import Thresholds
from agents.counters import StageCounters
from agents.dead_letters import DeadLetters
from agents.detection import Detection
from agents.kept_runs import KeptRuns
from agents.propagation import Propagation
from agents.risk import RiskModel
from agents.risk_stage import RiskStage
from gridstress.kafka.topics import MAX_RECORD_BYTES
from gridstress.settings import Settings
from gridstress.verify.compare import Observed, compare
from gridstress.verify.recompute import recompute
from tables.risk_table import RiskTable
from tables.windows import WindowSpec
from tests.support.frames import at, ended
from tests.support.memory import Event, Message, Table, Topic
from topology.codec import decode, encode
from topology.grid import Grid, Line, Node
from topology.messages import (
    MeasurementFrame,
    PropagatedFrame,
    RiskAlert,
    RiskWindow,
    StressFrame,
    row_slices,
)
from topology.models import MODELS, InfluenceParams

MODEL, SHARDS, HOURS, NODES = "linear", 2, 4, 31_000
SIZES = {"large": NODES, "small": 10}
SETTINGS = Settings(_env_file=None, models=MODEL, partitions=SHARDS, size_s=2 * 3600)  # type: ignore[call-arg]
IDS = {zone: [f"{zone}-{i:05}" for i in range(size)] for zone, size in SIZES.items()}


def ring() -> Grid:
    """Two zones in one ring, every node rated 100 MW."""
    ids = [node_id for zone in IDS for node_id in IDS[zone]]
    return Grid(
        "ring",
        tuple(
            Node(i, i, 50.0, 9.0, zone, 1 / SIZES[zone], 100.0, 0.8)
            for zone in IDS
            for i in IDS[zone]
        ),
        tuple(Line(a, b, 10.0, 380.0, 0.7) for a, b in zip(ids, ids[1:] + ids[:1], strict=True)),
        zone_shares={"large": 0.9, "small": 0.1},
    )


def measured(zone: str, hour: int) -> MeasurementFrame:
    loads = np.random.default_rng(hour).uniform(80.0, 95.0, SIZES[zone])
    return MeasurementFrame(
        run="r", zone=zone, seq=hour, timestamps=[at(hour)], nodes=IDS[zone],
        load_mw=[loads.tolist()],
    )  # fmt: skip


async def test_a_row_of_very_many_columns_counts_as_any_other() -> None:
    grid = ring()
    assert len(list(row_slices(2, NODES, int(grid.name_bytes.sum())))) == 2
    frames = [measured(zone, hour) for hour in range(HOURS) for zone in SIZES]
    frames += [ended(zone, HOURS, seq=HOURS) for zone in SIZES]
    influence = MODELS[MODEL].build(grid, InfluenceParams())
    detect, spread = (
        Detection(grid, SETTINGS.stress_threshold),
        Propagation(grid, influence, SHARDS),
    )
    spec = WindowSpec(SETTINGS.step_s, SETTINGS.size_s, SETTINGS.lateness_s, SETTINGS.max_ahead_s)
    model = RiskModel(MODEL, grid, influence, SHARDS, spec, Thresholds())
    windows, alerts, letters = Topic(), Topic(), Topic()
    table = RiskTable(Table(), len(grid.nodes), len(grid.zones))
    stages = [
        RiskStage(model, table, windows, alerts, DeadLetters(letters), StageCounters(), 0,
                  KeptRuns(model, table))
        for _ in range(SHARDS)
    ]  # fmt: skip
    for frame in frames:
        (stressed,) = detect(decode(encode(frame), MeasurementFrame))
        parts = list(spread(decode(encode(stressed), StressFrame)))
        assert [part.shard for part in parts] == list(range(SHARDS))
        assert all(decode(encode(part), PropagatedFrame).seq == frame.seq for part in parts)
        for part in parts:
            message = Message(f"propagated_stress_{MODEL}", part.shard, 0, b"", encode(part))
            assert await stages[part.shard]([Event(message)]) == 1
    assert not letters.sent
    sizes = [len(record["value"]) for record in (*windows.sent, *alerts.sent)]
    assert max(sizes) < MAX_RECORD_BYTES
    observed = Observed()
    observed.windows[MODEL] = [decode(record["value"], RiskWindow) for record in windows.sent]
    observed.alerts[MODEL] = [decode(record["value"], RiskAlert) for record in alerts.sent]
    outcomes = compare(recompute(frames, grid, SETTINGS), observed)
    assert all(outcome.ok for outcome in outcomes.values()), outcomes
    assert max(len(window.nodes) for window in observed.windows[MODEL]) > NODES // (SHARDS + 1)
