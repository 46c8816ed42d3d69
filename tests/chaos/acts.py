"""How each fault is done to a cluster; each act returns when what it broke is whole again."""

import asyncio
import random
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.cluster import Cluster
from tests.chaos.progress import Progress, now
from tests.chaos.schedule import MAX_WORKERS, Act
from tests.chaos.sending import Sending
from tests.chaos.worker import Hung, Worker

RECOVERY_S = 240.0
DAMAGED_BYTES = 512


@dataclass
class Scene:
    """What acts act on; ``taken`` are workers that another act is at."""

    cluster: Cluster
    progress: Progress
    sending: Sending
    taken: set[int] = field(default_factory=set)

    def victim(self, act: Act) -> Worker:
        """The worker it strikes: one that runs, and that no other act is at, if there is one."""
        running = [w for w in self.cluster.wanted if w.running]
        free = [w for w in running if w.slot not in self.taken] or running
        if not free:
            raise Hung("no worker runs that could be struck")
        chosen = free[act.victim % len(free)]
        self.taken.add(chosen.slot)
        return chosen


Facts = dict[str, Any]


async def strike(scene: Scene, act: Act) -> Facts:
    """Do it; facts for the record."""
    facts = await _ACTS[act.kind](scene, act)
    return {"kind": act.kind, "how": act.how, "hold_s": act.hold_s} | facts


async def _kill(scene: Scene, act: Act) -> Facts:
    worker = scene.victim(act)
    shards = worker.shards
    killed = now()
    await worker.kill()
    moved = asyncio.create_task(scene.progress.moved(shards, killed))
    await asyncio.sleep(act.hold_s)
    if not worker.running:
        await worker.start()
    try:
        recovery_s = await asyncio.wait_for(moved, RECOVERY_S)
    except TimeoutError:
        raise Hung(
            f"shards {shards} of killed worker {worker.slot} do not move; "
            f"{scene.cluster.standing()}"
        ) from None
    facts: Facts = {"worker": worker.slot, "shards": shards}
    return facts if recovery_s is None else facts | {"recovery_s": round(recovery_s, 2)}


async def _stop(scene: Scene, act: Act) -> Facts:
    worker = scene.victim(act)
    orderly = await worker.stop()
    await asyncio.sleep(act.hold_s)
    await worker.start()
    return {"worker": worker.slot, "orderly": orderly}


async def _rebalance(scene: Scene, act: Act) -> Facts:
    wanted = scene.cluster.wanted
    idle = [w for w in scene.cluster.workers if not w.wanted and w.slot not in scene.taken]
    # Taking the last but one away, or adding a fifth, is not what was asked for.
    adds = bool(idle) and (act.how == "add" or len(wanted) <= 2) and len(wanted) < MAX_WORKERS
    if adds:
        worker = idle[0]
        scene.taken.add(worker.slot)
        await worker.start()
        return {"worker": worker.slot, "did": "add"}
    worker = scene.victim(act)
    return {"worker": worker.slot, "did": "take", "orderly": await worker.stop()}


async def _zombie(scene: Scene, act: Act) -> Facts:
    worker = scene.victim(act)
    worker.suspend()
    await asyncio.sleep(act.hold_s)
    worker.resume()
    return {"worker": worker.slot}


async def _broker_kill(scene: Scene, act: Act) -> Facts:
    await scene.cluster.kill_broker()
    await asyncio.sleep(act.hold_s)
    await scene.cluster.start_broker()
    return {}


async def _unreachable(scene: Scene, act: Act) -> Facts:
    deed, reach = act.how.split()
    workers = scene.cluster.wanted if reach == "all" else [scene.victim(act)]
    for worker in workers:
        (worker.proxy.cut if deed == "cut" else worker.proxy.stall)()
    try:
        await asyncio.sleep(act.hold_s)
    finally:
        for worker in workers:
            worker.proxy.mend()
    return {"workers": [worker.slot for worker in workers]}


async def _state_lost(scene: Scene, act: Act) -> Facts:
    worker = scene.victim(act)
    # In good order, or the worker would not trust what it finds anyway.
    orderly = await worker.stop()
    damaged = damage(worker.data, act.how, act.victim)
    await asyncio.sleep(act.hold_s)
    await worker.start()
    return {"worker": worker.slot, "orderly": orderly, "damaged": damaged}


async def _replayer_kill(scene: Scene, act: Act) -> Facts:
    return {"at": act.at, "was_sending": await scene.sending.kill(act.hold_s)}


_ACTS: dict[str, Callable[[Scene, Act], Awaitable[Facts]]] = {
    "kill": _kill,
    "stop": _stop,
    "rebalance": _rebalance,
    "zombie": _zombie,
    "broker_kill": _broker_kill,
    "unreachable": _unreachable,
    "state_lost": _state_lost,
    "replayer_kill": _replayer_kill,
}


def damage(data: Path, how: str, seed: int) -> list[str]:
    """Delete a directory, or halve or overwrite some of the files in it; names of what was hit."""
    if how == "deleted":
        shutil.rmtree(data, ignore_errors=True)
        return [data.name]
    rng = random.Random(seed)
    # Locks say who uses it, LOG files what was done; neither is state.
    files = sorted(
        p
        for p in data.rglob("*")
        if p.is_file() and p.stat().st_size and "LOG" not in p.name and "lock" not in p.name.lower()
    )
    hit = [file for file in files if rng.random() < 0.4] or files[:1]
    for file in hit:
        size = file.stat().st_size
        with file.open("r+b") as content:
            if how == "truncated":
                content.truncate(size // 2)
            else:
                content.seek(rng.randrange(size))
                content.write(rng.randbytes(DAMAGED_BYTES))
    return [str(file.relative_to(data)) for file in hit]
