from msgspec import convert, structs

from tests.ui.literal_api import answers, literal_api, node
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.client.rewind import node_at, parts_at
from ui.schema.views import NodeDetail


def test_values_windows_and_alerts_are_those_of_the_snapshot_and_newer_parts_say_so():
    with literal_api(found=answers()) as api:
        poller = Poller(ApiClient(api.url))
        snapshot = poller.poll()
        poller.stop()
    later = node("wendlingen")
    later |= {"risk": 0.1, "level": "", "stress": 0.1, "event_time": "2019-01-16T00:00:00Z"}
    later["windows"].append({"window_end": "2019-01-15T18:00:00Z", "stress": 3.0, "risk": 0.95})
    later["alerts"].insert(0, later["alerts"][0] | {"timestamp": "2019-01-15T18:00:00Z"})
    found = node_at(convert(later, NodeDetail), snapshot)
    assert (found.risk, found.stress, found.level) == (0.83, 1.77, "HIGH")
    assert [window.window_end for window in found.windows][-1] == "2019-01-15T17:00:00Z"
    assert [alert.timestamp for alert in found.alerts] == ["2019-01-15T17:00:00Z"]
    assert parts_at(found) == "2019-01-16T00:00:00Z"
    same = convert(node("wendlingen"), NodeDetail)
    assert node_at(same, snapshot) == same
    elsewhere = structs.replace(same, model="other")
    assert node_at(elsewhere, snapshot) is elsewhere
