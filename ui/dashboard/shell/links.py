"""Addresses within the dashboard."""

from urllib.parse import quote, unquote, urlencode

NODE_PATH = "/node"
ALARMS_PATH = "/alarms"


def node_href(node_id: str, model: str | None = None, run: str | None = None) -> str:
    """Address of a node's page; with a model, the page stresses that one; with a run, of that."""
    given = {"model": model, "run": run}
    query = urlencode({name: value for name, value in given.items() if value}, quote_via=quote)
    return f"{NODE_PATH}/{quote(node_id, safe='')}{query and f'?{query}'}"


def alarms_href(node_id: str) -> str:
    """Address of the alarms page, showing one node only."""
    return f"{ALARMS_PATH}?node={quote(node_id, safe='')}"


def node_of(pathname: str | None) -> str | None:
    """The node that an address names, None if it names none."""
    rest = (pathname or "").removeprefix(NODE_PATH + "/")
    return (unquote(rest).strip("/") or None) if rest != pathname else None
