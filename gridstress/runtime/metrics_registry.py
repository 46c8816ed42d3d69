"""Metrics that are recorded as a worker works; `metrics_collector` adds those read on demand."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

RECORDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass
class MetricsRegistry:
    """One worker's instruments, in a registry of their own."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        # A time beside each value, which has no use.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._batch_records = Histogram(
            "gridstress_batch_records",
            "Records that a stage has worked off together.",
            ["stage"],
            buckets=RECORDS,
            registry=self.registry,
        )
        self._batch_seconds = Histogram(
            "gridstress_batch_seconds",
            "Time from taking a batch to its last acknowledgement, sending and writing included.",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._requests = Counter(
            "gridstress_api_requests",
            "Requests that the API has answered.",
            ["path", "status"],
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "gridstress_api_request_seconds",
            "Time that an answer of the API has taken.",
            ["path"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.sent = Counter(
            "gridstress_records_sent",
            "Records handed to the producer, changelogs not included.",
            ["topic"],
            registry=self.registry,
        )

    def worked(self, stage: str, records: int, seconds: float) -> None:
        """Note a batch of a stage."""
        self._batch_records.labels(stage).observe(records)
        self._batch_seconds.labels(stage).observe(seconds)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Note an answer of the API."""
        self._requests.labels(path, str(status)).inc()
        self._request_seconds.labels(path).observe(seconds)
