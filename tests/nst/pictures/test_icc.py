"""Colour profiles: what littleCMS gets of them, and what it must not get."""

import io
import struct
import time

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from nst.pictures import files, icc, profiles

pytestmark = pytest.mark.skipif(not features.check("littlecms2"), reason="needs littleCMS")
RED_LIKE = b"XYZ \0\0\0\0" + struct.pack(">3i", 28_000, 14_600, 900)
CURVE = b"curv" + bytes(4) + struct.pack(">IH", 1, 0x0233)          # gamma 2.2


def profile_of(tags, space=b"RGB ", pcs=b"XYZ ", kind=b"mntr", version=0x0440_0000):
    """A profile of these tags."""
    places, body, start = b"", b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        places += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s", start + len(body), version, kind, space, pcs, b"acsp")
    head = (head.ljust(68, b"\0") + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)).ljust(128, b"\0")
    return head + struct.pack(">I", len(tags)) + places + body


def table(inputs=4, points=5, stated=None, kind=b"mft2"):
    """A look-up table from ink to Lab: the more ink, the darker."""
    width = ">u2" if kind == b"mft2" else "u1"
    top = 0xFF00 if kind == b"mft2" else 255
    ink = np.indices((points,) * inputs).reshape(inputs, -1).T / (points - 1)
    lab = np.stack([1 - ink.mean(axis=1), 0.5 + 0 * ink[:, 0], 0.5 + ink[:, 0] / 4], axis=1)
    ramp = np.linspace(0, 65535 if kind == b"mft2" else 255, 2 if kind == b"mft2" else 256)
    unit = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    entries = struct.pack(">HH", 2, 2) if kind == b"mft2" else b""
    return (kind + bytes(4) + bytes([inputs, 3, stated or points, 0]) + unit + entries
            + np.tile(ramp, inputs).astype(width).tobytes() + (lab * top).astype(width).tobytes()
            + np.tile(ramp, 3).astype(width).tobytes())


def new_table(inputs=3, grid=(2, 2, 2), width=1):
    """The newer type of a look-up table: a grid between curves that change nothing."""
    curves = (b"curv" + bytes(8)) * 3
    values = np.indices((2, 2, 2)).reshape(3, -1).T.astype("u1") * 127
    clut = bytes(grid).ljust(16, b"\0") + bytes([width, 0, 0, 0]) + values.tobytes()
    start = 32 + len(curves)
    return (b"mAB " + bytes(4) + bytes([inputs, 3, 0, 0])
            + struct.pack(">5I", 32, 0, 0, start, start + len(clut)) + curves + clut + curves)


def steps(count):
    """A tag of as many steps, which are all the same one: the identity."""
    step = b"matf" + bytes(4) + struct.pack(">HH12f", 3, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    return (b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, count)
            + struct.pack(">II", 16 + 8 * count, len(step)) * count + step)


def displays():
    """The primaries and curves of a display."""
    primaries = {name: b"XYZ \0\0\0\0" + struct.pack(">3i", *value) for name, value in {
        b"rXYZ": (33_700, 15_800, -69), b"gXYZ": (19_100, 45_300, 2_750),
        b"bXYZ": (10_300, 4_350, 51_400), b"wtpt": (63_190, 65_536, 54_061)}.items()}
    return primaries | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), CURVE)


def converted(image, profile):
    """By littleCMS alone, as before anything was left out."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), image.mode, "RGB")
    return np.asarray(ImageCms.applyTransform(image, transform))


@pytest.mark.parametrize("mode, profile", {
    "display": ("RGB", profile_of(displays())),
    "display of version 2": ("RGB", profile_of(displays(), version=0x0240_0000)),
    "sRGB": ("RGB", profiles.srgb()),
    "grey": ("L", profile_of({b"kTRC": CURVE, b"wtpt": RED_LIKE}, b"GRAY")),
    "print": ("CMYK", profile_of({b"A2B0": table(), b"A2B1": table(points=3), b"B2A0": table(3)},
                                 b"CMYK", b"Lab ", b"prtr", 0x0240_0000)),
    "print of 8 bits": ("CMYK", profile_of({b"A2B0": table(kind=b"mft1"), b"desc": b"x" * 99},
                                           b"CMYK", b"Lab ", b"prtr", 0x0240_0000)),
    "scanner": ("RGB", profile_of({b"A2B0": new_table()}, pcs=b"Lab ", kind=b"scnr")),
}.values(), ids=lambda value: value if isinstance(value, str) else "")
def test_honest_profiles_convert_as_before(rng, mode, profile):
    channels = {"L": (), "RGB": (3,), "CMYK": (4,)}[mode]
    image = Image.fromarray(rng.integers(0, 256, (7, 9, *channels)).astype(np.uint8), mode=mode)
    expected = converted(image, profile)
    np.testing.assert_array_equal(converted(image, icc.for_conversion(profile)), expected)
    assert expected.std() > 10


def test_steps_that_are_one_step_many_times_are_left_out(tmp_path):
    """448 bytes took 23 seconds."""
    image = Image.new("RGB", (4, 4), (10, 120, 240))
    for tags in ({b"D2B0": steps(20_000), b"D2B1": steps(20_000)},
                 displays() | {b"D2B0": steps(20_000), b"B2D0": steps(20_000)}):
        profile = profile_of(tags)
        assert not {b"D2B0", b"D2B1", b"B2D0"} & set(_names(icc.for_conversion(profile)))
        image.save(tmp_path / "p.png", icc_profile=profile)
        start = time.process_time()
        picture = files.read(tmp_path / "p.png", "content")
        assert time.process_time() - start < 1
        assert np.abs(picture.pixels.astype(int) - (10, 120, 240)).max() <= (60 if b"rXYZ" in tags
                                                                             else 0)


def _names(profile):
    (count,) = struct.unpack_from(">I", profile, 128)
    return [profile[place : place + 4] for place in range(132, 132 + 12 * count, 12)]


@pytest.mark.parametrize("content", [
    table(stated=33), table(stated=255), table(kind=b"mft1", stated=200),
    new_table(grid=(255,) * 3), new_table(grid=(200,) * 5, inputs=5), new_table(width=200),
    new_table(inputs=16), b"mft2", b"mft2" * 4, steps(3), new_table()[:60]], ids=range(11))
def test_a_table_that_states_more_than_its_tag_is_left_out(content):
    profile = profile_of(displays() | {b"A2B0": content, b"A2B1": table()})
    assert _names(icc.for_conversion(profile)) == [*displays(), b"A2B1"]


@pytest.mark.parametrize("profile, sentence", [
    (b"", "cut off"), (bytes(131), "cut off"), (bytes(128) + b"\xff" * 4, "damaged"),
    (bytes(128) + struct.pack(">I", 3) + bytes(35), "damaged"),
    (bytes(128) + struct.pack(">I", 101) + bytes(9999), "damaged"),
    (bytes(icc.MAX_BYTES + 1), "too large"),
], ids=["empty", "short", "huge", "short table", "many tags", "large"])
def test_a_damaged_profile_is_ignored(tmp_path, profile, sentence):
    with pytest.raises(ValueError, match=sentence):
        icc.for_conversion(profile)
    assert profiles.to_srgb(_with(profile)).getpixel((0, 0)) == (1, 2, 3)


def _with(profile):
    image = Image.new("RGB", (2, 2), (1, 2, 3))
    image.info["icc_profile"] = profile
    return image
