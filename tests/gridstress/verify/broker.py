"""Records on a real broker as an app that works would write them, and a server in its place."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import typer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from typer.testing import CliRunner

from gridstress.cli.alerts import alerts
from gridstress.cli.verify import verify
from gridstress.kafka.topic_reader import read_topic
from tests.gridstress.verify.samples import GRID, SETTINGS, echo_open
from topology.clock import to_iso
from topology.codec import encode
from topology.messages import PropagatedFrame
from topology.run_messages import RunRecord
from topology.shards import shard_of

RESULTS = [f"risk_{kind}_{m}" for kind in ("windows", "alerts") for m in ("linear", "centrality")]
TOPICS = ["grid_measurements", "dead_letters", "runs", *RESULTS]


def commands(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return what runs `verify` or `alerts` with this broker and the grid of the samples."""
    monkeypatch.setenv("GRIDSTRESS_BROKER", f"kafka://{bootstrap}")
    for name in ("step_s", "size_s", "lateness_s", "partitions"):
        monkeypatch.setenv(f"GRIDSTRESS_{name.upper()}", str(getattr(SETTINGS, name)))
    monkeypatch.setattr("topology.loaders.load_grid", lambda _: GRID)
    app, runner = typer.Typer(), CliRunner()
    app.command()(verify)
    app.command()(alerts)
    return lambda *args: runner.invoke(app, list(args))


async def create(bootstrap: str, topics: Iterable[str] = TOPICS) -> None:
    """Create topics with two partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1) for name in topics])
    await admin.close()


def send(bootstrap: str, records: list[tuple]) -> None:
    """Send records, each as (topic, partition, value, headers...)."""

    async def main() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=4 << 20)
        await producer.start()
        futures = []
        for topic, partition, value, *headers in records:
            raw = value if isinstance(value, bytes) else encode(value)
            key = value.run.encode() if isinstance(value, RunRecord) else None
            futures.append(
                await producer.send(
                    topic, raw, key=key, partition=partition, headers=headers or None
                )
            )
        await asyncio.gather(*futures)
        await producer.stop()

    asyncio.run(main())


def finish(bootstrap: str, group: str, topic: str, *, but: int = 0) -> None:
    """Commit as a group that has finished two partitions, ``but`` the last records of the first."""

    async def main() -> None:
        ends = [0, 0]
        for record in await read_topic(bootstrap, topic):
            ends[record.partition] = record.offset + 1
        ends[0] -= but
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
        )
        await consumer.start()
        consumer.assign([TopicPartition(topic, partition) for partition in range(2)])
        await consumer.commit({TopicPartition(topic, p): end for p, end in enumerate(ends)})
        await consumer.stop()

    asyncio.run(main())


def of_run(frames, expected, observed) -> list[tuple]:
    """All records of a run that worked, as (topic, partition, value, headers...)."""
    records = [("grid_measurements", int(f.zone == "South"), f) for f in frames]
    for model in observed.windows:
        records += [(f"risk_windows_{model}", w.shard, w) for w in observed.windows[model]]
        records += [
            (f"risk_alerts_{model}", shard_of(a.node_id, 2), a) for a in observed.alerts[model]
        ]
    for dead_letter in observed.skipped_rows:
        value = PropagatedFrame(
            run=expected.run,
            zone=dead_letter.zone,
            seq=dead_letter.rows[0],
            timestamps=frames[0].timestamps[:1],
            nodes=[],
            shard=dead_letter.shard,
            stress=np.zeros((1, 0)),
            sources=[],
            source_stress=np.zeros((1, 0)),
        )
        rows = ",".join(map(str, dead_letter.rows)).encode()
        headers = [("topic", f"propagated_stress_{dead_letter.model}".encode())]
        headers += [("reason", b"late"), ("rows", rows)]
        raw = encode(value)
        if dead_letter.shard == 1:  # as one that was too large for the topic
            raw, length = raw[:80], b"%d" % len(raw)
            headers += [("truncated", length), ("partition", b"1"), ("offset", b"0")]
        records.append(("dead_letters", 0, raw, *headers))
    return records


class Worker:
    """Plays the API of workers that hold what was recomputed."""

    def __init__(self, expected) -> None:
        self.expected = expected
        self.applied = {z.zone: z.last_seq for z in expected.intake.zones.values()}
        closed = expected.closed
        self.closed_until_s = expected.ends_s[closed - 1] if closed else None
        self.open_windows = echo_open(expected)
        worker = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                query = {k: v[0] for k, v in parse_qs(url.query).items()}
                content = worker.answer(url.path.removeprefix("/api/v1/"), query)
                self.send_response(404 if content is None else 200)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, query):
        if path == "health":
            return {"idle_zones": []}
        if path == "runs":
            return {"runs": [{"run": self.expected.run}]}
        if query["run"] != self.expected.run:
            return None
        if path == "state":
            part = {
                "watermark": self.closed_until_s and to_iso(self.expected.watermark_s),
                "event_time": to_iso(self.expected.intake.newest_s),
                "closed_until": self.closed_until_s and to_iso(self.closed_until_s),
                "applied": self.applied,
            }
            return {"parts": [{"shard": shard, **part} for shard in range(2)]}
        return {
            "windows": [
                {
                    "window_start": to_iso(w.start_s),
                    "window_end": to_iso(w.end_s),
                    "nodes": w.nodes,
                    "stress": w.stress,
                    "risk": w.risk,
                }
                for w in self.open_windows[query["model"]].windows
            ]
        }
