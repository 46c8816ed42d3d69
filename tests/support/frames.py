"""Short ways to write frames in tests; hours are counted from 2019-01-01T00:00Z."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from topology.columns import Rows
from topology.messages import MeasurementFrame, PropagatedFrame
from topology.run_messages import RunRecord, ZoneSent

START = datetime(2019, 1, 1, tzinfo=UTC)


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def hour_s(hour: float) -> int:
    return int(at(hour).timestamp())


def measured(
    zone: str,
    hours: Sequence[float],
    loads: Mapping[str, Sequence[float]],
    *,
    seq: int | None = None,
    run: str = "r",
    period_s: int = 3600,
) -> MeasurementFrame:
    rows = [[loads[node][i] for node in loads] for i in range(len(hours))]
    return MeasurementFrame(
        run=run,
        zone=zone,
        seq=int(hours[0]) if seq is None else seq,
        timestamps=[at(h) for h in hours],
        nodes=list(loads),
        load_mw=rows,
        period_s=period_s,
    )


def ended(zone: str, hour: float, *, seq: int | None = None, run: str = "r") -> MeasurementFrame:
    return MeasurementFrame(
        run=run,
        zone=zone,
        seq=int(hour) if seq is None else seq,
        timestamps=[at(hour)],
        nodes=[],
        load_mw=[[]],
        final=True,
    )


def _rows(columns: Mapping[str, Sequence[float]], rows: int) -> Rows:
    return np.array([[values[i] for values in columns.values()] for i in range(rows)], dtype=float)


def spread(
    zone: str,
    hours: Sequence[float],
    stress: Mapping[str, Sequence[float]],
    *,
    sources: Mapping[str, Sequence[float]] | None = None,
    seq: int | None = None,
    run: str = "r",
    shard: int = 0,
    final: bool = False,
) -> PropagatedFrame:
    pushed = stress if sources is None else sources
    return PropagatedFrame(
        run=run,
        zone=zone,
        shard=shard,
        seq=int(hours[0]) if seq is None else seq,
        timestamps=[at(h) for h in hours],
        nodes=list(stress),
        stress=_rows(stress, len(hours)),
        sources=list(pushed),
        source_stress=_rows(pushed, len(hours)),
        final=final,
    )


def run_record(run: str = "r") -> RunRecord:
    """What the sender of a replay that goes on says of it."""
    return RunRecord(
        run=run,
        kind="replay",
        state="running",
        source="load.csv",
        synthetic=False,
        start=at(0),
        end=at(48),
        grid="triangle",
        grid_fingerprint="ab" * 32,
        settings_fingerprint="cd" * 32,
        models=["linear"],
        zones=["north", "south"],
        sent={"north": ZoneSent(rows=3, last_seq=2)},
        began=at(9),
    )
