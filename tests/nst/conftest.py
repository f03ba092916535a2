"""Pictures, weights and processes that the tests of the style transfer share."""

import os
import subprocess
import sys
from pathlib import Path

import narrow_vgg
import numpy as np
import pytest
from PIL import Image

from nst.cli import run
from nst.model import weights

ROOT = Path(__file__).parents[2]
KERAS_FILE = ROOT.parent / "shared" / "weights" / "vgg19_notop_keras_layout.h5"


@pytest.fixture(scope="module")
def narrow_network():
    """In these tests "random:SEED" is narrow, see `narrow_vgg`; in other processes it is not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "random_weights", narrow_vgg.random_weights)
        yield


@pytest.fixture
def whole_network(monkeypatch):
    """In this test "random:SEED" has all of VGG19's channels, also where `narrow_network` is."""
    monkeypatch.setattr(weights, "random_weights", narrow_vgg.full_width)


@pytest.fixture(scope="session")
def colours():
    """Make a picture of smooth coloured blobs, by height, width and seed."""
    def make(height, width, seed):
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
        return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return make


@pytest.fixture(scope="session")
def pictures(tmp_path_factory, colours):
    """Paths of a content picture 48×64 and a style picture 56×40 (height × width)."""
    folder = tmp_path_factory.mktemp("pictures")
    content, style = folder / "content.png", folder / "style.jpg"
    colours(48, 64, 1).save(content)
    colours(56, 40, 2).save(style, quality=95)
    return content, style


@pytest.fixture(scope="session")
def real_weights(tmp_path_factory):
    """The trained network, converted once; skips where its source is not there."""
    if not KERAS_FILE.is_file():
        pytest.skip("the trained weights are not on this machine")
    from weights_converter import convert
    path = tmp_path_factory.mktemp("weights") / "vgg19.h5"
    convert(KERAS_FILE, path)
    return path


@pytest.fixture
def environment(tmp_path):
    """Variables for a child process that sees no weights but those it is given."""
    variables = {name: value for name, value in os.environ.items() if name != "NST_WEIGHTS"}
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        variables[name] = str(tmp_path / "home")
    variables["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    # Small pictures on a busy machine: a second BLAS thread would mostly wait.
    variables["OPENBLAS_NUM_THREADS"] = "1"
    return variables


@pytest.fixture
def nst_run(environment, tmp_path):
    """Call ``python -m nst.run`` as a process of its own, in an empty folder."""
    def call(*arguments, **more_environment):
        return subprocess.run(
            [sys.executable, "-m", "nst.run", *map(str, arguments)], cwd=tmp_path,
            env={**environment, **more_environment}, capture_output=True, text=True, timeout=120)
    return call


@pytest.fixture
def run_here(tmp_path, monkeypatch, capsys):
    """Call the command line in this process, in an empty folder; the result is a process's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))

    def call(*arguments, **more_environment):
        for name, value in more_environment.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        status = run.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, said.out, said.err)
    return call


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Call the command line quietly, in this process; its status and what it said on stderr."""
    monkeypatch.chdir(tmp_path)
    return lambda *given: (run.main([str(one) for one in (*given, "--quiet")]),
                           capsys.readouterr().err)
