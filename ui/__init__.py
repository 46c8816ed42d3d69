"""The web views of a worker, their client, and the dashboard."""
