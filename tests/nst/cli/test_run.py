"""`python -m nst.run` as its users meet it: processes, files, exit status, signals."""

import json
import os
import signal
import subprocess
import sys
import time

import narrow_vgg
import numpy as np
import pytest
from PIL import Image

from minigrad.cuda import is_available
from minigrad.kernels import parallel
from nst import Settings, demo
from nst.cli import run
from nst.model import vgg, weights
from tests.helpers.quick_runs import QUICK, pixels
from weights_converter import Weights, write_weights


def test_a_run_from_two_pictures_to_files(nst_run, pictures, tmp_path):
    done = nst_run(*pictures, "-o", "out.png", *QUICK, "--save-every", 2)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out-2.png", "out.json", "out.png", "out.toml"]
    assert pixels(tmp_path / "out.png").shape == (24, 32, 3)
    assert "total loss" in done.stdout and "weights random:0" in done.stdout
    found = "cuda:0 (chosen by auto)" if is_available() else "cpu (chosen by auto: "
    assert f"device {found}" in done.stdout
    lines = done.stderr.splitlines()                        # the progress bar, in a log
    assert lines[0].startswith("0/3 |") and lines[-1].startswith("3/3 |")
    assert all(" left" in line for line in lines)
    check_json(json.loads((tmp_path / "out.json").read_text(encoding="utf-8")), pictures)


def check_json(report, pictures):
    assert list(report) == ["settings", "versions", "device", "precision", "scales", "iterations",
                            "summary"]
    assert report["scales"] == [{"size": [32, 24], "iterations": 3}]
    settings = report["settings"]
    assert settings["content"] == str(pictures[0])
    assert settings["size"] == 32
    assert settings["style_layers"] == {"relu1_1": 0.5, "relu2_1": 0.5}
    assert {"minigrad", "python", "numpy", "pillow"} <= set(report["versions"])
    assert [entry["iteration"] for entry in report["iterations"]] == [0, 1, 2, 3]
    for entry in report["iterations"]:
        assert list(entry) == ["iteration", "total", "content", "style", "tv", "seconds",
                               "palette", "scale", "content_layers", "style_layers"]
        assert sum(entry["style_layers"].values()) == pytest.approx(entry["style"], rel=1e-12)
        weighted = sum(settings[f"{term}_weight"] * entry[term]
                       for term in ("content", "style", "palette", "tv"))
        assert entry["total"] == pytest.approx(weighted, rel=1e-12)
    first = report["iterations"][0]
    assert first["content"] == 0 < first["style"]           # it begins with the content
    summary = report["summary"]
    assert (summary["ended"], summary["iterations"], summary["size"]) == ("done", 3, [32, 24])
    assert summary["best_total"] == report["iterations"][-1]["total"]       # that of the mean


