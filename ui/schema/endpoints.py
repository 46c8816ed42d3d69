"""Every endpoint of the API: its parameters and its answer."""

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from ui.schema.grid import GridInfo
from ui.schema.replays import Replays
from ui.schema.runs import Episodes, Extremes, History, PastRuns, Runs
from ui.schema.system import Health, System
from ui.schema.views import Alerts, Compare, GridState, NodeDetail, OpenWindows, Top

PREFIX = "/api/v1"

LIVE = f"{PREFIX}/live"
"""The one address of the API that answers without the token: 200 or 503 and nothing else."""

HEALTH, DESCRIPTION = "/health", "/openapi.json"
"""Addresses below the prefix: how the process is that answers, and what its API is."""

POSTED = f"{PREFIX}/measurements"
"""The address that takes measurements, from those who have the token."""

COMMANDED = f"{PREFIX}/replays/command"
"""The address that takes commands to replays."""

MAX_SOURCE = 200
SINCE_END = 1e12


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query; an integer goes from 1 to ``most``."""

    name: str
    text: str
    kind: Literal["string", "integer", "number", "boolean"] = "string"
    default: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address below the prefix that is asked with GET; ``tagged``: it says "nothing new"."""

    path: str
    text: str
    answer: type[Struct]
    parameters: tuple[Parameter, ...] = ()
    tagged: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names."""
        return tuple(parameter.name for parameter in self.parameters)


MODEL = Parameter("model", "An enabled model; by default the first.")
RUN = Parameter("run", "A run; by default the newest.")
PAIR = Parameter("models", "Two enabled models, separated by a comma; by default the first two.")
BESIDE = Parameter(
    "with",
    "An archived run of the same grid, set beside the first; models then names one for both, or "
    "one for each.",
)
NODE_COUNT = Parameter("k", "Number of nodes.", "integer", default=10, most=1000)
PAST_RUN = Parameter("run", "An archived run.")
AT = Parameter("at", "Event time (ISO-8601): the last window up to then; by default the run's end.")
ANY_RUN = Parameter("run", "A run, archived or not.")
AFTER = Parameter("after", "Event time (ISO-8601): only of windows that end later.")
THEN = Parameter("at", "Event time (ISO-8601): as it was at the last final window up to then.")
ALERT_LIMIT = Parameter("limit", "Number of alerts.", "integer", default=200, most=5000)
EPISODE_LIMIT = Parameter("limit", "Number of episodes.", "integer", default=500, most=5000)
SINCE = Parameter("since", "Received after this wall-clock time, epoch seconds.", "number")
SOURCE = Parameter("source", "Where the measurements come from; by default http.")
SYNTHETIC = Parameter("synthetic", "Whether they are invented; by default unknown.", "boolean")

ENDPOINTS: dict[str, Endpoint] = {
    endpoint.path: endpoint
    for endpoint in (
        Endpoint("/grid", "Nodes, lines, models and the settings in force.", GridInfo),
        Endpoint("/runs", "The runs, the newest first.", Runs),
        Endpoint("/state", "Risk, stress and level of every node.", GridState, (MODEL, RUN, THEN)),
        Endpoint("/top", "The nodes with the highest risk.", Top, (MODEL, RUN, NODE_COUNT, THEN)),
        Endpoint(
            "/alerts",
            "Alerts, newest first.",
            Alerts,
            (MODEL, RUN, SINCE, AFTER, ALERT_LIMIT, THEN),
        ),
        Endpoint("/node/{node_id}", "One node.", NodeDetail, (MODEL, RUN, THEN)),
        Endpoint("/windows/open", "The windows that are not final.", OpenWindows, (MODEL, RUN)),
        Endpoint(
            "/episodes",
            "Alarm episodes of one model, by default of all; the one raised last first.",
            Episodes,
            (MODEL, RUN, EPISODE_LIMIT, THEN),
        ),
        Endpoint(
            "/compare",
            "Two models over the same moment, or two runs.",
            Compare,
            (RUN, NODE_COUNT, PAIR, BESIDE, THEN),
        ),
        Endpoint(
            "/compare/history",
            "How two models have agreed over a run, or two runs.",
            History,
            (RUN, PAIR, BESIDE, THEN),
        ),
        Endpoint(
            "/history/runs",
            "The archived runs, the one written last first.",
            PastRuns,
            tagged=False,
        ),
        Endpoint(
            "/history/moment",
            "The state at the end of any final window of an archived run.",
            GridState,
            (PAST_RUN, MODEL, AT),
        ),
        Endpoint(
            "/history/node/{node_id}",
            "One node of an archived run.",
            NodeDetail,
            (PAST_RUN, MODEL, AT),
        ),
        Endpoint(
            "/history/alerts",
            "Alerts of an archived run, newest first.",
            Alerts,
            (PAST_RUN, MODEL, AT, ALERT_LIMIT),
        ),
        Endpoint(
            "/history/extremes",
            "The highest risk of each window of a run, and how many alarms it raised.",
            Extremes,
            (ANY_RUN, MODEL, AFTER),
        ),
        Endpoint("/replays", "The replays that follow commands.", Replays, tagged=False),
        Endpoint("/system", "All workers, and the settings.", System, tagged=False),
        Endpoint(HEALTH, "How this worker is; 503 unless it is well.", Health, tagged=False),
    )
}
"""By path."""
