"""A grid of three nodes, frames for it, and an app that said exactly what it should."""

import numpy as np
from aiokafka import ConsumerRecord

from gridstress.settings import Settings
from gridstress.verify.compare import Observed
from gridstress.verify.compare_dead_letters import RowsDeadLetter
from gridstress.verify.compare_windows import OpenWindow, OpenWindows
from gridstress.verify.recompute import Recomputed
from topology.clock import to_datetime
from topology.grid import Grid, Line, Node
from topology.messages import MeasurementFrame, RiskWindow
from topology.shards import shard_of

HOUR = 3600
SETTINGS = Settings(
    _env_file=None, step_s=HOUR, size_s=2 * HOUR, lateness_s=HOUR, partitions=2, decay=0.7
)


def node(node_id: str, zone: str, sensitivity: float) -> Node:
    return Node(node_id, node_id, 50.0, 9.0, zone, 0.5, 100.0, sensitivity)


# a -0.5- b -0.8- c; a and b lie in North, c in South. Linear K by hand:
# a->b 0.5*0.8 = 0.4, b->a 0.5*1 = 0.5, b->c 0.8*0.5 = 0.4, c->b 0.8*0.8 = 0.64,
# a->c 0.4*0.4*0.7 = 0.112, c->a 0.64*0.5*0.7 = 0.224
GRID = Grid(
    "three",
    (node("a", "North", 1.0), node("b", "North", 0.8), node("c", "South", 0.5)),
    (Line("a", "b", 10, 380, 0.5), Line("b", "c", 10, 380, 0.8)),
)


def load(stress_per_hour: float) -> float:
    """The load (MW) that has this stress: L = R * (0.85 + 0.15 * stress)."""
    return 100.0 * (0.85 + 0.15 * stress_per_hour)


def frame(
    zone: str,
    seq: int,
    hours: list[float],
    loads: list[list[float]],
    *,
    nodes: list[str] | None = None,
    period_s: int = HOUR,
    final: bool = False,
    run: str = "r1",
) -> MeasurementFrame:
    if nodes is None:
        nodes = [] if final else [n.id for n in GRID.nodes_of(zone)]
    return MeasurementFrame(
        run=run,
        zone=zone,
        seq=seq,
        timestamps=[to_datetime(h * HOUR) for h in hours],
        nodes=nodes,
        load_mw=loads,
        period_s=period_s,
        final=final,
    )


def end(zone: str, seq: int, hour: float) -> MeasurementFrame:
    return frame(zone, seq, [hour], [[]], final=True)


def evening() -> list[MeasurementFrame]:
    """Hours 0 to 5: `a` is stressed by 1 in the hours 1 and 2, then all is quiet; both end at 6."""
    quiet = [load(-1), load(-1)]
    north = [[load(1), load(-1)] if hour in (1, 2) else quiet for hour in range(6)]
    return [
        frame("North", 0, [0, 1, 2, 3, 4, 5], north),
        frame("South", 0, [0, 1, 2, 3, 4, 5], [[load(0.5 if h == 2 else -1)] for h in range(6)]),
        end("North", 6, 6),
        end("South", 6, 6),
    ]


def unfinished() -> list[MeasurementFrame]:
    """The same, cut off after hour 3 and stressed until then: the watermark is 2:00."""
    return [
        frame("North", 0, [0, 1, 2, 3], [[load(1), load(-1)]] * 4),
        frame("South", 0, [0, 1, 2, 3], [[load(0.2)]] * 4),
    ]


def echo(expected: Recomputed) -> Observed:
    """What an app that works says of a run."""
    observed = Observed()
    partitions = expected.settings.partitions
    for model, result in expected.models.items():
        windows = observed.windows.setdefault(model, [])
        for at in range(expected.closed):
            for shard in range(partitions):
                columns = [
                    i
                    for i in np.flatnonzero(result.stress[at]).tolist()
                    if shard_of(expected.grid.ids[i], partitions) == shard
                ]
                end_s = float(expected.ends_s[at])
                windows.append(
                    RiskWindow(
                        model=model,
                        run=expected.run,
                        shard=shard,
                        window_start=to_datetime(end_s - expected.settings.size_s),
                        window_end=to_datetime(end_s),
                        nodes=[expected.grid.ids[i] for i in columns],
                        stress=result.stress[at, columns],
                        risk=result.risk[at, columns],
                    )
                )
        observed.alerts[model] = expected.alerts(model)
        for zone in expected.intake.zones.values():
            for reason, rows in (("late", zone.late_seqs), ("ahead", zone.ahead_seqs)):
                observed.skipped_rows += [
                    RowsDeadLetter(model, shard, zone.zone, reason, tuple(rows))
                    for shard in range(partitions if rows else 0)
                ]
    return observed


def echo_open(expected: Recomputed) -> dict[str, OpenWindows]:
    """The open windows of workers that work."""
    answer: dict[str, OpenWindows] = {}
    for model, result in expected.models.items():
        windows = []
        for at in range(expected.closed, len(expected.ends_s)):
            columns = np.flatnonzero(result.stress[at]).tolist()
            if columns:
                end_s = float(expected.ends_s[at])
                windows.append(
                    OpenWindow(
                        end_s - expected.settings.size_s,
                        end_s,
                        [expected.grid.ids[i] for i in columns],
                        result.stress[at, columns].tolist(),
                        result.risk[at, columns].tolist(),
                    )
                )
        answer[model] = OpenWindows(windows)
    return answer


def record(partition: int, offset: int, value: bytes | None) -> ConsumerRecord:
    """A record of ``grid_measurements`` as a consumer hands it over."""
    return ConsumerRecord(
        topic="grid_measurements",
        partition=partition,
        offset=offset,
        timestamp=1_000 + offset,
        timestamp_type=0,
        key=b"k",
        value=value,
        checksum=None,
        serialized_key_size=1,
        serialized_value_size=len(value or b""),
        headers=(),
    )
