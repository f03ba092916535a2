"""The benchmark of the GPU on tiny sizes, on a GPU that the host plays; and its rehearsal."""

import json
import os
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minigrad import conv_algorithm
from minigrad.errors import ArgumentError
from minigrad.kernels.cuda import conv as cuda_conv

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import gpu
import gpu_parts
import gpu_play
import gpu_profile
import gpu_runs
import gpu_switches
import gpu_tasks
import gpu_tests
import host_kernels

ROOT = Path(__file__).parents[2]
needs_compiler = pytest.mark.skipif(host_kernels.COMPILER is None,
                                    reason="no C++ compiler to run the kernels on the host with")
OPTIONS = ["--sizes", "16", "--layer-size", "16", "--check-size", "16", "--run-size", "16"]


# -------------------------------------------------------------------------- the parts


@pytest.fixture
def small(played, monkeypatch):
    """A GPU played by the host, measurements that take no time, two switches, no PyTorch."""
    with monkeypatch.context() as patch:
        patch.setattr(gpu_tasks, "has_module", lambda name: False)
        gpu_play.shrink(monkeypatch.setattr)
    monkeypatch.setattr(gpu_parts.tasks, "has_torch", lambda: False)
    monkeypatch.setattr(gpu_switches, "SWITCHES", {
        "conv": {"im2col": lambda: conv_algorithm("im2col")},
        "portion": gpu_switches.SWITCHES["portion"], "roots": gpu_switches.SWITCHES["roots"]})
    monkeypatch.setattr(gpu_parts, "ALGORITHMS", ("auto", "im2col", "loops"))
    monkeypatch.setattr(cuda_conv, "MAX_IMPLICIT", 0)           # it takes long without tensor cores
    return played


@pytest.fixture
def rows(small, capsys):
    """Run a part here; its exit status and its rows, by what they are about."""
    def run(name, *options):
        # However busy the machine is, there is time enough.
        given = gpu._arguments([*OPTIONS, "--seconds", "3600", *options])
        status = gpu_parts.run(name, given)
        lines = capsys.readouterr().out.splitlines()
        return status, {row["what"]: row for row in map(json.loads, lines)}
    return run


@pytest.fixture
def good_rows(rows):
    """The same for a part in which nothing fails: its rows only."""
    def run(name, *options):
        status, found = rows(name, *options)
        assert (status, found.get("failed")) == (0, None)
        return found
    return run


@pytest.mark.slow
@needs_compiler
def test_gradients(good_rows):
    found = good_rows("gradients")
    assert set(found) == {f"{name}, 16²" for name in (
        "float32", "TF32", "float32, conv=im2col", "TF32, conv=im2col")}
    assert 1 - found["float32, 16²"]["gradient_cosine"] < 1e-6
    assert 1e-7 < 1 - found["TF32, 16²"]["gradient_cosine"] < 1e-3


def test_gradients_that_are_wrong_fail(rows, monkeypatch):
    monkeypatch.setattr(gpu_tasks, "Ours", lambda *_: types.SimpleNamespace(result=lambda: None))
    monkeypatch.setattr(gpu_parts.style, "agreement", lambda *_: {
        "loss_relative_difference": 0.0, "gradient_cosine": 0.99})
    status, found = rows("gradients")
    assert status == 1 and "below 0.9999 in float32" in found["failed"]["more"]


