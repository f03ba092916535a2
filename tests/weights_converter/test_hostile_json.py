"""Headers and manifests in JSON that were made to do harm: TensorFlow.js and safetensors."""

import json
import sys

import pytest


@pytest.mark.parametrize("name", ["../shard", "/etc/passwd", "..", "sub/shard", "C:shard",
                                  "a\\b", "", "link", 7])
def test_shards_elsewhere_are_refused(tmp_path, name, refused):
    (tmp_path / "shard").write_bytes(bytes(16))
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "shard").write_bytes(bytes(16))
    (folder / "link").symlink_to(tmp_path / "shard")
    path = folder / "model.json"
    weights = [{"name": "x", "shape": [4], "dtype": "float32"}]
    path.write_text(json.dumps({"weightsManifest": [{"paths": [name], "weights": weights}]}))
    assert "is outside its folder" in refused(path)


@pytest.mark.parametrize("groups", [[["a", "a"]], [["a"], ["b", "a"]], [["a", "soft"]],
                                    [["a"], ["hard"]]], ids=str)
def test_a_shard_that_is_named_twice_is_refused(tmp_path, groups, refused):
    """A file of 20 MB could otherwise be hashed two thousand times."""
    for name in "ab":
        (tmp_path / name).write_bytes(bytes(16))
    (tmp_path / "soft").symlink_to("a")
    (tmp_path / "hard").hardlink_to(tmp_path / "a")
    manifest = [{"paths": names, "weights": [
        {"name": "x", "shape": [4 * len(names)], "dtype": "float32"}]} for names in groups]
    (tmp_path / "model.json").write_text(json.dumps({"weightsManifest": manifest}))
    assert "twice, or a link to it" in refused(tmp_path / "model.json")


def test_a_file_that_is_refused_is_not_hashed(thin_keras, monkeypatch, refused):
    # The package's attribute of this name is the function.
    module = sys.modules["weights_converter.convert"]
    monkeypatch.setattr(module, "file_digest", lambda *_, **__: pytest.fail())
    assert "the kernels of conv1_2" in refused(thin_keras())


@pytest.mark.parametrize(
    "entry, words",
    [
        ({"shape": [64, 3, 3, 3], "data_offsets": [0, 9]}, "bytes 0 to 9 of 16 cannot hold"),
        ({"shape": [2**40, 2**40], "data_offsets": [0, 16]}, "cannot hold shape"),
        ({"shape": [-1, -4], "data_offsets": [0, 16]}, "-1, but a size is expected"),
        ({"shape": [4], "data_offsets": [16, 32]}, "bytes 16 to 32 of 16"),
        ({"shape": [True], "data_offsets": [0, 4]}, "True, but a size is expected"),
        ({"shape": [4], "data_offsets": [0, 16], "dtype": "float32"}, "float32"),
        ({"shape": [4]}, "data_offsets"),
        ([], "list indices"),
    ],
    ids=str,
)
def test_safetensors_headers_that_lie(tmp_path, entry, words, refused):
    if isinstance(entry, dict):
        entry = {"dtype": "F32", **entry}
    header = json.dumps({"conv1_1.weight": entry}).encode()
    path = tmp_path / "file"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    message = refused(path)
    assert "damaged safetensors file" in message and words in message
