from agents.idle_zones import IdleZones


def idle_after(zones: IdleZones, zone: str, now_s: float) -> frozenset[str]:
    zones.note_arrival(0, "r", zone, now_s)
    return zones.of(0, "r")


def idle_zones(timeout_s: float) -> IdleZones:
    return IdleZones("linear", ("x", "y"), timeout_s)


def test_a_zone_that_misses_the_time_out_while_the_other_sends_is_idle() -> None:
    zones = idle_zones(10.0)
    idle = [idle_after(zones, "x", float(now)) for now in range(12)]
    assert idle[10] == frozenset()
    assert idle[11] == {"y"}


def test_a_zone_that_sends_again_is_waited_for_again() -> None:
    zones = idle_zones(10.0)
    for now in range(15):
        idle_after(zones, "x", float(now))
    assert idle_after(zones, "y", 15.0) == frozenset()


def test_a_pause_of_the_whole_stream_makes_no_zone_idle() -> None:
    zones = idle_zones(10.0)
    idle_after(zones, "x", 0.0)
    idle_after(zones, "y", 0.1)
    assert idle_after(zones, "x", 3600.0) == frozenset()


def test_a_time_out_of_nought_waits_for_ever() -> None:
    zones = idle_zones(0.0)
    assert not any(idle_after(zones, "x", float(now * 1000)) for now in range(100))


def test_shards_and_runs_wait_by_themselves_and_a_shard_starts_anew() -> None:
    zones = idle_zones(10.0)
    for now in range(15):
        for shard, run in ((0, "r"), (0, "other"), (1, "r")):
            zones.note_arrival(shard, run, "x", float(now))
    zones.forget(0, "other")
    assert [zones.of(0, "r"), zones.of(0, "other")] == [{"y"}, frozenset()]
    zones.restart(0)
    assert [zones.of(0, "r"), zones.of(1, "r")] == [frozenset(), {"y"}]
