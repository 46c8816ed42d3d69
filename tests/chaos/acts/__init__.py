"""How each fault is done to a cluster; each act returns when what it broke is whole again."""

from collections.abc import Awaitable, Callable

from tests.chaos.acts import brokers, data, retention, workers
from tests.chaos.acts.scene import Facts, Scene
from tests.chaos.schedule import Act

ACTS: dict[str, Callable[[Scene, Act], Awaitable[Facts]]] = {
    "kill": workers.kill,
    "stop": workers.stop,
    "rebalance": workers.rebalance,
    "zombie": workers.zombie,
    "state_lost": workers.state_lost,
    "crash_loop": workers.crash_loop,
    "other_settings": workers.other_settings,
    "clock": workers.clock,
    "full_disk": workers.full_disk,
    "broker_kill": brokers.broker_kill,
    "unreachable": brokers.unreachable,
    "leader_kill": brokers.leader_kill,
    "replayer_kill": data.replayer_kill,
    "short_runs": data.short_runs,
    "odd_records": data.odd_records,
    "retention": retention.retention,
}
"""By kind."""


async def strike(scene: Scene, act: Act) -> Facts:
    """Do it; facts for the record."""
    facts = await ACTS[act.kind](scene, act)
    return {"kind": act.kind, "how": act.how, "hold_s": act.hold_s} | facts
