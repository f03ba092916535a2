"""Memory and time before a run, and tiles and histories that make it fit."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import narrow_vgg
import numpy as np
import pytest

from minigrad.errors import ArgumentError
from nst import Settings, stylize
from nst.config import validators
from nst.job import fitting, memory_model
from nst.job.fitting import fit_to_memory, share_of_memory
from nst.job.memory_model import RunSpec, memory_needed
from nst.model import weights
from nst.optimize.scales import Scale
from nst.system import free_memory

GB = 10**9


@pytest.fixture(scope="module")
def network():
    """VGG19 with all of its channels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "random_weights", narrow_vgg.full_width)
        return weights.load("random:0", "relu5_1", "cpu")


@pytest.fixture
def spec(network, monkeypatch):
    """Of a picture by width and height; the program itself takes 150 MB, 20 GB are free."""
    monkeypatch.setattr(memory_model, "baseline", lambda: 150_000_000)
    monkeypatch.setattr(free_memory, "used", lambda: 150_000_000)
    monkeypatch.setattr(free_memory, "available", lambda device="cpu": 20 * GB)

    def make(width, height, **settings):
        return RunSpec(network, Settings(**settings), [Scale(0, 1.0, (width, height), 10)],
                             "cpu")
    return make


def with_settings(spec, settings):
    return dataclasses.replace(spec, settings=settings)


# ------------------------------------------------------------------------- making it fit


def test_what_fits_is_not_cut(spec):
    assert fit_to_memory(spec(1024, 768)) == spec(1024, 768).settings


@pytest.mark.parametrize("room", [3 * GB, 4 * GB, "3GiB"])
def test_larger_pictures_are_cut_into_the_largest_tiles_that_fit(spec, room):
    requested = spec(3000, 2000, max_memory=room)
    chosen = fit_to_memory(requested)
    assert chosen.tile % 64 == 0
    assert memory_needed(with_settings(requested, chosen)) <= requested.settings.max_memory
    larger = dataclasses.replace(chosen, tile=chosen.tile + 64)
    assert memory_needed(with_settings(requested, larger)) > requested.settings.max_memory


def test_what_is_free_counts_where_nothing_is_said(spec, monkeypatch):
    assert fit_to_memory(spec(2000, 2000)).tile is None
    monkeypatch.setattr(free_memory, "available", lambda device="cpu": 2 * GB)
    assert fit_to_memory(spec(2000, 2000)).tile is not None
    monkeypatch.setattr(free_memory, "available", lambda device="cpu": None)
    assert fit_to_memory(spec(2000, 2000)).tile is None


def test_the_history_of_lbfgs_gets_shorter_before_tiles_get_small(spec):
    chosen = fit_to_memory(spec(3840, 2160, optimizer="lbfgs", variable="pixels",
                                max_memory="5GiB"))
    assert chosen.tile >= fitting.MIN_TILE and chosen.lbfgs_history < 10
    assert fit_to_memory(spec(3840, 2160, optimizer="lbfgs", max_memory="16GiB")
                           ).lbfgs_history == 10


def test_lbfgs_can_write_its_history_down_within_what_is_said(spec):
    """A checkpoint takes a snapshot of all that it remembers: 25 pictures with a history of 10."""
    for variable, numbers in (("pixels", 1), ("pyramid", 4 / 3)):
        needed = {optimizer: memory_needed(spec(1000, 1000, optimizer=optimizer,
                                                variable=variable))
                  for optimizer in ("adam", "lbfgs")}
        assert needed["lbfgs"] - needed["adam"] == (20 + 25) * numbers * 12 * 1000 * 1000


def test_coarser_scales_count(spec):
    """What they leave for good: weights transformed for smaller pictures."""
    one = spec(512, 512)
    several = dataclasses.replace(one, scales=[Scale(0, 0.25, (128, 128), 10), *one.scales])
    more = memory_needed(several) - memory_needed(one)
    assert 10_000_000 < more < 200_000_000


