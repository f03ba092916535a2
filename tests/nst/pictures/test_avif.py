"""AVIFs that make their decoder work for what they do not show, and those that must pass."""

import io
import itertools
import struct
import time

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from minigrad.errors import FileError
from nst.pictures import av1, avif, files
from tests.helpers.avifs import SIDE, box, full, inside, of_items, replaced

pytestmark = pytest.mark.skipif(not features.check("avif"), reason="needs libavif")
Y, X = np.mgrid[:130, :131]
PIXELS = np.stack([X * 2, Y * 2, X + Y, 255 - X], -1).clip(0, 255).astype(np.uint8)
HALVES = {"4:0:0": 2, "4:2:0": 3, "4:2:2": 4, "4:4:4": 6}      # samples of two pixels


def saved(width=SIDE, height=SIDE, channels=3, **options):
    encoded = io.BytesIO()
    Image.fromarray(PIXELS[:height, :width, :channels]).save(encoded, "AVIF", speed=10, **options)
    return encoded.getvalue()


def animated(**options):
    image = Image.fromarray(PIXELS[:SIDE, :SIDE, :3])
    return saved(save_all=True, append_images=[image.rotate(90), image], **options)


# ------------------------------------------------------------------------ units of AV1


def unit(kind, content=b""):
    length, rest = [], len(content)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes([kind << 3 | 2, *length, rest]) + content


