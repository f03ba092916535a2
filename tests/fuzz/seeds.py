"""Write the corpus, the small files that fuzzing begins with: python -m tests.fuzz.seeds.

Writers are independent libraries where there are some: PyTorch, h5py, SciPy, safetensors, NumPy,
Pillow, tifffile. The layers are those of VGG by shape, but noise; half precision keeps them small.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nst.model.small_file import SmallWeights, write_small
from tests.fuzz.targets import CORPUS
from tests.helpers import avifs
from weights_converter.converted import write_weights
from weights_converter.weights import Preprocessing, Weights

GENERATOR = np.random.default_rng(18)
MAX_BYTES = 1 << 16


def _noise(*shape: int, dtype: str = "f2") -> np.ndarray:
    # Few different values, so that compressed files are small.
    return GENERATOR.integers(-4, 5, shape).astype(dtype) / 8


KERNEL, BIAS = _noise(64, 3, 3, 3), _noise(64)
HELD_BY_KERAS = KERNEL.transpose(2, 3, 1, 0)


def main() -> None:
    """Write every folder anew."""
    makers: dict[str, Callable[[], Iterator[tuple[str, bytes]]]] = {
        "pickle": torch_files, "npz": npz_files, "safetensors": safetensors_files,
        "mat": mat_files, "hdf5": hdf5_files, "tfjs": tfjs_files, "zip": zip_files,
        "small": small_files, "picture": picture_files, "toml": toml_files, "json": json_files,
    }
    for reader, make in makers.items():
        folder = CORPUS / reader
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, content in make():
            assert len(content) <= MAX_BYTES, (reader, name, len(content))
            (folder / f"{name}.seed").write_bytes(content)
    (CORPUS / "checkpoint").mkdir(exist_ok=True)
    (CORPUS / "checkpoint" / "empty.seed").write_bytes(b"")


def _written(write: Callable[[Path], Any], name: str = "file") -> bytes:
    """What a function writes to a path."""
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


# ---------------------------------------------------------------------------- weights


def torch_files() -> Iterator[tuple[str, bytes]]:
    import torch

    held = {"features.0.weight": torch.from_numpy(KERNEL),
            "features.0.bias": torch.from_numpy(BIAS)}
    odd = {"epoch": 3, "state_dict": {
        "a": torch.arange(6).reshape(2, 3).t(), "b": torch.zeros(2, dtype=torch.bfloat16),
        "c": torch.nn.Parameter(torch.ones(3)), "d": torch.tensor(True),
        "e": torch.arange(8, dtype=torch.float64)[2:5]}, "list": [1, (2.5, None, "x")]}
    for name, content in (("layer", held), ("odd", odd), ("none", {})):
        for legacy in (False, True):
            made = io.BytesIO()
            torch.save(content, made, _use_new_zipfile_serialization=not legacy)
            yield f"{name}-{'legacy' if legacy else 'zip'}", made.getvalue()


def _arrays() -> dict[str, np.ndarray]:
    return {"a": np.arange(6, dtype="<i4").reshape(2, 3), "b": np.array(True), "c": np.zeros(0),
            "d": np.asfortranarray(np.ones((2, 2), ">f8")), "e": np.ones(3, np.complex64)}


def npz_files() -> Iterator[tuple[str, bytes]]:
    for name, content in (("layer", {"conv1_1_W": HELD_BY_KERAS, "conv1_1_b": BIAS}),
                          ("odd", _arrays()), ("text", {"t": np.array(["a", "bc"])})):
        for save in (np.savez, np.savez_compressed):
            made = io.BytesIO()
            save(made, **content)
            yield f"{name}-{save.__name__}", made.getvalue()
    made = io.BytesIO()
    np.save(made, KERNEL[:2])
    yield "npy", made.getvalue()


def safetensors_files() -> Iterator[tuple[str, bytes]]:
    from safetensors.numpy import save

    yield "layer", save({"conv1_1.weight": KERNEL, "conv1_1.bias": BIAS}, {"by": "noise"})
    yield "odd", save({name: np.ascontiguousarray(array) for name, array in _arrays().items()
                       if array.dtype.kind != "c" and array.dtype.isnative})
    yield "none", save({})


def mat_files() -> Iterator[tuple[str, bytes]]:
    from scipy.io import savemat

    single = {"type": "conv", "name": "conv1_1",
              "weights": np.array([[HELD_BY_KERAS.astype("f4"), None]], object)}
    single["weights"][0, 1] = BIAS.astype("f4")[None]
    cells = np.empty((1, 2), object)
    cells[0] = [single, {"type": "relu", "name": "relu1_1"}]
    odd = np.empty((1, 2), object)
    odd[0] = [{"filters": np.ones((3, 3, 2, 2)), "biases": np.ones((1, 2)), "name": "x"},
              np.array([["text"]], object)]
    for compressed in (False, True):
        for name, content in (("layer", {"layers": cells}), ("odd", {"meta": 1.5, "layers": odd}),
                              ("net", {"net": {"layers": odd}})):
            kind = "packed" if compressed else "plain"
            yield f"{name}-{kind}", _written(lambda path, content=content, compressed=compressed:
                savemat(path, content, do_compression=compressed), "file.mat")


def tfjs_files() -> Iterator[tuple[str, bytes]]:
    steps = (KERNEL.transpose(2, 3, 1, 0) * 8 + 4).astype("u1")
    entries = [{"name": "block1_conv1/kernel", "shape": [3, 3, 3, 64], "dtype": "float32",
                "quantization": {"dtype": "uint8", "min": -0.5, "scale": 0.125}},
               {"name": "block1_conv1/bias", "shape": [64], "dtype": "float32",
                "quantization": {"dtype": "float16"}}]
    odd = [{"name": "a", "shape": [2], "dtype": "int32"},
           {"name": "b", "shape": [], "dtype": "bool"},
           {"name": "c", "shape": [3], "dtype": "float32"}]
    for name, weights, shard in (("layer", entries, steps.tobytes() + BIAS.tobytes()),
                                 ("odd", odd, bytes(21)), ("none", [], b"")):
        model = {"format": "layers-model",
                 "weightsManifest": [{"paths": ["shard.bin"], "weights": weights}]}
        yield name, json.dumps(model).encode() + b"\0" + shard


def zip_files() -> Iterator[tuple[str, bytes]]:
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED),
                         ("lzma", zipfile.ZIP_LZMA)):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", method) as archive:
            archive.comment = b"comment"
            for member in ("a.npy", "folder/data.pkl", "x.h5"):
                archive.writestr(zipfile.ZipInfo(member), b"0123456789" * 20, method)
        yield name, made.getvalue()


# ---------------------------------------------------------------------------- HDF5


def hdf5_files() -> Iterator[tuple[str, bytes]]:
    yield "own", _written(lambda path: write_weights(path, Weights(
        layers={"conv1_1": (KERNEL.astype("f4"), BIAS.astype("f4"))},
        **vars(Preprocessing()), source="noise", source_sha256="0" * 64, licence="none",
        dtype="float16", complete=False)))
    for version in ("earliest", "v108", "v110"):
        yield f"keras-{version}", _written(lambda path, version=version: _keras(path, version))
        yield f"layouts-{version}", _written(lambda path, version=version:
                                              _layouts(path, version))
    for version in ("v110", "latest"):
        yield f"indexes-{version}", _written(lambda path, version=version:
                                             _indexes(path, version))


def _keras(path: Path, version: str) -> None:
    import h5py

    with h5py.File(path, "w", libver=(version, "v110")) as file:
        layer = file.create_group("model_weights/block1_conv1")
        layer.attrs["weight_names"] = np.array(["kernel:0", "bias:0"], "S")
        layer.create_dataset("kernel:0", data=HELD_BY_KERAS, compression="gzip", shuffle=True)
        layer.create_dataset("bias:0", data=BIAS)
        file["model_weights"].attrs["layer_names"] = np.array(["block1_conv1"], h5py.string_dtype())
        file["model_weights"].attrs["backend"] = "tensorflow"


def _layouts(path: Path, version: str) -> None:
    """Every kind of storage, link and attribute that a small file can have."""
    import h5py

    with h5py.File(path, "w", libver=(version, "v110"), track_order=True) as file:
        file.create_dataset("chunks", data=_noise(7, 5), chunks=(2, 3), fletcher32=True)
        file.create_dataset("single", data=_noise(4, 4), chunks=(4, 4), compression="gzip")
        file.create_dataset("unwritten", (3, 3), "f4")
        file.create_dataset("growing", data=_noise(4), maxshape=(None,), chunks=(2,))
        file.create_dataset("text", data=["a", "bc"], dtype=h5py.string_dtype())
        file.create_dataset("scalar", data=np.int64(3))
        file.create_dataset("big", data=_noise(3, dtype=">f8"))
        file["soft"] = h5py.SoftLink("/chunks")
        file["outside"] = h5py.ExternalLink("other.h5", "/x")
        file["type"] = np.dtype("f4")
        virtual = h5py.VirtualLayout((3, 3), "f4")
        virtual[:] = h5py.VirtualSource("other.h5", "x", (3, 3))
        file.create_virtual_dataset("virtual", virtual)
        many = file.create_group("many")
        for number in range(12):
            many.create_group(f"group{number}")
            many.attrs[f"attribute{number}"] = np.arange(number + 1)


def _indexes(path: Path, version: str) -> None:
    """Every index of chunks that HDF5 has since version 1.10, in arrays that may grow."""
    import h5py

    with h5py.File(path, "w", libver=version) as file:
        for name, limits in (("fixed", (9, 40)), ("growing", (9, None)), ("tree", (None, None))):
            for filters in ({}, {"compression": "gzip"}):
                file.create_dataset(f"{name}{len(filters)}", data=_noise(5, 24), chunks=(2, 3),
                                    maxshape=limits, **filters)
        file.create_dataset("blocks", data=_noise(3, 90), chunks=(1, 1), maxshape=(None, 90))
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((2, 3))
        plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        space = h5py.h5s.create_simple((5, 7), (9, 40))
        h5py.h5d.create(file.id, b"implicit", h5py.h5t.IEEE_F32LE, space, plan)


def small_files() -> Iterator[tuple[str, bytes]]:
    layers = {"conv1_1": (_noise(4, 3, 3, 3), _noise(4)), "relu1_1": (_noise(64, 4, 1, 1), BIAS),
              "conv1_2": (_noise(4, 4, 3, 3), _noise(4))}
    yield "three", _written(lambda path: write_small(path, SmallWeights(
        layers=layers, color_order="RGB", mean=(1.0, 2.0, 3.0), std=(1.0, 1.0, 1.0),
        source="noise", source_sha256="0" * 64, licence="none")))


# ---------------------------------------------------------------------------- runs


def picture_files() -> Iterator[tuple[str, bytes]]:
    from PIL import Image, features

    pixels = GENERATOR.integers(0, 256, (6, 8, 4), np.uint8)
    image = Image.fromarray(pixels)
    modes = {"png": ("PNG", "1 L LA P RGB RGBA I;16"), "jpeg": ("JPEG", "L RGB CMYK"),
             "webp": ("WEBP", "RGB RGBA"), "tiff": ("TIFF", "1 L P RGB RGBA CMYK LAB I;16 F"),
             "bmp": ("BMP", "1 L P RGB"), "gif": ("GIF", "L P"), "ppm": ("PPM", "1 L RGB"),
             "tga": ("TGA", "L P RGB RGBA"), "ico": ("ICO", "RGBA"), "pcx": ("PCX", "1 L P RGB"),
             "sgi": ("SGI", "L RGB RGBA"), "jp2": ("JPEG2000", "L RGB RGBA"), "qoi": ("QOI", "RGB"),
             "avif": ("AVIF", "L RGB RGBA")}
    for name, (kind, kinds) in modes.items():
        if (kind == "AVIF" and not features.check("avif")) or (
                kind == "JPEG2000" and not features.check("jpg_2000")):
            continue
        for mode in kinds.split():
            converted = (Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
                         if mode == "I;16" else image.convert("RGB").convert(mode)
                         if mode in ("LAB", "CMYK", "F") else image.convert(mode))
            made = io.BytesIO()
            converted.save(made, kind)
            yield f"{name}-{mode.replace(';', '')}", made.getvalue()
    yield from _pictures_with_more(image)


def _pictures_with_more(image: Any) -> Iterator[tuple[str, bytes]]:
    """Profiles, settings, orientation, several frames, 16 and 32 bits, other compressions."""
    import tifffile
    from PIL import Image, ImageCms, features

    from nst.pictures import files
    from nst.pictures.picture import Picture

    picture = Picture(np.asarray(image)[..., :3])
    for suffix in (".png", ".jpg", ".webp", ".tif"):
        yield f"written-{suffix[1:]}", files.encode(picture, suffix, {"size": 3})
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for name, options in (("turned", {"exif": exif}), ("profile", {"icc_profile": profile})):
        made = io.BytesIO()
        image.convert("RGB").save(made, "JPEG", **options)
        yield f"{name}-jpeg", made.getvalue()
    kinds = ["GIF", "PNG", "WEBP", *(["AVIF"] if features.check("avif") else [])]
    for kind in kinds:
        made = io.BytesIO()
        image.save(made, kind, save_all=True, append_images=[image.rotate(90)])
        yield f"frames-{kind.lower()}", made.getvalue()
    if features.check("avif"):
        made = io.BytesIO()
        Image.new("RGB", (avifs.SIDE, avifs.SIDE), (200, 90, 30)).save(made, "AVIF")
        yield "grid-avif", avifs.of_items(made.getvalue(), cells=(2, 2), parts=2)
    samples = np.arange(96, dtype=np.uint16).reshape(4, 6, 4) * 600
    for name, array, options in (
            ("rgba16", samples, {"extrasamples": ["assocalpha"], "photometric": "rgb"}),
            ("float", (samples[..., 0] / 65535).astype("f4"), {"bigtiff": True}),
            ("planar", np.moveaxis(samples[..., :3], -1, 0), {"planarconfig": "separate",
                                                                   "photometric": "rgb"}),
            ("grey32", samples[..., 0].astype(">u4"), {"byteorder": ">"})):
        made = io.BytesIO()
        tifffile.imwrite(made, array, compression="zlib", **options)
        yield f"tifffile-{name}", made.getvalue()
    for compression in ("tiff_lzw", "packbits", "jpeg", "tiff_adobe_deflate", "group4"):
        made = io.BytesIO()
        image.convert("1" if compression == "group4" else "RGB").save(
            made, "TIFF", compression=compression)
        yield f"tiff-{compression.replace('_', '-')}", made.getvalue()


def toml_files() -> Iterator[tuple[str, bytes]]:
    from nst import Settings
    from nst.config import toml
    from nst.config.request import resolve

    yield "short", (b'content = "photo.jpg"\nstyle = ["a.jpg", "b.jpg"]\nstyle-weight = 20\n'
                    b'style-layers = {relu1_1 = 2, relu3_1 = 1}\n')
    request = resolve({"output": "out.png", "content": "a.png", "style": ["b.png"]})
    yield "whole", toml.text(request.effective(), Path()).encode()
    changed = Settings(style_masks=["auto", "m.png"], scales=2, size=64, tile=32, seed=3)
    yield "changed", toml.text({name: getattr(changed, name) for name in
                                ("style_masks", "scales", "size", "tile", "seed")},
                               Path()).encode()


def json_files() -> Iterator[tuple[str, bytes]]:
    entry = {"iteration": 0, "total": 2.5, "content": 1.0, "style": None, "tv": 0.0}
    yield "record", json.dumps({
        "settings": {"size": 64}, "iterations": [entry, entry], "summary": {
            "ended": "done", "cause": "", "best_iteration": 1, "seconds": 1.5, "best_total": 2.5,
            "iterations": 1}}).encode()
    yield "stopped", json.dumps({"summary": {"ended": "interrupted", "cause": ""}}).encode()
    yield "note", json.dumps({"url": "http://a/b", "validator": '"x"', "size": 3}).encode()


if __name__ == "__main__":
    main()
