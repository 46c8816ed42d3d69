"""Every setting: its value, its environment name (``GRIDSTRESS_`` + the name) and its reason.

Nothing else reads the environment.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.networks import IPvAnyAddress
from pydantic_settings import SettingsConfigDict

from gridstress.kafka_settings import KafkaSettings, plain
from gridstress.logs import LogFormat
from topology.errors import UsageError
from topology.models import DEFAULT_MODELS, MODELS, InfluenceParams, registered

ENV_PREFIX = "GRIDSTRESS_"

Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
MAX_SPAN_S = 36_525 * 86_400
"""A hundred years: so far outside its frames a result may lie, by the window and the lateness."""

TOKEN_MIN = 16
"""Characters a token has at least: what is shorter can be guessed."""


class Settings(KafkaSettings):
    """All settings of worker, replayer and dashboard, checked when they are read."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_file=".env", extra="ignore", frozen=True
    )

    # Kafka
    partitions: int = Field(
        4,
        ge=1,
        le=1024,
        description="Partitions of every topic, and so the number of shards and the most workers "
        "that can share the work. Fixed when the topics are made; state does not move.",
    )
    replication: int = Field(
        1,
        ge=1,
        description="Copies of every topic; 3 on a cluster that may lose a broker. With 3 or more "
        "a record is acknowledged only when 2 copies have it (`min.insync.replicas`).",
    )
    retention_days: float = Field(
        30.0,
        ge=0,
        description="Days that measurements, what the stages pass on, windows and alerts are kept; "
        "0 keeps them for ever. What workers have not read by then is lost, and `verify`, "
        "`reshard` and a resumed replay reach back no further: longer than an outage may last "
        "before anyone sees to it.",
    )
    retention_dead_letters_days: float = Field(
        90.0,
        ge=0,
        description="Days that dead letters are kept; 0 keeps them for ever. Longer than "
        "measurements, because they wait for an operator and not for a worker.",
    )
    record_format: Literal["msgpack", "json"] = Field(
        "msgpack",
        description="How stress, propagated stress and final windows are written: `msgpack`, or "
        "`json`, which takes about twice the room and more time. Both are read, also side by side; "
        "`gridstress show` prints either as JSON.",
    )
    group: str = Field(
        "gridstress",
        min_length=1,
        description="Consumer group and prefix of the changelog topics: workers with the same "
        "group share the work, and the settings that decide results.",
    )
    role: Literal["all", "worker", "views"] = Field(
        "all",
        description="What `faust -A gridstress worker` starts. `all`: a worker that answers the "
        "whole API. `worker`: one without views, which saves their part of its processor time; "
        "its API answers how it is. `views`: a view server, which does no work and answers the "
        "whole API; any number of them beside the workers.",
    )
    session_timeout_s: Positive = Field(
        8.0,
        description="A worker that is silent for so long is taken for dead and its partitions "
        "move. Shorter means faster failover, longer survives longer pauses; Kafka allows 6 or "
        "more (with `--broker apache` 1), and the embedded broker holds back a first join for half "
        "of it, so that `gridstress up` has 4 there by default.",
    )
    stall_timeout_s: Positive = Field(
        60.0,
        description="A worker whose records wait, or whose tables are not ready, and that makes "
        "no progress for so long reports `stalled`. Twice what an orderly rebalance may wait.",
    )
    stall_exit: bool = Field(
        False,
        description="End a stalled worker with exit code 70 and without a commit, for a "
        "supervisor that starts it again.",
    )
    data_dir: Path = Field(
        Path(".gridstress/data"),
        description="Local state of a worker (RocksDB). One directory a worker; made anew from "
        "the changelog at every start.",
    )
    reports_dir: Path = Field(
        Path(".gridstress/reports"),
        description="Where `gridstress compare` writes its reports; the dashboard shows what lies "
        "here.",
    )
    archive_dir: Path = Field(
        Path(".gridstress/archive"),
        description="Where `gridstress archive` keeps every run; `gridstress history` and the "
        "workers read it there.",
    )
    archive_days: float = Field(
        90.0,
        ge=0,
        description="Days that the archive keeps a run after its last record; 0 keeps it for ever.",
    )
    archive_gb: float = Field(
        5.0,
        ge=0,
        description="Size of the archive in GB, beyond which it deletes the oldest runs, but none "
        "that goes on; 0 sets no limit.",
    )
    store: Literal["rocksdb", "memory"] = Field(
        "rocksdb",
        description="Where tables live while a worker runs: on disk, so that they may outgrow the "
        "memory, or in memory.",
    )

    log_format: LogFormat = Field(
        "auto",
        description="How a worker logs: `text`, `json` (an object a line, to be collected), or "
        "`auto`: text on a terminal, else JSON.",
    )

    # Time and windows
    step_s: int = Field(
        3600, ge=1, description="Pane length and hop of the windows: the data's own resolution."
    )
    size_s: int = Field(
        21_600,
        ge=1,
        le=MAX_SPAN_S,
        description="Window length, a multiple of the step; 6 h is an evening peak.",
    )
    lateness_s: int = Field(
        3600,
        ge=0,
        le=MAX_SPAN_S,
        description="How far a frame may be behind its zone's newest and still count.",
    )
    max_ahead_s: int = Field(
        31 * 86_400,
        ge=0,
        description="How far a row may be ahead of its zone's newest: a clock that is years off "
        "must not make all that follows late. Longer than any gap in the data; 0 allows any.",
    )
    idle_timeout_s: float = Field(
        300.0,
        ge=0,
        description="A zone that sends nothing for so long (wall clock), while others do, is "
        "idle: it holds back no watermark. 0 waits for ever.",
    )

    forgotten_runs: int = Field(
        100_000,
        ge=0,
        description="Dropped runs that each shard remembers by their last numbers, so that what "
        "comes again of them counts as seen. Beyond it the oldest is forgotten entirely: its name "
        "is that of a new run then. Some 100 bytes each.",
    )

    # Models
    topology: str = Field(
        "germany",
        description="The grid: `germany` (bundled) or a path that `gridstress topology` accepts.",
    )
    models: str = Field(
        ",".join(DEFAULT_MODELS),
        description="The models at work, separated by commas, of "
        + ", ".join(f"`{name}`" for name in MODELS)
        + "; each adds as much work. The first is shown first, the first two are compared. All "
        "workers of a group have the same, in any order.",
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

    # Live feed
    entsoe_token: SecretStr | None = Field(
        None,
        description="Security token of an account at the ENTSO-E Transparency Platform, for "
        "`gridstress feed entsoe` and `gridstress data fetch entsoe`. Secret: never shown.",
    )

    # Web
    api_token: SecretStr | None = Field(
        None,
        description="Needed to use the workers' API and the dashboard; "
        f"{TOKEN_MIN} characters or more. Needed to listen on anything but loopback. Secret: "
        "never shown.",
    )
    insecure: bool = Field(
        False,
        description="Listen beyond loopback without a token: all who reach the port read all. "
        "For private networks.",
    )
    web_bind: str = Field(
        "127.0.0.1", description="Address the worker's API listens on; loopback by default."
    )
    web_port: int = Field(6066, ge=1, le=65_535, description="Port of the worker's API.")
    view_interval_s: Positive = Field(
        1.0, description="How often a worker publishes the state of its shards for the views."
    )
    api_urls: str = Field(
        "http://127.0.0.1:6066",
        description="Workers or view servers that the dashboard and `gridstress verify` ask, "
        "separated by commas; any of them knows all, the next is asked when one is gone or has no "
        "views.",
    )
    ui_bind: str = Field("127.0.0.1", description="Address the dashboard listens on.")
    ui_port: int = Field(8050, ge=1, le=65_535, description="Port of the dashboard.")
    ui_proxy: IPvAnyAddress | None = Field(
        None,
        description="IP address of the proxy in front of the dashboard, such as 127.0.0.1. It "
        "alone is believed for whom it asks, and whether over HTTPS (X-Forwarded-For, -Proto).",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any, info: ValidationInfo) -> Any:
        optional = cls.model_fields[str(info.field_name)].default is None
        return None if optional and value == "" else value

    @field_validator("api_token")
    @classmethod
    def _fit_for_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value() if value else ""
        if text and not re.fullmatch(rf"[!-~]{{{TOKEN_MIN},}}", text):
            raise ValueError(f"wants {TOKEN_MIN} or more ASCII characters without spaces")
        return value

    @field_validator("api_urls")
    @classmethod
    def _no_secret_in_a_url(cls, value: str) -> str:
        if "@" in value:
            raise ValueError("takes no user and password; GRIDSTRESS_API_TOKEN is sent")
        return value

    @field_validator("models")
    @classmethod
    def _registered(cls, value: str) -> str:
        return ",".join(registered(value.split(",")))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.size_s % self.step_s:
            raise ValueError(f"size_s {self.size_s} is not a multiple of step_s {self.step_s}")
        levels = (self.level_clear, self.level_warning, self.level_high, self.level_critical)
        if list(levels) != sorted(set(levels)):
            raise ValueError(f"levels must rise from clear to critical, got {levels}")
        return self

    @property
    def model_names(self) -> tuple[str, ...]:
        """The enabled models, in order; at least one."""
        return tuple(self.models.split(","))

    @property
    def influence_params(self) -> InfluenceParams:
        """What the models' influence matrices depend on, beside the grid."""
        return InfluenceParams(self.max_hops, self.decay, self.alpha, self.centrality)

    @property
    def entsoe(self) -> str:
        """The ENTSO-E token in plain text; empty if there is none."""
        return plain(self.entsoe_token)

    @property
    def token(self) -> str:
        """The token in plain text; empty if there is none."""
        return plain(self.api_token)


def load_settings(**overrides: Any) -> Settings:
    """Settings from overrides, the environment, ``.env`` and the defaults, in that order.

    Raises
    ------
    UsageError
        Naming every setting that is wrong, its value and why.
    """
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})
    except UnicodeDecodeError as error:
        raise UsageError(f"the settings file (.env) is not UTF-8 text: {error.reason}") from None
    except ValidationError as error:
        raise UsageError("; ".join(_explain(item) for item in error.errors())) from None


def _explain(item: Any) -> str:
    reason = str(item["msg"]).removeprefix("Value error, ")
    if not item["loc"]:
        return reason
    setting = str(item["loc"][0])
    name = ENV_PREFIX + setting.upper()
    # A broker or worker address with an "@" holds a password.
    if setting in SECRETS or "@" in str(item["input"]):
        return f"{name} has a value that cannot be used (not shown): {reason}"
    return f"{name} has value {item['input']!r}: {reason}"


SECRETS = tuple(
    name for name, info in Settings.model_fields.items() if info.annotation == SecretStr | None
)
"""Settings whose values are never shown."""
