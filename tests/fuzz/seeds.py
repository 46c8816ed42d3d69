"""Inputs without fault, from which the fuzzers start: one of every form a parser knows."""

import json
from pathlib import Path

import msgspec
import numpy as np
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from tables.sparse import SparseVector
from tests.support.frames import START, ended, measured, run_record, spread
from topology.clock import to_datetime
from topology.codec import FORMATS, encode
from topology.messages import RiskAlert, RiskWindow, SourceShare, StressFrame

DATA = Path(__file__).parents[1] / "data"
PART = b"\x1e"
"""Between the files of a folder, or the records of a sequence."""
FIELD = b"\x1f"
"""Between a record's value, key, time and headers."""
NULL = b"-null-"
"""No value, no key, or a header without a value."""
ODD = (
    FIELD.join((b"{}", NULL, b"-1", b"measured-sent-ms=" + NULL)),
    FIELD.join((NULL, b"\xff", b"9223372036854775807", b"measured-sent-ms=" + b"9" * 30)),
    FIELD.join((b"", b"", NULL, b"a=1", b"a=" + NULL, b"=")),
)
"""Records that are odd but for their values."""


def _sparse(*values: float) -> list[int | str]:
    vector: list[int | str] = msgspec.to_builtins(SparseVector.of(np.array(values)))
    return vector


def record(value: bytes, *headers: bytes) -> bytes:
    return FIELD.join((value, b"north", b"1767225600000", *headers))


def measurements() -> list[bytes]:
    north = measured("north", [0, 1, 2], {"a": [90.0, 99.5, 1e-3], "b": [10, -4.5, 120]})
    south = measured("south", [0.5], {"c": [1e5]}, seq=7, period_s=900)
    frames = [encode(one) for one in (north, south, ended("south", 2, seq=9))]
    return [frames[0], PART.join(frames), PART.join((*ODD, record(frames[0])))]


def stress() -> list[bytes]:
    frame = StressFrame(
        run="r",
        zone="north",
        seq=0,
        timestamps=[START],
        nodes=["a", "b"],
        stress=np.array([[1.5, 0.0]]),
    )
    empty = msgspec.structs.replace(frame, nodes=[], stress=np.zeros((1, 0)), seq=1, final=True)
    sent = record(encode(frame), b"measured-sent-ms=1767225600000")
    packed = FORMATS["msgpack"].encode(frame)
    both = PART.join((encode(frame), packed, encode(empty)))
    return [encode(frame), packed, both, PART.join((*ODD, sent))]


def propagated() -> list[bytes]:
    north = spread("north", [0, 1, 2], {"a": [1.0, 0.5, 0.1], "c": [0.25, 0.1, 0.0]})
    south = spread("south", [0, 1], {"c": [1.0, 0.5]})
    finals = [spread(zone, [3], {}, final=True) for zone in ("north", "south")]
    frames = PART.join(map(encode, (north, south, *finals, north)))
    packed = FORMATS["msgpack"].encode(north)
    return [encode(north), packed, frames, PART.join((*ODD, record(encode(north))))]