def test_a_tile_that_is_asked_for_is_kept(spec):
    assert fit_to_memory(spec(2000, 2000, tile=320)).tile == 320
    with pytest.raises(ArgumentError, match="tile is 32 pixels, but relu5_1 needs tiles of 64"):
        fit_to_memory(spec(2000, 2000, tile=32))


def test_several_processes_take_several_times_the_memory(spec):
    one, two = (memory_needed(spec(2000, 2000, tile=512, processes=processes))
                for processes in (1, 2))
    assert two > 1.5 * one
    assert fit_to_memory(spec(2000, 2000, processes=2)).tile <= 1024      # something for each


def test_worker_processes_do_not_hold_what_the_program_holds(spec, monkeypatch):
    """A notebook may have loaded gigabytes before; it has them once."""
    before = memory_needed(spec(2000, 2000, tile=512, processes=4))
    monkeypatch.setattr(memory_model, "baseline", lambda: 150_000_000 + 5 * GB)
    assert memory_needed(spec(2000, 2000, tile=512, processes=4)) - before == 5 * GB


def test_several_programs_share_what_is_free(spec, monkeypatch):
    assert share_of_memory(Settings(max_memory="3GB"), "cpu", 3) == GB
    assert share_of_memory(Settings(), "cpu", 2) == 9 * GB      # a tenth is left over
    monkeypatch.setattr(free_memory, "available", lambda device="cpu": None)
    assert share_of_memory(Settings(), "cpu", 2) is None


def test_what_cannot_fit_is_refused_in_one_sentence(spec):
    with pytest.raises(ArgumentError, match=r"6000×4000 pixels need about \d\.\d GB of memory, "
                       r"even in tiles of 64 pixels, but max-memory is 1\.0 GB; choose a smaller "
                       r"--size, or a larger --max-memory"):
        fit_to_memory(spec(6000, 4000, max_memory="1GB"))


def test_processes_are_for_the_host(spec):
    with pytest.raises(ArgumentError, match="processes is 2, but on cuda:0 one process"):
        fit_to_memory(dataclasses.replace(spec(64, 64, processes=2), device="cuda:0"))


@pytest.mark.parametrize("text, count", [("4GB", 4 * GB), ("1.5GiB", 3 << 29), ("800M", 800 << 20),
                                         ("7000000", 7_000_000), (5 * GB, 5 * GB), ("2 kb", 2000)])
def test_amounts_of_memory(text, count):
    assert validators.memory_size("max-memory", text) == count


@pytest.mark.parametrize("text", ["much", "4 GBit", "0", "-1GB", "1.2.3G", ""])
def test_no_amounts_of_memory(text):
    with pytest.raises(ArgumentError, match=r"^max-memory (is|must be) "):
        validators.memory_size("max-memory", text)


# ------------------------------------------------------------------------- what is free


def test_the_smallest_limit_counts(tmp_path, monkeypatch):
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    group = groups / "all" / "mine"
    for folder in (proc / "self", group):
        folder.mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    4000 kB\n")
    (proc / "self" / "cgroup").write_text("0::/all/mine\n")
    monkeypatch.setattr(free_memory, "PROC", proc)
    monkeypatch.setattr(free_memory, "CGROUPS", groups)
    assert free_memory.available() == 4000 * 1024
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("500000\n")
    (group / "memory.stat").write_text("anon 1\ninactive_file 100000\n")
    assert free_memory.available() == 4000 * 1024
    (group / "memory.max").write_text("2000000\n")
    assert free_memory.available() == 2_000_000 - 500_000 + 100_000
    (group.parent / "memory.max").write_text("1000000\n")         # of the group above
    (group.parent / "memory.current").write_text("900000\n")
    assert free_memory.available() == 100_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_ulimit_counts(environment):
    limited = ("import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30));"
               "from nst.system.free_memory import available, used; print(available(), used())")
    run = subprocess.run([sys.executable, "-c", limited], env=environment, capture_output=True,
                         text=True, check=True)
    free, used = map(int, run.stdout.split())
    assert 10**7 < used < 10**9
    assert 0 < free < 3 << 30


