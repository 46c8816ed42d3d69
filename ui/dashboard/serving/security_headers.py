"""Security headers of every answer of the dashboard."""

from dash import Dash
from flask import Flask, Response

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # An address holds what a viewer looks at.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def content_policy(scripts: list[str]) -> str:
    """What a page may load and run: what comes from here, and the named inline scripts.

    Parameters
    ----------
    scripts
        Hashes of the inline scripts, each in quotes, as Dash tells them.
    """
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self'", *scripts)),
            # plotly and Mantine set styles while they run: no hash can name them.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def add_headers(app: Dash) -> None:
    """Put the headers on every answer, and the policy on those that have none of their own.

    Called when all callbacks are registered: those written inline are among the scripts.
    """
    policy = content_policy(list(app.csp_hashes()))
    server: Flask = app.server

    @server.after_request
    def with_headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", policy)
        for name, value in ALWAYS.items():
            response.headers[name] = value
        if response.mimetype in ("text/html", "application/json"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response
