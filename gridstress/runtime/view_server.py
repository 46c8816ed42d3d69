"""How a view server enters its group, and what keeps it right while it runs.

It takes part in no rebalance, which would.
"""

import asyncio
import logging

from gridstress.group_settings import settings_log
from gridstress.kafka.topics import ensure_topics, missing_topics
from gridstress.runtime.app import RETRY_S, GridstressApp, end
from gridstress.runtime.observers import ViewObserver
from topology.errors import BrokerError, GridstressError
from ui.api.view_consumer import ViewConsumer

log = logging.getLogger(__name__)

SETTINGS_S = 30.0
"""How often a view server looks whether its group has accepted other settings, s."""


async def enter_group(app: GridstressApp) -> None:
    """Wait until a worker has settled the group's settings and made its topics.

    A view server does neither. It ends if it has other settings.
    """
    logged = ""
    while waits_for := await _lacking(app):
        if waits_for != logged:
            log.warning("waits for %s", waits_for)
        logged = waits_for
        await asyncio.sleep(RETRY_S)


async def _lacking(app: GridstressApp) -> str:
    """What must be there before it enters the group, in words; empty once it has entered."""
    try:
        group = await settings_log.find(app.settings, app.mine)
        if group is None:
            return f"a worker that settles the settings of group {app.settings.group!r}"
        if missing := await missing_topics(app.settings):
            return f"a worker that makes {', '.join(missing)}"
        await ensure_topics(app.settings)  # all are there: it checks them
    except BrokerError as error:
        return f"the broker: {error}"
    except GridstressError as error:
        end(error)
    app.group.follow(group)
    return ""


def look_after_views(app: GridstressApp, views: ViewConsumer) -> None:
    """Have the watchdog see the views, and end once the group has other settings."""
    app.watchdog.observer = ViewObserver(app, views)

    @app.timer(SETTINGS_S, name="settings")  # type: ignore[untyped-decorator]
    async def check() -> None:
        if not app.group.is_known:
            return
        try:
            await app.check_settings()
        except BrokerError as error:
            log.warning("the group's settings are not known: %s", error)
        except GridstressError as error:
            end(error)
