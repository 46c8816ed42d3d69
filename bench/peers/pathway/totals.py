"""Follow the totals of a Pathway program's tables."""

from typing import Any

import pathway as pw

from bench.peers.stopwatch import Stopwatch


class Totals:
    """Follows totals of tables, which change once a batch."""

    def __init__(self, watch: Stopwatch) -> None:
        self.began_s = 0.0
        """When the first batch was opened, epoch s: its logical time."""
        self._watch = watch

    def follow(self, what: str, total: Any) -> None:
        """Count what is in ``total``, a table of one row with the column ``count``."""
        before = 0

        def note(key: Any, row: dict[str, Any], time: int, is_addition: bool) -> None:
            nonlocal before
            if is_addition:
                self.began_s = self.began_s or time / 1000
                self._watch.counted(what, row["count"] - before)
                before = row["count"]

        pw.io.subscribe(total, on_change=note)
