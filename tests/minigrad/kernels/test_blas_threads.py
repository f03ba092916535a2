"""BLAS gets its threads back: after interrupts at any moment, and in forked children."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest

from minigrad.errors import ArgumentError
from minigrad.kernels import parallel


class Library:
    """A BLAS whose functions a Ctrl-C may interrupt, before or after their effect."""

    def __init__(self):
        self.count, self.calls, self.interrupted_at = 4, 0, None

    def interrupt(self):
        self.calls += 1
        if self.calls == self.interrupted_at:
            raise KeyboardInterrupt

    def get_num_threads(self):
        self.interrupt()
        return self.count

    def set_num_threads(self, count):
        self.interrupt()
        self.count = count
        self.interrupt()


@pytest.mark.parametrize("moment", range(1, 6))
def test_an_interrupt_leaves_no_limit_behind(moment):
    blas, library = parallel._Blas(), Library()
    blas.libraries = [library]
    library.interrupted_at = moment
    with suppress(KeyboardInterrupt), blas.one_thread():
        pass
    assert library.calls >= moment                  # so it was interrupted
    with blas.one_thread():
        assert library.count == 1
    assert library.count == 4 and not blas.users


def test_an_interrupt_on_the_way_out_restores_the_threads_first():
    blas, library = parallel._Blas(), Library()
    blas.libraries = [library]
    with pytest.raises(KeyboardInterrupt), blas.one_thread():
        library.interrupted_at = library.calls + 1
    assert library.count == 4


FORK = """
import os
from minigrad.kernels import parallel
blas = parallel._the_pool().blas
blas.set([2] * len(blas.libraries))
with blas.one_thread():
    child = os.fork()
    if child == 0:
        os._exit(10 + blas.libraries[0].get_num_threads())
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) - 10)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_is_forked_from_a_kernel_has_all_threads():
    blas = parallel._blas()
    if blas is None or not blas.libraries:
        pytest.skip("needs threadpoolctl and a BLAS that it knows")
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "OPENBLAS_NUM_THREADS": "2"})
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr


@pytest.mark.parametrize("text, threads", [("3", 3), ("0", None), ("", None)])
def test_the_number_of_threads_from_the_environment(monkeypatch, text, threads):
    monkeypatch.setenv("MINIGRAD_NUM_THREADS", text)
    assert parallel._Pool().threads == (threads or parallel.available_cores())


@pytest.mark.parametrize("text", ["abc", "-3", "1.5", "99999"])
def test_no_number_of_threads_in_the_environment(monkeypatch, text):
    monkeypatch.setenv("MINIGRAD_NUM_THREADS", text)
    with pytest.raises(ArgumentError, match=f"MINIGRAD_NUM_THREADS is '{text}', but must be"):
        parallel._Pool()


def test_thousands_of_digits_for_the_number_of_threads(monkeypatch):
    monkeypatch.setenv("MINIGRAD_NUM_THREADS", "9" * 5000)
    with pytest.raises(ArgumentError, match="must be a whole number from 1 to 9999") as error:
        parallel._Pool()
    assert len(str(error.value)) < 200