def test_the_same_seed_gives_the_same_bytes(nst_run, here, pictures, tmp_path):
    """In a process of its own and in this one."""
    options = (*QUICK, "--init", "random", "--seed", 5)
    assert nst_run(*pictures, "-o", "one.png", *options, "--quiet").returncode == 0
    assert here(*pictures, "-o", "two.png", *options) == (0, "")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_quiet_says_nothing(nst_run, pictures):
    done = nst_run(*pictures, "-o", "out.png", *QUICK, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_other_option_is_obeyed(here, pictures, tmp_path):
    done = here(*pictures, "-o", "out.jpg", *QUICK, "--optimizer", "adam", "--learning-rate",
                   2, "--pooling", "avg", "--norm", "mse", "--content-weight", 3, "--style-weight",
                   4, "--tv-weight", 5, "--init", pictures[1], "--preset", "gatys",
                   "--device", "cpu", "--seed", 6)
    assert done == (0, "")
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    options = {"optimizer": "adam", "learning_rate": 2, "pooling": "avg", "norm": "mse",
             "content_weight": 3, "style_weight": 4, "tv_weight": 5, "init": str(pictures[1]),
             "preset": "gatys", "device": "cpu", "seed": 6, "weights": "random:0"}
    assert options.items() <= report["settings"].items()
    entry = report["iterations"][0]
    assert entry["total"] == pytest.approx(3 * entry["content"] + 4 * entry["style"]
                                           + 5 * entry["tv"], rel=1e-12)
    assert Image.open(tmp_path / "out.jpg").format == "JPEG"


def test_help_has_groups_defaults_and_examples(nst_run):
    text = nst_run("--help").stdout
    for group in ("pictures:", "look:", "masks:", "loss:", "optimization:", "running:"):
        assert group in text
    balanced = Settings()
    for default in ("relu4_2", balanced.optimizer, balanced.iterations,
                    f"{balanced.style_weight:g}"):
        assert f"default: {default}" in " ".join(text.split())
    assert text.partition("examples:")[2].count("python -m nst.run") == 3


def settings_of(path):
    return json.loads(path.read_text(encoding="utf-8"))["settings"]


def test_a_texture_needs_one_picture_and_a_size(here, pictures, tmp_path):
    assert here(pictures[1], "-o", "wide.png", *QUICK, "--content-weight", 0, "--canvas", "50x20",
                ) == (0, "")
    assert pixels(tmp_path / "wide.png").shape == (20, 50, 3)
    settings = settings_of(tmp_path / "wide.json")
    assert (settings["content"], settings["style"]) == (None, str(pictures[1]))
    assert settings["canvas"] == [50, 20]
    # "-" stands for no content, so that several styles can be blended.
    assert here("-", *pictures, "-o", "two.png", *QUICK, "--content-weight", 0, "--blend", "1,2",
                ) == (0, "")
    assert settings_of(tmp_path / "two.json")["style"] == [str(one) for one in pictures]


def test_content_alone_needs_one_picture(here, pictures, tmp_path):
    assert here(pictures[0], "-o", "memory.png", *QUICK, "--style-weight", 0) == (0, "")
    assert settings_of(tmp_path / "memory.json")["style"] is None
    status, error = here(pictures[0], "-o", "memory.png", *QUICK)
    assert status == 2 and "STYLE is missing" in error


def test_masks_colours_and_schedules_from_the_command_line(here, pictures, tmp_path):
    mask = np.zeros((24, 32), np.uint8)
    mask[:, 16:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    assert here(*pictures, pictures[1], "-o", "out.png", *QUICK, "--region-masks", "mask.png",
                "all", "--content-mask", "mask.png", "--colors", "luminance", "--style-scale", 1.5,
                "--lr-schedule", "cosine", "--no-clamp", "--average", 0, "--scales", 1) == (0, "")
    settings = settings_of(tmp_path / "out.json")
    options = {"region_masks": ["mask.png", "all"], "content_mask": "mask.png", "clamp": False,
             "colors": "luminance", "style_scale": 1.5, "lr_schedule": "cosine", "average": 0,
             "scales": 1}
    assert options.items() <= settings.items()
    status, error = here(*pictures, "-o", "more.png", *QUICK, "--region-masks", "mask.png", "all")
    assert status == 2 and "region-masks has 2 entries, more than there are" in error


def test_masks_before_pictures(here, pictures):
    """The option takes all names that follow it."""
    Image.new("L", (32, 24), 255).save("mask.png")
    masks = ("--region-masks", "mask.png", "mask.png")
    status, error = here(*masks, *pictures, pictures[1], "-o", "out.png", *QUICK)
    assert status == 2 and "it takes all names that follow it, so name CONTENT" in error
    assert here(*masks, "-o", "out.png", *pictures, pictures[1], *QUICK) == (0, "")


@pytest.mark.parametrize("arguments, status", [([], 2), (["photo.jpg", "style.jpg"], 2),
                                               (["--help"], 0)])
def test_the_package_names_its_programs(arguments, status):
    done = subprocess.run([sys.executable, "-m", "nst", *arguments], capture_output=True, text=True,
                          check=False)
    assert done.returncode == status
    assert "python -m nst.run" in (done.stderr if status else done.stdout)


# ---------------------------------------------------------------------- the demonstration


def test_demonstration_with_random_features(run_here, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "random_weights", narrow_vgg.random_weights)
    done = run_here("--size", 48, "--iterations", 2, "--weights", "random:0")
    assert done.returncode == 0, done.stderr
    assert "random:0" in done.stdout and "features are random" in done.stdout
    assert pixels(tmp_path / "nst-demo.png").shape == (36, 48, 3)
    report = json.loads((tmp_path / "nst-demo.json").read_text(encoding="utf-8"))
    assert report["settings"]["content"] == str(demo.scene_path())
    assert report["iterations"][-1]["total"] < report["iterations"][0]["total"]


def test_demonstration_says_which_weights_it_found(run_here, tmp_path, short_weights):
    done = run_here(*QUICK[2:], "-o", "out.png", NST_WEIGHTS=str(short_weights))
    assert done.returncode == 0, done.stderr
    assert f"demonstration with the weights {short_weights}" in done.stdout


# ------------------------------------------------------------------------- users' mistakes


@pytest.fixture(scope="module")
def short_weights(tmp_path_factory):
    """A converted file that stops at conv2_1."""
    path = tmp_path_factory.mktemp("short") / "short.h5"
    write_weights(path, Weights(**{**vars(weights.random_weights(0, "conv2_1")),
                                   "source_sha256": "0" * 64}))
    return path


def refused(done, *sentences):
    """Exit status 2, and one line on stderr that says all of this."""
    status, error = done if isinstance(done, tuple) else (done.returncode, done.stderr)
    assert status == 2, error
    assert error.startswith("nst.run: ")
    assert error.count("\n") == 1
    for sentence in sentences:
        assert sentence in error


MISTAKES = {
    "missing picture": (("nowhere.jpg", "{style}"), "nowhere.jpg does not exist"),
    "missing style": (("{content}", "nowhere.jpg"), "style picture nowhere.jpg does not exist"),
    "text named jpg": (("text.jpg", "{style}"), "text.jpg is not a picture"),
    "empty file": (("empty.png", "{style}"), "empty.png is not a picture"),
    "folder as picture": ((".", "{style}"), "is a folder"),
    "no style": (("{content}",), "STYLE is missing"),
    "narrow picture": (("narrow.png", "{style}"), "content picture narrow.png is 200×9 pixels",
                       "at least 16 pixels"),
    "tiny size": (("{content}", "{style}", "--size", 10), "10×8 pixels", "at least 16 pixels"),
    "negative size": (("{content}", "{style}", "--size", -5), "size is -5", "1 or more"),
    "absurd size": (("{content}", "{style}", "--size", 400_000), "400016×300016 pixels", "--size"),
    "absurd strokes": (("{content}", "{style}", "--style-scale", 90_000), "a picture of ",
                       "--style-scale"),
    "size in words": (("{content}", "{style}", "--size", "large"), "--size", "'large'"),
    "negative weight": (("{content}", "{style}", "--style-weight", -1), "style-weight is -1"),
    "negative layer weight": (("{content}", "{style}", "--style-layers", "relu1_1=-1"),
                              "the weight of relu1_1 is -1"),
    "no iterations": (("{content}", "{style}", "--iterations", 0), "iterations is 0"),
    "negative save-every": (("{content}", "{style}", "--save-every", -2), "save-every is -2"),
    "unknown layer": (("{content}", "{style}", "--style-layers", "relu9_1"), "'relu9_1'",
                      *vgg.LAYERS),
    "unknown option": (("{content}", "{style}", "--colour", "red"), "no option --colour",
                       "did you mean --colors?"),
    "option of another program": (("{content}", "{style}", "--gpu", 0), "no option --gpu",
                                  "--device cuda"),
    "content as an option": (("--content", "{content}", "--style", "{style}"),
                             "name the content picture first, without an option"),
    "only an ending": (("{content}", "{style}", "-o", ".png"), "only an extension", "out.png"),
    "empty name": (("", "{style}"), "content is an empty name"),
    "address": (("https://example.org/a.jpg", "{style}"), "an address on the network; download"),
    "memory without unit": (("{content}", "{style}", "--max-memory", 4), "4 bytes", "4GB"),
    "backslashes": (("--config", "windows.toml"), "in a path, write / instead of"),
    "unknown optimizer": (("{content}", "{style}", "--optimizer", "x"), "lbfgs, adam, sgd"),
    "unknown device": (("{content}", "{style}", "--device", "tpu"), "'tpu' is not known"),
    "unknown preset": (("{content}", "{style}", "--preset", "x"), "preset must be one of fast"),
    "missing init": (("{content}", "{style}", "--init", "contnet"), "contnet does not exist"),
    "missing weights": (("{content}", "{style}", "--weights", "nowhere.h5"), "nowhere.h5"),
    "random what": (("{content}", "{style}", "--weights", "random:x"), "'random:x'"),
    "picture as weights": (("{content}", "{style}", "--weights", "{content}"), "content.png"),
    "short weights": (("{content}", "{style}", "--weights", "{short}"), "short.h5", "conv5_1",
                      "conv2_1"),
    "no output folder": (("{content}", "{style}", "-o", "nowhere/out.png"), "no folder nowhere"),
    "output is a folder": (("{content}", "{style}", "-o", "folder.png"), "it is a folder"),
    "output without ending": (("{content}", "{style}", "-o", "out"), "must end in .png"),
    "output is the content": (("{copy}", "{style}", "-o", "{copy}"), "is the picture"),
    "output is the mask": (("{content}", "{style}", "-o", "{copy}", "--content-mask", "{copy}"),
                           "is the mask"),
    "output is the start": (("{content}", "{style}", "-o", "{copy}", "--init", "{copy}"),
                            "is the picture"),
    "picture in between is the style": (
        ("{content}", "{between}", "-o", "out.png", "--save-every", 5), "is the picture"),
    "page is a picture": (("{content}", "page.html", "-o", "out.png", "--report", "page.html"),
                          "page.html is the picture"),
    "somebody's JSON": (("{content}", "{style}", "-o", "mine.png"), "mine.json already exists"),
    "a picture that is there": (("{content}", "{style}", "-o", "{copy}"), "copy.png already "
                                "exists; choose another output name, or add --overwrite"),
    "a picture between that is there": (
        ("{content}", "{style}", "--save-every", 5, "--iterations", 10, "-o", "out.png"),
        "out-05.png already exists"),
    "a page that is there": (("{content}", "{style}", "--report", "page.html"),
                             "page.html already exists"),
    "long name": (("{content}", "{style}", "-o", 250 * "o" + ".png"), "cannot write o",
                  "name too long"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_get_one_sentence(mistake, here, pictures, short_weights, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    Image.new("RGB", (200, 9)).save(tmp_path / "narrow.png")
    for name in ("copy.png", "out-05.png", "page.html"):
        (tmp_path / name).write_bytes(pictures[0].read_bytes())
    (tmp_path / "windows.toml").write_text('content = "C:\\Users\\x.jpg"')
    (tmp_path / "mine.json").write_text('{"summary": "of something else"}')
    before = sorted(tmp_path.rglob("*"))
    names = {"content": pictures[0], "style": pictures[1], "short": short_weights,
             "copy": tmp_path / "copy.png", "between": tmp_path / "out-05.png"}
    arguments, *sentences = MISTAKES[mistake]
    arguments = [str(argument).format(**names) for argument in arguments]
    extra = [] if "-o" in arguments else ["-o", "out.png"]
    extra += [] if "--weights" in arguments else ["--weights", "random:0"]
    refused(here(*arguments, *extra), *sentences)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_a_name_that_is_no_text(nst_run, pictures, tmp_path):
    name = os.fsdecode(b"out-\xff.png")
    done = nst_run(*pictures, "-o", name, "--report", os.fsdecode(b"\xfe.html"), *QUICK)
    assert done.returncode == 0, done.stderr
    assert {name, os.fsdecode(b"out-\xff.json")} <= set(os.listdir(tmp_path))


def test_two_runs_with_one_output(nst_run, environment, pictures, tmp_path):
    """The second is refused, and the first goes on as if nothing had been."""
    first = subprocess.Popen(
        [sys.executable, "-m", "nst.run", *map(str, pictures), "-o", "out.png",
         *map(str, QUICK), "--iterations", "1000000", "--save-every", "2", "--quiet"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "out-0000002.png").exists():
            assert first.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        refused(nst_run(*pictures, "-o", "out.png", *QUICK), "another run is writing", "out.png")
        first.send_signal(signal.SIGTERM)
        _, errors = first.communicate(timeout=60)
    finally:
        first.kill()
    assert first.returncode == 143 and "out.png is the best picture so far" in errors
    assert not list(tmp_path.glob(".*"))


def test_output_is_needed(nst_run, pictures):
    refused(nst_run(*pictures), "-o OUT.png is missing")


@pytest.mark.skipif(is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu(here, pictures):
    refused(here(*pictures, "-o", "out.png", *QUICK, "--device", "cuda"), "'cuda'")


def test_a_folder_that_cannot_be_written_is_found_before_the_work(nst_run, pictures):
    """A folder where even root can make no file; the work itself would take an hour."""
    folder = "/proc" if sys.platform == "linux" else "/"
    started = time.monotonic()
    refused(nst_run(*pictures, "-o", f"{folder}/out.png", *QUICK[:4], "--iterations", 100_000,
                    "--quiet"), "cannot write", folder)
    assert time.monotonic() - started < 30


def test_a_bad_environment_is_refused_before_anything_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIGRAD_NUM_THREADS", "abc")
    monkeypatch.setattr(parallel, "_pool", None)
    assert run.main([]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err == (
        "nst.run: MINIGRAD_NUM_THREADS is 'abc', but must be a whole number from 1 to 9999\n")
