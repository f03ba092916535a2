"""Every benchmark runs, as a process on tiny sizes, and its JSON has the promised keys.

What they measure is not tested: figures belong to an idle machine.
"""

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import common  # noqa: E402

RATIO = {"ours_seconds", "torch_seconds", "ratio", "ratio_min", "ratio_max"}
BRIEF = "--turn", "0.001"       # seconds
# Tests share the machine: OpenMP's threads would spin for each other where a core is taken.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE"}


@pytest.fixture
def benchmark(tmp_path):
    """Run a program; its exit status, its results, and what it wrote to stderr."""
    def call(name, *arguments):
        output = tmp_path / f"{name}.json"
        done = subprocess.run(
            [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *arguments,
             "--output", str(output)], capture_output=True, text=True, timeout=120, cwd=tmp_path,
            env=ENVIRONMENT)
        assert done.returncode in (0, 1), done.stderr
        assert "Traceback" not in done.stderr
        document = json.loads(output.read_text(encoding="utf-8"))
        assert document["benchmark"] == name
        assert document["environment"]["cores"] >= 1 and document["environment"]["processor"]
        assert document["environment"]["versions"]["numpy"]
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert lines[1:] == document["results"]         # printed just as it is written
        table = output.with_suffix(".md").read_text(encoding="utf-8")
        rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
        assert len(rows) == 2 + len(document["results"]) and "\n".join(rows) in table
        return done.returncode, document["results"], done.stderr
    return call


def demand_ratio(result):
    """Five numbers that fit together."""
    assert result.keys() >= RATIO
    assert result["ours_seconds"] > 0 and result["torch_seconds"] > 0
    assert result["ratio_min"] <= result["ratio"] <= result["ratio_max"]


@pytest.mark.oracle
def test_style_transfer_iteration(benchmark):
    pytest.importorskip("torch")
    status, results, said = benchmark("nst_iteration", "--sizes", "32", "48", "--rounds", "2",
                                       *BRIEF)
    assert [result["size"] for result in results] == [32, 48]
    for result in results:
        demand_ratio(result)
        assert len(result["ours_rounds"]) == len(result["torch_rounds"]) == 2
        assert result["loss_relative_difference"] < 1e-4
        assert result["gradient_cosine"] > 0.999
    agree = all(result["loss_relative_difference"] < 1e-5 and result["gradient_cosine"] > 0.99999
                for result in results)
    assert (status == 0) == agree == (said == "")


@pytest.mark.oracle
def test_convolution(benchmark):
    pytest.importorskip("torch")
    _, results, _ = benchmark("conv2d", "--size", "16", "--layers", "conv1_1", "conv2_2",
                              "--rounds", "1", *BRIEF)
    assert [(result["layer"], result["direction"]) for result in results] == [
        (layer, direction) for layer in ("conv1_1", "conv2_2")
        for direction in ("forward", "input_gradient")]
    for result in results:
        demand_ratio(result)
        assert set(result["algorithm_seconds"]) == {
            "im2col", "winograd2", "winograd4", "winograd6", "winograd8", "auto"}
        operations = 18 * result["channels"] * result["filters"] * result["side"] ** 2
        assert result["gflops"] == pytest.approx(1e-9 * operations / result["ours_seconds"])
        assert result["share_of_sgemm"] == pytest.approx(result["gflops"]
                                                         / result["sgemm_gflops"])


@pytest.mark.oracle
def test_whole_job(benchmark):
    pytest.importorskip("torch")
    status, results, _ = benchmark("nst_job", "--size", "32", "--iterations", "3", "--rounds", "1")
    (result,) = results
    demand_ratio(result)
    assert status == 0 and result["ours_evaluations"] == result["torch_evaluations"] == 4
    assert 0 < result["ours_best_total"] < 4 * result["torch_best_total"]


