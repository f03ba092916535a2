"""The figures of the pages: curves at their places, pixels in their greys."""

import re
import xml.dom.minidom

import numpy as np
import pytest

from course.figures import HEIGHT, WIDTH, curves, greys


def paths(figure, attribute):
    """The paths of a figure that carry an attribute, as lists of numbers."""
    xml.dom.minidom.parseString(figure.svg)
    return [[float(number) for number in re.findall(r"-?[\d.]+", match)]
            for match in re.findall(rf'<path d="([^"]*)"[^>]*{attribute}', figure.svg)]


def test_a_curve_runs_from_corner_to_corner():
    figure = curves({"fall & rise": [4, 0, 4], "line": ([0, 2], [0, 4])}, "steps", "loss")
    first, second = paths(figure, 'stroke-width="1.6"')
    left, top, middle, bottom, right, end = first
    assert top == end < bottom < HEIGHT and left < middle < right < WIDTH
    assert middle == pytest.approx((left + right) / 2)
    assert second == [left, bottom, right, top]
    assert "fall &amp; rise" in figure.svg and ">steps<" in figure.svg and ">loss<" in figure.svg
    assert figure._repr_svg_() == figure.svg


def test_a_logarithmic_axis():
    (line,) = paths(curves({"a": [1, 10, 100]}, "x", "y", log=True), 'stroke-width="1.6"')
    assert line[1] - line[3] == pytest.approx(line[3] - line[5], abs=0.2)
    assert ">1e2<" in curves({"a": [1, 10, 100]}, "x", "y", log=True).svg


def test_level_curves_and_single_points():
    for line in ([3.0, 3.0], [5.0], [0.0, 0.0]):
        assert "nan" not in curves({"a": line}, "x", "y").svg


def test_pixels():
    picture = np.array([[0, 1, 1, 0], [0.5, 0, 0, 1]])
    figure = greys([picture, 0 * picture], columns=2, captions=["one", 2])
    black, grey = paths(figure, 'stroke="#000000"'), paths(figure, 'stroke="#808080"')
    assert black == [[1, 0.5, 2, 3, 1.5, 1]] and grey == [[0, 1.5, 1]]     # x, y, length
    assert figure.svg.count("<g ") == 2 and ">one<" in figure.svg and ">2<" in figure.svg


def test_the_range_of_greys():
    weights = np.array([[[-1.0, 0, 1]]])
    figure = greys(weights, 1, white=-1)
    assert paths(figure, 'stroke="#808080"') and paths(figure, 'stroke="#000000"')
    assert "#000000" not in greys(weights, 1, black=2).svg