def results() -> list[bytes]:
    start, end = to_datetime(1546300800), to_datetime(1546322400)
    window = RiskWindow(
        model="linear", run="r", shard=0, window_start=start, window_end=end,
        nodes=["a", "c"], stress=np.array([0.7, 1.5]), risk=np.array([0.5034, 0.7769]),
    )  # fmt: skip
    alert = RiskAlert(
        alert_id="0123456789abcdef-RAISED-HIGH", episode_id="0123456789abcdef", model="linear",
        run="r", node_id="a", timestamp=end, window_start=start, window_end=end, risk_score=0.75,
        peak_risk=0.8, level="HIGH", state="RAISED",
        sources=[SourceShare("a", 0.6), SourceShare("c", 0.4)],
    )  # fmt: skip
    status = {
        "worker": "host:1", "version": "1", "python": "3", "faust": "0", "started_at": 1.0,
        "seen_at": 2.0, "status": "ok", "partitions": {"t": [0]}, "lag": {"t": 1},
        "frames": {"detection": 1}, "frames_per_s": {"detection": 0.5}, "duplicates": 0,
        "late_rows": 0, "gaps": 0, "dead_letters": {"invalid": 1}, "rss_mb": 100.0,
    }  # fmt: skip
    view = {
        "model": "linear", "run": "r", "shard": 0, "worker": "host:1", "published_at": 9.0,
        "started_ms": 0, "event_time_s": 1546308000.0, "watermark_s": 1546304400.0,
        "closed_until_s": 1546304400, "ended": False, "window_end_s": 1546311600,
        "stress": _sparse(0.7, 0.0, 0.2), "risk": _sparse(0.5, 0.0, 0.18), "level": [2, 0, 0],
        "panes": [{"start_s": 1546308000, "stress": _sparse(0.7, 0.0, 0.2),
                   "source_stress": _sparse(0.7, 0.0, 0.0)}],
        "idle_zones": ["south"], "late_rows": 1, "gaps": 2, "ahead_rows": 3,
        "open_episodes": [[0, 1546300800.0, 0.8]],
    }  # fmt: skip
    audit = {
        "run": "r", "state": "different", "at": "2019-01-01T04:00:00Z",
        "measured_until": "2019-01-01T03:00:00Z",
        "models": {"linear": {"verified_until": "2019-01-01T02:00:00Z", "differences": 1}},
        "differences": 1, "first": ["linear: ..."], "reason": "", "complete": False, "schema": 1,
    }  # fmt: skip
    replay = {
        "schema": 1, "replay": "host-1", "state": "paused", "run": "r", "source": "s",
        "speed": "3600", "hurries": False, "to_alarm": False, "next": "2019-01-01T04:00:00Z",
        "begin": "2019-01-01T00:00:00Z", "end": "2020-01-01T00:00:00Z",
        "at": "2026-01-01T00:00:00Z", "answers": [{"command": "c", "refused": ""}],
    }  # fmt: skip
    private = (json.dumps(value).encode() for value in (status, view))
    values = (
        encode(window),
        encode(alert),
        *private,
        encode(run_record()),
        json.dumps(audit).encode(),
        json.dumps(replay).encode(),
        encode(measured("north", [0], {"a": [70.0]})),
    )
    tagged = [bytes([48 + kind]) + value for kind, value in enumerate(values)]
    # The key of a view that is gone is the one of the view that was there.
    key, far = b'["linear", "r", 0]', b"9223372036854775807"
    gone = FIELD.join((NULL, key, far))
    odd = [FIELD.join((one, NULL, far, b"a=" + NULL)) for one in tagged]
    return [*tagged, PART.join(tagged), PART.join((*odd, gone))]


def dead_letters() -> list[bytes]:
    value = encode(measured("north", [0], {"a": [1.0]}))
    headers = {
        "topic": "grid_measurements", "partition": "0", "offset": "17", "key": "north",
        "stage": "detection", "reason": "unknown-node", "detail": "node 'x'",
        "at": "2026-01-01T00:00:00.000Z", "rows": "1,2,3",
    }  # fmt: skip
    pairs = [f"{name}={text}".encode() for name, text in headers.items()]
    cut = [*pairs, b"truncated=2200000", b"sha256=" + b"0" * 64]
    lost = [*pairs[:4], b"reason=lost", b"upto=30"]
    odd = [pair.partition(b"=")[0] + b"=" + NULL for pair in pairs]
    return [
        record(value, *pairs), record(b"\xff\x00", *cut), record(NULL, *lost), record(value, *odd)
    ]  # fmt: skip


def changelog() -> list[bytes]:
    fence = FIELD.join((b"", b"\x00fence 1:aaaaaaaa", b"9", b"epoch=1:aaaaaaaa"))
    ours = FIELD.join((b"\x02\x90", b'["r",0,null]', b"9", b"epoch=1:aaaaaaaa"))
    other = FIELD.join((b"\x02\x90", b'["r",0,null]', b"9", b"epoch=2:bbbbbbbb"))
    gone = FIELD.join((NULL, b'["r",0,3600]', b"9", b"epoch=1:aaaaaaaa"))
    last = FIELD.join((b"", b"x", b"9", b"epoch=999999999999999999:aaaaaaaa"))
    return [PART.join((fence, ours, gone, other, ours)), PART.join((fence, *ODD, last))]


