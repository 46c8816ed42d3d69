"""A dashboard process beside a stack, and what its pages draw."""

from typing import Any

from gridstress.local import processes
from tests.integration.harness import Stack, wait_for


def serve_dashboard(stack: Stack) -> tuple[str, processes.Service]:
    """Start the dashboard on the stack's first worker; its address and its process."""
    port = processes.free_port()
    service = stack.start("ui", "--port", str(port), "--workers", stack.workers[0].url)
    wait_for(lambda: not processes.is_free(port), "the dashboard listens")
    return f"http://127.0.0.1:{port}", service


def drawn_risks(page: Any) -> dict[str, float]:
    """The risk that the map draws, by node; empty before it is drawn."""
    found: dict[str, float] = page.evaluate(
        "() => { const plot = document.querySelector('#map .js-plotly-plot');"
        " const trace = ((plot && plot._fullData) || []).find(t => t.name === 'nodes');"
        " const ids = (trace && trace.customdata) || [];"
        " return Object.fromEntries(Array.from(ids, (id, i) => [id, trace.marker.color[i]])); }"
    )
    return found
