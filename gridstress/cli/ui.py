"""``gridstress ui``: serve the dashboard."""

from typing import Annotated

import typer


def ui(
    workers: Annotated[
        str | None,
        typer.Option(
            help="Workers to ask, separated by commas; the next is asked when one is gone. "
            "Default: GRIDSTRESS_API_URLS.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65_535, help="Port to listen on. Default: GRIDSTRESS_UI_PORT (8050)."
        ),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            help="Listen beyond loopback without GRIDSTRESS_API_TOKEN: all who reach the port "
            "read all.",
        ),
    ] = False,
) -> None:
    """Serve the dashboard in this terminal until Ctrl-C."""
    from gridstress.settings import load_settings
    from gridstress.settings_reference import setting_meanings
    from ui.dashboard import serve

    settings = load_settings(api_urls=workers, ui_port=port, insecure=insecure or None)

    def ready(address: str) -> None:
        typer.echo(f"dashboard at {address}, asking {settings.api_urls} (Ctrl-C ends it)")

    serve(
        settings.api_urls,
        bind=settings.ui_bind,
        port=settings.ui_port,
        token=settings.token,
        insecure=settings.insecure,
        proxy=str(settings.ui_proxy or ""),
        reports=settings.reports_dir,
        meanings=setting_meanings(),
        on_ready=ready,
    )
