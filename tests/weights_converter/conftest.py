"""Weights that are VGG19's to every check, and were made by nobody but a random generator.

Files of other programs are written by independent libraries where there are some: h5py in Keras's
layout, SciPy in MatConvNet's, NumPy. Where only the first layer
matters, the others are datasets that were never written: zeros that cost no disk.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from weights_converter import Weights, WeightsError, convert, sketches, verify, vgg_spec
from weights_converter.__main__ import main
from weights_converter.fingerprints import OXFORD_19

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def layers():
    """Sixteen layers with the published numbers where there are some, and noise elsewhere."""
    generator = np.random.default_rng(19)
    return {name: (kernels_like(name, generator), biases_like(name, generator))
            for name in vgg_spec.WEIGHT_SHAPES}


def kernels_like(name, generator):
    """Kernels with the published mark and sketch; those of conv1_1 begin as published.

    The norms of kernels within a filter differ widely, as those of the real ones.
    """
    known, shape = OXFORD_19.layers[name], vgg_spec.WEIGHT_SHAPES[name]
    weight = generator.standard_normal(shape, dtype=np.float32)
    weight *= np.exp(generator.standard_normal(shape[:2], dtype=np.float32))[:, :, None, None]
    free = np.ones(shape, bool)
    free[known.mark[:2]] = False
    free[0] &= name != "conv1_1"
    weight *= free
    fixed = np.zeros_like(weight)
    _fix(name, fixed)
    fixed *= ~free

    # Of all weights with these sums, the smallest, and noise whose sums are zero: as much of it as
    # gives the norms of filters, and nearly those of input channels.
    sums = known.sketch.kernels * known.sketch.norms[:, None]
    least = fixed + _spread(sums - sketches._sums(fixed, *sums.shape), free).astype("f4")
    wanted = np.maximum(known.sketch.norms ** 2 - sketches.norms(least)[0] ** 2, 0)
    for _ in range(12):
        inputs = sketches.norms(least + weight)[1]
        if (sketches._excess_of_norms(known.sketch, known.sketch.inputs, inputs) < 0.5).all():
            break
        weight *= (known.sketch.inputs / inputs).astype("f4")[:, None, None]
        weight -= _spread(sketches._sums(weight, *sums.shape), free)
        share = np.sqrt(wanted / np.maximum(sketches.norms(weight)[0] ** 2, 1e-30))
        weight *= share.astype("f4")[:, None, None, None]
    return (least + weight).astype(np.float32)


def _fix(name, weight):
    """Put the published kernels in their places."""
    weight[OXFORD_19.layers[name].mark[:2]] = OXFORD_19.layers[name].mark[2]
    if name == "conv1_1":
        # As in the real network, green and red are nearly multiples of blue: a trap for the proof.
        ripple = np.float32([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
        weight[0, 0] = OXFORD_19.kernel
        weight[0, 1] = 1.2945 * OXFORD_19.kernel + 0.0040 * ripple
        weight[0, 2] = 1.1524 * OXFORD_19.kernel - 0.0030 * ripple


def _spread(sums, where):
    """What to add to the elements under a mask, so that the sums of a sketch grow by `sums`."""
    groups, buckets = sums.shape
    mask = where.reshape(groups, -1)
    counts = np.stack([mask[:, k::buckets].sum(axis=1) for k in range(buckets)], axis=1)
    shares = sums * np.sqrt(where.size / sums.size) / np.maximum(counts, 1)
    spread = shares[:, np.arange(mask.shape[1]) % buckets] * mask
    return (spread.reshape(-1) * sketches._signs(where.size)).reshape(where.shape)


def biases_like(name, generator):
    """Biases with the published mean, deviation, extremes and sketch; conv1_1 has its first."""
    known = OXFORD_19.biases[name]
    count = vgg_spec.WEIGHT_SHAPES[name][0]
    fixed = {**dict(enumerate(OXFORD_19.bias if name == "conv1_1" else ())), **known.extremes}
    free = np.ones(count, bool)
    free[list(fixed)] = False
    made = known.mean + known.std * generator.standard_normal(count)
    for _ in range(60):
        made[free] += known.mean - made.mean()
        made[free] = known.mean + (made[free] - known.mean) * known.std / made.std()
        made = made.clip(min(known.extremes.values()), max(known.extremes.values()))
        made[list(fixed)] = list(fixed.values())
        wanted = known.sketch.biases[:, None] * known.std - sketches._sums(made, 64, 1)
        made += _spread(wanted, free)
    return made.astype(np.float32)


@pytest.fixture(scope="session")
def first_layer(layers):
    """(weight, bias) of conv1_1, which a test may change."""
    return lambda: tuple(array.copy() for array in layers["conv1_1"])


def keras_name(layer):
    """conv3_4 -> block3_conv4."""
    block, number = layer.removeprefix("conv").split("_")
    return f"block{block}_conv{number}"


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
    """Write a file as Keras 1 and 2 do.

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


def write_keras_3(path, kernels, *, counted=False, prefix="layers", optimizer=True):
    """Write a file as Keras 3 does: layers by their own names, or counted by class."""
    with h5py.File(path, "w") as file:
        for number, (layer, arrays) in enumerate(kernels.items()):
            counted_name = f"conv2d_{number}" if number else "conv2d"
            name = counted_name if counted else keras_name(layer)
            for slot, array in enumerate(arrays):
                file[f"{prefix}/{name}/vars/{slot}"] = array
            if optimizer:
                file[f"optimizer/vars/{2 * number}"] = arrays[0]
        file.create_group("layers/flatten/vars")
    return path


