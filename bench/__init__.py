"""How fast gridstress is, measured: ``make bench`` (``docs/performance.md``)."""
