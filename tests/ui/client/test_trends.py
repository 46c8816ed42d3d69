import msgspec

from tests.ui import literal_api
from ui.client.trends import BUCKET_S, SPAN_S, Trends
from ui.schema.views import GridState


def states(average=0.4, total=1):
    found = literal_api.state("linear")
    found["kpis"]["average_risk"] = average
    found["kpis"]["active_alarms"]["total"] = total
    return {"linear": msgspec.convert(found, GridState)}


def test_values_of_later_buckets_follow_each_other():
    trends = Trends().follow(1000, "r", states(0.1)).follow(1000 + BUCKET_S, "r", states(0.2))
    assert trends.series("linear", "average") == (0.1, 0.2)
    assert trends.series("linear", "highest") == (0.83, 0.83)


def test_a_bucket_keeps_the_highest_value_of_each_figure():
    trends = Trends()
    for second, (average, total) in enumerate(((0.1, 4), (0.3, 1), (0.2, 2))):
        trends = trends.follow(1000 + second, "r", states(average, total))
    assert trends.series("linear", "alarms") == (4.0,)
    assert trends.series("linear", "average") == (0.3,)


def test_what_is_older_than_the_span_is_forgotten():
    trends = Trends()
    for step in range(200):
        trends = trends.follow(1000 + step * BUCKET_S, "r", states())
    assert len(trends.series("linear", "affected")) == SPAN_S / BUCKET_S


def test_another_run_starts_anew_and_no_run_has_no_trend():
    trends = Trends().follow(1000, "r", states(0.1))
    assert trends.follow(1010, "other", states(0.2)).series("linear", "average") == (0.2,)
    assert trends.follow(1010, None, states()).series("linear", "average") == ()


def test_following_leaves_the_earlier_trends_as_they_were():
    first = Trends().follow(1000, "r", states(0.1))
    first.follow(1010, "r", states(0.2))
    assert first.series("linear", "average") == (0.1,)
    assert first.series("nonsense", "average") == ()
