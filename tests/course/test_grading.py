"""The checks accept solutions, and say in one sentence what is wrong with anything else."""

import ast
import os

import numpy as np
import pytest

from course import catalogue
from course.catalogue import STEPS
from course.grading import static, wire
from course.grading.checks import check_source
from course.grading.verdict import Wrong
from course.grading.work import Work, _told, close, shown

SAMPLED = STEPS[2::5]           # of each part its middle step; the slow tests take all


def verdict_of(number, source, **options):
    return check_source(catalogue.step(number), source, "mine.py", **options)


def told(verdict):
    """The first finding as (check, line, text)."""
    finding = verdict.findings[0]
    return finding.check, finding.line, finding.text


def changed(number, old, new):
    source = catalogue.engine(number)
    assert old in source
    return source.replace(old, new)


@pytest.mark.parametrize("step", SAMPLED, ids=lambda step: step.folder.name)
def test_a_solution_passes(step):
    verdict = check_source(step, catalogue.engine(step.number), step.filename)
    assert verdict, "\n".join(verdict.lines())
    assert len(verdict.passed) == verdict.total >= 3 and not verdict.notes


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.folder.name)
def test_every_solution_passes_with_whatever_seed(step):
    for seed in range(1 if os.environ.get("SLOW_TESTS") == "reduced" else 4):
        verdict = check_source(step, catalogue.engine(step.number), step.filename, seed=seed)
        assert verdict, f"seed {seed}\n" + "\n".join(verdict.lines())


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.folder.name)
def test_an_exercise_as_it_is_given_fails_by_its_holes_only(step):
    verdict = check_source(step, catalogue.exercise(step.number), step.filename)
    assert verdict.findings
    assert all("is still open" in finding.text for finding in verdict.findings)


def test_a_wrong_rule_is_named_with_file_and_line():
    source = changed(3, "lambda g: g * y.data", "lambda g: -g * y.data")
    check, line, text = told(verdict_of(3, source))
    assert check == "a product and its two rules"
    assert source.splitlines()[line - 1].count("-g * y.data") == 1
    assert text.startswith("the gradient of x * y for x is wrong: the sign is flipped\nfor x = ")
    assert "by your rule" in text and "by nudging" in text


@pytest.mark.parametrize("number, old, new, words", [
    (1, "f(x - h)) / (2 * h)", "f(x)) / h", "measure from x − h to x + h"),
    (1, "/ (2 * h)", "/ 2 * h", "multiplies with h"),
    (2, "values[place])", "values[place + 1])", "take it at the value before"),
    (3, "g * (1 - result * result)", "g * (1 - x.data * x.data)", "is evaluated at the input"),
    (3, "n * x.data ** (n - 1)", "n * x.data ** n", "an exponent is one too high or too low"),
    (4, ", reverse=True", "", "the oldest first"),
    (5, "grads.get(source.number, 0.0) + rule(g)", "rule(g)", "the later use overwrites"),
], ids=["one side", "brackets", "value after", "input for output", "exponent", "order",
        "overwritten"])
def test_common_mistakes_have_a_name(number, old, new, words):
    assert words in told(verdict_of(number, changed(number, old, new), until_first=True))[2]


BAD = [
    ("syntax", "def slope(f, x:\n", "this is not Python yet: '(' was never closed", 1),
    ("other step", catalogue.engine(2),
     "this is the file of step 2 (The chain rule), not of step 1; `check 2` checks it", 1),
    ("minigrad", catalogue.engine(1) + "import minigrad\n",
     "this line imports minigrad, but an engine of the course uses NumPy", 19),
    ("torch", catalogue.engine(1) + "def late():\n    from torch import tensor\n",
     "this line imports torch,", 20),
    ("the course", catalogue.engine(1) + "from course import after_step\n",
     "this line imports course,", 19),
    ("missing", catalogue.engine(1).replace("def slopes", "def gradients"),
     "slopes is missing, which the file of step 1 begins with", None),
    ("signature", catalogue.engine(1).replace("def slope(f, x, h=1e-5)", "def slope(f, h, x)"),
     "slope has the parameters (f, h, x) here, but the checks call it with (f, x, h=1e-05)", 4),
    ("class for function", catalogue.engine(1) + "class slope:\n    pass\n",
     "slope must be a function, and is a class here", 19),
    ("null byte", "x = 1\0", "source code string cannot contain null bytes", None),
]


@pytest.mark.parametrize("source, words, line", [row[1:] for row in BAD],
                         ids=[row[0] for row in BAD])
def test_what_is_seen_without_running(source, words, line):
    check, found, text = told(verdict_of(1, source))
    assert check == "the file" and words in text and found == line
    assert "\n" not in text


def test_further_optional_parameters_are_welcome():
    own = ast.parse(changed(1, "def slope(f, x, h=1e-5)", "def slope(f, x, h=1e-5, verbose=False)"))
    static.examine(own, catalogue.step(1))
    with pytest.raises(Wrong):
        static.examine(ast.parse(changed(1, "def slope(f, x, h=1e-5)", "def slope(f, x, h, v)")),
                       catalogue.step(1))


