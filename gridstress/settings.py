"""Every setting: its value, its environment name (``GRIDSTRESS_`` + the name) and its reason.

Nothing else reads the environment.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from topology.errors import UsageError

ENV_PREFIX = "GRIDSTRESS_"

Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Settings(BaseSettings):
    """All settings of worker, replayer and dashboard, checked when they are read."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_file=".env", extra="ignore", frozen=True
    )

    # Kafka
    broker: str = Field(
        "kafka://localhost:29092",
        pattern=r"^kafka://[^\s/]+$",
        description="Bootstrap servers. 29092 keeps clear of a Kafka that already runs on 9092.",
    )
    broker_kind: Literal["auto", "kafka", "embedded"] = Field(
        "auto",
        description="What answers there: the embedded broker needs work-arounds that Kafka does "
        "not. `auto` asks the broker for its cluster id.",
    )
    partitions: int = Field(
        4,
        ge=1,
        le=1024,
        description="Partitions of every topic, and so the number of shards and the most workers "
        "that can share the work. Fixed when the topics are made; state does not move.",
    )
    replication: int = Field(
        1, ge=1, description="Copies of every topic; 3 on a cluster that may lose a broker."
    )
    group: str = Field(
        "gridstress",
        min_length=1,
        description="Consumer group and prefix of the changelog topics: workers with the same "
        "group share the work.",
    )
    session_timeout_s: Positive = Field(
        8.0,
        description="A worker that is silent for so long is taken for dead and its partitions "
        "move. Shorter means faster failover, longer survives longer pauses; Kafka allows 6 or "
        "more, and the embedded broker holds back a first join for half of it.",
    )
    data_dir: Path = Field(
        Path(".gridstress/data"),
        description="Local state of a worker (RocksDB). One directory a worker; losing it costs "
        "a recovery from the changelog, nothing else.",
    )
    store: Literal["rocksdb", "memory"] = Field(
        "rocksdb", description="Where tables live: on disk (survives a restart) or in memory."
    )

    # Time and windows
    step_s: int = Field(
        3600, ge=1, description="Pane length and hop of the windows: the data's own resolution."
    )
    size_s: int = Field(
        21_600, ge=1, description="Window length, a multiple of the step; 6 h is an evening peak."
    )
    lateness_s: int = Field(
        3600, ge=0, description="How far a frame may be behind its zone's newest and still count."
    )
    idle_timeout_s: float = Field(
        300.0,
        ge=0,
        description="A zone silent for so long, while others speak, stops holding back the "
        "watermark (wall clock). 0 waits for ever.",
    )

    # Models
    topology: str = Field(
        "germany",
        description="The grid: `germany` (bundled) or a path that `gridstress topology` accepts.",
    )
    stress_threshold: Fraction = Field(
        0.85,
        description="Utilisation above which a node is stressed; stress is 1 at full rating.",
    )
    max_hops: int = Field(3, ge=0, le=10, description="How many lines stress travels at most.")
    decay: float = Field(
        0.7, gt=0, le=1, description="Extra factor from the second hop on: far is weaker than near."
    )
    alpha: float = Field(0.6, ge=0, description="Weight of a node's centrality in that model.")
    centrality: Literal["degree", "betweenness", "eigenvector"] = Field(
        "degree", description="Which centrality the centrality-based model uses."
    )

    # Alarms
    level_warning: Fraction = Field(0.5, description="Risk at which an episode starts.")
    level_high: Fraction = Field(0.7, description="Risk at which it becomes HIGH.")
    level_critical: Fraction = Field(0.9, description="Risk at which it becomes CRITICAL.")
    level_clear: Fraction = Field(
        0.4, description="Risk below which it ends; the gap to WARNING keeps alarms from flapping."
    )

    # Web
    web_bind: str = Field(
        "127.0.0.1", description="Address the worker's API listens on; loopback unless told."
    )
    web_port: int = Field(6066, ge=1, le=65_535, description="Port of the worker's API.")
    view_interval_s: Positive = Field(
        1.0, description="How often a worker publishes the state of its shards for the views."
    )
    api_urls: str = Field(
        "http://127.0.0.1:6066",
        description="Workers the dashboard asks, separated by commas; any of them knows all, the "
        "next is asked when one is gone.",
    )
    ui_bind: str = Field("127.0.0.1", description="Address the dashboard listens on.")
    ui_port: int = Field(8050, ge=1, le=65_535, description="Port of the dashboard.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.size_s % self.step_s:
            raise ValueError(f"size_s {self.size_s} is not a multiple of step_s {self.step_s}")
        levels = (self.level_clear, self.level_warning, self.level_high, self.level_critical)
        if list(levels) != sorted(set(levels)):
            raise ValueError(f"levels must rise from clear to critical, got {levels}")
        return self

    @property
    def bootstrap(self) -> str:
        """The broker as ``host:port``, as aiokafka wants it."""
        return self.broker.removeprefix("kafka://")


def load_settings(**overrides: Any) -> Settings:
    """Settings from overrides, the environment, ``.env`` and the defaults, in that order.

    Raises
    ------
    UsageError
        Naming every setting that is wrong, its value and why.
    """
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})
    except ValidationError as error:
        raise UsageError("; ".join(_explain(item) for item in error.errors())) from None


def _explain(item: Any) -> str:
    if not item["loc"]:
        return str(item["msg"])
    name = ENV_PREFIX + str(item["loc"][0]).upper()
    return f"{name} has value {item['input']!r}: {item['msg']}"
