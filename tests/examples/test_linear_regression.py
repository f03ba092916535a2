"""Least squares on zeros and ones: closed form and descent, and MNIST's files."""

import gzip
import struct

import numpy as np
import pytest

from examples import idx, linear_regression
from minigrad.errors import FileError


@pytest.fixture(scope="module")
def folds():
    pytest.importorskip("sklearn")
    return linear_regression.bundled(5, 0)


def test_99_per_cent_as_a_five_fold_mean(folds):
    assert sum(len(f.y_test) for f in folds) == 178 + 182
    found = []
    for fold in folds:
        weights, rank = linear_regression.closed_form(fold)
        assert rank < fold.x.shape[1] == 65         # constant pixels: the inverse does not exist
        found.append(np.mean((fold.x_test @ weights > 0.5) == (fold.y_test == 1)))
    assert np.mean(found) >= 0.99


def test_descent_comes_to_the_closed_form(rng):
    """On pictures of little rank, where it gets all the way: to the shortest solution."""
    pictures = rng.standard_normal((30, 4)) @ rng.standard_normal((4, 9))
    x = np.column_stack([np.ones(30), pictures])
    fold = linear_regression.Fold(x, rng.integers(0, 2, 30) * 1.0, x, np.zeros(30))
    weights, rank = linear_regression.closed_form(fold)
    descended, losses = linear_regression.gradient_descent(fold, 3000)
    assert rank == 5 and (np.diff(losses) < 1e-15).all()
    np.testing.assert_allclose(descended, weights, atol=1e-3)
    assert losses[-1] == pytest.approx(0.5 * np.mean((x @ weights - fold.y) ** 2), rel=1e-6)


def test_the_closed_form_is_stationary(folds):
    fold = folds[0]
    weights, _ = linear_regression.closed_form(fold)
    np.testing.assert_allclose(fold.x.T @ (fold.x @ weights - fold.y), 0, atol=1e-9)


def test_the_report(capsys):
    pytest.importorskip("sklearn")
    linear_regression.program(["--steps", "30"])
    out = capsys.readouterr().out
    assert "288 to train, 72 to test, 5 folds" in out and "XᵀX has no inverse" in out
    assert float(out.split("mean  ")[1].split("%")[0]) >= 99


# ---------------------------------------------------------------------------- IDX files


def write_idx(path, array):
    header = struct.pack(">4B", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    data = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture
def mnist(tmp_path, rng):
    """A folder with MNIST's four files: ones are a bright column, zeros a ring, twos are noise."""
    for part, count, ending in (("train", 60, ".gz"), ("test", 20, "")):
        labels = np.arange(count) % 3
        images = rng.integers(0, 40, (count, 6, 6))
        images[labels == 1, :, 3] = 250
        images[labels == 0, 0] = images[labels == 0, :, 0] = 250
        for name, array in zip(idx.NAMES[part], (images, labels)):
            write_idx(tmp_path / (name + ending), array)
    return tmp_path


def test_mnist_files(mnist, capsys):
    linear_regression.program(["--mnist", str(mnist), "--steps", "50"])
    out = capsys.readouterr().out
    assert "zeros and ones of 36 pixels: 40 to train, 14 to test" in out
    assert "mean                                 100.00%" in out


@pytest.mark.parametrize("damage, message", [
    (lambda f: f.unlink(), r"there is no t10k-images-idx3-ubyte \(or .*\.gz\) in"),
    (lambda f: f.write_bytes(f.read_bytes()[:-5]), "is damaged: it has 715 bytes of data where its "
                                                   "header says 20 × 6 × 6"),
    (lambda f: f.write_bytes(b"<html>not found</html>"), "is not an IDX file"),
    (lambda f: f.write_bytes(b"\0\0\x0d\1" + bytes(8)), "IDX type 13, but must hold unsigned"),
    (lambda f: f.write_bytes(b"\0\0\x08\3\0"), "is damaged"),
    (lambda f: f.write_bytes(b"\x1f\x8b nonsense"), "cannot read"),
    (lambda f: write_idx(f, np.zeros((3, 6, 6))), "do not belong together"),
])
def test_damaged_files_are_one_sentence(mnist, damage, message):
    damage(mnist / "t10k-images-idx3-ubyte")
    with pytest.raises(FileError, match=message):
        linear_regression.mnist(mnist)


def test_files_without_ones(mnist):
    write_idx(mnist / "t10k-labels-idx1-ubyte", np.full(20, 7))
    with pytest.raises(FileError, match="no zeros or no ones"):
        linear_regression.mnist(mnist)
