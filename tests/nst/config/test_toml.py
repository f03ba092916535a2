"""Configuration files: what they hold, that they come back as they were, and what is refused."""

import json
import os
import string
import sys
import time
import tomllib
import tracemalloc
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minigrad.errors import ArgumentError, FileError
from nst import Settings
from nst.cli import run
from nst.config import toml
from nst.config.choices import COLORS, PADDINGS, POOLINGS
from nst.config.options import FIELDS, parser
from nst.config.presets import PRESETS
from nst.loss.normalizations import NORMS
from nst.model import vgg

QUICK = {"size": 32, "iterations": 3, "weights": "random:0", "content-layers": "relu2_1",
         "style-layers": {"relu1_1": 1, "relu2_1": 2.5}}


def write(path, **options):
    path.write_text(toml.text(options, path.parent), encoding="utf-8")
    return path


# ---------------------------------------------------------------------------- round trips

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WEIGHT = st.floats(1e-6, 1e9)
LAYER_WEIGHTS = st.dictionaries(st.sampled_from(vgg.LAYERS), WEIGHT, min_size=1, max_size=5)
SETTINGS = st.fixed_dictionaries({}, optional={
    "size": st.none() | st.integers(1, 5000), "scales": st.none() | st.integers(1, 9),
    "style_scale": st.floats(1e-6, 1000), "colors": st.sampled_from(COLORS),
    "blend": st.none() | st.lists(WEIGHT, min_size=1, max_size=3),
    "iterations": st.integers(1, 9999), "learning_rate": st.none() | WEIGHT,
    "average": st.floats(0, 0.999), "clamp": st.booleans(), "auto_weights": st.booleans(),
    "content_layers": LAYER_WEIGHTS, "style_layers": LAYER_WEIGHTS,
    "content_weight": WEIGHT, "style_weight": st.just(0.0) | WEIGHT,
    "tv_weight": st.just(0.0) | WEIGHT,
    "pooling": st.sampled_from(POOLINGS), "padding": st.sampled_from(PADDINGS),
    "norm": st.sampled_from(list(NORMS)), "seed": st.integers(0, 2**40)})


@hypothesis.settings(deadline=None)         # a busy machine is no mistake
@given(SETTINGS)
def test_settings_come_back_as_they_were(chosen):
    settings = Settings(**chosen)
    folder = Path("somewhere")
    written = toml.text({name: getattr(settings, name) for name in FIELDS}, folder)
    found = {key.replace("-", "_"): value for key, value in tomllib.loads(written).items()}
    assert set(found) == set(FIELDS)
    assert Settings(**found) == settings


@hypothesis.settings(deadline=None)
@given(TEXT, st.lists(TEXT, max_size=3))
def test_any_text_comes_back_as_it_was(text, several):
    written = toml.text({"preset": text, "device": several}, Path("."))
    assert tomllib.loads(written) == {"preset": text, "device": several}


def test_every_option_of_the_command_line_can_be_given():
    """But for those that are about the command line itself."""
    options = {name.removeprefix("--") for action in parser()._actions
               for name in action.option_strings if name.startswith("--")}
    keys = {key.replace("_", "-") for key in toml.KEYS}
    assert {name for name in options if not name.startswith("no-")} - keys == {
        "config", "help", "overwrite", "resume", "version"}
    assert keys - options == {"content", "style"}


# ------------------------------------------------------------------------------- reading


def test_paths_are_relative_to_the_file(tmp_path):
    path = write(tmp_path / "job.toml")
    path.write_text('content = "a.jpg"\nstyle = ["b.jpg", "c/d.jpg"]\noutput = "out.png"\n'
                    'init = "content"\nweights = "random:3"\nregion-masks = ["all", "m.png"]\n'
                    'content-mask = "/absolute/n.png"\nstyle-weight = 3\n')
    assert toml.read(path) == {
        "content": str(tmp_path / "a.jpg"),
        "style": [str(tmp_path / "b.jpg"), str(tmp_path / "c/d.jpg")],
        "output": str(tmp_path / "out.png"), "init": "content", "weights": "random:3",
        "region_masks": ["all", str(tmp_path / "m.png")], "content_mask": "/absolute/n.png",
        "style_weight": 3}


