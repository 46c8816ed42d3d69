"""An archive of runs, made of frames and of what has to follow from them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from aiokafka import ConsumerRecord
from msgspec.structs import replace

from gridstress.archive.batch import Batch
from gridstress.archive.files import Archive
from gridstress.group_settings.fingerprint import fingerprint, grid_fingerprint
from gridstress.kafka import topics
from gridstress.settings import Settings
from gridstress.verify.recompute import recompute
from tests.support.frames import run_record
from topology.clock import to_datetime
from topology.codec import encode
from topology.grid import Grid
from topology.messages import MeasurementFrame, RiskWindow
from topology.run_messages import RunRecord
from topology.shards import shard_nodes, shard_of

SENT_MS = 1_700_000_000_000


def record_of(grid: Grid, settings: Settings, run: str = "r", **changes: Any) -> RunRecord:
    """What the sender of a run on this grid says of it."""
    return replace(
        run_record(run),
        grid=grid.name,
        grid_fingerprint=grid_fingerprint(grid),
        settings_fingerprint=fingerprint(settings, grid),
        zones=list(grid.zones),
        **changes,
    )


def topics_of(
    frames: Sequence[MeasurementFrame], grid: Grid, settings: Settings, record: RunRecord
) -> list[ConsumerRecord]:
    """All records of a run that was worked on without a fault."""
    found = [consumed(topics.RUNS, 0, 0, encode(record), record.run.encode())]
    partition = {zone: n % settings.partitions for n, zone in enumerate(grid.zones)}
    found += [
        consumed(topics.MEASUREMENTS, partition[frame.zone], n, encode(frame))
        for n, frame in enumerate(frames)
    ]
    expected = recompute(frames, grid, settings)
    for model, result in expected.models.items():
        for n, end_s in enumerate(expected.ends_s[: expected.closed]):
            for shard, members in enumerate(shard_nodes(grid, settings.partitions)):
                stressed = [i for i in members if result.stress[n, i] > 0]
                window = RiskWindow(
                    model=model,
                    run=record.run,
                    shard=shard,
                    window_start=to_datetime(int(end_s) - settings.size_s),
                    window_end=to_datetime(int(end_s)),
                    nodes=[grid.ids[i] for i in stressed],
                    stress=np.take(result.stress[n], stressed),
                    risk=np.take(result.risk[n], stressed),
                )
                found.append(consumed(topics.windows(model), shard, n, encode(window)))
        for n, alert in enumerate(expected.alerts(model)):
            shard = shard_of(alert.node_id, settings.partitions)
            found.append(consumed(topics.alerts(model), shard, n, encode(alert)))
    return found


def consumed(
    topic: str, partition: int, offset: int, value: bytes, key: bytes = b"", headers: Any = ()
) -> ConsumerRecord:
    """A record as a client gives it."""
    return ConsumerRecord(
        topic, partition, offset, SENT_MS + offset, 1, key, value, None, 0, 0, headers
    )


def archive_in(home: Path, records: Iterable[ConsumerRecord], models: Sequence[str]) -> Archive:
    """Add a flush of these records to the archive in a directory."""
    batch = Batch(models)
    for record in records:
        batch.take(record)
    archive = Archive.open(home)
    archive.flush(batch.lines, batch.reached)
    return archive
