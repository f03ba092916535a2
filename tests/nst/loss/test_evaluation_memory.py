"""What ``inspect.memory()`` says about an evaluation of VGG19, beside what the process shows."""

import os
import subprocess
import sys

import pytest

EVALUATION = """
import ctypes, gc, threading
import numpy as np
import minigrad as mg
from minigrad import inspect
from minigrad.kernels import memory
from nst import Settings
from nst.model import weights
from nst.loss.objective import Objective

network = weights.load("random:0", "relu5_1", "cpu")
rng = np.random.default_rng(0)
small, picture = (mg.tensor(rng.uniform(-100, 100, (1, 3, size, size)).astype("f"))
                  for size in (32, 160))
objective = Objective(network, Settings(content_weight=0), None, small, size=(160, 160))

def evaluate():
    objective(picture.detach().requires_grad_()).total.backward()

def watched():
    with inspect.memory() as use:
        evaluate()
    print(use.peak, use.process, sum(use.saved.values()))

def in_a_thread_of_its_own(function):      # whose workspaces go with it
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()

in_a_thread_of_its_own(evaluate)           # transforms the weights, once and for all
mg.set_num_threads(mg.get_num_threads())   # new threads
gc.collect()
memory.release_unused()
ctypes.CDLL(None).malloc_trim(0)
in_a_thread_of_its_own(watched)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_of_a_frozen_network_is_what_the_process_shows():
    # The C library gives back what is freed at once, and keeps no reserve that would not show.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072", "MINIGRAD_NUM_THREADS": "2"}
    run = subprocess.run([sys.executable, "-c", EVALUATION], capture_output=True, text=True,
                         env=environment, check=True)
    peak, process, saved = run.stdout.split()
    if process == "None":
        pytest.skip("the system does not let a process reset its own peak")
    assert int(peak) == pytest.approx(int(process), rel=0.15)
    features = 4 * 160 * 160 * (64 + 128 / 4 + 256 / 16 + 512 / 64 + 512 / 256)
    assert int(saved) < features     # no image of the network but those of the style layers
