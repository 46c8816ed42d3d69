"""The web server of a worker: only our own views, and only where it may listen."""

from typing import Any

from faust.web.drivers.aiohttp import Web

from gridstress.settings import Settings
from ui.auth import refuse_exposed


class ApiWeb(Web):
    """Faust's web server without its index page, which no setting turns off."""

    production_blueprints = ()


def disable_faust_pages() -> dict[str, Any]:
    """Faust settings that turn its own pages off: they show tables and statistics to all.

    Given one by one, because some are on, and others follow ``debug``.
    """
    pages = ("tables", "router", "stats", "graph", "metrics")
    return {f"web_{page}_enabled": False for page in pages}


def refuse_exposed_web(settings: Settings, conf: Any) -> None:
    """Refuse to listen where others can reach the API, without a token.

    Parameters
    ----------
    conf
        The Faust app's, once its command line has been read: ``--web-bind`` has the last word.

    Raises
    ------
    UsageError
        If it is bound to more than loopback. A Unix socket belongs to who may open its file.
    """
    if _listens(conf):
        refuse_exposed(
            "the worker's API",
            str(conf.web_bind or ""),
            "GRIDSTRESS_WEB_BIND or --web-bind",
            token=settings.token,
            insecure=settings.insecure,
        )


def refuse_taken_port(conf: Any) -> None:
    """Refuse to start where another program listens; ``conf`` as in `refuse_exposed_web`.

    Raises
    ------
    GridstressError
        Naming the port and, as far as the system tells, who has it.
    """
    from gridstress.local import processes

    if _listens(conf):
        processes.check_free(
            conf.web_port, "GRIDSTRESS_WEB_PORT", str(conf.web_bind or "127.0.0.1")
        )


def _listens(conf: Any) -> bool:
    return bool(conf.web_enabled) and conf.web_transport.scheme != "unix"
