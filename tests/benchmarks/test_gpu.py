"""The benchmark of the GPU from end to end, on tiny sizes, on a GPU that the host plays."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad import backend

sys.path.insert(0, str(Path(__file__).parents[1] / "minigrad"))
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import gpu
import gpu_tasks
import stand_in_cuda

ROOT = Path(__file__).parents[2]
needs_compiler = pytest.mark.skipif(stand_in_cuda.COMPILER is None,
                                    reason="no C++ compiler to run the kernels on the host with")
PARTS = ("ceilings", "operations", "gradients", "iterations", "convolutions", "portions",
         "nst.run")


@pytest.fixture
def small(monkeypatch):
    """A GPU played by the host, and measurements that take no time."""
    library = stand_in_cuda.install(backend, monkeypatch)
    monkeypatch.setattr(gpu_tasks, "COPY_NUMBERS", 100)
    monkeypatch.setattr(gpu_tasks, "PRODUCT_SIDE", 8)
    monkeypatch.setattr(gpu_tasks, "DEEPEST", "relu1_2")
    monkeypatch.setattr(gpu.common, "check_weights", lambda source: None)
    monkeypatch.setattr(gpu_tasks, "LAYERS", {"conv1_1": (3, 16, 1, 1), "conv1_2": (16, 16, 1, 1)})
    monkeypatch.setattr(gpu_tasks, "median_seconds",
                        lambda function, wait, **_: (function(), wait(), 0.001)[2])
    monkeypatch.setattr(gpu.style, "pictures", functools.cache(gpu.style.pictures))
    monkeypatch.setattr(gpu, "PORTIONS", (48,))
    monkeypatch.setattr(gpu, "TILES", (None, (0, 0)))
    monkeypatch.setattr(gpu, "ALGORITHMS", ("im2col", "winograd4"))
    monkeypatch.setattr(gpu, "_nst_run", lambda given, compiled: 2.5)
    monkeypatch.setattr(gpu, "_has_torch", lambda: False)
    module = sys.modules["minigrad.primitive"]
    few = {name: module.registered_primitives()[name]
           for name in ("convolve", "max_pool", "multiply")}
    monkeypatch.setattr(module, "registered_primitives", lambda: few)
    shallow = gpu_tasks.Ours.__init__

    def init(self, weights, size, dtype="float32"):
        from nst import Settings
        monkeypatch.setattr(Settings, "preset", classmethod(lambda cls, name: cls(
            content_layers="relu1_2", style_layers="relu1_1,relu1_2", scales=1)))
        shallow(self, weights, size, dtype)

    monkeypatch.setattr(gpu_tasks.Ours, "__init__", init)
    return library


OPTIONS = ["--sizes", "16", "--layer-size", "16", "--check-size", "16"]


@needs_compiler
def test_all_parts(small, tmp_path, capsys):
    output = tmp_path / "gpu.json"
    status = gpu.main([*OPTIONS, "--output", str(output)])
    said = capsys.readouterr()
    assert "Traceback" not in said.err, said.err
    document = json.loads(output.read_text())
    rows = document["results"]
    assert {row["part"] for row in rows} == set(PARTS) and status == 0
    assert not [row for row in rows if row["what"] == "failed"]
    one = {(row["part"], row["what"]): row for row in rows}
    iteration = one["iterations", "16², float32"]
    assert iteration["recorded"] and iteration["launches"] > 5
    assert iteration["floor_bytes_seconds"] > 0 and iteration["peak_bytes"] > 0
    assert 1 - one["gradients", "highest, the default, 16²"]["gradient_cosine"] < 1e-6
    assert 1 - one["gradients", "high, the default, 16²"]["gradient_cosine"] < 1e-3
    assert document["environment"]["gpu"] == "the host"
    assert "| iterations | 16², float32 | 1.00 ms |" in output.with_suffix(".md").read_text()


@needs_compiler
def test_a_part_that_fails_does_not_stop_the_others(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpu_tasks, "ceilings", lambda: 1 / 0)
    for part in ("operations", "gradients", "iterations", "convolutions", "portions"):
        monkeypatch.setattr(gpu.Program, part, lambda self: None)
    assert gpu.main([*OPTIONS, "--output", str(tmp_path / "gpu.json")]) == 1
    rows = json.loads((tmp_path / "gpu.json").read_text())["results"]
    assert rows[0]["what"] == "failed" and "division by zero" in rows[0]["more"]
    runs = [row for row in rows if row["part"] == "nst.run"]
    assert [row["ours_seconds"] for row in runs] == [2.5, 2.5]
    assert ": ZeroDivisionError: division by zero" in capsys.readouterr().out


def refuse(*_):
    raise RuntimeError("not today\nand more")


@needs_compiler
def test_what_is_ours_counts_without_pytorch(small, tmp_path, monkeypatch):
    """And a size that is too large takes no other with it."""
    plain = gpu_tasks.our_iteration
    monkeypatch.setattr(gpu_tasks, "our_iteration", lambda weights, size, precision: (
        refuse if size == 32 else plain)(weights, size, precision))
    monkeypatch.setattr(gpu, "_has_torch", lambda: True)
    for name in ("Torch", "torch_iteration", "torch_convolution"):
        monkeypatch.setattr(gpu_tasks, name, refuse)
    monkeypatch.setattr(gpu_tasks, "set_torch_precision", lambda tf32: None)
    for part in ("ceilings", "whole_runs", "portions", "operations"):
        monkeypatch.setattr(gpu.Program, part, lambda self: None)
    output = tmp_path / "gpu.json"
    assert gpu.main(["--sizes", "16", "32", "16", *OPTIONS[2:], "--output", str(output)]) == 1
    document = json.loads(output.read_text())
    rows = document["results"]
    ours = [row["what"] for row in rows if row["part"] == "iterations" and "ours" in row]
    assert ours == 2 * ["16², float32", "16², TF32"]
    assert len([row for row in rows if row["part"] == "convolutions" and "ours" in row]) == 8
    assert len([row for row in rows if row["part"] == "gradients" and "ours" not in row]) == 5
    assert "Failed: iterations: 32², TF32: RuntimeError: not today" in document["remarks"]
    assert "Failed: gradients: PyTorch: RuntimeError: not today" in document["remarks"]


@needs_compiler
def test_what_is_known_is_written_after_each_part(small, tmp_path, monkeypatch):
    def killed(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(gpu.Program, "gradients", killed)
    output = tmp_path / "gpu.json"
    with pytest.raises(KeyboardInterrupt):
        gpu.main([*OPTIONS, "--output", str(output)])
    document = json.loads(output.read_text())
    assert [row["part"] for row in document["results"]] == ["ceilings"]
    assert document["remarks"][0] == "Not finished."
    assert "| ceilings | measured |" in output.with_suffix(".md").read_text()


@needs_compiler
def test_nothing_is_begun_too_late(small, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu.Program, "_spent", lambda self: 1e6)
    program = gpu.Program(gpu._arguments(OPTIONS))
    program.convolutions(), program.portions()
    assert [row["what"] for row in program.report.results] == ["failed", "failed"]
    assert program.run() == 1 and len(program.failed) == 9
    assert program.failed[0].startswith("convolutions: not finished: 1000000 s")


def test_without_a_gpu_it_says_what_is_missing(tmp_path):
    if backend.cuda_is_available():
        pytest.skip("there is a GPU")
    done = subprocess.run([sys.executable, str(ROOT / "benchmarks" / "gpu.py")], cwd=tmp_path,
                          capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 2 and done.stderr.startswith("gpu: device 'cuda'")
    assert done.stderr.count("\n") == 1
