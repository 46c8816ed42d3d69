"""What went wrong when a worker was asked: who may know better, and what to do."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import httpx
import msgspec

from topology.errors import GridstressError
from ui.schema.system import Refused


class WorkerGoneError(GridstressError):
    """No worker answered; the message names each one and why."""


class ViewsGoneError(WorkerGoneError):
    """The workers that answered have no views."""


class ApiError(GridstressError):
    """The worker refused the request (a bad parameter, say); asking another one will not help."""


class UnknownNameError(ApiError):
    """The worker does not know that node, model or run; ``exists`` lists those it does."""

    def __init__(self, message: str, exists: Sequence[str]) -> None:
        super().__init__(message, hint=f"known: {', '.join(exists[:10])}" if exists else "")
        self.exists = tuple(exists)


class ServerError(Exception):
    """The worker cannot answer now; another one may."""


class NoViewsError(ServerError):
    """The worker has no views; another one may have."""


def check_views(response: httpx.Response) -> None:
    """Raise NoViewsError if the answer is that of a worker without views."""
    if response.status_code == httpx.codes.MISDIRECTED_REQUEST:
        with suppress(msgspec.DecodeError):
            refusal = msgspec.json.decode(response.content, type=Refused)
            if refusal.views is not None:
                raise NoViewsError(refusal.error)


def refuse(response: httpx.Response) -> None:
    """Raise what an answer means that is not the one that was asked for.

    Raises
    ------
    ServerError, ApiError
        Whether another worker may answer, or not.
    """
    check_views(response)
    code = response.status_code
    if code >= 500 or code < 400:
        raise ServerError(f"status {code}")
    try:
        refusal = msgspec.json.decode(response.content, type=Refused)
    except msgspec.DecodeError:
        # Not our API's own 404: something else listens at this address.
        raise ServerError(f"status {code}, not an answer of a gridstress worker") from None
    if code == httpx.codes.UNAUTHORIZED:
        raise ApiError(
            f"the worker refused our token: {refusal.error}",
            hint="dashboard and workers need the same GRIDSTRESS_API_TOKEN",
        )
    if code == httpx.codes.NOT_FOUND:
        raise UnknownNameError(refusal.error or "not found", refusal.exists or ())
    raise ApiError(refusal.error or f"the worker refused {response.url.path} with status {code}")


def refuse_command(response: httpx.Response) -> None:
    """Raise what the answer to a command means that was not followed; errors as of `refuse`."""
    check_views(response)
    try:
        refusal = msgspec.json.decode(response.content, type=Refused)
    except msgspec.DecodeError:
        raise ApiError(f"the worker takes no commands (status {response.status_code})") from None
    raise ApiError(refusal.error)


def reason_of(error: Exception) -> str:
    """Why a worker did not answer, in words."""
    if isinstance(error, httpx.ConnectError):
        return "nothing listens there"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, msgspec.DecodeError):
        return f"not an answer of a gridstress worker ({error})"
    return str(error) or type(error).__name__


def none_answered(failures: Mapping[str, Exception]) -> WorkerGoneError:
    """What to raise where no worker has answered; ``failures`` are by address."""
    reasons = "; ".join(f"{url}: {reason_of(error)}" for url, error in failures.items())
    message = f"no worker answered ({reasons})"
    silent = [url for url, error in failures.items() if not isinstance(error, NoViewsError)]
    if len(silent) == len(failures):
        hint = "is a worker running? start one with: faust -A gridstress worker"
        return WorkerGoneError(message, hint=hint)
    hint = "name a view server in GRIDSTRESS_API_URLS"
    if silent:
        hint = f"{', '.join(silent)} did not answer: start a view server there, or {hint}"
    return ViewsGoneError(message, hint=hint)
