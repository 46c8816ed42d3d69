"""A system that has data gets another number of partitions, on Apache Kafka."""

from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from gridstress.local import processes
from tests.integration.harness import Stack, records, send
from topology.errors import GridstressError

pytestmark = pytest.mark.kafka

SPAN = ["--start", "2025-01-07", "--until", "2025-01-09", "--speed", "max"]


async def test_what_there_was_is_the_same_on_other_partitions(kafka: str, tmp_path: Path) -> None:
    with Stack(kafka, tmp_path) as stack:
        worker = stack.add_worker()
        assert stack.command("replay", "--run", "before", *SPAN).returncode == 0
        record = stack.verify("before")["record"]
        before = stack.episodes("before")
        await send(stack.bootstrap, "grid_measurements", [(0, b"rubbish")])
        backup = str(tmp_path / "kept.jsonl")

        refused = stack.command("reshard", "7", "--backup", backup, "--yes")
        assert refused.returncode == 2
        assert "1 workers are in the group" in refused.stderr
        processes.stop(worker.service)

        producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap, transactional_id="open")
        await producer.start()
        await producer.begin_transaction()
        await producer.send_and_wait("grid_measurements", b"rubbish, too", partition=1)
        opened = stack.command("reshard", "7", "--backup", f"{backup}-again", "--yes")
        assert opened.returncode == 2
        output = "a transaction that is open holds back records of grid_measurements, partition 1 "
        assert output in " ".join(opened.stderr.split())
        await producer.abort_transaction()
        await producer.stop()

        done = stack.command("reshard", "7", "--backup", backup, "--resume", "--yes")
        assert done.returncode == 0, done.stderr
        assert len({r.partition for r in await records(stack.bootstrap, "grid_measurements")}) == 4
        dead_letters = await records(stack.bootstrap, "dead_letters")
        marks = [x for x in dead_letters if ("reason", b"resharded") in x.headers]
        assert {mark.partition for mark in marks} == set(range(4))
        assert [dead_letter.value for dead_letter in dead_letters if dead_letter not in marks] == [
            b"rubbish"
        ]

        with pytest.raises(GridstressError, match="has 7 partitions, not 4"):
            stack.add_worker()  # with the old number
        stack.environment["GRIDSTRESS_PARTITIONS"] = "7"
        stack.add_worker()
        after = stack.verify("before")
        assert after["record"]["state"] == "ended"
        assert after["outcomes"]["measurements"]["counts"]["rows lost"] == 0
        assert after["record"] == record
        assert stack.episodes("before") == before
        assert stack.command("replay", "--run", "after", *SPAN).returncode == 0
        assert stack.verify("after")["ok"]
        assert {r.partition for r in await records(stack.bootstrap, "risk_windows_linear")} == set(
            range(7)
        )

        # Other settings, too, once nothing of the former ones is left.
        for running in stack.workers:
            processes.stop(running.service)
        stack.environment["GRIDSTRESS_STEP_S"] = "1800"
        again = stack.command("reshard", "7", "--backup", str(tmp_path / "again.jsonl"), "--yes")
        assert again.returncode == 0, again.stderr
        stack.add_worker()
        assert stack.verify("before")["ok"]
        assert stack.episodes("before") != before
