"""The overview page: figures, maps, ranking, timeline, one node."""
