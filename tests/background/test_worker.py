"""What a worker does with messages, without a broker: slices, room, and the way out."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import background
import background.worker
from background.worker import NO_ROOM_SECONDS, Worker


class Broker:
    """Takes what is sent, or not."""

    def __init__(self, takes: bool = True) -> None:
        self.takes = takes
        self.sent: list[tuple[object, ...]] = []

    def submit(self, name: str, ids: dict[str, int], delay: float) -> None:
        self.sent.append((name, ids, delay))

    def submit_batch(self, name: str, numbers: list[int], **common: str) -> bool:
        if self.takes:
            self.sent.append((name, numbers, common))
        return self.takes


@pytest.fixture
def done() -> Iterator[list[int]]:
    """The numbers that the handler `count` was called with."""
    calls: list[int] = []
    handlers = dict(background._background.handlers)
    background.register("count", lambda number, **_common: calls.append(number))
    yield calls
    background._background.handlers.clear()
    background._background.handlers.update(handlers)


def worker(broker: Broker, stopping=lambda: False, **limits: int) -> Worker:
    return Worker(broker, stopping, limits)


def test_a_batch_within_its_slice_is_done_in_order(done):
    broker = Broker()
    worker(broker).batch("count", [3, 1, 2], {"due_by": "now"})
    assert (done, broker.sent) == ([3, 1, 2], [])


def test_a_batch_that_takes_long_sends_its_rest_on(done, monkeypatch):
    monkeypatch.setattr(background.worker, "SLICE_SECONDS", -1.0)
    broker = Broker()
    worker(broker).batch("count", [1, 2, 3], {"due_by": "now"})
    assert (done, broker.sent) == ([1], [("count", [2, 3], {"due_by": "now"})])


def test_a_rest_that_the_broker_does_not_take_is_done_after_all(done, monkeypatch):
    monkeypatch.setattr(background.worker, "SLICE_SECONDS", -1.0)
    worker(Broker(takes=False)).batch("count", [1, 2, 3], {})
    assert done == [1, 2, 3]


@pytest.mark.parametrize("takes", [True, False])
def test_a_process_that_is_to_end_gives_the_rest_back_or_leaves_it_to_the_rows(done, takes):
    broker = Broker(takes)
    worker(broker, lambda: len(done) == 2).batch("count", [1, 2, 3, 4], {})
    assert done == [1, 2]
    assert broker.sent == ([("count", [3, 4], {})] if takes else [])


def test_one_that_fails_leaves_the_others_of_its_batch_alone(done, caplog):
    def fail(number, **_common):
        if number == 2:
            raise ZeroDivisionError("+14155550100")
        done.append(number)

    background.register("fail", fail)
    worker(Broker()).batch("fail", [1, 2, 3], {})
    assert done == [1, 3]
    assert "ZeroDivisionError" in caplog.text
    assert "+14155550100" not in caplog.text


def test_work_without_room_comes_back_a_little_later_and_room_is_given_back(done):
    broker, inside, leave = Broker(), threading.Event(), threading.Event()

    def slow(number):
        inside.set()
        assert leave.wait(10)
        done.append(number)

    background.register("slow", slow)
    one = worker(broker, slow=1)
    thread = threading.Thread(target=one.one, args=("slow", {"number": 1}))
    thread.start()
    assert inside.wait(10)
    one.one("slow", {"number": 2})
    one.one("count", {"number": 7})
    assert broker.sent == [("slow", {"number": 2}, NO_ROOM_SECONDS)]
    leave.set()
    thread.join(10)
    one.one("slow", {"number": 3})
    assert done == [7, 1, 3]