def batches() -> list[bytes]:
    made = []
    for codec in range(5):
        builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
        for offset in range(3):
            headers: list[tuple[str, bytes | None]] = [("empty", None), ("some", b"\xff")]
            builder.append(offset, 5, b"key", b"value" * 9, headers[: offset + 1])
        made.append(bytes(builder.build()))
    return [*made, b"".join(made)]


def loads() -> dict[str, list[bytes]]:
    return {
        "opsd": [
            b"utc_timestamp,DE_50hertz_load_actual_entsoe_transparency,"
            b"DE_load_actual_entsoe_transparency\n"
            b"2019-01-01T00:00:00Z,8000.5,40000\n2019-01-01T01:00:00Z,,41000\n"
            b"2019-01-01T02:00:00Z,8100,\n",
            b"utc_timestamp,FR_load_actual_entsoe_transparency,"
            b"DE_tennet_load_actual_entsoe_transparency\n"
            b"2019-01-01T00:00:00Z,60000,8000\n2019-01-01T01:00:00Z,n/e,8100\n",
        ],
        "entsoe": [
            b'"MTU (UTC)","Area","Actual Total Load (MW)"\n'
            b'"01/01/2024 00:00 - 01/01/2024 00:15","CTA|DE(50Hertz)","8123.4"\n'
            b'"01/01/2024 00:15 - 01/01/2024 00:30","CTA|DE(50Hertz)","n/e"\n',
            b'"Time (CET/CEST)","Actual Total Load [MW] - BZN|DE-LU"\n'
            b'"31.03.2024 01:00 - 31.03.2024 02:00","40000"\n'
            b'"31.03.2024 03:00 - 31.03.2024 04:00","41000"\n',
            b'"MTU (CET/CEST)","Area","Actual Total Load (MW)"\n'
            b'"27/10/2024 02:00 (CEST) - 27/10/2024 02:00 (CET)","BZN|DE-LU","1,234.5"\n'
            b'"27/10/2024 02:00 (CET) - 27/10/2024 03:00","BZN|DE-LU","-"\n',
        ],
        "smard": [
            "\ufeffDatum von;Datum bis;Gesamt (Netzlast) [MWh] Originalauflösungen\n"
            "01.01.2024 00:00;01.01.2024 00:15;2.500,25\n"
            "01.01.2024 00:15;01.01.2024 00:30;-\n".encode(),
            b"Date;Start;Grid load [MWh] Calculated resolutions\n"
            b"Oct 27, 2024;1:00 AM;1,250.5\nOct 27, 2024;2:00 AM;1\nOct 27, 2024;2:00 AM;2\n",
            b"timestamp,TenneT grid load [MWh],DE grid load [MWh]\n"
            b"2024-01-01T00:00:00Z,2500.25,9\n2024-01-01T00:15:00Z,,9\n",
        ],
        "plain": [
            b"timestamp,zone,load_mw\n2019-01-01T00:00:00Z,north,1\n"
            b"2019-01-01T01:00:00+01:00,south,2.5\n2019-01-01T01:00:00Z,north,\n"
        ],
        "published": published(),
    }


