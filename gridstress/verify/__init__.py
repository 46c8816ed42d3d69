"""The independent check of a run: everything recomputed offline from ``grid_measurements``.

Shares no code with ``tables/`` and ``agents/``; only the topology, the records and the settings.
`recompute` is pure and needs no broker, `collect` reads the app's results, `compare` holds the two
against each other, `report` tells a person.
"""
