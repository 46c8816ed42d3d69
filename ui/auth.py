"""Authentication: the token, and addresses that only this machine can reach."""

import hmac
import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from topology.errors import UsageError

ANOTHER_NAME = "this server answers to localhost only: see docs/security.md"
"""The refusal when a server on loopback is asked by a name that is not its own."""


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach a server that listens on ``host``.

    A name other than ``localhost`` is not looked up: what it means may change.
    """
    name = host.strip().strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_exposed(what: str, bind: str, setting: str, *, token: str, insecure: bool) -> None:
    """Refuse to listen where others can reach it, without a token.

    ``what`` (such as ``the worker's API``) and ``setting``, where the address comes from, are for
    the message. An empty ``bind`` means all addresses, an empty ``token`` that there is none;
    ``insecure`` is whether it was set explicitly that all who reach it may read it.

    Raises
    ------
    UsageError
        If others could reach it and nothing holds them back.
    """
    if token or insecure or is_loopback(bind):
        return
    raise UsageError(
        f"{what} would listen on {bind or 'all addresses'} ({setting}) for everyone",
        hint="set GRIDSTRESS_API_TOKEN, or GRIDSTRESS_INSECURE=true if everyone who reaches it "
        "may read all of it",
    )


def refuse_write(
    peer: str | None,
    headers: Mapping[str, str],
    ports: Collection[int] = (),
    *,
    by_browser: bool = False,
) -> str:
    """Why a request without a token may not change anything; empty if it may.

    It may from this machine alone, not through a proxy that says it is one, and if no page of
    another site makes their browser ask.

    Parameters
    ----------
    peer
        Address of who asks.
    headers
        Of the request; names in any case.
    ports
        Ports on loopback whose pages are ours, beside that of ``Host``.
    by_browser
        Whether only pages ask: their browser says which.
    """
    host, origin = headers.get("Host", ""), headers.get("Origin")
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not is_loopback(peer or "") or not is_loopback(host_of(f"//{host}")):
        return "without GRIDSTRESS_API_TOKEN commands are taken from this machine only"
    if any(_is_of_proxy(name) for name in headers):
        return "without GRIDSTRESS_API_TOKEN commands are not taken from behind a proxy"
    if kind != "application/json":
        return "commands are taken as application/json"
    if (by_browser and origin is None) or (
        origin is not None and not _is_ours(origin, host, ports)
    ):
        return "commands are not taken from pages of other sites"
    return ""


def _is_of_proxy(header: str) -> bool:
    name = header.lower()
    return name.startswith("x-forwarded-") or name in ("forwarded", "via", "x-real-ip")


def _is_ours(origin: str, host: str, ports: Collection[int]) -> bool:
    if origin == f"http://{host}":
        return True
    try:
        port = urlsplit(origin).port
    except ValueError:
        return False
    return port in ports and origin.startswith("http://") and is_loopback(host_of(origin))


def host_of(address: str) -> str:
    """The host in an address; empty if there is none, or it is no address."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def same_token(given: str, token: str) -> bool:
    """Whether ``given`` is the token; how long it takes tells nothing about it."""
    return hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode())


def authorization(token: str) -> dict[str, str]:
    """The header that brings the token; none if there is no token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def bearer(header: str | None) -> str:
    """The token in an ``Authorization`` header, or an empty text."""
    scheme, _, given = (header or "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""