FIRST = "    return (f(x + h)"       # the line of slope, before which these lines are put
RUNNING = [
    ("endless loop", "while True:\n        pass", "is there a loop without an end here?"),
    ("dynamic import", "__import__('minigrad')", "raises ImportError: it imports minigrad"),
    ("a file", "open('/etc/hostname')", "tried to open a file"),
    ("the solution", f"open({str(catalogue.__file__)!r})", "tried to open a file"),
    ("input", "input()", "cannot answer input()"),
    ("exit", "raise SystemExit", "raises SystemExit"),
    ("recursion", "return slope(f, x, h)", "went into itself too often"),
    ("none", "return None", "is None, but should be"),
    ("a string", "return 'six'", "is a str, but should be"),
    ("a function", "return f", "is a function, but should be"),
    ("nonsense", "1 / 0", "raises ZeroDivisionError: division by zero"),
]


@pytest.mark.slow
@pytest.mark.parametrize("lines, words", [row[1:] for row in RUNNING],
                         ids=[row[0] for row in RUNNING])
def test_what_is_seen_while_running(lines, words):
    verdict = verdict_of(1, changed(1, FIRST, f"    {lines}\n{FIRST}"), until_first=True)
    _, line, text = told(verdict)
    assert words in text and "\n" not in text
    assert line in ([4] if "should be" in words else [6, 7] if "loop" in words else [6])


def test_print_does_no_harm():
    verdict = verdict_of(1, changed(1, FIRST, f"    print('here', x)\n{FIRST}"))
    assert verdict and verdict.notes[0].startswith("line 6: print was called")
    assert "'here " in verdict.notes[0]


@pytest.mark.slow
@pytest.mark.parametrize("body", [
    "inspect.sys.modules['os'].system('true')",
    "inspect.sys.modules['os'].listdir('/')",
    "inspect.sys.modules['os'].open('/etc/hostname', 0)",
    "inspect.sys.modules['os'].kill(inspect.sys.modules['os'].getppid(), 0)",
    "inspect.sys.modules['importlib'].import_module('ctypes').CDLL(None)",
    "inspect.sys.modules['importlib'].import_module('minigrad')",
    "np.load('/etc/hostname')",
    "np.fromfile('/etc/hostname')",
    "inspect.sys.modules['builtins'].open('/proc/self/environ')",
    "inspect.sys.modules['importlib'].import_module('gc').get_objects()",
    "(lambda: 0).__code__.__class__; setattr(slope, '__code__', (lambda: 0).__code__)",
], ids=["system", "listdir", "open", "kill", "ctypes", "minigrad", "load", "fromfile", "environ",
        "gc", "code"])
def test_closed_doors(body):
    source = changed(1, "def slopes", f"import inspect\nimport numpy as np\n{body}\n\n\ndef slopes")
    text = told(verdict_of(1, source, until_first=True))[2]
    assert "does not allow" in text, text


@pytest.mark.slow
def test_memory_is_limited():
    source = changed(1, "def slopes", "import numpy as np\nbig = np.ones(3 << 28)\n\n\ndef slopes")
    assert "took more memory" in told(verdict_of(1, source))[2]


def test_the_other_process_sees_inputs_only():
    """What is sent holds no seed and no right answer; what comes back cannot run."""
    sent = wire.encoded({"x": np.arange(6.0).reshape(2, 3).T, "n": [1, 2.5, None, True, "text"]})
    back = wire.decoded(sent)
    assert np.array_equal(back["x"], np.arange(6.0).reshape(2, 3).T)
    assert back["x"].flags.f_contiguous and back["n"] == [1, 2.5, None, True, "text"]
    foreign = wire.decoded(wire.encoded(object()))
    assert isinstance(foreign, wire.Foreign) and foreign.type_name == "object"


def test_close_and_shown():
    assert close(1.0, 1.0 + 1e-12) and not close(1.0, 1.001) and not close([1.0], 1.0)
    assert not close("a", 1.0) and not close(None, 1.0) and not close([1.0, None], [1.0, 2.0])
    assert close(np.nan, 1.0) is False
    assert shown(1 / 3) == "0.3333333" and shown([1.0, 2]) == "[1, 2]" and shown(None) == "None"
    assert shown(np.zeros((3, 4))) == "an array of shape (3, 4)"


def test_a_killed_process_is_one_sentence():
    source = catalogue.engine(1)
    with Work(source, "mine.py", ast.parse(source), "def wait(engine):\n    return 1\n", 0) as work:
        assert work.call("wait", doing="waiting") == 1
        work._process.kill()
        work._process.wait()
        with pytest.raises(Wrong, match="waiting ended the process"):
            work.call("wait", doing="waiting")
        assert not work.alive


@pytest.mark.parametrize("found, words", [
    ([wire.Foreign("Tensor"), [1.0]], "has a Tensor at [0], not [1]"),
    ([[1.0], [1.0, 2.0]], "at [1] has the shape (2,), but should have (1,)"),
    ([[1.0], None], "has None at [1]"),
    ([[1.0], [[None], 2.0], 3.0], "has parts that are no array together")])
def test_lists_that_are_no_array_are_told(found, words):
    """The judge itself must not stumble over what a wrong answer returns."""
    assert words in _told(found, [np.ones(1), np.ones(1)])