def test_paths_are_written_relative_to_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = tomllib.loads(toml.text(
        {"content": "a.jpg", "style": ["sub/b.jpg"], "init": "style", "weights": "small",
         "region_masks": ["all"]}, tmp_path / "sub"))
    assert written == {"content": "../a.jpg", "style": ["b.jpg"], "init": "style",
                       "weights": "small", "region-masks": ["all"]}


def test_files_that_are_named_like_words_come_back_as_files(tmp_path, monkeypatch):
    """Without "./", a run from the configuration would begin with the style, or find regions."""
    monkeypatch.chdir(tmp_path)
    options = {"init": "./style", "weights": "./small", "content_mask": "./auto",
               "region_masks": ["./all", "all"], "style_masks": ["sub/../auto"]}
    Path("one.toml").write_text(toml.text(options, tmp_path))
    assert toml.read(Path("one.toml")) == {**options, "style_masks": ["./auto"]}
    for weights in ("./random:3", Path("random:3")):
        assert toml.text({"weights": weights}, tmp_path) == 'weights = "./random:3"\n'


@pytest.mark.parametrize("text, sentence", [
    ("style-wieght = 3", "unknown key 'style-wieght'; did you mean style-weight?"),
    ("style_weight = 3", "unknown key 'style_weight'; did you mean style-weight?"),
    ("lr = 3", "unknown key 'lr'; "), ("xyz = 3", "unknown key 'xyz'; known are content, style"),
    ("output = 5", "output must be the name of a file, not 5"),
    ("content = 0", "content must be the name"), ("report = true", "report must be the name"),
    ("style = {a = 1}", "style must be the name"), ("style = ['a', 5]", "of a file, not 5"),
    ("content = ['a']", "not ['a']"), ("init = [[1], [1, 2]]", "init must be the name of a file"),
    ("weights = 1979-05-27", "weights must be the name"), ("output = ''", "of a file, not ''"),
    (r'content-mask = "a\u0000"', "content-mask must be the name of a file"),
    ("style-weight =", "is not TOML"), ("[table]\nx = 1", "unknown key 'table'"),
])
def test_what_is_refused(tmp_path, text, sentence):
    path = tmp_path / "job.toml"
    path.write_text(text)
    with pytest.raises((ArgumentError, FileError)) as error:
        toml.read(path)
    assert sentence in str(error.value) and "job.toml" in str(error.value)


def test_texts_that_control_a_terminal_are_escaped(tmp_path):
    name = "grün 画 a\u202e\u2028\x85\u200f\U000e0001\x1b.png"
    toml.write(tmp_path / "job.toml", {"content": str(tmp_path / name)})
    written = (tmp_path / "job.toml").read_text()
    assert written.replace("\n", "").isprintable() and "grün 画" in written
    assert toml.read(tmp_path / "job.toml") == {"content": str(tmp_path / name)}


@pytest.mark.skipif(sys.platform == "win32", reason="no such names")
def test_an_output_name_with_a_line_break(tmp_path):
    path = tmp_path / "two\nlines \x1b[31m.toml"
    toml.write(path, {"seed": 3, "output": str(path.with_suffix(".png"))})
    assert toml.read(path) == {"seed": 3, "output": str(path.with_suffix(".png"))}


def test_a_mark_of_the_encoding(tmp_path):
    """As editors on Windows write it."""
    (tmp_path / "job.toml").write_bytes("\ufeffseed = 4\r\npreset = \"fine\"\r\n".encode())
    assert toml.read(tmp_path / "job.toml") == {"seed": 4, "preset": "fine"}


