"""The report that `gridstress compare` has made of a run, linked to and shown."""

from pathlib import Path
from shlex import quote
from typing import Any

from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component
from flask import Flask, Response, abort, send_file

from ui.client.snapshot import Snapshot
from ui.dashboard.shell.source import Source
from ui.reports import comparison_name, is_report_name, report_name, report_path

REPORTS = "/reports"
ON_ITS_OWN = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "sandbox allow-scripts; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a report may do: run what is in it, and reach nothing of the dashboard or elsewhere."""


def report_place() -> Component:
    """Where the compare page links the report."""
    return html.Div(id="compare-report", className="note")


def report_words(directory: Path, snapshot: Snapshot, other: str | None = None) -> Any:
    """A link to the report of a run or of two, or how to make one; nothing while there is none."""
    if snapshot.run is None:
        return ""
    run = snapshot.run.run
    name = comparison_name(run, other) if other else run
    if report_path(directory, name).exists():
        href = f"{REPORTS}/{report_name(name)}"
        words = "Report of both runs" if other else "Report of this run"
        return html.A(words, href=href, target="_blank")
    if other:
        named = f" --run {quote(run)} --with {quote(other)}"
    else:
        named = "" if snapshot.is_newest else f" --run {quote(run)}"
    return ["Report: ", html.Code(f"gridstress compare{named}")]


def register_reports(app: Dash, source: Source, directory: Path) -> None:
    """Serve the reports that lie in the directory, and link the one of the run looked at."""
    server: Flask = app.server

    @server.get(f"{REPORTS}/<name>")
    def report(name: str) -> Response:
        path = directory.absolute() / name
        if not is_report_name(name) or not path.is_file():
            abort(404)
        answer = send_file(path, mimetype="text/html")
        answer.headers["Content-Security-Policy"] = ON_ITS_OWN
        return answer

    @app.callback(
        Output("compare-report", "children"),
        Input("news", "data"),
        # A report is written when it likes, of a run that has ended too.
        Input("slide", "data"),
        Input("compare-sides", "data"),
        State("compare-report", "children"),
    )
    def tell(_news: object, _slide: int | None, chosen: Any, shown: Any) -> Any:
        words = report_words(directory, source.snapshot(), (chosen or {}).get("with"))
        return no_update if _plain(words) == shown else words


def _plain(words: Any) -> Any:
    """Components as the browser sends them back."""
    if isinstance(words, list):
        return [_plain(word) for word in words]
    if isinstance(words, Component):
        plain: dict[str, Any] = words.to_plotly_json()  # type: ignore[no-untyped-call]
        return plain
    return words
