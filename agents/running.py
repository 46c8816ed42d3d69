"""Running a stage: take a batch, work, and only then ack; what cannot be used is a dead letter.

The order is what makes every frame count exactly once (``docs/design.md``): outputs are
acknowledged by the broker before the state is written, the state is handed over before the frame
is acked. What a rebalance finds undone is left undone: it is not acked, and comes again where its
partition is then. A record that the broker does not take ends the worker without a commit
(``gridstress/faust_fixes/producer.py``), so no frame is acked on an error of the infrastructure.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, NoReturn

from faust.exceptions import ProducerSendError

from agents.batches import batches, is_wanted
from agents.dead_letters import DeadLetters
from tables.risk_table import ShardLost
from topology.errors import GridstressError, MessageError

log = logging.getLogger(__name__)

Stage = Callable[[Sequence[Any]], Awaitable[int]]
"""Takes Faust events in order; how many it has finished, from the first on. If it raises, one of
them cannot be used, and of those it was about to finish none is."""

Halt = Callable[[str], NoReturn]

Worked = Callable[[str, int, float], None]
"""Called after each batch: the stage, how many records, and how long it took, s."""

OURS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What a bug of ours raises on one record. Nothing else becomes a dead letter `failed`: no error of
the state (`tables.risk_table.StateError`), of memory, of the operating system, of the broker."""


class OtherTopology(Exception):
    """The state is of another topology: every frame would be refused for a fault of ours."""


async def run_stage(
    stream: Any,
    name: str,
    stage: Stage,
    dead_letters: DeadLetters,
    halt: Halt,
    finished: dict[tuple[str, str, int], int],
    *,
    per_partition: bool = True,
    worked: Worked | None = None,
) -> None:
    """Work off a stream, batch by batch; what cannot be used is a dead letter.

    With ``per_partition``, each partition's records of a batch are handed over by themselves, and
    do not wait for each other; otherwise all together, in the order in which they came, which then
    is that of the outputs too. If a stage fails, it is given half as many records, until it is
    clear which of them it was. What it has sent by then is sent again with the same ids; of the
    state nothing has been written.

    ``halt`` ends the worker without a commit, so that everything unfinished comes again. No
    exception leaves this function: Faust would ack the records and start the agent anew.
    ``finished`` is kept up to date: the offset behind the last record by (name, topic, partition).
    ``worked`` is called after each batch.
    """
    try:
        async for batch in batches(stream):
            began = time.perf_counter()
            parts = _by_partition(batch) if per_partition else [batch]
            sizes = await asyncio.gather(
                *(_work_off(part, name, stage, dead_letters) for part in parts)
            )
            for part, size in zip(parts, sizes, strict=True):
                for event in part[:size]:
                    event.ack()
                    message = event.message
                    finished[name, message.topic, message.partition] = message.offset + 1
            if left := len(batch) - sum(sizes):
                log.info("%s leaves %d records undone: a rebalance", name, left)
            if worked is not None:
                worked(name, len(batch) - left, time.perf_counter() - began)
    except OtherTopology as error:
        halt(f"{name}: {error}; give a changed topology a group of its own (GRIDSTRESS_GROUP)")
    except GridstressError as error:
        halt(f"{name}: {error}; {error.hint}".rstrip("; "))
    except Exception as error:
        log.exception("%s failed, not for a record's fault", name, extra={"stage": name})
        halt(f"{name}: {type(error).__name__}: {error}")


def _by_partition(batch: Sequence[Any]) -> Collection[Sequence[Any]]:
    parts = defaultdict(list)
    for event in batch:
        parts[event.message.topic, event.message.partition].append(event)
    return parts.values()


async def _work_off(part: Sequence[Any], name: str, stage: Stage, dead_letters: DeadLetters) -> int:
    """Work off what is still wanted; how many records that were, from the first on."""
    finished, size = 0, len(part)
    while finished < len(part) and is_wanted(part[finished]):
        try:
            done = await stage(part[finished : finished + size])
        except ShardLost:
            break
        except (MessageError, ProducerSendError, *OURS) as error:
            if size > 1:
                size //= 2
                continue
            await _send_dead_letter(part[finished], name, error, dead_letters)
            done = 1
        finished += done
        size = len(part) - finished
    return finished


async def _send_dead_letter(
    event: Any, name: str, error: Exception, dead_letters: DeadLetters
) -> None:
    if isinstance(error, MessageError):
        await dead_letters.send(event, name, error.reason, str(error))
    elif isinstance(error, ProducerSendError):  # any other failure to send ends the worker
        await dead_letters.send(event, name, "too-large", str(error.__cause__ or error))
    else:
        message = event.message
        about = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
        log.error("%s failed", name, exc_info=error, extra={"stage": name, **about})
        await dead_letters.send(event, name, "failed", f"{type(error).__name__}: {error}")