@pytest.mark.parametrize("nested", [
    "[" * 900 + "]" * 900, "{a=" * 900 + "1" + "}" * 900, "[" * 5000],
    ids=["lists", "tables", "open"])
def test_values_nested_without_end(tmp_path, nested):
    path = tmp_path / "options.toml"
    path.write_text(f"style-masks = {nested}\n")
    with pytest.raises(FileError, match=r"options\.toml is nested too deeply: options must be on"):
        toml.read(path)


@pytest.mark.parametrize("text", [
    "size" + ".a" * 2000 + " = 1", ".".join("a" * 40_000) + " = 1", "[" + "a." * 400_000 + "b]",
    "size = 1\n" + '"a" . ' * 20 + "a = 1", 'content = """\\""""\n' + "a." * 20 + "a = 1"],
    ids=["2000", "40000", "table", "quoted", "after a text"])
def test_a_key_of_many_parts(tmp_path, text):
    """The parser's memory grows with the square of their number: 6 GB for 80 KB."""
    path = tmp_path / "options.toml"
    path.write_text(text)
    tracemalloc.start()
    with pytest.raises(FileError, match=r"options\.toml is nested too deeply"):
        toml.read(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_dots_in_texts_and_comments_are_none_of_keys(tmp_path):
    dots = "a." * 30 + "png"
    path = tmp_path / "options.toml"
    path.write_text(f"# {dots}\ncontent = '{dots}'\nstyle = [\"\\\"{dots}\", '''{dots}'''']\n"
                    f'style-layers.relu1_1 = 2.5\noutput = """"{dots}"""""')
    found = toml.read(path)
    assert found["style_layers"] == {"relu1_1": 2.5} and dots in found["content"]
    assert dots in found["style"][0] and found["output"].endswith(f'"{dots}""')


@pytest.mark.parametrize("data", [b"'" * 900_000, b'"""\\' * 200_000, b'"\\' * 400_000,
                                  b"_" * 900_000, b"#\n" * 400_000, b"a = 'b"],
                         ids=["quotes", "texts", "escapes", "word", "comments", "open"])
def test_no_text_takes_quadratic_time(data):
    """As a search for the other quotes, from every one of them, would."""
    start = time.process_time()
    assert not toml._LONG_KEY.search(toml._TEXTS.sub("_", data.decode()))
    assert time.process_time() - start < 3


@pytest.mark.parametrize("digits", ["9" * 5000, "-" + "1" * 5000], ids=["nines", "ones"])
def test_a_number_of_too_many_digits(tmp_path, digits):
    (tmp_path / "options.toml").write_text(f"size = {digits}\n")
    with pytest.raises(FileError, match=r"options\.toml has a number of thousands of digits"):
        toml.read(tmp_path / "options.toml")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_a_device_and_a_file_that_is_too_long(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "long.toml").write_bytes(b"#" * (toml.MAX_BYTES + 1))
    for path, words in ((tmp_path / "pipe.toml", "device or pipe"), (Path("/dev/zero"), "device"),
                        (tmp_path, "directory"), (tmp_path / "long.toml", "more than 1,000,000")):
        with pytest.raises(FileError, match=f"cannot read the configuration .*{words}"):
            toml.read(path)
        assert not toml.is_written(path)


def test_a_file_that_is_no_text_or_not_there(tmp_path):
    (tmp_path / "noise.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match=r"noise\.toml is not TOML"):
        toml.read(tmp_path / "noise.toml")
    with pytest.raises(FileError, match=r"cannot read the configuration .*none\.toml"):
        toml.read(tmp_path / "none.toml")


# ----------------------------------------------------------------------------- in processes


def job(tmp_path, pictures, **more):
    options = {"content": str(pictures[0]), "style": str(pictures[1]), "quiet": True,
               "output": str(tmp_path / "out.png"), **QUICK, **more}
    return write(tmp_path / "job.toml",
                 **{key.replace("-", "_"): value for key, value in options.items()})


def report(tmp_path, name="out"):
    return json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))


