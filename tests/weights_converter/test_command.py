"""The command line: what it prints, and that mistakes leave nothing behind."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from weights_converter import WeightsError, convert, read_weights, verify, vgg_spec, write_weights
from weights_converter.convert import _stored_as


@pytest.fixture
def folder(tmp_path):
    """An empty folder to write to."""
    path = tmp_path / "out"
    path.mkdir()
    return path


def sentence(result):
    """The one sentence of a command that failed as it should."""
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert result.stderr.startswith("weights_converter: ")
    assert result.stderr.endswith("\n")
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


# ---------------------------------------------------------------- what works


def test_convert_and_verify(process, keras_file, folder, layers):
    destination = folder / "vgg19.h5"
    result = process(keras_file, destination)
    assert (result.returncode, result.stderr) == (0, "")
    digest = hashlib.sha256(keras_file.read_bytes()).hexdigest()
    for words in ("16 layers", "20,024,384 parameters", keras_file.name, digest, str(destination)):
        assert words in result.stdout
    assert [path.name for path in folder.iterdir()] == ["vgg19.h5"]
    weights = read_weights(destination)
    assert weights.complete
    assert weights.source == keras_file.name
    assert weights.source_sha256 == digest
    for name, (weight, bias) in layers.items():
        np.testing.assert_array_equal(weights.layers[name][0], weight)
        np.testing.assert_array_equal(weights.layers[name][1], bias)

    result = process("verify", destination)
    assert (result.returncode, result.stderr) == (0, "")
    rows = [line for line in result.stdout.splitlines() if line.startswith("conv")]
    assert [row.split()[0] for row in rows] == list(vgg_spec.LAYERS)
    assert all(row.endswith("plausible") for row in rows)
    kernels = layers["conv5_1"][0]
    row = rows[12].split()
    assert row[1] == "512×512×3×3"
    assert float(row[2]) == pytest.approx(kernels.mean(dtype=float), abs=1e-6)
    assert float(row[3]) == pytest.approx(kernels.std(dtype=float), abs=1e-5)
    assert row[4] == hashlib.sha256(kernels.tobytes()).hexdigest()[:16]
    for words in (digest, keras_file.name, "CC BY 4.0", "CC BY-NC 4.0", "BGR, 0..255"):
        assert words in result.stdout


def test_help_shows_examples(process):
    for arguments in (["--help"], ["verify", "--help"]):
        result = process(*arguments)
        assert result.returncode == 0
        assert "example" in result.stdout
        assert "verify vgg19.h5" in result.stdout


def test_importing_the_package_does_not_load_h5py():
    code = "import sys, weights_converter; sys.exit('h5py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_file_that_stops_early_is_verified_and_marked(tmp_path, make_weights):
    write_weights(tmp_path / "part.h5", make_weights("conv2_2"))
    report = verify(tmp_path / "part.h5")
    assert len(report.layers) == 4
    assert "stops at conv2_2" in str(report)


def test_half_the_numbers_and_half_the_bytes(command, keras_file, folder, layers):
    """--layers and --dtype, and that what is read is what float16 can hold."""
    destination = folder / "small.h5"
    result = command(keras_file, destination, "--layers", "conv1_1..conv3_1", "--dtype", "float16")
    assert (result.returncode, result.stderr) == (0, "")
    for words in ("5 layers, 555,328 parameters", "stops at conv3_1", "stored as float16"):
        assert words in result.stdout
    assert destination.stat().st_size < 2 * 555_328 + 20_000
    weights = read_weights(destination)
    assert (weights.dtype, weights.complete) == ("float16", False)
    for name, pair in weights.layers.items():
        for found, right in zip(pair, layers[name]):
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, right.astype(np.float16).astype(np.float32))
    with h5py.File(destination) as file:
        assert file["conv3_1/weight"].dtype == np.float16
    assert "5 plausible" in command("verify", destination).stdout


def test_what_float16_cannot_hold_is_refused(make_weights, tmp_path):
    """Only a rescaled network can get so far."""
    weights = make_weights()
    name, (weight, bias) = next(iter(weights.layers.items()))
    weights.layers[name] = weight, np.full_like(bias, 1e6)
    with pytest.raises(WeightsError, match=f"{name} has numbers beyond 65504"):
        _stored_as(tmp_path, weights, "float16")


@pytest.mark.parametrize("which", ["conv5_1", "conv1_2..conv5_1", "conv1_1..conv6_1",
                                   "conv1_1..relu2_1", "conv1_1..conv5_1,conv1_1"])
def test_impossible_layers(command, keras_file, folder, which):
    message = sentence(command(keras_file, folder / "small.h5", "--layers", which))
    assert f"layers is {which!r}, but must be conv1_1..LAST" in message
    assert list(folder.iterdir()) == []


def test_layers_that_the_source_has_not(command, writers, first, folder, tmp_path):
    source = writers["npz"](tmp_path / "source.npz", first("conv1_2"))
    message = sentence(command(source, folder / "small.h5", "--layers", "conv1_1..conv5_1"))
    assert "has no layer conv5_1: it has conv1_1, conv1_2" in message


# ---------------------------------------------------------------- sources that are wrong


def spoil(name):
    """Make one file that is wrong: (thin_keras, keras_layers, path of a file) -> path."""

    def swap(change):
        def make(thin_keras, keras_layers, path):
            kernel, bias = (array.copy() for array in keras_layers["conv1_1"])
            return thin_keras({"conv1_1": (change(kernel), bias)})

        return make

    def nan(kernel):
        kernel[1, 2, 0, 7] = np.nan
        return kernel

    def no_attributes(thin_keras, keras_layers, path):
        with h5py.File(path, "w") as file:
            file["weights"] = np.zeros(3)
        return path

    def page(thin_keras, keras_layers, path):
        path.write_text("<!DOCTYPE html>\n<html><title>Not found</title></html>\n")
        return path

    return {
        "web page": page,
        "no attributes": no_attributes,
        "missing": lambda thin_keras, keras_layers, path: path,
        "folder": lambda thin_keras, keras_layers, path: path.parent,
        "shape": lambda thin_keras, *_: thin_keras({"conv4_1": ((3, 3, 256, 511), (512,))}),
        "layer": lambda thin_keras, *_: thin_keras(leave_out=["block4_conv2"]),
        "nan": swap(nan),
        "middle": swap(lambda kernel: kernel[:, :, [1, 0, 2]]),
        "other": swap(lambda kernel: kernel[:, :, :, ::-1]),
        "deviation": lambda thin_keras, *_: thin_keras(),
    }[name]


@pytest.mark.parametrize(
    "fault, words",
    [
        ("web page", "is a web page saved under this name"),
        ("no attributes", "contains no 3×3 convolutions"),
        ("missing", "there is no file"),
        ("folder", "is not a file"),
        ("shape", "has shape (3, 3, 256, 511), where VGG's conv4_1 has (3, 3, 256, 512) or"),
        ("layer", "has no layer conv4_2, but a later layer conv5_4; VGG19's"),
        ("nan", "the weight of conv1_1 contains 1 of 1,728 values that are NaN"),
        ("middle", "conv1_1 have B as the middle channel, but BGR or its reverse is expected"),
        ("other", "conv1_1 are not those of Oxford's VGG19"),
        ("deviation", "conv1_2 have a standard deviation of 0.00000, not 0.03988, unlike those"),
    ],
)
def test_wrong_sources(command, thin_keras, keras_layers, tmp_path, folder, fault, words):
    source = spoil(fault)(thin_keras, keras_layers, tmp_path / "source.h5")
    message = sentence(command(source, folder / "vgg19.h5"))
    assert words in message
    assert str(source) in message
    assert list(folder.iterdir()) == []


def test_a_truncated_download(command, keras_file, tmp_path, folder):
    source = tmp_path / "source.h5"
    source.write_bytes(keras_file.read_bytes()[:30_000_000])
    message = sentence(command(source, folder / "vgg19.h5"))
    assert "is cut short: it has 30,000,000 bytes" in message
    assert list(folder.iterdir()) == []


def test_a_source_that_is_converted_already(command, converted_file, folder):
    message = sentence(command(converted_file, folder / "vgg19.h5"))
    assert "is converted already: use it as it is" in message
    assert list(folder.iterdir()) == []


# ---------------------------------------------------------------- destinations that are wrong


def test_a_missing_folder(command, keras_file, folder):
    message = sentence(command(keras_file, folder / "none" / "vgg19.h5"))
    assert f"there is no folder {folder / 'none'}; create it first" in message
    assert list(folder.iterdir()) == []


def test_destinations_that_are_not_files(command, keras_file, thin_keras, folder, tmp_path):
    assert "it is a folder" in sentence(command(keras_file, folder))
    plain = tmp_path / "plain"
    plain.write_text("kept")
    assert "is not a folder" in sentence(command(keras_file, plain / "vgg19.h5"))
    assert plain.read_text() == "kept"
    source = thin_keras()
    before = source.read_bytes()
    assert "is the source itself" in sentence(command(source, source))
    assert source.read_bytes() == before


@pytest.mark.parametrize("link", [None, os.symlink, os.link], ids=["itself", "symlink", "link"])
def test_no_file_of_the_source_is_replaced(command, writers, first, tmp_path, link):
    """Neither by the command, even with --overwrite, nor by the function."""
    source = writers["tfjs"](tmp_path / "model.json", first("conv1_2"), shard=100_000)
    shard = tmp_path / "group1-shard2of2.bin"
    destination, before = shard, shard.read_bytes()
    if link:
        destination = tmp_path / "other"
        link(shard, destination)
    assert "or a part of it" in sentence(command(source, destination, "--overwrite"))
    with pytest.raises(WeightsError, match="or a part of it; choose another file to write"):
        convert(source, destination)
    assert shard.read_bytes() == before and destination.read_bytes() == before


@pytest.mark.parametrize("command_line", [("{source}", "{there}"),
                                          ("fetch", "vgg19", "-o", "{there}")])
def test_a_file_that_is_there_is_kept(command, thin_keras, folder, command_line):
    there = folder / "photo.jpg"
    there.write_bytes(b"a photograph")
    names = {"source": thin_keras(), "there": there}
    message = sentence(command(*(part.format(**names) for part in command_line)))
    assert f"{there} already exists" in message
    assert there.read_bytes() == b"a photograph"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_without_permission(command, keras_file, folder):
    folder.chmod(0o555)
    assert "is not permitted" in sentence(command(keras_file, folder / "vgg19.h5"))
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux's /proc")
def test_a_folder_where_not_even_root_may_write(command, keras_file):
    assert "cannot write /proc/vgg19.h5" in sentence(command(keras_file, "/proc/vgg19.h5"))


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX limits")
def test_a_disk_that_fills_up(process, keras_file, folder):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000_000, 50_000_000))

    (folder / "vgg19.h5").write_text("older")
    message = sentence(process(keras_file, folder / "vgg19.h5", "--overwrite",
                               preexec_fn=limit))
    assert "cannot write" in message
    assert "too large" in message
    assert [path.name for path in folder.iterdir()] == ["vgg19.h5"]
    assert (folder / "vgg19.h5").read_text() == "older"


# ---------------------------------------------------------------- wrong commands


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "SOURCE, DEST.h5"),
        (["only.h5"], "DEST.h5"),
        (["a.h5", "b.h5", "c.h5"], "c.h5"),
        (["--colour", "a.h5", "b.h5"], "--colour"),
        (["verify"], "FILE"),
        (["a.h5", "b.h5", "--dtype", "int8"], "float16"),
    ],
)
def test_wrong_arguments(command, arguments, words):
    message = sentence(command(*arguments))
    assert words in message
    assert "--help" in message


# ---------------------------------------------------------------- verify


def test_verify_refuses_what_was_changed_by_hand(command, tmp_path, make_weights):
    def refused(**changes):
        write_weights(tmp_path / "w.h5", make_weights("conv1_2", **changes))
        return sentence(command("verify", tmp_path / "w.h5"))

    assert "in BGR order, but upright kernels in RGB" in refused(color_order="RGB")
    assert "the attribute architecture is vgg16" in refused(architecture="vgg16")
    assert "the attribute mean is" in refused(mean=(0.485, 0.456, 0.406))
    assert "the attribute input_range is" in refused(input_range=(0.0, 1.0))


def test_verify_prints_no_line_of_a_strangers_file(command, tmp_path, make_weights):
    path = tmp_path / "w.h5"
    write_weights(path, make_weights("conv1_2"))
    with h5py.File(path, "r+") as file:
        for name in ("source", "licence", "changes"):
            file.attrs[name] = "good\n\x1b]0;title\x07\r\nverdict  16 exact\u202e"
    lines = command("verify", path).stdout.splitlines()
    assert [line for line in lines if line.startswith("verdict")] == ["verdict  2 plausible"]
    assert "good" in "\n".join(lines)
    assert all(character.isprintable() for line in lines for character in line)


def test_verify_refuses_files_that_are_not_converted(command, thin_keras, tmp_path):
    assert "is an unconverted" in sentence(command("verify", thin_keras()))
    assert "there is no file" in sentence(command("verify", tmp_path / "none.h5"))


# ---------------------------------------------------------------- killed


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_kill_9_leaves_no_half_file(keras_file, folder):
    """A child is killed as soon as its temporary file shows, and a little later."""
    destination = folder / "vgg19.h5"
    older = b"older file"
    killed_while_writing = 0
    for delay in (0.0, 0.01, 0.05):
        destination.write_bytes(older)
        child = subprocess.Popen(
            [sys.executable, "-m", "weights_converter", str(keras_file), str(destination),
             "--overwrite"],
            stdout=subprocess.DEVNULL,
        )
        while not list(folder.glob(".*.part")) and child.poll() is None:
            time.sleep(0.001)
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait()
        if destination.read_bytes() != older:
            verify(destination)  # it was faster than the signal: then it is whole
        elif child.returncode == -signal.SIGKILL:
            killed_while_writing += 1
    assert killed_while_writing
    leftovers = [path.name for path in folder.iterdir() if path != destination]
    assert all(name.startswith(".vgg19.h5.") and name.endswith(".part") for name in leftovers)
    shutil.rmtree(folder)
