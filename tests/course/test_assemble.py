"""Steps are joined to one engine file: definitions replaced, members merged, holes filled."""

import pytest

from course import assemble, catalogue
from course.errors import AssemblyError

BASE = '''import math


def f(x):
    """f"""
    return math.sin(x)


# About the class.
class Box:
    """A box."""

    def __init__(self, x):
        self.x = x

    def get(self):
        return self.x


LIMIT = 3
'''


def joined(*sources):
    engine = assemble.Engine()
    for source in sources:
        engine = engine.joined(assemble.parse(source))
    return engine.source("A test.")


def test_a_file_comes_out_as_it_went_in():
    assert joined(BASE) == f'"""A test."""\n\n{BASE}'


def test_a_definition_replaces_its_namesake_at_its_place():
    text = joined(BASE, "def f(x):\n    return 0\n\n\ndef g(x):\n    return 1\n")
    assert "sin" not in text and text.index("return 0") < text.index("class Box")
    assert text.endswith("def g(x):\n    return 1\n")


def test_members_of_a_class_are_merged():
    text = joined(BASE, "class Box:\n    def get(self):\n        return 2\n\n"
                        "    # after: __init__\n    def set(self, x):\n        self.x = x\n")
    assert text.count("class Box") == 1 and '"""A box."""' in text and "# About" in text
    assert text.index("__init__") < text.index("def set") < text.index("def get")
    assert "return self.x" not in text and "# after" not in text
    text = joined(BASE, "class Box:\n    # before: __init__\n    y = 1\n")
    assert text.index("y = 1") < text.index("def __init__") and "# before" not in text


def test_a_docstring_of_a_class_is_replaced_with_it():
    text = joined(BASE, 'class Box:\n    """Another."""\n\n    y = 1\n')
    assert '"""Another."""' in text and '"""A box."""' not in text and "self.x = x" in text


def test_imports_are_united_and_sorted():
    text = joined(BASE, "import numpy as np\nimport itertools\nimport math\n")
    assert text.startswith('"""A test."""\n\nimport itertools\nimport math\n\nimport numpy as np\n')


def test_del_takes_a_definition_away():
    text = joined(BASE, "del f, LIMIT, math\n")
    assert "def f" not in text and "LIMIT" not in text and "import" not in text


@pytest.mark.parametrize("source, words", [
    ("del missing\n", "`del missing` takes away what is not there"),
    ("# after: missing\ndef h():\n    pass\n", "h shall go after missing"),
    ("if True:\n    x = 1\n", "line 1: a step holds imports, definitions"),
    ("x = y = 1\n", "line 1: a step holds imports, definitions"),
], ids=["del", "after", "if", "two names"])
def test_what_cannot_be_joined_is_told(source, words):
    with pytest.raises(AssemblyError, match=words):
        joined(BASE, source)


HOLES = '''def f(x):
    # hole: one
    # and a half
    y = x + 1
    # because
    return y
    # end


def g(x):
    # hole: two
    return x
    # end
'''


def test_holes_filled_and_open():
    assert assemble.filled(HOLES) == ("def f(x):\n    y = x + 1\n    # because\n    return y\n\n\n"
                                      "def g(x):\n    return x\n")
    assert assemble.opened(HOLES) == (
        'def f(x):\n    # Hole 1: one\n    # and a half\n    raise NotImplementedError("hole 1")\n'
        '\n\ndef g(x):\n    # Hole 2: two\n    raise NotImplementedError("hole 2")\n')
    assert assemble.number_of_holes(HOLES) == 2


def test_a_hole_at_the_end_of_a_definition_belongs_to_it():
    text = joined(assemble.filled(HOLES))
    assert text == f'"""A test."""\n\n\n{assemble.filled(HOLES)}'
    assert "# end" in assemble.parse(HOLES).parts["g"].text


def test_what_earlier_holes_asked_for_is_not_carried_along():
    opened = catalogue.exercise(2, catalogue.exercise(1).replace(
        'raise NotImplementedError("hole 1")', "return 0  # my own"))
    assert "Hole 1: the slope of 1 / x" in opened and "my own" in opened
    assert "the rise of f" not in opened and "and all other inputs" not in opened
    assert opened.count("# Hole 1") == 1
