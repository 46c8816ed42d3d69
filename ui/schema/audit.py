"""The live auditor's record of a run, on the topic ``audit``."""

from datetime import datetime
from typing import Literal

import msgspec

from topology.clock import to_iso

AuditState = Literal["verified", "different", "behind", "not audited"]


class ModelAudit(msgspec.Struct, frozen=True):
    """Up to which window end (event time) a model is verified, and the number of differences."""

    verified_until: datetime | None
    differences: int


class AuditStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run has been audited.

    Attributes
    ----------
    at
        When this was written, by the auditor's clock.
    measured_until
        End of the last window that is final by the measurements that were read; event time.
    differences, first
        How many there are over all, and the first few in words.
    reason
        Why it is not audited, or not any further; empty if it is.
    complete
        Whether every zone has ended and everything has been compared.
    """

    run: str
    state: AuditState
    at: datetime
    measured_until: datetime | None
    models: dict[str, ModelAudit]
    differences: int = 0
    first: tuple[str, ...] = ()
    reason: str = ""
    complete: bool = False
    schema: int = 1


def audit_line(status: AuditStatus) -> str:
    """Say it in one line."""
    until = {model: _moment(found.verified_until) for model, found in status.models.items()}
    if len(set(until.values())) == 1:
        verified = f"verified until {next(iter(until.values()))}"
    else:
        verified = "verified " + ", ".join(f"{m} until {t}" for m, t in until.items())
    count = f"{status.differences} difference" + ("" if status.differences == 1 else "s")
    parts = [f"run {status.run}: {verified}, {count}"]
    if status.first:
        parts.append(f"first: {status.first[0]}")
    if status.state == "behind":
        parts.append(f"behind: measurements until {_moment(status.measured_until)}")
    if status.reason:
        parts.append(f"not audited: {status.reason}")
    return "; ".join(parts) + (" (complete)" if status.complete else "")


def _moment(at: datetime | None) -> str:
    return "nothing" if at is None else to_iso(at.timestamp())
