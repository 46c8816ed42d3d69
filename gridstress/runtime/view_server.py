"""What keeps a view server right while it runs: it takes part in no rebalance, which would."""

import logging

from gridstress.runtime.app import GridstressApp, end
from gridstress.runtime.observers import ViewObserver
from topology.errors import BrokerError, GridstressError
from ui.api.view_consumer import ViewConsumer

log = logging.getLogger(__name__)

SETTINGS_S = 30.0
"""How often a view server looks whether its group has accepted other settings, s."""


def look_after_views(app: GridstressApp, views: ViewConsumer) -> None:
    """Have the watchdog see the views, and end once the group has other settings."""
    app.watchdog.observer = ViewObserver(app, views)

    @app.timer(SETTINGS_S, name="settings")  # type: ignore[untyped-decorator]
    async def check() -> None:
        try:
            await app.check_settings()
        except BrokerError as error:
            log.warning("the group's settings are not known: %s", error)
        except GridstressError as error:
            end(error)
