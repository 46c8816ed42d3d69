"""What is broken, and when: a pure function of the seed."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

MAX_WORKERS = 4
FAULTS_A_SCHEDULE = 5
REPLICATED_A_SCHEDULE = 3
"""Faults of a cluster of several brokers that its schedule has, beside others."""

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
    "crash_loop": 4,
    "short_runs": 6,
    "odd_records": 6,
    "leader_kill": 6,
    "other_settings": 6,
    "full_disk": 4,
    "retention": 4,
    "clock": 4,
}
"""How many of each the full plan strikes; ``two`` are two faults at once."""

KINDS = tuple(kind for kind in MINIMUM if kind != "two")
PAIRED = KINDS[: KINDS.index("replayer_kill") + 1]
"""Those that also strike two at once; each of the others is judged by what it alone does."""
REPLICATED = ("leader_kill",)
"""Those that need three brokers."""

CUTS = ("cut one", "stall one", "cut all", "stall all")
LOSSES = ("deleted", "truncated", "corrupted")
SETTINGS = (
    "GRIDSTRESS_LEVEL_WARNING=0.55",
    "GRIDSTRESS_STEP_S=1800",
    "GRIDSTRESS_MODELS=linear",
    "GRIDSTRESS_MODELS=linear,centrality,electrical",
)
CLOCKS_S = ("-900", "-90", "90", "900")
LED = ("grid_measurements", "stress_events", "gridstress-risk_linear-changelog")


@dataclass(frozen=True)
class Act:
    """One thing that is broken.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    seed
        Modulo the running workers it is the one that is struck; what an act draws itself, it draws
        by this.
    hold_s
        How long it stays broken, s; of a ``crash_loop`` how long the worker lives each time.
    how
        One of ``CUTS`` for ``unreachable``, of ``LOSSES`` for ``state_lost``, of ``SETTINGS`` for
        ``other_settings``, of ``LED`` for ``leader_kill``, of ``CLOCKS_S`` for ``clock``, ``add``
        or ``take`` for ``rebalance``, otherwise empty.
    at
        For ``replayer_kill``: the share of the year that has been sent by then.
    count
        How many kills a ``crash_loop`` has, runs ``short_runs``, records that ``retention``
        deletes unread; otherwise 0.
    """

    kind: str
    seed: int
    hold_s: float
    how: str = ""
    at: float = 0.0
    count: int = 0


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

    @property
    def paced(self) -> bool:
        """Whether it strikes a run of its own, which is sent for longer than the fault lasts."""
        return any(act.kind in ("crash_loop", "retention") for act in self.acts)

    @property
    def parting(self) -> bool:
        """Whether no run of before it can be judged afterwards."""
        return any(act.kind == "retention" for act in self.acts)

    @property
    def replicated(self) -> bool:
        """Whether it needs three brokers."""
        return any(act.kind in REPLICATED for act in self.acts)


@dataclass(frozen=True)
class Schedule:
    """Faults, one after the other, on a number of workers and brokers."""

    number: int
    workers: int
    faults: tuple[Fault, ...]

    @property
    def brokers(self) -> int:
        """How many brokers it needs, 1 or 3."""
        return 3 if any(fault.replicated for fault in self.faults) else 1

    def to_dict(self) -> dict[str, Any]:
        """The schedule as JSON-ready values."""
        return asdict(self) | {"brokers": self.brokers}


def plan(seed: int, counts: Mapping[str, int] = MINIMUM) -> list[Schedule]:
    """Deal faults into schedules; the same seed and counts give the same ones, always.

    Schedules with three brokers are the last.
    """
    rng = random.Random(seed)
    faults = [_single(rng, kind) for kind in KINDS for _ in range(counts.get(kind, 0))]
    faults += [_pair(rng) for _ in range(counts.get("two", 0))]
    rng.shuffle(faults)
    sending = [fault for fault in faults if fault.sending]
    replicated = [fault for fault in faults if fault.replicated]
    others = [fault for fault in faults if not (fault.sending or fault.replicated)]
    number = max(len(sending), -(-len(faults) // FAULTS_A_SCHEDULE))
    # A run is sent within seconds, so what strikes the sending comes first in its schedule.
    hands = [[sending[i]] if i < len(sending) else [] for i in range(number)]
    rng.shuffle(hands)
    for i, fault in enumerate(replicated):
        hands[-1 - i // REPLICATED_A_SCHEDULE].append(fault)
    for fault in others:
        min(hands, key=len).append(fault)
    return [
        Schedule(i, rng.choice((2, 2, 3)), _in_order(rng, hand))
        for i, hand in enumerate(hands)
        if hand
    ]


def tally(faults: Iterable[Fault]) -> Counter[str]:
    """Count faults by the row of the table they stand in."""
    return Counter(fault.kind for fault in faults)


def _in_order(rng: random.Random, hand: list[Fault]) -> tuple[Fault, ...]:
    rng.shuffle(hand)
    return tuple(sorted(hand, key=lambda fault: (not fault.sending, fault.parting)))


def _single(rng: random.Random, kind: str) -> Fault:
    return Fault((_act(rng, kind),), round(rng.uniform(0.02, 0.12), 3), rng.random() < 0.6)


def _pair(rng: random.Random) -> Fault:
    first, second = (_act(rng, kind) for kind in rng.sample(PAIRED, 2))
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
        "crash_loop": lambda: rng.uniform(5.5, 7),
        "leader_kill": lambda: rng.uniform(0, 6),
        "full_disk": lambda: rng.uniform(12, 20),
        "clock": lambda: rng.uniform(4, 12),
    }
    how: dict[str, Callable[[], str]] = {
        "unreachable": lambda: rng.choice(CUTS),
        "state_lost": lambda: rng.choice(LOSSES),
        "rebalance": lambda: rng.choice(("add", "take")),
        "other_settings": lambda: rng.choice(SETTINGS),
        "leader_kill": lambda: rng.choice(LED),
        "clock": lambda: rng.choice(CLOCKS_S),
    }
    count: dict[str, Callable[[], int]] = {
        "crash_loop": lambda: rng.randint(8, 10),
        "short_runs": lambda: rng.randint(24, 48),
        "retention": lambda: rng.randint(1, 4),
    }
    return Act(
        kind,
        seed=rng.randrange(12_000),
        hold_s=round(holds[kind](), 2) if kind in holds else 0.0,
        how=how[kind]() if kind in how else "",
        at=round(rng.uniform(0.1, 0.85), 3) if kind == "replayer_kill" else 0.0,
        count=count[kind]() if kind in count else 0,
    )
