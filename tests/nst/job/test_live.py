"""`stylize(progress=True)`: a bar, and in a notebook the picture as it is painted."""

import re
import sys
import types

import numpy as np
import pytest

from nst import Settings, stylize
from nst.job import live

SMALL = Settings(size=32, iterations=4, weights="random:0", content_layers="relu2_1",
                 style_layers="relu1_1,relu2_1", scales=2)


def test_a_bar_counts_all_iterations(pictures, capsys):
    seen = []
    result = stylize(*pictures, SMALL, seen.append, progress=True)
    assert "4/4" in capsys.readouterr().err and len(seen) == len(result.history)
    stylize(*pictures, SMALL)
    assert capsys.readouterr().err == ""


def test_watching_changes_no_picture(pictures):
    plain, watched = stylize(*pictures, SMALL), stylize(*pictures, SMALL, progress=True)
    assert np.array_equal(plain.picture.pixels, watched.picture.pixels)


class Notebook:
    """What of IPython is used, and what a cell would show after each update."""

    def __init__(self, monkeypatch):
        self.states = []
        ipython, inner = types.ModuleType("IPython"), types.ModuleType("IPython.display")
        ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
        inner.HTML = str
        inner.display = lambda html, display_id: self
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", inner)
        monkeypatch.setattr(live, "EVERY", 0.0)

    def update(self, html):
        self.states.append(html)


def test_a_notebook_shows_the_picture_and_in_the_end_the_result_alone(pictures, monkeypatch):
    notebook = Notebook(monkeypatch)
    result = stylize(*pictures, SMALL, progress=True)
    *shown, last = notebook.states
    assert last == "" and len(shown) >= 1
    assert all(state.startswith('<img src="data:image/jpeg;base64,') for state in shown)
    cell = result._repr_html_()
    assert 'alt="result, 32×24 pixels"' in cell and "image/svg+xml" in cell
    assert re.search(r"iterations</td><td[^>]*>4<", cell)
    assert "array(" not in repr(result) and "Picture(32×24 float32)" in repr(result)


def test_the_bar_ends_also_if_the_run_is_stopped(pictures, monkeypatch):
    closed = []
    monkeypatch.setattr(live.LiveProgress, "close", lambda self: closed.append(True))

    def fail(progress):
        raise ValueError("an observer that fails")

    with pytest.raises(ValueError, match="an observer"):
        stylize(*pictures, SMALL, fail, progress=True)
    assert closed == [True]


def test_without_a_curve_there_is_no_drawing(pictures):
    result = stylize(*pictures, SMALL.replace(iterations=1, scales=1))
    object.__setattr__(result, "history", result.history[:1])
    object.__setattr__(result, "best_iteration", 0)
    assert "no losses to draw" in result._repr_html_()


def test_settings_show_what_was_chosen_first():
    chosen = Settings(size=320, region_masks=[np.ones((4, 6)), "all"], weights="<b>")
    cell = chosen._repr_html_()
    head, rest = cell.split("<details>")
    for text in ("size", "320", "picture of 4×6, all", "&lt;b&gt;", "3 differ"):
        assert text in head, text
    assert "style_weight" in rest and "style_weight" not in head and "relu1_1=8" in rest
    assert "all have their default values" in Settings()._repr_html_()