# ------------------------------------------------------------------------- through a run


def test_a_run_by_tiles_is_the_run_without(pictures):
    found = [stylize(*pictures, Settings(
        weights="random:0", device="cpu", iterations=3, scales=1, tile=tile,
        content_layers="relu2_1", style_layers="relu1_1,relu2_1")) for tile in (None, 16)]
    totals = [[entry.total for entry in result.history] for result in found]
    np.testing.assert_allclose(totals[1], totals[0], rtol=1e-4)


def test_the_estimate_is_said_before_the_run(run_here, pictures, whole_network, monkeypatch):
    # What this process holds depends on the tests before, and on what is installed.
    monkeypatch.setattr(memory_model, "baseline", lambda: 150_000_000)
    said = run_here(*pictures, "-o", "out.png", "--weights", "random:0", "--device", "cpu",
                    "--iterations", "2", "--content-layers", "relu2_1", "--style-layers", "relu2_1",
                    "--tile", "32", "--margin", "0", "--max-memory", "4GB", "--processes", "2")
    assert said.returncode == 0, said.stderr
    assert re.search(r"^needs about \d+ MB of memory \(.* available\), in 6 tiles of 32 pixels at "
                     r"full size and \d+ s \(\S+ s per iteration\)$", said.stdout, re.MULTILINE)
    refused = run_here(*pictures, "-o", "no.png", "--weights", "random:0", "--device", "cpu",
                       "--max-memory", "20MB")
    assert refused.returncode == 2
    assert re.fullmatch(r"nst\.run: 64×48 pixels need about .* but max-memory is 20 MB; .*\n",
                        refused.stderr)


# A process's peak starts with what its parent had: so a small one stands between it and pytest.
PRINT_PEAK = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""
SIZES = [256] if os.environ.get("SLOW_TESTS") == "reduced" else [256, 512, 1024]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what the system counts")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("options", [
    "--scales 1 --iterations 4", "--scales 1 --iterations 4 --tile 320",
    "--scales 1 --iterations 14 --optimizer lbfgs --checkpoint-every 1",
    "--scales 2 --iterations 26 --optimizer lbfgs --checkpoint-every 4"])
def test_the_estimate_is_what_happens(size, options, colours, environment, tmp_path):
    """Memory in every case; time, which others on the machine change meanwhile, once in three."""
    colours(size, size, 1).save(tmp_path / "content.png")
    colours(size, size, 2).save(tmp_path / "style.png")
    environment.pop("OPENBLAS_NUM_THREADS")
    times = []
    for _ in range(3):
        run = subprocess.run(
            [sys.executable, "-c", PRINT_PEAK, sys.executable, "-m", "nst.run", "content.png",
             "style.png", "-o", "out.png", "--overwrite", "--size", str(size), "--weights",
             "random:0", "--device", "cpu", *options.split()],
            cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, check=True)
        said, _, peak = run.stdout.rpartition("peak ")
        amount, unit = re.search(r"needs about ([0-9.]+) (MB|GB) of memory", said).groups()
        assert (float(amount) * {"MB": 1e6, "GB": 1e9}[unit]
                == pytest.approx(1024 * int(peak), rel=0.25))
        each = float(re.search(r"\(([0-9.e+]+) s per iteration\)", said)[1])
        iterations = json.loads((tmp_path / "out.json").read_text())["iterations"]
        if "checkpoint" in options:
            return              # writing takes time of its own
        times.append(each / np.mean([entry["seconds"] for entry in iterations[1:]]))
        if times[-1] == pytest.approx(1, rel=0.25):
            return
    raise AssertionError(f"time said / time taken: {times}")
