"""The dashboard: what a worker's API says, as pages in a browser."""

from ui.dashboard.app import create_dashboard
from ui.dashboard.server import serve

__all__ = ["create_dashboard", "serve"]
