"""The types that a type checker shows to a user of the engine."""

import re

import pytest

REVEALED = {
    "mg.exp": "minigrad.core.primitive.Primitive",
    "mg.exp(x)": "minigrad.core.tensor.Tensor",
    "mg.maximum(x, 2.0)": "minigrad.core.tensor.Tensor",
    "mg.matmul(x, x)": "minigrad.core.tensor.Tensor",
    "mg.sum(x)": "minigrad.core.tensor.Tensor",
    "mg.functional.conv2d(x, x)": "minigrad.core.tensor.Tensor",
    "mg.functional.relu(x)": "minigrad.core.tensor.Tensor",
    "x + 1": "minigrad.core.tensor.Tensor",
    "x.exp()": "minigrad.core.tensor.Tensor",
    "mg.nn.Parameter([1.0]) * x": "minigrad.core.tensor.Tensor",
    "mg.no_grad()": "minigrad.core.mode.recording",
    "plain": "minigrad.core.primitive.Primitive",
    "declared": "minigrad.core.primitive.Primitive",
}
PROGRAM = """
import minigrad as mg

x = mg.tensor([1.0])

@mg.primitive
def plain(x):
    return x

@mg.primitive(broadcasts=True)
def declared(x):
    return x

"""


@pytest.mark.slow       # mypy reads the whole engine: about ten seconds without its cache
def test_types_that_mypy_reveals(tmp_path):
    api = pytest.importorskip("mypy.api")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM + "".join(f"reveal_type({text})\n" for text in REVEALED))
    report, errors, _ = api.run(["--follow-imports=silent", "--no-error-summary", "--cache-dir",
                                 str(tmp_path / "cache"), str(program)])
    assert re.findall(r'Revealed type is "(.+)"', report) == list(REVEALED.values()), \
        report + errors
    assert "error" not in report, report
