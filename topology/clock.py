"""Event-time conversion: epoch seconds inside, ISO-8601 in messages."""

from datetime import UTC, datetime
from functools import lru_cache

HOUR_S = 3600


@lru_cache(maxsize=4_096)
def to_datetime(epoch_s: float) -> datetime:
    """Epoch seconds as an aware UTC datetime."""
    return datetime.fromtimestamp(epoch_s, UTC)


@lru_cache(maxsize=4_096)
def to_iso(epoch_s: float) -> str:
    """Epoch seconds as ISO-8601 UTC, ``2019-01-01T00:00:00Z``."""
    return to_datetime(epoch_s).isoformat().replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """ISO-8601 text as epoch seconds; a time without a zone is read as UTC.

    Raises
    ------
    ValueError
        If the text is not ISO-8601.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
