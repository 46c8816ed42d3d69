"""The dashboard: what a worker's API says, as pages in a browser."""

from ui.dashboard.serving.app import create_dashboard
from ui.dashboard.serving.server import serve

__all__ = ["create_dashboard", "serve"]