def published() -> list[bytes]:
    return [
        b"Balancing Authority,Data Date,UTC Time at End of Hour,Demand (MW)\n"
        b'CISO,01/01/2024,01/01/2024 9:00:00 AM,"21,234"\n'
        b"CISO,01/01/2024,01/01/2024 10:00:00 AM,\n",
        b"SETTLEMENT_DATE,SETTLEMENT_PERIOD,ND,FORECAST_ACTUAL_INDICATOR\n"
        b"27-OCT-2024,49,21548,A\n2024-10-27,50,21176,A\n28-OCT-2024,1,0,F\n",
        b"REGION,SETTLEMENTDATE,TOTALDEMAND,RRP,PERIODTYPE\n"
        b"NSW1,2021/10/01 00:05:00,7898.91,59.88,TRADE\n"
        b"NSW1,2021/10/01 00:10:00,7832.33,-55.05,TRADE\n",
        b'"Time Stamp","Time Zone","Name","PTID","Load"\r\n'
        b'"11/03/2024 01:55:00","EDT","CAPITL",61757,1173.2\r\n'
        b'"11/03/2024 01:00:00","EST","CAPITL",61757,1183.2\r\n'
        b'"11/03/2024 01:02:30","EST","CAPITL",61757,1185\r\n',
        b",Actual Load\n2024-03-31 01:00:00+01:00,45000.0\n2024-03-31 03:00:00+02:00,46000.0\n",
        "Périmètre\tDate\tHeures\tConsommation\nFrance\t2024-03-31\t01:30\t50000\t\n"
        "France\t31/03/2024\t03:00\t51000\t\nRTE ne pourra être tenu\n".encode("latin-1"),
        "Région;Date;Heure;Date - Heure;Consommation (MW)\n"
        "Bretagne;2024-01-01;00:00;2024-01-01T00:00:00+01:00;2500\n"
        "Bretagne;2024-01-01;00:30;2024-01-01T00:30:00+01:00;2600\n".encode(),
    ]


def mapped() -> list[bytes]:
    wall = (
        b'time_column = ["d", "t"]\nvalue_column = "x"\nzone_column = "z"\nunit = "kW"\n'
        b'timezone = "Europe/Madrid"\ninterval_end = true\ndecimal_comma = true\n'
        b'time_format = "%d/%m/%Y %H:%M"\n[zones]\n"A" = "north"\n',
        b"d;t;x;z\n27/10/2024;02:00;1.000,5;A\n27/10/2024;02:00;2;A\n27/10/2024;03:00;3;A\n",
    )
    offsets = (
        b'time_column = "when"\nvalue_column = "MWh"\nzone = "south"\nunit = "MWh"\n',
        b"when,MWh\n2024-01-01T00:00+01:00,1\n2024-01-01T00:15+01:00,2\n",
    )
    return [PART.join(wall), PART.join(offsets)]


def sheets() -> list[bytes]:
    """Tables whose cells become those of a sheet: numbers, ``@`` and a serial date, or text."""
    return [
        "Verbrauch\n\nDatum von,Datum bis,Netzlast [MWh] Originalauflösungen\n"
        "01.01.2024 00:00,x,2500.25\n01.01.2024 00:15,x,-\n".encode(),
        b"MTU (UTC),Area,Actual Total Load (MW)\n@45292,BZN|DE-LU,40000\n"
        b"@45292.041666666664,BZN|DE-LU,41000.5\n",
        b"SETTLEMENT_DATE,SETTLEMENT_PERIOD,ND\n@45292,1,21000\n@45292,2,22000\n",
    ]


def grid_json() -> list[bytes]:
    nodes = [
        {"id": i, "name": i, "lat": 50.0, "lon": 9.0, "zone": z, "share": s, "rating_mw": 100,
         "sensitivity": 0.8}
        for i, z, s in (("a", "north", 0.4), ("b", "north", 0.6), ("c", "south", 1))
    ]  # fmt: skip
    line = {"source": "a", "target": "c", "length_km": 10, "voltage_kv": 380, "coupling": 0.8}
    grid = {
        "name": "small", "zone_shares": {"north": 0.5, "south": 0.5}, "nodes": nodes,
        "lines": [line, {**line, "source": "b"}],
    }  # fmt: skip
    return [json.dumps(grid).encode()]


def graphml() -> list[bytes]:
    return [
        b'<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
        b'<key id="d0" for="node" attr.name="Latitude" attr.type="double"/>'
        b'<key id="d1" for="node" attr.name="label" attr.type="string"/>'
        b'<key id="d2" for="edge" attr.name="length" attr.type="double"><default>5</default></key>'
        b'<graph edgedefault="undirected"><node id="n0"><data key="d0">50.5</data>'
        b'<data key="d1">One</data></node><node id="n1"/>'
        b'<edge source="n0" target="n1"><data key="d2">12.5</data></edge></graph></graphml>'
    ]


