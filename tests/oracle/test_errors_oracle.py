"""Every call that PyTorch's own samples call a mistake (`error_inputs`) is refused in one sentence.

Excepted are the mistakes that a row of "Deliberate differences" in docs/conventions.md allows.
"""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
from oracle_cases import OPS, mapped, to_ours  # noqa: E402
from oracle_differences import ALLOWED  # noqa: E402
from oracle_table import TABLE  # noqa: E402

import minigrad as mg  # noqa: E402

pytestmark = pytest.mark.oracle

LIMIT = 64              # of the dimensions that a NumPy array can have


def mistakes(name):
    """PyTorch's mistakes that can be made here, too: those with its own kinds of values."""
    for mistake in OPS[name].error_inputs("cpu"):
        sample = mistake.sample_input
        dimensions: list = []
        mapped(lambda v, all=dimensions: all.append(getattr(v, "ndim", 0)),
               (sample.input, sample.args, sample.kwargs))
        if max(dimensions, default=0) <= LIMIT:
            yield sample


@pytest.mark.parametrize("name", [
    name for name in TABLE if OPS[name].error_inputs_func is not None])
def test_mistakes_are_refused_in_a_sentence(name, record_property):
    counts, accepted = {"passed": 0, "allowed": 0}, []
    for sample in mistakes(name):
        allowed = next((row for row, applies in ALLOWED.items() if applies(name, sample)), None)
        if allowed:
            counts["allowed"] += 1
            continue
        args = mapped(to_ours, (sample.input, sample.args, sample.kwargs))
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                TABLE[name](args[0], *args[1], **args[2])
        except mg.MinigradError as error:
            assert "\n" not in str(error) and len(str(error)) > 20
            counts["passed"] += 1
        else:
            accepted.append(f"{name}{args}"[:300])
    record_property("mistakes", counts)
    assert not accepted, "\n".join(accepted)
