"""Faults of brokers, and of the ways to them."""

import asyncio

from tests.chaos.acts.scene import Facts, Scene
from tests.chaos.schedule import Act
from tests.chaos.worker import until

ELECTED_S = 60.0


async def broker_kill(scene: Scene, act: Act) -> Facts:
    """SIGKILL of a broker, started again on the same data."""
    brokers = scene.cluster.brokers
    broker = brokers[act.seed % len(brokers)]
    await broker.kill()
    await asyncio.sleep(act.hold_s)
    await broker.start()
    await scene.cluster.replicated()
    return {"broker": broker.number}


async def unreachable(scene: Scene, act: Act) -> Facts:
    """Cut the way of one worker or all to the brokers, or hold back every byte on it."""
    deed, reach = act.how.split()
    workers = scene.cluster.wanted if reach == "all" else [scene.victim(act)]
    for worker in workers:
        (worker.ways.cut if deed == "cut" else worker.ways.stall)()
    try:
        await asyncio.sleep(act.hold_s)
    finally:
        for worker in workers:
            worker.ways.mend()
    return {"workers": [worker.slot for worker in workers]}


async def leader_kill(scene: Scene, act: Act) -> Facts:
    """SIGKILL of the broker that leads a partition; back once another leads it, all copies whole.

    Raises
    ------
    Hung
        If none other comes to lead it, or the copies do not become whole again.
    """
    cluster, partition = scene.cluster, act.seed % 4
    led = (await cluster.partitions(act.how))[partition].leader
    leader = next(broker for broker in cluster.brokers if broker.number == led)
    await leader.kill()

    async def other_leads() -> bool:
        return (await cluster.partitions(act.how))[partition].leader not in (-1, led)

    elected_s = await until(other_leads, f"another leads {act.how}/{partition}", ELECTED_S)
    await asyncio.sleep(act.hold_s)
    await leader.start()
    whole_s = await cluster.replicated()
    return {
        "broker": led,
        "partition": partition,
        "elected_s": round(elected_s, 1),
        "whole_s": round(whole_s, 1),
    }
