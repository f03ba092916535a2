"""Docstrings as reStructuredText: what a docstring says cannot break the site."""

import pytest

from tools.site.docstrings import as_rst, summary


@pytest.mark.parametrize("text, shown", [
    ("z = x*y, |x|, add_ and x_i", r"z = x\*y, \|x\|, add\_ and x\_i"),
    ("see `nst.run` and ``x``", "see :code:`nst.run` and :code:`x`"),
    ("see :func:`minigrad.grad`", "see :code:`minigrad.grad`"),
    ("Two\nlines.\n\nAnother.", "Two\nlines.\n\nAnother."),
    ("As:\n\n    a = b*c\n    d\n\nEnd.", "As:\n\n::\n\n    a = b*c\n    d\n\nEnd."),
    (">>> f(1)\n2\n\nEnd.", "::\n\n    >>> f(1)\n    2\n\nEnd."),
    ("- one\n  more\n- two", "* one\nmore\n* two".replace("\nmore", "\n  more")),
])
def test_text(text, shown):
    assert as_rst(text) == shown


def test_parameters_in_one_line_or_two():
    text = """What it does.

    Parameters
    ----------
    x : the input, N×C; it is
        never changed.
    size : int, optional
        Long side.
    low, high :
        The range.

    Returns
    -------
    The result.
    """
    assert as_rst(text) == """\
What it does.

.. rubric:: Parameters

:code:`x`
    the input, N×C; it is
    never changed.

:code:`size`
    int, optional.
    Long side.

:code:`low, high`
    The range.


.. rubric:: Returns

The result."""


def test_summary():
    assert summary("One\n    line.\n\n    More.") == "One line."
    assert summary("") == ""