def bits(*fields):
    """Bytes from pairs of a number and its width; of one bit if it has none."""
    number, width = 1, 0
    for field in fields:
        value, length = field if isinstance(field, tuple) else (field, 1)
        number, width = number << length | value, width + length
    number <<= -width % 8
    return (number << 8 | 0x80).to_bytes(-(-width // 8) + 2)[1:]


def sequence(width=64, height=48, side_bits=(7, 6), timing=(0,), points=((0, 12), (1, 5)),
             delays=0, ids=(0,), tools=(0, 0, 0, 0, 0, 1, 1), color=(0, 0, 0, 0, (0, 2), 0),
             profile=0):
    """A sequence header that is not reduced."""
    across, down = side_bits
    return unit(1, bits((profile, 3), 0, 0, *timing, delays, (0, 5), *points, (across - 1, 4),
                        (down - 1, 4), (width - 1, across), (height - 1, down), *ids, (0, 3),
                        *tools, (0, 3), *color, 0))


KEY = unit(6, bits(0, (0, 2), 1, 0, 0, 0, 0))      # shown; neither tools for screens nor a size
OWN_SIZE = unit(6, bits(0, (0, 2), 1, 0, 0, 1, 0))


def work(data):
    """What the callback is called with."""
    found = []
    avif.check_items(io.BytesIO(data), lambda *numbers: found.append(numbers))
    return found


def refused(tmp_path, data):
    path = tmp_path / "picture.avif"
    path.write_bytes(data)
    start = time.process_time()
    with pytest.raises(FileError) as error:
        files.read(path, "content")
    assert time.process_time() - start < 1
    return str(error.value)


# ------------------------------------------------------------------------ honest files


@pytest.mark.parametrize("options", [
    {}, {"quality": 100}, {"tile_rows": 2, "tile_cols": 1, "autotiling": False},
    {"autotiling": True}, {"range": "limited"}, {"alpha_premultiplied": True},
    {"advanced": {"film-grain-test": "5"}}, {"advanced": {"error-resilient": "1"}},
    {"xmp": b"<x/>", "exif": b"II*\0\x08\0\0\0\0\0\0\0\0\0"},
    {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()},
], ids=lambda options: "-".join(options) or "plain")
def test_pictures_of_pillow_pass(tmp_path, options):
    path = tmp_path / "picture.avif"
    for (width, height), channels in itertools.product([(1, 1), (65, 3), (130, 129)], (3, 4)):
        for data in (saved(width, height, channels, **options),
                     saved(width, height, channels, save_all=True, **options)):
            path.write_bytes(data)
            with Image.open(path) as image:
                expected = np.asarray(image.convert("RGB"))
            picture = files.read(path, "content")
            assert picture.size == (width, height)
            if channels == 3:
                np.testing.assert_array_equal(picture.pixels, expected)


@pytest.mark.parametrize("subsampling", HALVES)
@pytest.mark.parametrize("is_still", [True, False])
def test_the_size_of_a_frame_is_found(subsampling, is_still):
    for width, height in ((1, 1), (65, 3), (130, 129)):
        options = {} if is_still else {"save_all": True, "append_images": [
            Image.fromarray(PIXELS[:height, :width, :3])]}
        data = saved(width, height, subsampling=subsampling, **options)
        found = av1.frames(memoryview(inside(data, b"mdat")))
        assert (found.width, found.height, found.own_sizes) == (width, height, False)
        assert found.number == (1 if is_still else 2)
        blocks = -(-width // 128) * -(-height // 128)
        assert found.samples == found.size == blocks * 128 * 128 * HALVES[subsampling] // 2


def test_tracks_are_counted_by_their_first_sample():
    one, more = work(saved(130, 130)), work(animated())
    assert one == [(256 * 256 * 3 // 8,) * 2]
    assert more == [(128 * 128 * 3 // 8 * 2,) * 2]      # the item, and the first of three samples


@pytest.mark.parametrize("options", [
    {"cells": (2, 3)}, {"parts": 3}, {"in_idat": True}, {"cells": (2, 2), "in_idat": True},
    {"cells": (2, 1), "parts": 2}, {"properties": [box(b"a1op", b"\0")]},
    {"more": [box(b"free"), box(b"free"), box(b"uuid", bytes(16))]}], ids="-".join)
def test_other_ways_to_store_items_pass(tmp_path, options):
    path = tmp_path / "picture.avif"
    data = saved(subsampling="4:4:4")       # no colours flow from one cell to the next
    with Image.open(io.BytesIO(data)) as image:
        expected = np.tile(np.asarray(image), (*options.get("cells", (1, 1)), 1))
    for trailer in (b"", b"trailer", bytes(40)):
        path.write_bytes(of_items(data, **options) + trailer)
        np.testing.assert_array_equal(files.read(path, "content").pixels, expected)


def test_tracks_of_sounds_pass():
    item = work(animated())[0][0] // 2
    kinds = inside(animated(), *TABLE, b"stsd").replace(b"av01", b"mp4a")
    for tables in ({"stsd": kinds}, {"stco": bytes(12), "stsc": bytes(20), "stsz": bytes(24)}):
        assert work(with_table(**tables)) == [(item, item)]


def test_an_item_that_fills_whole_blocks_passes():
    assert work(of_items(saved(), size=(63, 1)))


def test_pictures_that_are_not_decoded_may_be_larger():
    thumbnail = box(b"thmb", struct.pack(">HHH", 3, 1, 2))
    data = of_items(saved(), cells=(1, 1), references=[thumbnail])
    assert work(data) == work(of_items(saved(), cells=(1, 1)))


def test_other_files_pass():
    assert work(b"") == work(b"\x89PNG\r\n\x1a\n") == work(b"\0\0\0\x10ftypheic") == []
    assert work(saved()[:200])


def test_it_takes_little_time():
    data = saved(channels=4)
    start = time.process_time()
    for _ in range(100):
        work(data)
    assert time.process_time() - start < 0.5


# ------------------------------------------------------------------------ hostile files


def test_a_frame_larger_than_its_item_states(tmp_path):
    large = saved(130, 130)
    message = refused(tmp_path, of_items(large))
    assert "it states 64×64 pixels, but a frame in it has 130×130; save it again" in message
    assert "130×130" in refused(tmp_path, of_items(large, cells=(9, 9)))
    alpha = replaced(saved(130, 130, 4), [b"meta", b"iprp", b"ipco", b"ispe"],
                     bytes(4) + struct.pack(">II", 130, 64))
    assert "it states 130×64 pixels" in refused(tmp_path, alpha)


TABLE = b"moov", b"trak", b"mdia", b"minf", b"stbl"


def counts(*numbers):
    """Version and flags, then numbers of 32 bits."""
    return struct.pack(f">{1 + len(numbers)}I", 0, *numbers)


def with_table(**tables):
    data = animated()
    for kind, content in tables.items():
        data = replaced(data, (*TABLE, kind.encode()), content)
    return data


def with_sample(units, each=False):
    """An animation whose first sample are these units; all have one size, or each its own."""
    length = len(units)
    sizes = counts(0, 3, length, 9, 9) if each else counts(length, 1)
    start = len(with_table(stsz=sizes))
    return with_table(stsz=sizes, stco=counts(1, start)) + units


def with_box(kind, content, path=(b"meta",)):
    return replaced(of_items(saved()), (*path, kind), content)


def thumbnails(sources):
    return [box(b"thmb", struct.pack(">HHH", source, 1, 2)) for source in sources]


def with_units(*units, size=(SIDE, SIDE)):
    return of_items(saved(), before=b"".join(units), size=size)


HUGE = sequence(4096, 4096, (12, 12))


@pytest.mark.parametrize("make, sentence", {
    "entries": (lambda: with_box(b"iloc", counts() + struct.pack(">HH", 0, 65_000) + (
        struct.pack(">HHH", 1, 0, 0) * 2000)), "1,501 entries of items, but may have 1,500"),
    "references": (lambda: of_items(saved(), references=thumbnails([3] * 1000)),
                   "it states 1,502 references, but may have 1,500; save it again"),
    "items of references": (lambda: of_items(saved(), references=thumbnails(range(1, 700))),
                            "it states 699 items, but may have 500; save it again"),
    "extents": (lambda: with_box(b"iloc", counts() + struct.pack(">HH", 0, 2) + b"".join(
        struct.pack(">HHH", item, 0, 3000) for item in (1, 2))), "5,001 extents"),
    "properties": (lambda: with_box(b"ipco", box(b"free") * 2000, (b"meta", b"iprp")),
                   "it states 2,000 properties, but may have 1,638"),
    "tied properties": (lambda: with_box(b"ipma", counts(20) + b"".join(
        struct.pack(">HB255x", item, 255) for item in range(1, 21)), (b"meta", b"iprp")),
        "it states 5,100 tied properties"),
    "layers": (lambda: of_items(saved(), (9, 9), properties=[box(b"a1op", b"\0")]),
               "it states 65 pictures in layers, but may have 64"),
    "shared bytes": (lambda: with_box(b"iloc", counts() + struct.pack(
        ">HHHHH", 0x4400, 1, 2, 0, 200) + struct.pack(">II", 0, 1 << 20) * 200),
        "it states 200 megabytes of items, but may have 64"),
    "EXIF": (lambda: saved(exif=b"II*\0\x08\0\0\0" + bytes(3 << 20)),
             "its EXIF has 3,145,740 bytes, but may have 2,097,152"),
    "boxes": (lambda: of_items(saved()) + box(b"free") * 10_000, "it states 10,001 boxes"),
    "two of a kind": (lambda: of_items(saved(), more=[full(b"iloc")]),
                      "it is damaged: two of its boxes are iloc"),
    "two in a track": (lambda: of_items(saved()) + box(b"moov", box(
        b"trak", full(b"meta"), full(b"meta"))), "it is damaged: two of its boxes are meta"),
    "two kinds of places": (lambda: replaced(animated(), TABLE, b"".join(
        full(kind, struct.pack(">I8x", 1)) for kind in (b"stco", b"co64"))),
        "it is damaged: a track has places of 32 and of 64 bits"),
    "a cut box": (lambda: with_box(b"iloc", b"\0\0\0\0\x44\0\0\5"),
                  "it is damaged: a box ends too early"),
    "hidden references": (lambda: of_items(saved(), references=[
        box(b"thmb", struct.pack(">HHH", 3, 1, 2), box(b"dimg", struct.pack(">HHH", 1, 1, 2)))]),
        "it is damaged: a reference is shorter than its box"),
    "the short form": (lambda: of_items(saved()) + box(b"mini"), "it has the short form of AVIF"),
    "units": (lambda: with_units(unit(15) * 5001), "it states 5,001 units of AV1"),
    "frames": (lambda: with_units(sequence(), KEY * 1001), "it states 1,002 frames"),
    "hidden frames": (lambda: with_units(HUGE, KEY * 40, size=(4096, 4096)),
                      "has more than 178,956,970 pixels"),
    "some hidden frames": (lambda: with_units(HUGE, KEY * 10, size=(4096, 4096)),
                           "claims to have 69,206,016 pixels in a file of"),
    "frames of their own size": (lambda: with_units(sequence(64, 64, (13, 13)), OWN_SIZE),
                                 "claims to have 50,331,648 pixels in a file of"),
    "no sequence": (lambda: with_units(KEY), "its AV1 data have a frame without a sequence header"),
    "no key": (lambda: with_units(sequence(), unit(6, bits(0, (1, 2), 1, 0, 0, 0, 0))),
               "its AV1 data do not begin with a key frame"),
    "an old frame": (lambda: with_units(sequence(), unit(3, bits(1, (0, 3)))), "with a key frame"),
    "a profile": (lambda: with_units(sequence(profile=3)), "have profile 3, but 0 to 2 are"),
    "a cut header": (lambda: with_units(unit(1, b"\0\0")), "have a header that ends too early"),
    "a long number": (lambda: with_units(sequence(timing=(1, (1, 32), (1, 32), 1, (0, 32)))),
                      "its AV1 data have a number that is too long"),
    "chunks": (lambda: with_table(stco=counts(200_000, 0), stsc=counts(1000)),
               "it states 200,000,000 chunks times runs of them"),
    "kinds of samples": (lambda: with_table(stsd=counts(100)), "100 kinds of samples"),
    "a sample": (lambda: with_sample(HUGE + KEY * 40), "has more than 178,956,970 pixels"),
    "a sample of each size": (lambda: with_sample(HUGE + KEY * 40, each=True), "178,956,970"),
}.values(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_would_take_long_is_refused(tmp_path, monkeypatch, make, sentence):
    for what, limit in avif.LIMITS.items():     # smaller files are made sooner
        monkeypatch.setitem(avif.LIMITS, what, limit // 20)
    monkeypatch.setattr(av1, "MAX_UNITS", 5000)
    assert sentence in refused(tmp_path, make())


TIMING = (1, (1, 32), (1, 32))
MODEL = (1, (9, 5), (0, 32), (3, 5), (4, 5))


@pytest.mark.parametrize("name, values", {
    "plain": ({}, ()),
    "regular times": ({"timing": (*TIMING, 1, (0b00101, 5), 0)}, ()),
    "a model": ({"timing": (*TIMING, 0, *MODEL),
                 "points": ((0, 12), (9, 5), 1, 1, (0, 21))}, ((7, 5),)),
    "a regular model": ({"timing": (*TIMING, 1, 1, *MODEL),
                         "points": ((0, 12), (1, 5), 0)}, ()),
    "delays": ({"delays": 1, "points": ((0, 12), (1, 5), 1, (3, 4))}, ()),
}.items(), ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize("ids, tools, choices", [
    ((0,), (0, 0, 0, 0, 0, 1, 1), (0,)), ((0,), (0, 0, 0, 0, 0, 1, 1), (1, 0)),
    ((1, (3, 4), (2, 3)), (0, 0, 0, 0, 0, 0, 0), ((5, 8),)),
    ((0,), (1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, (6, 3)), ()),
], ids=["none", "tools", "ids", "order"])
def test_headers_are_read_as_the_specification_says(name, values, ids, tools, choices):
    changes, frame = values
    planes = {"color": (1, 1, 0, 1, (9, 8), (16, 8), (9, 8), 0, 1, 0, 0), "profile": 2}
    for has_size in (0, 1):
        data = sequence(60, 33, ids=ids, tools=tools, **changes, **planes)
        data += unit(6, bits(0, (0, 2), 1, *frame, 0, *choices, has_size, 0))
        found = av1.frames(memoryview(data))
        assert found.own_sizes == has_size
        assert (found.width, found.height) == ((128, 64) if has_size else (60, 33))
        assert found.samples == 128 * 128 * 2
        assert found.size == 2 * found.samples
