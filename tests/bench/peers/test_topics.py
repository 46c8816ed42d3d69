import json

from bench.peers.material import Measurement
from bench.peers.topics import frame_records, measurement_records
from tests.support.frames import hour_s, measured
from topology.codec import decode
from topology.messages import MeasurementFrame


def test_a_zone_s_frames_lie_in_one_partition_as_in_a_replay():
    frames = [measured(zone, [0], {zone: [1.0]}) for zone in ("d", "b", "a", "c", "e", "b")]
    records = list(frame_records(frames, 4))
    assert [partition for partition, *_ in records] == [3, 1, 0, 2, 0, 1]
    assert [key for _, key, *_ in records] == [b"d", b"b", b"a", b"c", b"e", b"b"]
    assert [decode(value, MeasurementFrame) for _, _, value, _ in records] == frames


def test_a_measurement_is_json_keyed_by_its_node_at_its_own_time():
    ((partition, key, value, timestamp_ms),) = measurement_records(
        [Measurement("a", float(hour_s(1)), 12.5)]
    )
    assert (partition, key, timestamp_ms) == (None, b"a", hour_s(1) * 1000)
    assert json.loads(value) == {"node": "a", "timestamp": hour_s(1), "load_mw": 12.5}
