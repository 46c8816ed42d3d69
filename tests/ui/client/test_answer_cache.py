import gc
import tracemalloc
from threading import Event, Thread

import pytest

from ui.client.answer_cache import KEPT, MAX_QUESTION, OnDemand
from ui.client.refusals import ApiError, UnknownNameError, WorkerGoneError


def refuse(error):
    def ask():
        raise error

    return ask


def test_an_answer_is_asked_for_once_a_version():
    answers, kept = iter(["first", "second"]), OnDemand()
    assert kept.get(("a",), 1, lambda: next(answers)) == "first"
    assert kept.get(("a",), 1, lambda: next(answers)) == "first"
    assert kept.get(("a",), 2, lambda: next(answers)) == "second"
    assert kept.known(("a",)) == "second"
    assert kept.known(("b",)) is None


def test_an_answer_that_is_not_whole_is_asked_for_again():
    answers, kept = iter(["half", "half", "whole"]), OnDemand()

    def get():
        return kept.get(("a",), 1, lambda: next(answers), lambda answer: answer == "whole")

    assert [get() for _ in range(4)] == ["half", "half", "whole", "whole"]


def test_a_failure_gives_the_last_answer_and_is_tried_again():
    kept = OnDemand()
    kept.get(("a",), 1, lambda: "old")
    assert kept.get(("a",), 2, refuse(WorkerGoneError("gone"))) == "old"
    assert kept.get(("a",), 2, lambda: "new") == "new"


@pytest.mark.parametrize("error", [UnknownNameError("unknown", []), ApiError("refused")])
def test_what_does_not_exist_or_is_refused_is_none_and_not_asked_for_again(error):
    kept = OnDemand()
    kept.get(("a",), 1, lambda: "old")
    assert kept.get(("a",), 2, refuse(error)) is None
    assert kept.get(("a",), 2, lambda: "new") is None
    assert not kept.take_failed()


def test_a_question_longer_than_any_of_ours_is_not_asked():
    kept = OnDemand()
    assert kept.get(("node", "a" * MAX_QUESTION), 1, lambda: "answer") is None
    assert kept.get(("history", *["a"] * MAX_QUESTION), 1, lambda: "answer") is None


def test_nothing_stays_of_questions_that_got_no_answer():
    kept = OnDemand()
    texts = [f"{number:0900}" for number in range(2_000)]
    tracemalloc.start()
    for text in texts:
        kept.get((text + "!",), 1, refuse(WorkerGoneError("gone")))
    gc.collect()
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 200_000 < sum(map(len, texts))


def test_only_the_newest_answers_are_kept():
    kept = OnDemand()
    for number in range(KEPT + 1):
        kept.get((number,), 1, lambda: "answer")
    assert kept.known((0,)) is None
    assert kept.known((KEPT,)) == "answer"


def test_one_slow_question_does_not_hold_up_another():
    kept, asked, go_on = OnDemand(), Event(), Event()

    def slowly():
        asked.set()
        assert go_on.wait(10)
        return "slow"

    slow = Thread(target=kept.get, args=(("slow",), 1, slowly))
    slow.start()
    assert asked.wait(10)
    assert kept.get(("quick",), 1, lambda: "quick") == "quick"
    go_on.set()
    slow.join()
    assert kept.known(("slow",)) == "slow"
