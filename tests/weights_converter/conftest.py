"""Weights that are VGG19's to every check, and were made by nobody but a random generator.

Keras files are written with h5py as Keras writes them. Where only the first layer
matters, the others are datasets that were never written: zeros that cost no disk.
"""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from weights_converter import Weights, convert, vgg
from weights_converter.fingerprints import CONV1_1_BIAS, CONV1_1_BLUE, FINGERPRINTS
from weights_converter.keras import keras_name

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def layers():
    """Sixteen layers with the published numbers where there are some, and noise elsewhere."""
    generator = np.random.default_rng(19)
    made = {}
    for name, shape in vgg.WEIGHT_SHAPES.items():
        weight = generator.standard_normal(shape, dtype=np.float32)
        weight *= np.float32(FINGERPRINTS[name].std)
        made[name] = weight, 0.1 * generator.standard_normal(shape[0], dtype=np.float32)
    weight, bias = made["conv1_1"]
    # As in the real network, green and red are nearly multiples of blue: a trap for the proof.
    ripple = np.float32([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    weight[0, 0] = CONV1_1_BLUE
    weight[0, 1] = 1.25 * CONV1_1_BLUE + 0.0040 * ripple
    weight[0, 2] = 1.15 * CONV1_1_BLUE - 0.0030 * ripple
    bias[:3] = CONV1_1_BIAS
    return made


@pytest.fixture(scope="session")
def first_layer(layers):
    """(weight, bias) of conv1_1, which a test may change."""
    return lambda: tuple(array.copy() for array in layers["conv1_1"])


def write_keras(
    path,
    kernels,
    *,
    text=np.bytes_,
    names="{0}_W_1:0 {0}_b_1:0",
    root="",
    top=False,
    leave_out=(),
):
    """Write a file as Keras does.

    `kernels` maps layer -> (kernel H×W×I×O or its shape, bias or its shape).
    """
    layer_names = ["input_1"]
    with h5py.File(path, "w") as file:
        group = file.require_group(root or "/")
        group.create_group("input_1").attrs["weight_names"] = np.array([], "S1")
        for layer, arrays in kernels.items():
            name = keras_name(layer)
            if name in leave_out:
                continue
            layer_names.append(name)
            _write_keras_layer(group, name, arrays, names.format(name).split(), text)
        if top:
            for name in ("flatten", "fc1", "predictions"):
                layer_names.append(name)
                made = [] if name == "flatten" else [f"{name}_W_1:0", f"{name}_b_1:0"]
                _write_keras_layer(group, name, [(8, 4), (4,)][: len(made)], made, text)
        group.attrs["layer_names"] = _attribute(layer_names, text)
        group.attrs["backend"] = text("tensorflow")
    return path


def _write_keras_layer(root, name, arrays, names, text):
    group = root.create_group(name)
    group.attrs["weight_names"] = _attribute(names, text)
    for dataset, array in zip(names, arrays):
        if isinstance(array, tuple):
            group.create_dataset(dataset, shape=array, dtype="f4")
        else:
            group.create_dataset(dataset, data=array)


def _attribute(words, text):
    return np.array(words, "S") if text is np.bytes_ else np.array(words, h5py.string_dtype())


@pytest.fixture(scope="session")
def keras_layers(layers):
    """The layers as Keras holds them: kernels H×W×I×O."""
    return {
        name: (np.ascontiguousarray(weight.transpose(2, 3, 1, 0)), bias)
        for name, (weight, bias) in layers.items()
    }


@pytest.fixture(scope="session")
def keras_file(tmp_path_factory, keras_layers):
    """A whole file of 80 MB; nobody may change it."""
    return write_keras(tmp_path_factory.mktemp("keras") / "vgg19_keras.h5", keras_layers)


@pytest.fixture
def thin_keras(tmp_path, keras_layers):
    """Make a small Keras file: the real first layer, zeros elsewhere, and what a test changes."""

    def make(changes=None, **options):
        kernels = {
            name: (kernel.shape, bias.shape) for name, (kernel, bias) in keras_layers.items()
        }
        kernels["conv1_1"] = keras_layers["conv1_1"]
        kernels.update(changes or {})
        return write_keras(tmp_path / "thin.h5", kernels, **options)

    return make


@pytest.fixture(scope="session")
def converted_file(tmp_path_factory, keras_file):
    """The whole file converted; nobody may change it."""
    path = tmp_path_factory.mktemp("converted") / "vgg19.h5"
    convert(keras_file, path)
    return path


@pytest.fixture(scope="session")
def make_weights(layers):
    """Weights that stop at a given layer, with fields changed as a test likes."""

    def make(last="conv1_2", **changes):
        count = vgg.LAYERS.index(last) + 1
        fields = {
            "layers": {name: layers[name] for name in vgg.LAYERS[:count]},
            "color_order": "BGR",
            "input_range": vgg.INPUT_RANGE,
            "mean": vgg.MEAN,
            "std": vgg.STD,
            "source": "noise.h5",
            "source_sha256": "0" * 64,
            "licence": "none needed",
        }
        return Weights(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def command():
    """Run ``python -m weights_converter`` as a process, in the repository's root."""

    def run(*arguments, **options):
        return subprocess.run(
            [sys.executable, "-m", "weights_converter", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def real_file():
    """The real weights, where they are: they cannot be part of the project."""
    named = os.environ.get("MINIGRAD_TEST_WEIGHTS")
    default = ROOT.parent / "shared" / "weights" / "vgg19_notop_keras_layout.h5"
    path = Path(named) if named else default
    if not path.is_file():
        pytest.skip(f"no real weights at {path}; MINIGRAD_TEST_WEIGHTS names another file")
    return path