@pytest.mark.oracle
def test_precision_of_pytorch_is_for_a_while(monkeypatch):
    """Also where torch.testing has been imported, which forbids plain assignments for good."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.backends, "__allow_nonbracketed_mutation_flag", False)
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul

    def now():
        return cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark

    before = now()
    for mode, uses in gpu_tasks.TORCH_MODES.items():
        with pytest.raises(KeyboardInterrupt), gpu_tasks.torch_precision(mode):
            assert now() == (*uses, True)
            raise KeyboardInterrupt
        assert now() == before


@pytest.mark.slow
@needs_compiler
def test_iterations_beside_pytorch(good_rows, monkeypatch):
    pytest.importorskip("torch")
    gpu_play.shrink_torch(monkeypatch.setattr)
    monkeypatch.setattr(gpu_parts.tasks, "has_torch", lambda: True)
    found = good_rows("iterations")
    assert list(found) == ["16², PyTorch's default", "16², TF32", "16², float32"]
    one = found["16², float32"]
    assert one["ours_recorded"] and one["ours_launches"] > 5
    assert 0 < one["ours_peak_bytes"] <= one["ours_reserved_bytes"]
    assert one["torch_seconds"] == 0.001 and one["torch_peak_bytes"] == 1 << 20


def test_what_is_ours_counts_where_pytorch_fails(rows, monkeypatch):
    """And a size that is too large takes no other with it."""
    def refuse(*_):
        raise RuntimeError("not today\nand more")

    def iteration(weights, size, precision):
        return refuse() if size == 32 else {
            "seconds": 1.0, "plain_seconds": 2.0, "launches": 7, "recorded": True, "refusal": "",
            "peak_bytes": 100, "reserved_bytes": 200}

    monkeypatch.setattr(gpu_tasks, "our_iteration", iteration)
    monkeypatch.setattr(gpu_tasks, "torch_iteration", refuse)
    monkeypatch.setattr(gpu_tasks, "has_torch", lambda: True)
    status, found = rows("iterations", "--sizes", "32", "16")
    assert status == 1 and found["failed"]["more"].endswith("PyTorch: RuntimeError: not today")
    assert [what for what in found if what != "failed"] == [
        "16², PyTorch's default", "16², TF32", "16², float32"]


def test_pytorch_has_one_memory_format_where_it_takes_long(rows, monkeypatch):
    """The one that was faster; and none where there is no time, but ours is there."""
    asked = []

    def theirs(weights, size, mode, only=None):
        asked.append((size, mode, only))
        return {"seconds": 1.0, "peak_bytes": 10, "reserved_bytes": 20, "loss": 1.0,
                "fast_format": mode[:3], "lean_format": mode[:3]}

    def ours(*_):
        now[0] += 100
        return {"seconds": 1.0, "plain_seconds": 2.0, "launches": 7, "recorded": True,
                "refusal": "", "peak_bytes": 100, "reserved_bytes": 200, "evaluations": 3,
                "loss": 2.0}

    now = [0.0]
    monkeypatch.setattr(gpu_parts.time, "perf_counter", lambda: now[0])
    for module, name in ((gpu_tasks, "iteration"), (gpu_parts.gpu_loops, "loop")):
        monkeypatch.setattr(module, f"torch_{name}", theirs)
        monkeypatch.setattr(module, f"our_{name}", ours)
    monkeypatch.setattr(gpu_tasks, "has_torch", lambda: True)
    rows("iterations", "--sizes", "1024", "2048", "--seconds", "1000")
    assert asked == [*[(1024, mode, None) for mode in ("default", "TF32", "strict")],
                     (2048, "default", "def"), (2048, "TF32", "TF3")]
    asked.clear()
    rows("loops", "--sizes", "512", "1024", "--seconds", "1000")
    assert asked == [*[(512, mode, None) for mode in ("default", "TF32", "strict")],
                     (1024, "default", "def"), (1024, "TF32", "TF3"), (1024, "strict", "str")]
    for name in ("iterations", "loops"):
        status, found = rows(name, "--sizes", "512", "--seconds", "50")
        assert status == 1 and found["failed"]["more"] == "no time for the rest"
        assert found["512², PyTorch's default"]["torch_seconds"] is None


def test_long_calls_are_measured_less_often(monkeypatch):
    now, calls = [0.0], []
    monkeypatch.setattr(gpu_tasks.time, "perf_counter", lambda: now[0])

    def taking(seconds):
        calls.clear()

        def call():
            calls.append(1)
            now[0] += seconds
        return call

    for seconds, expected in ((0.25, 6), (3.0, 3), (0.001, 7 * 20)):
        found = gpu_tasks.median_seconds(taking(seconds), lambda: None, min_seconds=0.0205)
        assert found == pytest.approx(seconds) and len(calls) == 2 + expected
    assert [gpu_parts.gpu_loops.loop_length(size) for size in (256, 512, 1024, 2048)] == [
        200, 200, 60, 60]


@pytest.mark.slow
@needs_compiler
def test_what_is_inside(good_rows):
    assert {"Gram matrix of relu1_1, 16²", "max-unpool 4, 16²",
            "L-BFGS without a pass, 16²"} <= set(good_rows("by-name"))
    assert "conv1_2 input_gradient, 16², high" in good_rows("convolutions")
    found = good_rows("variants")
    assert found["16², TF32, portion=96 MB"]["more"] == "1.000 of the usual"
    assert not any("conv=" in what for what in found)       # which it is, is known


def test_operations_that_are_wrong_are_named(rows, monkeypatch):
    registry = sys.modules["minigrad.core.primitive"]
    few = {name: registry.registered_primitives()[name] for name in ("multiply", "divide")}
    monkeypatch.setattr(registry, "registered_primitives", lambda: few)
    status, found = rows("operations")
    (what,) = found
    assert status == 0 and what.endswith(" samples, to second order") and found[what]["left"] == 0
    devices = sys.modules["minigrad.check.devices"]
    monkeypatch.setattr(devices, "difference", lambda *_: float("nan"))
    status, found = rows("operations")
    assert status == 1 and "differs by inf" in found["failed"]["more"]
    status, found = rows("operations", "--seconds", "-1")
    assert status == 1                      # no time for a single one


@pytest.mark.slow
@needs_compiler
def test_the_profile(small, monkeypatch, capsys):
    monkeypatch.setattr(gpu_profile, "CALLS", 2)
    monkeypatch.setattr(gpu_profile, "PRODUCTS", ((16, 16, 8),))
    given = types.SimpleNamespace(sizes=[16], weights="random:0", play=True)
    for section in (gpu_profile.launches, gpu_profile.recordings, gpu_profile.products):
        section(given)
    said = capsys.readouterr().out
    assert "own kernel: " in said and "16²: recorded True" in said and "Tflop/s" in said
    assert gpu_profile._covered([(5, 6), (0, 2), (1, 3)]) == 4
    assert gpu_profile._extent([(5, 6), (0, 2)]) == 6


@pytest.mark.slow
@needs_compiler
def test_the_default_method(good_rows):
    """Its evaluation with each loss and each value of its switches, and whole jobs."""
    found = good_rows("methods")
    losses = [found[f"style-loss {loss}, 16²"] for loss in ("w2", "swd")]
    assert [row["recorded"] for row in losses] == [True, False]
    assert losses[0]["launches"] > 50 and losses[0]["seconds_without_palette"] == 0.001
    assert {"roots=apart, 16²", "roots=32 MB, 16²"} <= set(found)
    found = good_rows("presets")
    assert set(found) == {"preset balanced, 16²", "preset fast, 16²"}
    job = found["preset balanced, 16²"]
    assert job["evaluations"] == 2 and job["ended"] == "done" and len(job["scale_seconds"]) == 1
    assert 0 < job["peak_bytes"] <= job["reserved_bytes"] < job["estimated_bytes"]


def test_the_peak_of_arrays(played):
    import minigrad as mg

    before = mg.zeros(1000, device="cuda")
    with gpu_tasks.peak_of_arrays() as peak:
        one = mg.zeros(500, device="cuda")
        del one
        two = mg.zeros(300, device="cuda")
    mg.zeros(9000, device="cuda")
    assert 2000 <= peak.bytes < 4000 and before.numel() + two.numel() == 1300


def test_the_difference_of_two_pictures(tmp_path):
    pixels = np.full((20, 20, 3), 100, np.uint8)
    for name, add in (("one", 0), ("two", 2)):
        Image.fromarray(pixels + np.uint8(add)).save(tmp_path / f"{name}.png")
    found = gpu_runs.difference(tmp_path / "one.png", tmp_path / "two.png")
    assert found["mean"] == found["largest"] == 2 and 0.99 < found["ssim"] < 1
    assert found["psnr"] == pytest.approx(20 * np.log10(255 / 2))
    same = gpu_runs.difference(tmp_path / "one.png", tmp_path / "one.png")
    assert same["psnr"] is None and same["ssim"] == pytest.approx(1)


# ------------------------------------------------------------------------- the switches


def test_every_switch_turns_and_turns_back():
    """A name that a module no longer has would be found on a GPU only."""
    from minigrad.kernels.cuda import winograd

    before = winograd.MIN_PORTION
    for word in gpu_switches.all_values():
        with gpu_switches.active([word]):
            assert (before != winograd.MIN_PORTION) == word.startswith("portion")
    assert before == winograd.MIN_PORTION
    for word in ("portion", "portion=3 MB", "colour=red"):
        with pytest.raises(ArgumentError, match=r"there is no switch .*'portion=96 MB'"):
            gpu_switches.active([word])


def test_which_switches_matter():
    numbers, times = gpu_switches.changing_numbers("high"), gpu_switches.undecided("high")
    assert {"conv=implicit", "implicit=64", "tiles=F(4)", "addition=apart"} <= set(numbers)
    assert {"implicit=64", "tiles=F(4)", "portion=256 MB"} <= set(times)
    assert not [word for word in numbers if word.startswith(("portion", "pooling"))]
    assert not [word for word in times if word.startswith(("conv", "pooling", "addition"))]
    for which, in_high in ((gpu_switches.changing_numbers, numbers),
                           (gpu_switches.undecided, times)):
        assert which("highest") == [word for word in in_high if "implicit" not in word]


# -------------------------------------------------------------------------- the program


@pytest.fixture
def program(small, tmp_path, monkeypatch):
    """The parent with parts that are programs of a line; its exit status and its document."""
    def run(parts, *options):
        monkeypatch.setattr(gpu_parts, "PARTS", {name: gpu_parts.Entry(None, 30)
                                                 for name in parts})
        monkeypatch.setattr(gpu.Program, "_command", lambda self, name, limit: [
            sys.executable, "-c", "import json, os, sys, time\nrow = lambda **f: print("
            "json.dumps(f), flush=True)\n" + parts[name]])
        monkeypatch.setattr(gpu.signal, "signal", lambda *_: None)
        monkeypatch.setenv("PATH", str(tmp_path))       # without the machine's nvidia-smi
        output = tmp_path / "gpu.json"
        status = gpu.main([*OPTIONS, "--output", str(output), *options])
        return status, json.loads(output.read_text())
    return run


RATES = ("row(what='measured', copy_bytes_per_second=1e12, operations_per_second_highest=5e13, "
         "operations_per_second_high=4e14, more='')")
ITERATION = ("row(what='512², float32', size=512, precision='highest', ours_seconds=0.005, "
             "torch_seconds=0.010, more='plain')")


def test_rows_are_gathered(program, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '1980 MHz, 2619 MHz, 31, 120 W, 700 W, 0x0'\n")
    tool.chmod(0o755)
    status, document = program({"ceilings": RATES, "iterations": ITERATION})
    before, first, second, after = document["results"]
    assert (before["what"], after["what"]) == ("before", "after")
    assert "clocks.sm 1980 MHz" in before["more"] and "temperature.gpu 31" in after["more"]
    assert status == 0 and first["card"] == second["card"] == "the host"
    assert (second["ours"], second["torch"], second["ratio"]) == ("5.000 ms", "10.000 ms", 0.5)
    assert second["floor_products_seconds"] > 0 and "plain; floor" in second["more"]
    assert document["environment"]["gpu"] == "the host"
    table = (tmp_path / "gpu.md").read_text()
    assert "| iterations | 512², float32 | 5.000 ms | 10.000 ms | 0.50 | plain; floor" in table


def test_a_part_that_crashes_or_fails_does_not_stop_the_others(program):
    status, document = program({"one": "row(what='failed', more='a reason'); sys.exit(1)",
                                "two": ITERATION + "; os.kill(os.getpid(), 11)",
                                "three": ITERATION})
    assert status == 1 and [row["what"] for row in document["results"]] == [
        "failed", "512², float32", "failed", "512², float32"]
    failed = [line for line in document["remarks"] if line.startswith("Failed")]
    assert failed == ["Failed: one: a reason", "Failed: two: ended with status -11 after 0 s"]


def test_a_part_that_hangs_is_stopped_with_all_it_has_started(program, monkeypatch, tmp_path):
    monkeypatch.setattr(gpu, "MIN_SECONDS", 0.1)
    sleeper = ("import subprocess; " + ITERATION + "; child = subprocess.Popen([sys.executable, "
               "'-c', 'import time; time.sleep(60)']); "
               f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid)); time.sleep(60)")
    start = time.monotonic()
    status, document = program({"one": sleeper, "two": ITERATION}, "--limit", "1")
    assert status == 1 and time.monotonic() - start < 20
    assert [row["what"] for row in document["results"]] == ["512², float32", "failed", "failed"]
    assert document["remarks"][-2].startswith("Failed: one: stopped after 1 s")
    assert document["remarks"][-1].startswith("Failed: two: not started")
    child = Path("/proc") / (tmp_path / "pid").read_text() / "status"
    assert not child.exists() or "\nState:\tZ" in child.read_text()


def test_a_weights_file_is_converted_first(tmp_path, monkeypatch):
    with pytest.raises(ArgumentError, match=r"nowhere\.h5"), gpu.converted("nowhere.h5"):
        pass
    source = tmp_path / "vgg19.npz"
    source.write_bytes(b"what a converter is asked to read")
    monkeypatch.setattr("weights_converter.convert",
                        lambda one, other: other.write_bytes(one.read_bytes()[:4])
                        if isinstance(one, Path) else other.write_bytes(b"made"))
    with gpu.converted(str(source)) as weights:
        assert Path(weights).read_bytes() == b"made"
    assert not Path(weights).exists()
    with gpu.converted("random:3") as weights:
        assert weights == "random:3"


def test_without_a_gpu_it_says_what_is_missing(tmp_path):
    done = subprocess.run([sys.executable, str(ROOT / "benchmarks" / "gpu.py")], cwd=tmp_path,
                          capture_output=True, text=True,
                          env={"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""})
    assert done.returncode == 2 and done.stderr.startswith("gpu: device 'cuda'")
    assert done.stderr.count("\n") == 1


# ---------------------------------------------------------------- the tests in processes


def test_files_are_dealt_out_to_processes():
    files = {"tests/nst/model/test_small.py": 3,
             "tests/minigrad/kernels/cuda/test_kernels.py": 130,
             "tests/minigrad/test_nn.py": 60}
    dealt = gpu_tests.batches(files, 60)
    assert [(batch.name, batch.tests) for batch in dealt] == [
        *[(f"minigrad_kernels_cuda_test_kernels_{k}_3", n) for k, n in ((1, 44), (2, 43), (3, 43))],
        ("minigrad_test_nn", 60), ("nst_model_test_small", 3)]


def test_a_process_that_hangs_or_fails_loses_only_itself(monkeypatch, tmp_path, capsys):
    program = ("import sys, time; name = sys.argv[-1]; print('FAILED one') if 'two' in name else 0;"
               "time.sleep(60 * ('hang' in name)); print('1 passed'); sys.exit('two' in name)")
    monkeypatch.setattr(gpu_tests, "PYTEST", [sys.executable, "-c", program])
    monkeypatch.setattr(gpu_tests, "collect", lambda given: dict.fromkeys(
        ("tests/one.py", "tests/two.py", "tests/hang.py"), 5))
    monkeypatch.setattr(gpu_tests, "MIN_SECONDS", 0.1)
    monkeypatch.setattr(gpu_tests.signal, "signal", lambda *_: None)
    start = time.monotonic()
    status = gpu_tests.main(["--logs", str(tmp_path), "--limit", "2", "--processes", "3"])
    assert status == 1 and time.monotonic() - start < 30
    said = capsys.readouterr().out
    assert "status 0 after" in said and ", one: 1 passed" in said
    assert "failed: 1\nFAILED one\n" in said
    assert "hang, 5 tests: stopped" in said and "two, 5 tests: status 1" in said


# ------------------------------------------------------------------------ the rehearsal


@pytest.mark.slow
@needs_compiler
def test_everything_rehearses_on_the_played_gpu(tmp_path):
    """gpu_run.sh with all of its steps; the whole of gpu.py but for what takes minutes."""
    out = tmp_path / "out"
    done = subprocess.run(
        ["bash", str(ROOT / "benchmarks" / "gpu_run.sh"), "550"], capture_output=True, text=True,
        env={**os.environ, "PLAY": "1", "OUT": str(out), "PY": sys.executable, "WEIGHTS": "",
             "FILES": "tests/minigrad/test_cuda_devices.py",
             "PARTS": "ceilings loops runs picture"}, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:]
    steps = [line for line in (out / "summary.txt").read_text().splitlines()
             if line.startswith("-- ")]
    assert [line.split()[1] for line in steps] == ["tests:", "figures:", "profile:",
                                                   "every-kernel:"]
    assert all(": status 0," in line for line in steps)
    assert {path.name for path in out.iterdir()} == {
        "summary.txt", "logs.tar.gz", "gpu.json", "gpu.md", "gpu_cuda.png", "gpu_cpu.png",
        "kernels.tar.gz"}
    assert "| runs | 4 iterations at 16², float32 |" in (out / "gpu.md").read_text()
