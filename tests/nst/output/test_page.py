"""The page of a run: everything is in it, nothing in it is read as something else."""

import base64
import io
import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from minigrad.errors import ArgumentError, FileError
from nst.output.page import MAX_POINTS, Curve, RunPage, html
from nst.output.template import COMMAND, is_page, write_page
from nst.pictures.frame import Frame
from nst.pictures.picture import Picture


def picture(color, width=40, height=30, alpha=None):
    return Picture(np.full((height, width, 3), color, np.uint8), alpha)


def page(**more):
    frames = [Frame.of(picture((10 * k, 90, 90)), 5 * k) for k in range(4)]
    defaults = {"title": "a title", "summary": "a summary", "frames": frames,
             "content": Frame.of(picture(9), 0, "c.png"),
             "styles": [Frame.of(picture(99), 0, "s.png")],
             "curves": [Curve("total", [(k, 10.0 ** (9 - k)) for k in range(16)])],
             "command": "python -m nst.run c.png s.png -o out.png"}
    return RunPage(**{**defaults, **more})


def data_of(text):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found[1])


def test_pictures_are_inside():
    data = data_of(html(page()))
    assert (data["width"], data["height"]) == (40, 30)
    assert [frame["label"] for frame in data["frames"]] == [
        f"iteration {k}" for k in (0, 5, 10, 15)]
    encoded = data["frames"][2]["src"].removeprefix("data:image/jpeg;base64,")
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        assert np.abs(np.asarray(image, int) - (20, 90, 90)).max() <= 3


def test_large_pictures_are_scaled_and_transparent_ones_stay_so():
    assert Frame.of(picture(1, 3000, 1500)).size == (960, 480)
    assert Frame.of(picture(1)).source.startswith("data:image/jpeg")
    clear = Frame.of(picture(1, alpha=np.zeros((30, 40), np.uint8)))
    assert clear.source.startswith("data:image/png")


def test_several_styles_or_none_and_no_content():
    text = html(page(styles=[Frame.of(picture(k), 0, f"{k}.png") for k in range(3)]))
    assert [f"style {k}.png" in text for k in range(4)] == [True, True, True, False]
    text = html(page(content=None, styles=[]))
    assert "<figure" not in text and 'class="control" hidden' in text


def test_nothing_is_taken_for_markup():
    nasty = '</script><script>alert("x")</script>&<b>{{data}}{{style}}'
    text = html(page(title=nasty, summary=nasty, command=nasty, distances={nasty: (1, 2)},
                     tables={nasty: {nasty: nasty}}, curves=[Curve(nasty, [(0, 1.0)])],
                     scales=[(0, nasty)], content=Frame.of(picture(9), 0, nasty)))
    assert "<script>alert" not in text and "<b>" not in text
    assert text.count("</script>") == 2
    assert data_of(text)["curves"][0]["name"] == nasty      # and yet it is what it was
    assert text.count("&lt;/script&gt;") >= 6


def test_nothing_steers_the_direction_of_writing():
    steering = "a\u202e\u2028\x1b\x85\u200f"
    text = html(page(title=steering, summary=steering, command=f"{steering}\nsecond line",
                     content=Frame.of(picture(9), 0, steering),
                     frames=[Frame.of(picture(9), 0, steering)],
                     curves=[Curve(steering, [(0, 1.0), (1, 2.0)])]))
    assert text.replace("\n", "").isprintable()
    assert "a�����\nsecond line" in text and '"label": "a�����"' in text


def test_only_what_has_a_logarithm_is_drawn():
    points = [(0, 100.0), (1, 0.0), (2, -1.0), (3, float("nan")), (4, float("inf")), (5, 2.0)]
    data = data_of(html(page(curves=[Curve("tv", points), Curve("style", [(0, 0.0)])])))
    assert [(c["name"], c["x"], c["y"]) for c in data["curves"]] == [("tv", [0, 5], [100, 2])]


def test_long_runs_are_thinned_and_keep_both_ends():
    curve = Curve("total", [(k, 1.0 + k) for k in range(20_000)])
    data = data_of(html(page(curves=[curve])))["curves"][0]
    assert len(data["x"]) == MAX_POINTS and data["x"][0] == 0 and data["x"][-1] == 19_999


def test_curves_of_layers_have_colours_of_their_own():
    curves = [Curve(name, [(0, 1.0)]) for name in ("total", "style", "relu1_1", "relu2_1")]
    data = data_of(html(page(curves=curves)))["curves"]
    assert [one["layer"] for one in data] == [False, False, True, True]
    assert len({one["color"] for one in data}) == 4


def test_distances_and_tables():
    text = html(page(distances={"relu1_1": (0.5, 0.25)},
                     tables={"Settings": {"size": 512, "blend": None, "tv": 1e-3,
                                          "layers": {"relu1_1": 0.5}, "canvas": (4, 5)}}))
    assert 'class="bar before" style="width:100.0%"' in text
    assert 'class="bar after" style="width:50.0%"' in text
    for row in ("<th>size</th><td>512", "<th>blend</th><td>—", "<th>tv</th><td>0.001",
                "<th>layers</th><td>relu1_1 0.5", "<th>canvas</th><td>4, 5"):
        assert row in text
    assert 'id="distances"' not in html(page())
    assert "<th>relu5_1</th>" in html(page(gram_errors={"relu5_1": (0.5, 0.25)}))


def test_names_and_places(tmp_path):
    write_page(tmp_path / "run.html", html(page()))
    assert (tmp_path / "run.html").read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(ArgumentError, match=r"run\.png is a web page, so its name must"):
        write_page(tmp_path / "run.png", html(page()))
    with pytest.raises(FileError, match="no folder"):
        write_page(tmp_path / "nowhere" / "run.html", html(page()))
    with pytest.raises(ArgumentError, match="at least one picture"):
        html(page(frames=[]))


def test_which_files_are_pages(tmp_path):
    """Wherever the command stands, also across the pieces that are read; a pipe has no end."""
    for at in (0, 5, (1 << 20) - 30, (1 << 20) - 1, 1 << 20, 3 << 20):
        path = tmp_path / f"{at}.html"
        path.write_bytes(b" " * at + COMMAND.encode() + b"run")
        assert is_page(path)
        path.write_bytes(b" " * at + COMMAND.encode()[:-1])
        assert not is_page(path)
    os.mkfifo(tmp_path / "pipe.html")
    assert not any(is_page(tmp_path / name) for name in ("pipe.html", "missing.html", "."))
