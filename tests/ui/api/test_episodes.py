import pytest

from tests.support.frames import at, hour_s
from topology.messages import Level, RiskAlert, SourceShare, State
from ui.api.episodes import Episode, EpisodeBook, pair_up


def alert(
    hour: float,
    state: State,
    level: Level,
    risk: float,
    *,
    peak: float | None = None,
    episode: str = "e",
    run: str = "r",
) -> RiskAlert:
    return RiskAlert(
        alert_id=f"{episode}-{state}-{level}", episode_id=episode, model="linear", run=run,
        node_id="a", timestamp=at(hour), window_start=at(hour - 6), window_end=at(hour),
        risk_score=risk, peak_risk=peak, level=level, state=state, sources=[SourceShare("s", risk)],
    )  # fmt: skip


def episode(node: str, raised: float, cleared: float | None, name: str = "") -> Episode:
    return Episode(
        episode_id=name or f"{node}-{raised}", model="m", run="r", node_id=node, level="HIGH",
        raised_s=hour_s(raised), received_at=0.0,
        cleared_s=None if cleared is None else hour_s(cleared),
    )  # fmt: skip


def test_an_episode_is_put_together_from_its_steps() -> None:
    book = EpisodeBook(limit=10)
    book.add(alert(1, "RAISED", "WARNING", 0.55), 10.0)
    book.add(alert(3, "ESCALATED", "HIGH", 0.75), 11.0)
    (still_open,) = book.of("r")
    assert still_open.cleared_s is None
    book.add(alert(8, "CLEARED", "HIGH", 0.3), 12.0)
    (found,) = book.of("r")
    assert (found.raised_s, found.cleared_s) == (hour_s(1), hour_s(8))
    assert (found.level, found.peak_risk, found.steps) == ("HIGH", 0.75, 3)
    assert found.sources[0].share == 0.75
    assert found.received_at == 10.0


def test_the_peak_may_lie_between_two_alerts_and_the_sources_are_those_of_the_highest() -> None:
    book = EpisodeBook(limit=10)
    book.add(alert(1, "RAISED", "HIGH", 0.713, peak=0.713), 10.0)
    book.add(alert(8, "CLEARED", "HIGH", 0.3, peak=0.796), 12.0)
    (found,) = book.of("r")
    assert found.peak_risk == 0.796
    assert found.sources[0].share == 0.713


def test_episodes_are_of_one_run_the_one_raised_last_first() -> None:
    book = EpisodeBook(limit=10)
    for name, hour, run in (("one", 1, "r"), ("two", 5, "r"), ("other", 9, "x")):
        book.add(alert(hour, "RAISED", "WARNING", 0.5, episode=name, run=run), 0.0)
    assert [e.episode_id for e in book.of("r")] == ["two", "one"]


def test_episodes_are_bounded_and_the_oldest_go() -> None:
    book = EpisodeBook(limit=2)
    for hour, name in enumerate(("one", "two", "three")):
        book.add(alert(hour, "RAISED", "WARNING", 0.5, episode=name), 0.0)
    assert {e.episode_id for e in book.of("r")} == {"two", "three"}
    assert book.forgotten_until("r") == hour_s(0)
    assert book.forgotten_until("other") is None


def test_cleared_episodes_go_before_open_ones() -> None:
    book = EpisodeBook(limit=2)
    book.add(alert(1, "RAISED", "WARNING", 0.5, episode="open"), 0.0)
    book.add(alert(2, "RAISED", "WARNING", 0.5, episode="cleared"), 0.0)
    book.add(alert(3, "CLEARED", "WARNING", 0.3, episode="cleared"), 0.0)
    book.add(alert(4, "RAISED", "WARNING", 0.5, episode="new"), 0.0)
    assert {e.episode_id for e in book.of("r")} == {"open", "new"}
    assert book.forgotten_until("r") == hour_s(2)


def test_what_one_model_has_forgotten_does_not_count_for_the_other() -> None:
    one, other = [episode("a", 1, 3), episode("a", 5, 9)], [episode("a", 6, 8)]
    pairing = pair_up(one, other, hour_s(4))
    assert (len(pairing.pairs), pairing.alone) == (1, ([], []))
    assert pairing.since_s == hour_s(4)


@pytest.mark.parametrize(
    ("other", "pairs"),
    [
        (episode("a", 5, 9), 1),
        (episode("a", 9, 12), 1),
        (episode("a", 2, 6), 1),
        (episode("a", 2, None), 1),
        (episode("a", 10, 12), 0),
        (episode("a", 2, 5), 0),
        (episode("b", 5, 9), 0),
    ],
)
def test_episodes_pair_when_they_overlap_at_one_node(other: Episode, pairs: int) -> None:
    pairing = pair_up([episode("a", 5, 10)], [other])
    assert len(pairing.pairs) == pairs
    assert [len(alone) for alone in pairing.alone] == [1 - pairs, 1 - pairs]


def test_each_episode_is_in_one_pair_and_leads_are_reported_from_the_first_model() -> None:
    one = [episode("a", 5, 10), episode("a", 20, 22), episode("b", 1, 3)]
    other = [episode("a", 7, 9), episode("a", 9, 10), episode("a", 19, None)]
    pairing = pair_up(one, other)
    assert pairing.leads_s == [2 * 3600, -3600]
    assert pairing.median_lead_s == -3600, "a lead that a pair has"
    assert [e.episode_id for e in pairing.alone[0]] == ["b-1"]
    assert [e.episode_id for e in pairing.alone[1]] == ["a-9"]
    assert pair_up([], []).median_lead_s is None
