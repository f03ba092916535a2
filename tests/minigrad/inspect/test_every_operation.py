"""Every operation that has a rule can be explained, and its gradients agree with measured ones."""

import os

import numpy as np
import pytest
from inspected import backward_steps, page_data

import minigrad as mg
from minigrad import inspect
from minigrad.check.samples import inputs_of, registered_samples
from minigrad.core.primitive import registered_primitives

pytestmark = pytest.mark.slow

# A sample stands for a way of calling: with reduced counts, the first two of each operation.
MAX_SAMPLES = 2 if os.environ.get("SLOW_TESTS") == "reduced" else None
RULED = [name for name, primitive in registered_primitives().items()
         if primitive.__module__.startswith("minigrad.") and any(primitive.rules.values())]


@pytest.mark.parametrize("name", RULED)
def test_it_is_explained_before_and_after_backward(name):
    primitive = registered_primitives()[name]
    for sample in registered_samples(name)[:MAX_SAMPLES]:
        with inspect.record(), np.errstate(all="ignore"):
            out = primitive(*inputs_of(primitive, sample))
            weights = np.random.default_rng(0).standard_normal(out.shape)
            loss = (out * mg.tensor(weights)).sum()
        before = page_data(inspect.explain(loss))[1]
        kinds = {step["measured"]["kind"] for step in backward_steps(before) if step["measured"]}
        assert kinds <= {"agrees"}, (sample.note, kinds)
        assert kinds or not out._array.size, sample.note
        loss.backward()
        after = page_data(inspect.explain(loss))[1]
        assert [step["gradient"] for step in backward_steps(after)] == [
            step["gradient"] for step in backward_steps(before)], sample.note
