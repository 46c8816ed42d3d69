import pytest

from gridstress.verify.intake import take_in
from tests.gridstress.verify.samples import GRID, HOUR, end, evening, frame, load
from topology.errors import DataError


def north(seq: int, hours: list[float], value: float = 50.0):
    return frame("North", seq, hours, [[value, value]] * len(hours))


def south(seq: int, hours: list[float]):
    return frame("South", seq, hours, [[50.0]] * len(hours))


def test_the_watermark_is_the_slowest_zone_less_the_lateness():
    intake = take_in([north(0, [0, 1, 2, 3]), south(0, [0, 1, 2])], GRID, HOUR)
    assert intake.watermark_s == (2 - 1) * HOUR


def test_a_zone_never_heard_of_holds_the_watermark_back():
    intake = take_in([north(0, [0, 1, 2, 3])], GRID, HOUR)
    assert intake.watermark_s is None
    assert intake.unseen_zones == ["South"]


def test_a_zone_that_ended_at_the_start_holds_nothing_back():
    intake = take_in([end("South", 0, 0), north(0, [0, 1, 2, 3])], GRID, HOUR)
    assert intake.watermark_s == (3 - 1) * HOUR


def test_when_all_zones_have_ended_the_watermark_is_the_latest_end():
    frames = [north(0, [0, 1]), south(0, [0]), end("South", 1, 1), end("North", 2, 2)]
    assert take_in(frames, GRID, HOUR).watermark_s == 2 * HOUR


def test_rows_delivered_again_are_counted_once_however_they_are_cut():
    frames = [north(0, [0, 1]), north(0, [0, 1]), north(1, [1, 2, 3]), south(0, [0])]
    zone = take_in(frames, GRID, HOUR).zones["North"]
    assert (zone.counted, zone.duplicates, zone.conflicts) == (4, 3, [])
    assert [len(block.times_s) for block in zone.blocks] == [2, 2]


def test_a_repeated_row_with_columns_in_another_order_says_the_same():
    again = frame("North", 0, [0], [[2.0, 1.0]], nodes=["b", "a"])
    zone = take_in([frame("North", 0, [0], [[1.0, 2.0]]), again], GRID, HOUR).zones["North"]
    assert zone.conflicts == []


@pytest.mark.parametrize(
    "again",
    [
        north(1, [1], 51.0),
        north(1, [2]),
        frame("North", 1, [1], [[50.0, 50.0]], period_s=900),
        frame("North", 1, [1], [[50.0]], nodes=["a"]),
        end("North", 1, 1),
    ],
    ids=["load", "time", "period", "nodes", "final"],
)
def test_a_repeated_row_with_other_content_is_a_conflict(again):
    zone = take_in([north(0, [0, 1, 2]), again], GRID, HOUR).zones["North"]
    assert len(zone.conflicts) == 1
    assert "seq 1" in zone.conflicts[0]


def test_a_lower_number_that_never_came_before_is_not_counted_and_is_noted():
    zone = take_in([north(0, [0]), north(5, [5]), north(3, [5])], GRID, HOUR).zones["North"]
    assert zone.counted == 2
    assert "seq 1 to 4 were never seen" in zone.notes[0]
    assert "seq 3 came after 5" in zone.notes[1]


def test_rows_are_judged_late_one_by_one_in_their_order():
    # lateness 1 h: 1:00 after 2:00 is just in time, 0:30 and 0:59 are not; 3:00 then moves on.
    zone = take_in([north(0, [0, 2, 1, 0.5, 3, 2]), north(6, [1.99])], GRID, HOUR).zones["North"]
    assert zone.late_seqs == [3, 6]
    assert zone.counted == 5


def test_a_row_far_ahead_of_its_zone_moves_nothing_and_its_number_is_spent():
    frames = [north(0, [0, 2, 2.1, 1]), north(3, [1]), frame("North", 4, [9], [[]], final=True)]
    zone = take_in(frames, GRID, HOUR, max_ahead_s=HOUR).zones["North"]
    assert (zone.ahead_seqs, zone.late_seqs, zone.counted) == ([1, 2, 4], [], 2)
    assert (zone.newest_s, zone.ended_s, zone.duplicates) == (HOUR, None, 1)


def test_the_first_row_of_a_zone_is_believed():
    zone = take_in([north(0, [9e4, 0])], GRID, HOUR, max_ahead_s=HOUR).zones["North"]
    assert (zone.ahead_seqs, zone.late_seqs) == ([], [1])


def test_the_end_of_a_zone_without_rows_does_not_say_when_the_run_ends():
    finals = [
        frame(zone, 9, [hour], [[]], final=True) for zone, hour in (("North", 2), ("South", 99))
    ]
    assert take_in([north(0, [0, 1]), *finals], GRID, HOUR).watermark_s == 2 * HOUR


def test_a_late_row_does_not_move_time():
    intake = take_in([north(0, [5, 1]), south(0, [5])], GRID, HOUR)
    assert intake.watermark_s == 4 * HOUR


def test_zones_do_not_make_each_other_late():
    intake = take_in([north(0, [9]), south(0, [0])], GRID, HOUR)
    assert not intake.zones["South"].late_seqs


def test_frames_with_an_unknown_zone_or_node_are_refused_whole_and_their_numbers_stay_free():
    frames = [
        frame("West", 0, [0], [[1.0]], nodes=["a"]),
        frame("North", 0, [0], [[1.0, 1.0]], nodes=["a", "x"]),
        frame("North", 0, [0], [[1.0, 1.0]], nodes=["a", "c"]),
        north(0, [0]),
    ]
    intake = take_in(frames, GRID, HOUR)
    assert len(intake.refused) == 3
    assert (intake.zones["North"].counted, intake.zones["North"].duplicates) == (1, 0)


def test_frames_of_two_runs_are_an_error():
    with pytest.raises(DataError, match="'r1' and 'r2'"):
        take_in([*evening(), frame("North", 0, [0], [[1.0, 1.0]], run="r2")], GRID, HOUR)


def test_nothing_usable_is_an_error():
    with pytest.raises(DataError, match="no measurement"):
        take_in([frame("West", 0, [0], [[load(1)]], nodes=["a"])], GRID, HOUR)