@pytest.mark.oracle
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory(benchmark):
    pytest.importorskip("torch")
    _, results, _ = benchmark("memory", "--sizes", "64")
    (result,) = results
    for name in ("ours", "torch"):
        assert 0 < result[f"{name}_growth"] < result[f"{name}_whole"]
        assert result[f"{name}_first"] > 0 and result[f"{name}_constant"] > 0
    assert result["ratio"] == pytest.approx(result["ours_growth"] / result["torch_growth"])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_scaling(benchmark):
    # Below 128 pixels workspaces of a fixed size are all that grows.
    _, results, _ = benchmark("scaling", "--sizes", "32", "192", "--rounds", "1", *BRIEF)
    assert [result["size"] for result in results] == [32, 192]
    for result in results:
        pixels = result["size"] ** 2
        assert result["seconds_per_pixel"] == pytest.approx(result["seconds"] / pixels)
        assert result["growth_per_pixel"] == pytest.approx(result["growth"] / pixels)
    assert 1.5 * results[0]["growth"] < results[1]["growth"]


@pytest.mark.oracle
def test_training(benchmark):
    pytest.importorskip("torch")
    status, results, _ = benchmark("training", "--batch", "2", "--size", "16", "--rounds", "1",
                                   *BRIEF)
    (result,) = results
    demand_ratio(result)
    assert status == 0
    assert result["loss_relative_difference"] < 1e-5
    assert result["gradient_relative_difference"] < 1e-3


@pytest.mark.oracle
def test_gradient_check(benchmark):
    pytest.importorskip("torch")
    _, results, _ = benchmark("gradient_check", "--functions", "exp", "mse_loss", "--rounds", "1")
    assert [result["function"] for result in results] == ["exp", "mse_loss"]
    for result in results:
        assert min(result[name] for name in ("ours", "torch slow", "torch fast")) > 0
        assert result["ratio_min"] <= result["ratio"] <= result["ratio_max"]


def test_winograd_points(benchmark):
    _, results, _ = benchmark("winograd_points", "--channels", "16", "--size", "24",
                              "--rounds", "1")
    for m, promised in ((2, 5e-6), (4, 2e-5), (6, 1e-4), (8, 5e-4)):
        of_m = [result for result in results if result["m"] == m]
        (used,) = (result for result in of_m if result["in_use"])
        assert all(len(result["points"]) == m + 1 for result in of_m) and len(of_m) > 3
        assert 1 <= used["times_best"] < 1.5        # the engine's set is among the best
        for key in ("error_mean_0", "error_mean_120", "error_input_gradient"):
            assert 1e-9 < used[key] < promised and math.isfinite(used[key])


@pytest.mark.parametrize("arguments, words", [
    (("nst_iteration", "--sizes", "8"), "fewer than the 16"),
    (("nst_iteration", "--weights", "nowhere.h5"), "nowhere.h5"),
    (("conv2d", "--layers", "conv9_9"), "conv9_9"),
    (("training", "--rounds", "0"), "'0'"),
    (("gradient_check", "--functions", "sine"), "there is no function 'sine'"),
    (("winograd_points", "--output", "nowhere/points.json"), "nowhere"),
    (("winograd_points", "--output", "points.txt"), ".json"),
])
def test_mistakes_are_one_sentence(arguments, words, tmp_path, monkeypatch, capsys):
    name, *options = arguments
    if name != "winograd_points" and importlib.util.find_spec("torch") is None:
        pytest.skip("needs PyTorch")
    monkeypatch.chdir(tmp_path)
    status = common.run(name, importlib.import_module(name).main, options)
    said = capsys.readouterr().err
    assert status == 2 and said.startswith(f"{name}: ") and said.count("\n") == 1
    assert words in said


def test_a_mistake_ends_the_process_with_2(tmp_path):
    done = subprocess.run([sys.executable, str(ROOT / "benchmarks" / "winograd_points.py"),
                           "--output", "points.txt"], capture_output=True, text=True, cwd=tmp_path,
                          timeout=60, env=ENVIRONMENT)
    assert done.returncode == 2
    assert done.stderr.startswith("winograd_points: ") and done.stderr.count("\n") == 1


def test_a_benchmark_runs_as_a_module_too(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.winograd_points", "--tiles", "2", "--channels", "4",
         "--size", "8", "--rounds", "1"], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    assert '"in_use": true' in done.stdout
