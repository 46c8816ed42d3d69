"""The results of a session as one JSON file: figures with their spread, and the single runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec

from bench.results.stats import Spread, spread
from topology.errors import DataError


@dataclass(frozen=True)
class Figure:
    """One figure: what was measured, where, and every value.

    Attributes
    ----------
    part
        The part of the bench it belongs to, such as ``rate``.
    case
        The circumstances, as JSON-ready values.
    values
        In the order of the runs; at least one.
    """

    part: str
    name: str
    unit: str
    case: Mapping[str, Any]
    values: Annotated[Sequence[float], msgspec.Meta(min_length=1)]

    @property
    def spread(self) -> Spread:
        """Median and range."""
        return spread(self.values)

    def to_dict(self) -> dict[str, Any]:
        """Figure as JSON-ready values."""
        found = self.spread
        return {
            "part": self.part,
            "name": self.name,
            "unit": self.unit,
            "case": dict(self.case),
            "median": found.median,
            "low": found.low,
            "high": found.high,
            "values": list(self.values),
        }


@dataclass
class Results:
    """Everything a session has found.

    Attributes
    ----------
    about
        Machine, versions, commit, options.
    runs
        Every measured run, with all that was seen of it.
    unequal
        Runs that the verifier refused: they give no figure.
    notes
        What must be known to read the figures.
    took_s
        How long each part took, s.
    """

    about: dict[str, Any] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    took_s: dict[str, float] = field(default_factory=dict)

    def add(
        self, part: str, name: str, unit: str, case: Mapping[str, Any], values: Sequence[float]
    ) -> None:
        """Note a figure; one without a value is left out."""
        if values:
            self.figures.append(Figure(part, name, unit, case, list(values)))

    def find(self, part: str, name: str, **case: Any) -> Figure | None:
        """The first figure of this name whose case has these values."""
        fits = (
            figure
            for figure in self.figures
            if (figure.part, figure.name) == (part, name)
            and all(figure.case.get(key) == value for key, value in case.items())
        )
        return next(fits, None)

    def to_dict(self) -> dict[str, Any]:
        """The results as JSON-ready values."""
        return {
            "about": self.about,
            "figures": [figure.to_dict() for figure in self.figures],
            "runs": self.runs,
            "unequal": self.unequal,
            "notes": self.notes,
            "took_s": self.took_s,
        }

    def write(self, path: Path) -> None:
        """Write it as JSON; done after every part, so that a session that is broken off counts."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read what `write` wrote.

        Raises
        ------
        DataError
            If the file is not there, or no result of this version of the benchmark.
        """
        try:
            raw = json.loads(path.read_text("utf-8"))
            found = msgspec.convert(raw, _File)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path} is no result of this benchmark: {error}", hint="make one: make bench"
            ) from None
        rest = found.runs, found.unequal, found.notes, found.took_s
        return cls(raw["about"], found.figures, *rest)


class _About(msgspec.Struct):
    at: str
    commit: str | None
    machine: dict[str, Any]
    versions: dict[str, Any]


class _File(msgspec.Struct):
    about: _About
    figures: list[Figure]
    runs: list[dict[str, Any]]
    unequal: list[str]
    notes: list[str]
    took_s: dict[str, float]
