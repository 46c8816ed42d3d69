"""``gridstress alerts``: a run's alarms, from the broker's topics."""

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gridstress.logs import printable, quiet_client

if TYPE_CHECKING:
    from gridstress.kafka_connection import Where
    from topology.messages import RiskAlert


MinLevel = Literal["WARNING", "HIGH", "CRITICAL"]


async def select_alerts(
    where: "Where",
    model: str,
    *,
    run: str | None = None,
    level: MinLevel = "WARNING",
    follow: bool = False,
) -> AsyncGenerator["RiskAlert", None]:
    """Yield the alerts of a model, each id once, in the order of the logs.

    Parameters
    ----------
    run
        Only those of this run; all runs by default.
    level
        Only those of this level or a higher one.
    follow
        Go on with what comes later.

    Raises
    ------
    DataError
        If there is no such topic.
    BrokerError
        If the broker does not answer.
    """
    from contextlib import aclosing

    from gridstress.kafka import topics
    from gridstress.kafka.topic_reader import scan_topic
    from topology.codec import decode
    from topology.errors import MessageError
    from topology.messages import LEVELS, RiskAlert

    seen: set[str] = set()
    async with aclosing(scan_topic(where, topics.alerts(model), follow=follow)) as records:
        async for record in records:
            try:
                alert = decode(record.value, RiskAlert)
            except MessageError:
                continue  # not ours to judge: `verify` reports records that are no alerts
            high_enough = LEVELS.index(alert.level) >= LEVELS.index(level)
            if high_enough and run in (None, alert.run) and alert.alert_id not in seen:
                seen.add(alert.alert_id)
                yield alert


def as_line(alert: "RiskAlert") -> str:
    """Write one alert as one line for a person."""
    from topology.clock import to_iso

    causes = ", ".join(f"{s.node_id} {s.share:.0%}" for s in alert.sources)
    at = to_iso(alert.window_end.timestamp())
    line = f"{at}  {alert.state:<9}  {alert.level:<8}  {alert.risk_score:.3f}  {alert.node_id}"
    return f"{line}  from {causes}" if causes else line


def alerts(
    model: Annotated[
        str | None, typer.Option(help="Whose alerts: the name of a model; the first by default.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="The run; the one written to last by default, all with --follow."),
    ] = None,
    level: Annotated[
        MinLevel, typer.Option(help="Only this level and higher ones.", case_sensitive=False)
    ] = "WARNING",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON record a line.")] = False,
) -> None:
    """List a run's alarms: when, what, how much, where and why; the oldest first."""
    import asyncio

    from gridstress.settings import load_settings
    from gridstress.verify.collect import choose_run
    from topology.codec import encode

    quiet_client()
    settings = load_settings()
    where = settings.kafka
    chosen_model = _enabled(model, settings.model_names)

    def show(alert: "RiskAlert") -> None:
        typer.echo(encode(alert).decode() if as_json else printable(as_line(alert)))

    async def main() -> None:
        chosen = run if run or follow else await choose_run(where, None)
        found = []
        async for alert in select_alerts(
            where, chosen_model, run=chosen, level=level, follow=follow
        ):
            if follow:
                show(alert)
            else:
                found.append(alert)
        # Partitions are read side by side; event time puts them in the order they happened.
        for alert in sorted(found, key=lambda a: (a.window_end, a.node_id)):
            show(alert)
        if not found and not follow:
            await choose_run(where, chosen)  # there may be no such run at all
            of = f"run {chosen} in the {chosen_model} model"
            typer.echo(printable(f"no {level} alerts of {of}"), err=True)

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        raise typer.Exit from None


def _enabled(model: str | None, models: Sequence[str]) -> str:
    from topology.errors import UsageError

    if model is not None and model not in models:
        raise UsageError(
            f"--model {model!r} is not a model that is enabled; there are {', '.join(models)}",
            hint="GRIDSTRESS_MODELS lists the models, as for the workers",
        )
    return model or models[0]
