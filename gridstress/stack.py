"""What `gridstress up` has started, remembered on disk so that `down` stops exactly that."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gridstress.processes import Service
from topology.errors import GridstressError

_FILE = "state.json"


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
        Where the first worker and the dashboard answer; ``ui_url`` is "" without a dashboard.
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

    def with_service(self, service: Service) -> "Stack":
        """Stack with one more service."""
        return replace(self, services=(*self.services, service))

    def running(self) -> Sequence[Service]:
        """Local processes that still run."""
        return [service for service in self.services if service.alive]

    def to_dict(self) -> dict[str, Any]:
        """Stack as JSON-ready values."""
        return asdict(self)


def save(stack: Stack, home: Path) -> None:
    """Remember `stack` in the directory `home`."""
    home.mkdir(parents=True, exist_ok=True)
    # Written beside and moved: a kill in between leaves the old state, never half a file.
    draft = home / f"{_FILE}.new"
    draft.write_text(json.dumps(stack.to_dict(), indent=1), encoding="utf-8")
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
