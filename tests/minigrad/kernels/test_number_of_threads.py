"""The number of threads may change at any time, also while other threads compute."""

import threading
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.kernels import parallel


@pytest.fixture(autouse=True)
def number_of_threads():
    before = mg.get_num_threads()
    yield
    mg.set_num_threads(before)


def test_it_may_change_while_other_threads_compute():
    """Each change may come between any two steps of a call, so many of both are tried."""
    end, errors, done = time.monotonic() + 0.5, [], []

    def compute():
        while time.monotonic() < end and not errors:
            pieces = []
            try:
                parallel.run(pieces.append, range(8))
            except Exception as error:
                errors.append(error)
            done.append(sorted(pieces) == list(range(8)))

    def change():
        for number in range(10 ** 9):
            mg.set_num_threads(1 + number % 3)
            if time.monotonic() > end:
                return

    threads = [threading.Thread(target=target) for target in (compute, compute, change)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and done and all(done)


def test_it_may_change_within_a_piece():
    mg.set_num_threads(3)
    pieces = []

    def work(piece):
        mg.set_num_threads(2 + piece % 2)
        pieces.append(piece)

    parallel.run(work, range(20))
    assert sorted(pieces) == list(range(20))


def test_threads_that_start_together_share_one_pool(monkeypatch):
    monkeypatch.setattr(parallel, "_pool", None)
    pools, barrier = [], threading.Barrier(4)

    def look():
        barrier.wait()
        pools.append(parallel._the_pool())

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, pools))) == 1


def test_it_is_a_whole_number():
    for right in (2, np.int64(2), np.uint8(2)):
        mg.set_num_threads(right)
        assert parallel._the_pool().threads == 2 and type(parallel._the_pool().threads) is int
    for wrong in (True, np.True_, 2.0, "2", None, 0, -1, [2], mg.tensor(2), np.int64, -10 ** 5000):
        with pytest.raises(ArgumentError, match="set_num_threads needs a whole number of at least"):
            mg.set_num_threads(wrong)
    assert parallel._the_pool().threads == 2
