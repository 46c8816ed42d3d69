"""The ENTSO-E Transparency Platform on loopback: made-up loads in the platform's own XML."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "0b5f0fd2-0000-4000-8000-000000000000"
QUARTER = timedelta(minutes=15)

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<GL_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:generationloaddocument:3:0">
  <type>A65</type>
  <TimeSeries>
    <businessType>A04</businessType>
    <outBiddingZone_Domain.mRID codingScheme="A01">{area}</outBiddingZone_Domain.mRID>
    <quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name>
    <curveType>A01</curveType>
    {periods}
  </TimeSeries>
</GL_MarketDocument>"""
PERIOD = """<Period>
      <timeInterval><start>{start}</start><end>{end}</end></timeInterval>
      <resolution>PT{minutes}M</resolution>
      {points}
    </Period>"""
POINT = "<Point><position>{position}</position><quantity>{mw}</quantity></Point>"
NOTHING = """<?xml version="1.0" encoding="UTF-8"?>
<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">
  <Reason><code>999</code><text>No matching data found for Data item</text></Reason>
</Acknowledgement_MarketDocument>"""


def load_mw(moment: datetime) -> float:
    """Made-up load of every area in a period that begins then."""
    return 8000 + 100 * moment.hour + moment.minute


@dataclass
class Platform:
    """What it knows, and what it was asked.

    Attributes
    ----------
    until
        It has values up to this time.
    holes
        Quarters it has no value for.
    down
        Answers that are still to be a 503.
    minutes
        Length of a period, by the time from which it is so; before, a quarter of an hour.
    garbage
        Document that is answered to everything.
    asked
        Areas asked for, in order.
    """

    url: str
    until: datetime
    holes: set[datetime] = field(default_factory=set)
    down: int = 0
    minutes: dict[datetime, int] = field(default_factory=dict)
    garbage: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, query: dict[str, str]) -> tuple[int, str]:
        """Status and document of an answer."""
        self.asked.append(query["out_Domain"])
        if query["securityToken"] != TOKEN:
            return 401, "Unauthorized"
        if self.down:
            self.down -= 1
            return 503, "Service unavailable"
        if self.garbage:
            return 200, self.garbage
        begin, end = (_time(query[name]) for name in ("periodStart", "periodEnd"))
        periods = list(self._periods(begin, min(end, self.until)))
        if not periods:
            return 200, NOTHING
        return 200, DOCUMENT.format(area=query["out_Domain"], periods="\n    ".join(periods))

    def _periods(self, begin: datetime, end: datetime) -> Iterator[str]:
        """What is between two holes is a period, of one resolution."""
        moment = begin.replace(minute=begin.minute // 15 * 15)
        while moment < end:
            minutes = self._minutes(moment)
            first, points = moment, list[str]()
            while moment < end and moment not in self.holes and minutes == self._minutes(moment):
                points.append(POINT.format(position=len(points) + 1, mw=load_mw(moment)))
                moment += timedelta(minutes=minutes)
            if points:
                start, stop = (f"{t:%Y-%m-%dT%H:%MZ}" for t in (first, moment))
                yield PERIOD.format(start=start, end=stop, minutes=minutes, points="".join(points))
            if moment in self.holes:
                moment += timedelta(minutes=minutes)

    def _minutes(self, moment: datetime) -> int:
        begun = [since for since in self.minutes if since <= moment]
        return self.minutes[max(begun)] if begun else 15


@contextmanager
def entsoe_platform(until: datetime) -> Iterator[Platform]:
    """Serve it for the length of a ``with`` block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = parse_qs(urlsplit(self.path).query)
            status, text = platform.answer({name: values[0] for name, values in found.items()})
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        platform = Platform(f"http://127.0.0.1:{server.server_port}/api", until)
        serving = {"poll_interval": 0.01}
        threading.Thread(target=server.serve_forever, kwargs=serving, daemon=True).start()
        try:
            yield platform
        finally:
            server.shutdown()


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=UTC)
