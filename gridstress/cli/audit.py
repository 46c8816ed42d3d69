"""``gridstress audit``: verify every run continuously."""

from typing import Annotated

import typer

from gridstress.logs import printable, quiet_client


def audit(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Verify all runs while they go on, until Ctrl-C: a line whenever there is something new.

    Ends with 0 if nothing was missing, double or different by then, 1 if something was, 3 if the
    broker cannot be reached, 4 if a topic does not fit.
    """
    import asyncio
    import signal
    from contextlib import aclosing

    import msgspec

    from gridstress.settings import load_settings
    from gridstress.verify.audit_topic import status_writer
    from gridstress.verify.auditor import Auditor
    from topology.loaders import load_grid
    from ui.schema.audit import audit_line

    quiet_client()
    settings = load_settings()
    auditor = Auditor(settings, load_grid(settings.topology))

    async def follow() -> None:
        printed: dict[str, str] = {}
        async with status_writer(settings) as tell, aclosing(auditor.states()) as states:
            async for status in states:
                await tell(status)
                line = audit_line(status)
                if printed.get(status.run) != line:
                    printed[status.run] = line
                    typer.echo(msgspec.json.encode(status) if as_json else printable(line))

    async def main() -> None:
        loop, work = asyncio.get_running_loop(), asyncio.ensure_future(follow())
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, work.cancel)
        try:
            await work
        except asyncio.CancelledError:
            return

    asyncio.run(main())
    if auditor.differences:
        raise typer.Exit(1)
