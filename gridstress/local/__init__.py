"""Start and stop everything on this machine: broker, workers, dashboard, replay."""
