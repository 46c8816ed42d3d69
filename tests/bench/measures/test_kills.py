from bench.measures.kills import recoveries_s


def test_a_kill_is_over_when_the_last_row_that_it_made_late_is_applied():
    late = [(10_500, 17_000), (12_000, 18_000), (16_000, 17_500)]
    assert recoveries_s([10_000], late) == [8.0]


def test_a_row_sent_just_before_a_kill_counts_for_it():
    assert recoveries_s([10_000], [(9_200, 15_000)]) == [5.0]


def test_a_row_that_was_late_before_the_kill_does_not_count():
    assert recoveries_s([10_000], [(8_900, 15_000)]) == [0.0]


def test_each_kill_has_its_own_rows():
    late = [(10_500, 17_000), (40_500, 43_000)]
    assert recoveries_s([10_000, 40_000], late) == [7.0, 3.0]


def test_a_recovery_that_the_next_kill_interrupts_lasts_to_its_end():
    late = [(10_500, 48_000), (40_500, 49_000)]
    assert recoveries_s([10_000, 40_000], late) == [38.0, 9.0]
