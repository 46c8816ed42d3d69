"""The file of what `gridstress up` has started, so that `down` stops exactly that."""

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from gridstress.local.processes import Service, family_of
from topology.errors import GridstressError

_FILE = "state.json"
_LOCK = "lock"


@dataclass(frozen=True)
class Stack:
    """Everything that belongs to one `gridstress up`.

    Parameters
    ----------
    broker
        ``embedded``, ``apache``, ``docker`` or ``external``.
    bootstrap
        Address of the broker, ``host:port``.
    api_url, ui_url
        Where the first worker and the dashboard answer; "" without one.
    services
        The local processes in the order in which they were started; none with Docker.
    compose_files
        The Compose files in use; none without Docker.
    """

    broker: str
    bootstrap: str
    api_url: str
    ui_url: str
    services: tuple[Service, ...] = ()
    compose_files: tuple[str, ...] = ()

    def running(self) -> Sequence[Service]:
        """Local services of which a process still runs, also if what supervised it has ended."""
        return [service for service in self.services if family_of(service)]


@contextmanager
def writing(home: Path) -> Iterator[None]:
    """Name what cannot be written in this block, which writes to the directory `home`.

    Raises
    ------
    GridstressError
        If something cannot be written there.
    """
    try:
        yield
    except OSError as error:
        raise GridstressError(
            f"{error.filename or home} cannot be written: {error.strerror}",
            hint="what runs is kept there; call gridstress where you may write and there is room",
        ) from None


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Let one `up` or `down` at a time change what runs; `home` is made if it is not there.

    Raises
    ------
    GridstressError
        If another one is at work, or the directory cannot be written to.
    """
    with writing(home):
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / _LOCK).open("wb")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GridstressError(
                "another `gridstress up` or `down` is at work here",
                hint="wait until it has ended, or end it with Ctrl-C",
            ) from None
        yield


def save(stack: Stack, home: Path) -> None:
    """Remember `stack` in the directory `home`; errors as of `writing`."""
    # Written beside and moved: a kill in between leaves the old state, never half a file.
    draft = home / f"{_FILE}.new"
    with writing(home):
        home.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(asdict(stack), indent=1), encoding="utf-8")
        draft.replace(home / _FILE)


def load(home: Path) -> Stack | None:
    """Remembered stack, or None if there is none.

    Raises
    ------
    GridstressError
        If the file is not one that `save` has written.
    """
    path = home / _FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        services = tuple(Service(**service) for service in values.pop("services"))
        files = tuple(values.pop("compose_files"))
        return Stack(**values, services=services, compose_files=files)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise GridstressError(
            f"{path} does not hold what `gridstress up` writes: {error}",
            hint="delete it, after stopping by hand what it names",
        ) from error


def forget(home: Path) -> None:
    """Forget the remembered stack."""
    (home / _FILE).unlink(missing_ok=True)
