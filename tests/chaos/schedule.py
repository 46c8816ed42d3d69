"""What is broken, and when: a pure function of the seed."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

MAX_WORKERS = 4
FAULTS_A_SCHEDULE = 5

MINIMUM: Mapping[str, int] = {
    "kill": 50,
    "stop": 20,
    "rebalance": 20,
    "zombie": 10,
    "broker_kill": 10,
    "unreachable": 10,
    "state_lost": 10,
    "replayer_kill": 10,
    "two": 20,
}
"""How many of each the full plan strikes; ``two`` are two faults at once."""

KINDS = tuple(kind for kind in MINIMUM if kind != "two")
CUTS = ("cut one", "stall one", "cut all", "stall all")
LOSSES = ("deleted", "truncated", "corrupted")


@dataclass(frozen=True)
class Act:
    """One thing that is broken.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    victim
        A number; modulo the running workers it is the one that is struck.
    hold_s
        How long it stays broken, s.
    how
        One of ``CUTS`` for ``unreachable``, one of ``LOSSES`` for ``state_lost``, ``add`` or
        ``take`` for ``rebalance``, otherwise empty.
    at
        For ``replayer_kill``: the share of the year that has been sent by then.
    """

    kind: str
    victim: int
    hold_s: float
    how: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class Fault:
    """One act, or two at once.

    ``after`` is the share of the year to be worked off since the fault before; ``settled`` is
    whether all workers have to be healthy first.
    """

    acts: tuple[Act, ...]
    after: float
    settled: bool

    @property
    def kind(self) -> str:
        """The row of the table it counts in."""
        return self.acts[0].kind if len(self.acts) == 1 else "two"

    @property
    def sending(self) -> bool:
        """Whether it strikes while a run is being sent."""
        return any(act.kind == "replayer_kill" for act in self.acts)


@dataclass(frozen=True)
class Schedule:
    """Faults, one after the other, on a number of workers."""

    number: int
    workers: int
    faults: tuple[Fault, ...]

    def to_dict(self) -> dict[str, Any]:
        """The schedule as JSON-ready values."""
        return asdict(self)


def plan(seed: int, counts: Mapping[str, int] = MINIMUM) -> list[Schedule]:
    """Deal faults into schedules; the same seed and counts give the same ones, always."""
    rng = random.Random(seed)
    faults = [_single(rng, kind) for kind in KINDS for _ in range(counts.get(kind, 0))]
    faults += [_pair(rng) for _ in range(counts.get("two", 0))]
    rng.shuffle(faults)
    sending = [fault for fault in faults if fault.sending]
    others = [fault for fault in faults if not fault.sending]
    number = max(len(sending), -(-len(faults) // FAULTS_A_SCHEDULE))
    # A run is sent within seconds, so what strikes the sending comes first in its schedule.
    hands = [[sending[i]] if i < len(sending) else [] for i in range(number)]
    rng.shuffle(hands)
    for fault in others:
        min(hands, key=len).append(fault)
    return [Schedule(i, rng.choice((2, 2, 3)), tuple(hand)) for i, hand in enumerate(hands) if hand]


def tally(faults: Iterable[Fault]) -> Counter[str]:
    """Count faults by the row of the table they stand in."""
    return Counter(fault.kind for fault in faults)


def _single(rng: random.Random, kind: str) -> Fault:
    return Fault((_act(rng, kind),), round(rng.uniform(0.02, 0.12), 3), rng.random() < 0.6)


def _pair(rng: random.Random) -> Fault:
    first, second = (_act(rng, kind) for kind in rng.sample(KINDS, 2))
    return Fault((first, second), round(rng.uniform(0.02, 0.12), 3), rng.random() < 0.6)


def _act(rng: random.Random, kind: str) -> Act:
    holds: dict[str, Callable[[], float]] = {
        "kill": lambda: rng.uniform(0, 10),
        "stop": lambda: rng.uniform(0, 3),
        "zombie": lambda: rng.uniform(9.5, 14),
        "broker_kill": lambda: rng.uniform(0, 6),
        # Short ones, which clients ride out, matter as much as long ones, which they do not.
        "unreachable": lambda: 5 * 12 ** rng.random(),
        "state_lost": lambda: rng.uniform(0, 2),
        "replayer_kill": lambda: rng.uniform(0, 3),
    }
    how: dict[str, Callable[[], str]] = {
        "unreachable": lambda: rng.choice(CUTS),
        "state_lost": lambda: rng.choice(LOSSES),
        "rebalance": lambda: rng.choice(("add", "take")),
    }
    return Act(
        kind,
        victim=rng.randrange(12),
        hold_s=round(holds[kind](), 2) if kind in holds else 0.0,
        how=how[kind]() if kind in how else "",
        at=round(rng.uniform(0.1, 0.85), 3) if kind == "replayer_kill" else 0.0,
    )
