"""Faults of workers."""

import asyncio
import random
import shutil
from pathlib import Path

from tests.chaos.acts.scene import RECOVERY_S, Facts, Scene
from tests.chaos.disk import small_disk
from tests.chaos.progress import now
from tests.chaos.schedule import MAX_WORKERS, Act
from tests.chaos.worker import Hung, until

DAMAGED_BYTES = 512

DOWN_S = 1.0
"""How long a worker is away between two lives of a crash loop, as under a supervisor."""

SESSION_S = 8.0
"""The session time-out that workers have by default."""

STAND_S = SESSION_S + 20.0
"""How long a watermark may stand still while one worker crashes again and again, s.

The group waits for the session of the worker that was killed, once, then deals its partitions out
anew, and their new owners read changelogs and work off what waited. A worker that is started again
joins only when nothing was seen of it for a session time-out: in a loop it does not come to that.
"""

REFUSED_S = 60.0

CLOCK_S = 5.0
"""How exactly a worker's health is seen to say what its clock says."""

NO_SPACE = "No space left on device"


async def kill(scene: Scene, act: Act) -> Facts:
    """SIGKILL, and a start after a while; seconds until all its shards move again."""
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


async def stop(scene: Scene, act: Act) -> Facts:
    """SIGTERM and a start."""
    worker = scene.victim(act)
    orderly = await worker.stop()
    await asyncio.sleep(act.hold_s)
    await worker.start()
    return {"worker": worker.slot, "orderly": orderly}


async def rebalance(scene: Scene, act: Act) -> Facts:
    """One more worker, or one less."""
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


async def zombie(scene: Scene, act: Act) -> Facts:
    """SIGSTOP beyond the session time-out, then SIGCONT."""
    worker = scene.victim(act)
    worker.suspend()
    await asyncio.sleep(act.hold_s)
    worker.resume()
    return {"worker": worker.slot}


async def state_lost(scene: Scene, act: Act) -> Facts:
    """Damage what an orderly stop has left behind."""
    worker = scene.victim(act)
    # In good order, or the worker would not trust what it finds anyway.
    orderly = await worker.stop()
    damaged = damage(worker.data, act.how, act.seed)
    await asyncio.sleep(act.hold_s)
    await worker.start()
    return {"worker": worker.slot, "orderly": orderly, "damaged": damaged}


async def full_disk(scene: Scene, act: Act) -> Facts:
    """Fill up the disk of a worker while it works, start it again on it, and free the disk.

    Tables are written to disk as they are opened and closed, so it is then that a full one is met.
    """
    worker = scene.victim(act)
    await worker.stop()
    async with small_disk(worker.data) as disk:
        await worker.start()
        await until(lambda: worker.ok, f"worker {worker.slot} is well on a small disk", RECOVERY_S)
        before, first = worker.ends.total(), len(worker.logs)
        filled = disk.fill()
        orderly = await worker.stop()
        await worker.start()
        await asyncio.sleep(act.hold_s)
        was_well = worker.ok
        disk.free()
        well_s = await until(lambda: worker.ok, f"worker {worker.slot} is well", RECOVERY_S)
        reported = [log.name for log in worker.logs[first:] if _says(log, NO_SPACE)]
        ends = worker.ends.total() - before
        await worker.stop()
    await worker.start()
    return {
        "worker": worker.slot,
        "filled_bytes": filled,
        "orderly": orderly,
        "was_well": was_well,
        "ends": ends,
        "reported_in": reported,
        "well_s": round(well_s, 1),
    }


def _says(log: Path, words: str) -> bool:
    return words in log.read_text("utf-8", errors="replace")


async def clock(scene: Scene, act: Act) -> Facts:
    """Start a worker with a wall clock that is off, and once more with the right one."""
    worker = scene.victim(act)
    await worker.stop()
    worker.clock_off_s = int(act.how)
    try:
        await worker.start()
        await scene.cluster.settle()
        off_s = worker.health["now"] - now()
        await asyncio.sleep(act.hold_s)
        await worker.stop()
    finally:
        worker.clock_off_s = 0
    await worker.start()
    facts: Facts = {"worker": worker.slot, "off_s": round(off_s, 1)}
    if abs(off_s - int(act.how)) <= CLOCK_S:
        return facts
    return facts | {"finding": f"the worker's clock is off by {off_s:.0f} s, not {act.how}"}


async def crash_loop(scene: Scene, act: Act) -> Facts:
    """Kill and start one worker over and over; no watermark may stand still for long meanwhile."""
    await until(scene.progress.flows, "all watermarks move", RECOVERY_S)
    worker = scene.victim(act)
    joined = 0
    scene.progress.watch()
    for _ in range(act.count):
        await worker.kill()
        await asyncio.sleep(DOWN_S)
        await worker.start()
        await asyncio.sleep(act.hold_s)
        joined += bool(worker.shards)
    still_sent = not scene.sending.task.done()
    await scene.cluster.settle()
    stood_s = round(scene.progress.stood_s(), 1)
    facts: Facts = {
        "worker": worker.slot,
        "kills": act.count,
        "lives_with_shards": joined,
        "stood_s": stood_s,
        "was_sending": still_sent,
    }
    if stood_s <= STAND_S:
        return facts
    return facts | {"finding": f"a watermark stood still for {stood_s} s, more than {STAND_S:.0f}"}


async def other_settings(scene: Scene, act: Act) -> Facts:
    """Start one more worker, with another setting than the group has; it must refuse."""
    name, _, value = act.how.partition("=")
    worker = scene.cluster.stranger({name: value})
    code = await worker.once(REFUSED_S)
    lines = worker.log.read_text("utf-8", errors="replace").splitlines()
    reported = [line for line in lines if f"{name} is " in line]
    if code == 1 and reported:
        return {"refused": reported[0][:300]}
    return {"finding": f"a worker with {act.how} ended with {code} and said {lines[-1:]}"}


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
