"""The lane on which work is done one piece after the other."""

from __future__ import annotations

import threading

import pytest
from scanwright.agent.server.lane import Lane
from scanwright.tools.errors import Cancelled


def test_who_waits_knows_the_place_and_can_be_stopped_there() -> None:
    entered, go_on, places = threading.Event(), threading.Event(), []
    lane = Lane("test")

    def long() -> str:
        entered.set()
        assert go_on.wait(30)
        return "long"

    first = lane.add("first", long)
    assert entered.wait(30)
    second = lane.add("second", lambda: "second", lambda n: places.append(("second", n)))
    third = lane.add("third", lambda: "third", lambda n: places.append(("third", n)))
    assert places == [("second", 1), ("third", 2)]
    assert lane.stop("second") == "waiting"
    with pytest.raises(Cancelled):
        second.result(30)
    assert lane.stop("nobody") is None
    go_on.set()
    assert (first.result(30), third.result(30)) == ("long", "third")
    lane.close()


def test_a_stop_ends_what_is_worked_on_and_not_what_comes_after() -> None:
    flag, entered = threading.Event(), threading.Event()
    lane = Lane("test", flag.set, flag.clear)

    def long() -> None:
        entered.set()
        assert flag.wait(30)
        raise Cancelled("Stopped.")

    done, after = lane.add("long", long), lane.add("after", flag.is_set)
    assert entered.wait(30)
    assert lane.stop("long") == "working"
    with pytest.raises(Cancelled):
        done.result(30)
    assert after.result(30) is False
    lane.close()
    with pytest.raises(Cancelled):
        lane.add("late", lambda: None)


def test_what_fails_is_told_to_whoever_asked_and_the_lane_goes_on() -> None:
    lane = Lane("test")
    broken = lane.add("broken", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        broken.result(30)
    assert lane.add("next", lambda: 7).result(30) == 7
    lane.close()
