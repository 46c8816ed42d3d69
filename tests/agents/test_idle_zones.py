from agents.idle_zones import Silence

ZONES = ("x", "y")


def test_a_zone_that_misses_the_time_out_while_the_other_speaks_is_silent() -> None:
    silence = Silence(timeout_s=10.0)
    heard = [silence.heard("x", ZONES, float(now)) for now in range(12)]
    assert heard[10] == frozenset()
    assert heard[11] == {"y"}


def test_a_zone_that_speaks_again_is_heard_again() -> None:
    silence = Silence(timeout_s=10.0)
    for now in range(15):
        silence.heard("x", ZONES, float(now))
    assert silence.heard("y", ZONES, 15.0) == frozenset()


def test_a_pause_of_the_whole_stream_makes_nobody_silent() -> None:
    silence = Silence(timeout_s=10.0)
    silence.heard("x", ZONES, 0.0)
    silence.heard("y", ZONES, 0.1)
    assert silence.heard("x", ZONES, 3600.0) == frozenset()


def test_a_time_out_of_nought_waits_for_ever() -> None:
    silence = Silence(timeout_s=0.0)
    assert not any(silence.heard("x", ZONES, float(now * 1000)) for now in range(100))