def write_tfjs(path, kernels, quantise=None, shard=300_000):
    """Write ``model.json`` and its shards, after the specification."""
    entries, data = [], b""
    for layer, arrays in kernels.items():
        for what, array in zip(("kernel", "bias"), arrays):
            entry = {"name": f"{keras_name(layer)}/{what}", "shape": array.shape,
                     "dtype": "float32"}
            if quantise == "float16":
                entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
                array = array.astype("<f2")
            elif quantise and what == "kernel":
                low, high = float(array.min()), float(array.max())
                scale = (high - low) / (np.iinfo(quantise).max)
                entry["quantization"] = {"dtype": quantise, "scale": scale, "min": low}
                array = np.round((array - low) / scale).astype(quantise)
            entries.append(entry)
            data += array.tobytes()
    shards = [data[at : at + shard] for at in range(0, len(data), shard)]
    names = [f"group1-shard{i + 1}of{len(shards)}.bin" for i in range(len(shards))]
    for name, content in zip(names, shards):
        path.with_name(name).write_bytes(content)
    path.write_text(json.dumps({
        "format": "layers-model",
        "weightsManifest": [{"paths": names, "weights": entries}],
    }))
    return path


def write_mat(path, kernels, *, generation="new", compressed=True, named=True):
    """Write MatConvNet's structures with SciPy: RGB, kernels H×W×I×O, biases in a row."""
    from scipy.io import savemat

    layers = []
    for layer, (kernel, bias) in kernels.items():
        if layer == "conv1_1":
            kernel = kernel[:, :, ::-1]
        cell = np.empty((1, 2), object)
        cell[0, 0], cell[0, 1] = kernel, bias[None]
        name = layer if named else "layer"
        if generation == "new":
            layers.append({"name": name, "type": "conv", "weights": cell, "pad": [1, 1, 1, 1]})
        elif generation == "old":
            layers.append({"weights": cell, "pad": 1.0, "type": "conv", "name": name})
        else:
            layers.append({"type": "conv", "filters": kernel, "biases": bias[None], "name": name})
        layers.append({"type": "relu", "name": name.replace("conv", "relu")})
    # A dense layer, which MatConvNet writes as a convolution over the whole picture.
    layers.append({"type": "conv", "weights": np.zeros((7, 7, 2, 5), np.float32), "name": "fc6"})
    array = np.empty((1, len(layers)), object)
    array[0] = layers
    savemat(path, {"layers": array, "meta": {"classes": "none"}}, do_compression=compressed)
    return path


def write_npz(path, kernels, compressed=False):
    """Write an ``.npz`` with NumPy, under the names that are usual there."""
    save = np.savez_compressed if compressed else np.savez
    save(path, **{f"{layer}_{what}": array for layer, arrays in kernels.items()
                  for what, array in zip("Wb", arrays)})
    return path


@pytest.fixture(scope="session")
def writers():
    """The writers above, by the names of their formats."""
    return {"keras": write_keras, "keras 3": write_keras_3, "tfjs": write_tfjs, "mat": write_mat,
            "npz": write_npz}


@pytest.fixture(scope="session")
def first(layers, keras_layers):
    """The layers up to one of them, as Keras holds them or as PyTorch does."""
    def make(last="conv2_1", held="keras"):
        source = keras_layers if held == "keras" else layers
        return {name: source[name] for name in vgg_spec.LAYERS[: vgg_spec.LAYERS.index(last) + 1]}
    return make


@pytest.fixture
def check_conversion(tmp_path, layers):
    """Convert a file, and check the layers against its sources."""
    def check(source, last="conv2_1", tolerance=0.0, **expected):
        weights = convert(source, tmp_path / "converted.h5")
        count = vgg_spec.LAYERS.index(last) + 1
        assert tuple(weights.layers) == vgg_spec.LAYERS[:count]
        for name, (weight, bias) in weights.layers.items():
            for found, right in zip((weight, bias), layers[name]):
                np.testing.assert_allclose(found, right, rtol=0, atol=tolerance)
        assert (weights.color_order, weights.mean) == ("BGR", vgg_spec.MEAN)
        assert weights.complete == (count == 16)
        for name, value in {"changes": "", **expected}.items():
            assert getattr(weights, name) == value
        assert all(row.verdict != "mismatch" for row in verify(tmp_path / "converted.h5").layers)
        return weights
    return check


@pytest.fixture
def refused(tmp_path):
    """The sentence with which a file is refused."""
    def sentence(path):
        with pytest.raises(WeightsError) as caught:
            convert(path, tmp_path / "refused.h5")
        message = str(caught.value)
        assert str(path) in message and "\n" not in message
        assert not (tmp_path / "refused.h5").exists()
        return message
    return sentence


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
        count = vgg_spec.LAYERS.index(last) + 1
        fields = {
            "layers": {name: layers[name] for name in vgg_spec.LAYERS[:count]},
            "color_order": "BGR",
            "input_range": vgg_spec.INPUT_RANGE,
            "mean": vgg_spec.MEAN,
            "std": vgg_spec.STD,
            "source": "noise.h5",
            "source_sha256": "0" * 64,
            "licence": "none needed",
        }
        return Weights(**{**fields, **changes})

    return make


@pytest.fixture
def command(capsys):
    """Run the command line in this process; the result is that of a finished process."""

    def run(*arguments):
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:
            status = end.code
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def process():
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
