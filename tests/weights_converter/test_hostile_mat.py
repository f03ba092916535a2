"""MATLAB files that were made to do harm."""

import struct
import zlib

import numpy as np
import pytest


def test_a_mat_bomb_is_stopped(tmp_path, monkeypatch, refused):
    from scipy.io import savemat
    savemat(tmp_path / "file.mat", {"x": np.zeros(1 << 21), "y": np.zeros(1 << 21)},
            do_compression=True)
    assert (tmp_path / "file.mat").stat().st_size < 100_000
    monkeypatch.setattr("weights_converter.mat5.MAX_BYTES", 1 << 25)
    assert "more than 33,554,432 bytes when decompressed" in refused(tmp_path / "file.mat")


def test_a_matrix_that_is_longer_than_it_says(tmp_path, refused):
    inner = struct.pack("<IIIIIIiiII", 6, 8, 9, 0, 5, 8, 1, 1, 1, 0)      # a double, 1×1, no name
    inner += struct.pack("<IId", 9, 8, 1.0)
    outer = struct.pack("<IIIIIIiiII", 6, 8, 1, 0, 5, 8, 1, 1, 1, 0)      # a cell with it inside
    body = outer + struct.pack("<II", 14, len(inner) - 8) + inner
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "file.mat").write_bytes(header + struct.pack("<II", 14, len(body)) + body)
    assert "is longer than stated" in refused(tmp_path / "file.mat")


def test_cells_without_end_are_stopped(tmp_path, refused):
    cell = b""
    for _ in range(3000):
        head = struct.pack("<IIII", 6, 8, 1, 0) + struct.pack("<IIii", 5, 8, 1, 1)
        head += struct.pack("<II", 1, 0) + cell
        cell = struct.pack("<II", 14, len(head)) + head
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "file.mat").write_bytes(header + cell)
    assert "deeper than 12" in refused(tmp_path / "file.mat")


def _element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def _matrix(kind, shape, *elements, name=b""):
    head = _element(6, struct.pack("<II", kind, 0)), _element(5, struct.pack("<2i", *shape))
    return _element(14, b"".join(head) + _element(1, name) + b"".join(elements))


TEXT, STRUCT = 4, 2


@pytest.mark.parametrize("item, number, words", [
    (_matrix(TEXT, (1, 1), _element(2, b"a" * 32_760)), 1, "32,760 bytes for text of shape (1, 1)"),
    (_matrix(TEXT, (1, 9), _element(4, b"a" * 16)), 1, "16 bytes for text of shape (1, 9)"),
    (_matrix(TEXT, (1, 4096), _element(2, b"a" * 4096)), 1025, "more than 4,194,304 bytes of"),
    (_matrix(TEXT, (0, 0), _element(2, b""), name=b"a" * 4096), 1025, "bytes of names and text"),
    (_matrix(STRUCT, (0, 0), _element(5, struct.pack("<i", 1)), _element(1, b"a" * 4096)), 5,
     "more than 20,000 elements and fields"),
    (_element(14, _element(6, bytes(4096))), 1, "4,096 bytes but at most 8 are expected"),
], ids=["longer", "shorter", "texts", "names", "fields", "flags"])
def test_text_and_fields_of_mat_files_are_counted(tmp_path, refused, item, number, words):
    """Each is charged for what is made of it, not for the shape that it states."""
    cells = zlib.compress(_matrix(1, (number, 1), item * number, name=b"layers"))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "file.mat").write_bytes(header + struct.pack("<II", 15, len(cells)) + cells)
    assert words in refused(tmp_path / "file.mat")