def matpower() -> list[bytes]:
    return [(DATA / "case_small.m").read_bytes()]


def pypsa() -> list[bytes]:
    files = (
        b"name,v_nom,x,y,country\nn1,380,9.0,50.0,DE\nn2,220,9.5,50.5,DE\n",
        b"name,bus0,bus1,length,v_nom\nl1,n1,n2,55.5,380\n",
        b"name,bus,p_set\nload1,n1,12.5\nload2,n2,\n",
        b"name,load2\n2013-01-01,7.5\n2013-01-02,nan\n",
        b"name,bus0,bus1\nt1,n1,n2\n",
        b"name,bus0,bus1,length\nd1,n1,n2,10\n",
    )
    return [PART.join(files), PART.join(files[:2])]


def osm() -> list[bytes]:
    files = (
        b"bus_id,voltage,dc,symbol,under_construction,tags,x,y,country,geometry\n"
        b"way/1-380,380,f,Substation,f,,9.0,50.0,DE,POINT (9.0 50.0)\n"
        b"way/1-220,220,f,Substation,f,,9.0,50.0,DE,POINT (9.0 50.0)\n"
        b"way/2-220,220,f,Substation,f,,9.5,50.5,DE,POINT (9.5 50.5)\n"
        b"d1,320,t,Substation,f,,9,50,DE,\nd2,320,t,Substation,f,,9.5,50.5,DE,\n",
        b"line_id,bus0,bus1,voltage,i_nom,circuits,s_nom,x,length,under_construction,geometry\n"
        b"l1,way/1-220,way/2-220,220,1.29,2,983.1,8.3,55500.5,f,'LINESTRING (9 50,\n9.5 50.5)'\n"
        b"l2,way/1-220,way/2-220,220,1.29,1,,0,,f,\nl3,way/1-380,way/2-220,220,1,1,1,1,1,t,\n",
        b"transformer_id,bus0,bus1,s_nom\nt,way/1-380,way/1-220,2000\n",
        b"link_id,bus0,bus1,voltage,p_nom,length\nk,d1,d2,320,1000,60000.5\n",
        b"converter_id,bus0,bus1\nconv-d1,d1,way/1-380\nconv-d2,d2,way/2-220\n",
    )
    return [PART.join(files), PART.join(files[:2])]


def questions() -> list[bytes]:
    return [
        b"/grid", b"/runs", b"/state?model=linear&run=r", b"/top?k=10&model=centrality",
        b"/alerts?since=0&limit=20", b"/compare?k=3&run=r", b"/compare/history?run=r",
        b"/compare?models=centrality,linear",
        b"/episodes?limit=5&model=linear", b"/windows/open?model=linear", b"/node/a?run=r",
        b"/system", b"/health", b"/node/%2e%2e%2f?model=%00&k=1e9",
    ]  # fmt: skip


def settings() -> list[bytes]:
    return [
        b"GRIDSTRESS_BROKER=kafka://localhost:9092\nGRIDSTRESS_STEP_S=900\nGRIDSTRESS_SIZE_S=3600\n",
        b"GRIDSTRESS_LEVEL_CLEAR=0.1\nGRIDSTRESS_TOPOLOGY='germany'\nGRIDSTRESS_MAX_AHEAD_S=0\n",
    ]


def sheet_xml() -> list[bytes]:
    """Rows of a sheet as the workbook has them, below those of a header."""
    return [
        b'<row r="2"><c r="A2" s="1"><v>45292</v></c><c r="B2" t="str"><v>north</v></c>'
        b'<c r="C2"><v>1.5</v></c></row><row r="3"><c r="A3" t="inlineStr"><is><t>2024-01-01T01:00Z'
        b'</t></is></c><c r="B3" t="str"><v>north</v></c><c r="C3" t="e"><v>#N/A</v></c></row>',
        b'<row><c t="str"><v>2024-01-01T00:00Z</v></c><c t="str"><v>a</v></c><c><v>2</v></c></row>'
        b'<row><c t="d"><v>2024-01-01T01:00</v></c><c t="b"><v>1</v></c><c t="s"><v>0</v></c>'
        b"</row>",
    ]
