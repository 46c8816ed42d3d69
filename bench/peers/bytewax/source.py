"""A source of Bytewax that says when it reads."""

from typing import Any

from bytewax.connectors.kafka import KafkaSource

from bench.peers.task import Task, ready_file


class ReadySource(KafkaSource):  # type: ignore[misc]
    """Kafka source of the measurements, which touches a file in a live run.

    Parameters
    ----------
    batch_size
        As of `KafkaSource`.
    """

    def __init__(self, task: Task, batch_size: int) -> None:
        super().__init__([task.bootstrap], [task.source], batch_size=batch_size)
        self._task = task

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Any:
        """Begin to read a partition."""
        partition = super().build_part(step_id, for_part, resume_state)
        if self._task.live:
            ready_file(self._task).touch()
        return partition
