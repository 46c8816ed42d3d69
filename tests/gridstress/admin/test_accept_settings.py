"""Which runs an accept ends: those of which the tables hold a state."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from gridstress.admin.accept_settings import known_runs
from gridstress.faust_fixes.fencing import Epoch
from tables.risk_table import RiskTable
from tables.shard_state import ForgottenRun, ShardState
from tests.support.memory import Table

TABLE = RiskTable(Table(), grid_size=3)
STATE, FORGOTTEN = ShardState.new(3, started_ms=0), ForgottenRun(1, {"north": 7})
OLD, NEW = Epoch(1, "a"), Epoch(2, "b")


@dataclass
class Record:
    """A record of a changelog with three partitions."""

    key: bytes
    value: bytes | None
    epoch: Epoch = OLD
    partition: int = 0
    offset: int = field(default_factory=count().__next__)

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        return [self.epoch.header]


def wrote(run: str, entry: Any, shard: int = 0, epoch: Epoch = OLD) -> Any:
    key, value = TABLE.entry_change(run, shard, entry)
    return Record(key, value, epoch, shard)


def test_a_run_that_every_shard_has_forgotten_is_not_among_the_known() -> None:
    log = [wrote(run, STATE, shard) for run in ("gone", "kept", "half") for shard in range(2)]
    log += [wrote("gone", FORGOTTEN, shard) for shard in range(2)]
    log += [wrote("half", FORGOTTEN, shard=1), Record(*TABLE.drop_tombstone("gone", 1))]
    assert known_runs(log) == {"kept", "half"}


def test_what_a_former_owner_still_wrote_forgets_no_run() -> None:
    fence = Record(NEW.fence_key, b"", NEW)
    log = [wrote("r", STATE), fence, wrote("r", STATE, epoch=NEW), wrote("r", FORGOTTEN)]
    assert known_runs(log) == {"r"}


def test_a_value_that_is_not_ours_is_no_tombstone() -> None:
    key, _ = TABLE.entry_change("r", 0, STATE)
    assert known_runs([Record(key, b"\x03rubbish"), Record(b"rubbish", b"\x03")]) == {"r"}  # type: ignore[list-item]
