"""Work here and in other processes: the same results, and what happens when one dies."""

import multiprocessing.connection
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import minigrad
from minigrad.errors import ArgumentError
from nst import Settings
from nst.loss.tiled import TiledObjective
from nst.model import weights
from nst.system.executors import Serial, WorkerError
from nst.system.processes import Processes

SETTINGS = {"content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1"}


def load(seed):
    return weights.load(f"random:{seed}", "relu2_1", "cpu")


def started():
    return {"calls": 0, "process": os.getpid()}


def count(state, item):
    state["calls"] += 1
    time.sleep(0.02 * (item % 3))
    return item, state["calls"], state["process"], minigrad.get_num_threads()


def fail(state, item):
    raise ArgumentError(f"no {item}")


def die(state, item):
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_the_middle(state, item):
    """Be killed while the result is on its way."""
    def send_half(self, data, write=os.write):
        os.write(self.fileno(), bytes(data)[:len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    multiprocessing.connection.Connection._send = send_half
    return bytes(10 ** 6)


@pytest.fixture
def two():
    with_two = Processes(2, started, threads=1)
    yield with_two
    with_two.close()


def test_results_come_in_order_and_the_state_is_made_once(two):
    for _ in range(2):
        found = list(two.map(count, range(8)))
        assert [item for item, *_ in found] == list(range(8))
    assert {threads for *_, threads in found} == {1}
    processes = {process for _, _, process, _ in found}
    assert os.getpid() not in processes and len(processes) <= 2
    assert max(calls for _, calls, _, _ in found) > 4           # of 16 calls in two processes
    assert [item for item, *_ in Serial(started()).map(count, range(3))] == [0, 1, 2]


def test_what_a_job_raises_is_raised_here(two):
    with pytest.raises(ArgumentError, match="no 3"):
        list(two.map(fail, [3]))
    assert next(two.map(count, [5]))[0] == 5                       # and work goes on


def test_a_killed_worker_is_named(two):
    with pytest.raises(WorkerError, match="one of 2 worker processes was killed"):
        list(two.map(die, range(4)))


@pytest.mark.skipif(os.name == "nt", reason="its pipes are others")
def test_a_worker_that_is_killed_within_its_result_is_named(two):
    """The other worker keeps the pipe open, so that nobody learns of the end by itself."""
    assert list(two.map(count, [1, 2]))
    with pytest.raises(WorkerError, match="one of 2 worker processes was killed"):
        list(two.map(die_in_the_middle, [1]))
    assert list(two.map(count, [1, 2]))


def test_no_number_of_processes():
    with pytest.raises(ArgumentError, match="processes must be a whole number"):
        Processes(0, started)


def test_tiles_in_processes_give_the_same_bits(rng):
    network, settings = load(0), Settings(**SETTINGS)
    content, style, picture = (minigrad.tensor(rng.uniform(-120, 130, (1, 3, 60, 60)).astype("f"))
                               for _ in range(3))

    def evaluated(executor):
        objective = TiledObjective(network, settings, content, style, side=16, executor=executor)
        leaf = picture.detach().clone().requires_grad_()
        losses = objective(leaf)
        losses.total.backward()
        return losses.total.item(), leaf.grad.numpy()

    threads = minigrad.get_num_threads()
    minigrad.set_num_threads(1)
    processes = Processes(2, load, 0, threads=1)
    try:
        (total, gradient), (elsewhere, from_processes) = map(evaluated, (Serial(network),
                                                                         processes))
    finally:
        processes.close()
        minigrad.set_num_threads(threads)
    assert elsewhere == total
    np.testing.assert_array_equal(from_processes, gradient)


PARENT = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from test_executors import Processes, started, count
if __name__ == "__main__":
    for result in Processes(2, started, threads=1).map(count, range(3)):
        print(result[2], flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_workers_end_when_their_parent_is_killed(tmp_path, environment):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, script, os.path.dirname(__file__)], text=True,
                              stdout=subprocess.PIPE, env=environment)
    workers = {int(parent.stdout.readline()) for _ in range(3)}
    parent.kill()
    parent.wait()
    limit = time.monotonic() + 60
    while any(_runs(worker) for worker in workers):
        assert time.monotonic() < limit, "a worker goes on without its parent"
        time.sleep(0.05)


def _runs(process):
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