def test_a_run_from_a_file_alone(nst_run, pictures, tmp_path):
    done = nst_run("--config", job(tmp_path, pictures, preset="gatys", seed=4))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    settings = report(tmp_path)["settings"]
    assert (settings["preset"], settings["seed"], settings["pooling"]) == ("gatys", 4, "max")
    assert settings["style_layers"] == {"relu1_1": 1, "relu2_1": 2.5}


def test_the_command_line_beats_the_file_and_the_file_beats_the_preset(run_here, pictures,
                                                                       tmp_path):
    path = job(tmp_path, pictures, preset="gatys", pooling="avg", seed=4)
    assert run_here("--config", path, "--seed", 5, "-o", "two.png").returncode == 0
    settings = report(tmp_path, "two")["settings"]
    assert (settings["seed"], settings["pooling"], settings["padding"]) == (5, "avg", "zeros")
    assert not (tmp_path / "out.png").exists()


def test_the_effective_configuration_does_the_same_again(run_here, pictures, tmp_path):
    assert run_here(*pictures, "-o", "one.png", "--preset", "gatys", "--init", "random", "--seed",
                    7, "--size", 32, "--iterations", 3, "--weights", "random:1", "--quiet",
                    "--content-layers", "relu2_1", "--style-layers", "relu1_1").returncode == 0
    written = (tmp_path / "one.toml").read_text(encoding="utf-8")
    assert {key.replace("-", "_") for key in tomllib.loads(written)} >= set(FIELDS)
    picture = np.asarray(Image.open(tmp_path / "one.png"))
    (tmp_path / "one.png").unlink()
    done = run_here("--config", "one.toml", "--overwrite")      # of one.json
    assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "one.png")), picture)
    # The file that was read is not written over, comments and all.
    assert (tmp_path / "one.toml").read_text(encoding="utf-8") == written


def test_a_file_of_the_users_own_is_never_written_over(run_here, pictures, tmp_path):
    own = job(tmp_path, pictures)
    before = own.read_bytes()
    done = run_here("--config", own, "-o", "job.png")        # job.toml is what was read: it stays
    assert (done.returncode, own.read_bytes()) == (0, before)
    for more in ([], ["--overwrite"]):                      # one of ours is written anew
        assert run_here("--config", own, "-o", "two.png", *more).returncode == 0
    assert (tmp_path / "two.toml").read_text(encoding="utf-8").startswith(toml.MARK)
    refused = run_here(*pictures, "-o", "job.png", "--weights", "random:0", "--overwrite")
    assert refused.returncode == 2 and "that nst.run did not write" in refused.stderr
    assert own.read_bytes() == before


@pytest.mark.parametrize("key, value, sentence", [
    ("save_every", 0, "save-every is 0"), ("quiet", "no", "quiet must be true or false, not 'no'"),
    ("content", 3, "content must be the name of a file, not 3"),
    ("clamp", 1, "clamp must be true or false, not 1"),
    ("preset", "best", "preset must be one of fast"),
    ("size", 2.5, "size must be a whole number, 1 or more, not 2.5"),
    ("style_layers", 3, "style-layers must name layers, as in"),
    ("preset", ["a"], "preset must be one of fast"),
    ("style", True, "style must be the name of a file, not True"),
])
def test_impossible_values_get_one_sentence(capsys, pictures, tmp_path, key, value, sentence):
    path = job(tmp_path, pictures, **{key.replace("_", "-"): value})
    assert run.main(["--config", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("nst.run: ") and said.count("\n") == 1 and sentence in said
    assert not (tmp_path / "out.png").exists()


def test_presets_of_a_file_are_known(tmp_path):
    for name in PRESETS:
        assert set(PRESETS[name]) <= set(FIELDS) and set(string.ascii_lowercase) >= set(name)
