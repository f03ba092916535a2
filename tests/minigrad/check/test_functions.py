"""Functions and modules of minigrad through the checker of plain arrays."""

import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import elementwise, nn
from minigrad.check import GradcheckError, UndecidedError, check_function
from minigrad.errors import ArgumentError

pytestmark = pytest.mark.usefixtures("leave_no_primitives")


@pytest.fixture
def device():
    return "cpu"


class Scaled(nn.Module):
    """A module whose rule for the scale is wrong if `factor` is not 1."""

    def __init__(self, factor):
        @elementwise
        def scaled(x, s):
            return x * s

        scaled.derivative(x=lambda g, s: g * s, s=lambda g, x: factor * g * x)
        self.scale = nn.Parameter(mg.tensor([1.5, -2.0]))
        self.again = self.scale
        self.scaled = scaled

    def forward(self, x):
        return mg.tanh(self.scaled(x, self.scale))


def test_a_module_with_all_its_parameters(rng):
    x = rng.standard_normal((3, 2)).astype(np.float32)
    module = Scaled(1)
    report = check_function(module, (x,))
    assert report.labels == ["scale", "input 0"]
    assert "float32" in report.message() and "parameters" in report.message()
    assert module.scale is module.again and module.scale.dtype == np.float32
    with pytest.raises(GradcheckError, match="worst at scale"):
        check_function(Scaled(1.01), (x,))


def test_running_statistics_stay_what_they_are(rng):
    module = nn.BatchNorm2d(2)
    before = module.state_dict()
    assert check_function(module, (rng.standard_normal((2, 2, 3, 3)),))
    assert all(np.array_equal(before[name].numpy(), value.numpy())
               for name, value in module.state_dict().items())


def test_a_right_gradient_whose_own_derivative_is_wrong(rng):
    @elementwise
    def square(x):
        return x * x

    square.derivative(x=lambda g, x: 2 * g * (x.detach() if isinstance(x, mg.Tensor) else x))
    x = (rng.standard_normal(3),)
    assert check_function(square, x, orders=(1,))
    with pytest.raises(GradcheckError, match="gradgradcheck"):
        check_function(square, x)


def test_a_random_module_cannot_be_judged(rng):
    with pytest.raises(UndecidedError, match="fix the seed"):
        check_function(nn.Dropout(0.5), (rng.standard_normal((4, 5)),))


def test_primitives_and_functions_of_tensors(rng):
    x, y = rng.standard_normal((3, 4)), rng.standard_normal((4, 2))
    assert check_function(mg.matmul, (x, y), framework="minigrad").exact
    assert check_function(lambda x, y: mg.exp(x @ y), (mg.tensor(x), mg.tensor(y)))


def test_large_and_small_inputs_raise_no_false_alarm(rng):
    for power in (-8, 8):
        x = rng.uniform(1, 2, 5) * 10.0 ** power
        assert check_function(mg.log, (mg.tensor(x, dtype=np.float64),))
        assert check_function(lambda x: x * x, (mg.tensor(x, dtype=np.float64),))


def test_a_function_whose_framework_is_unknown():
    with pytest.raises(ArgumentError, match="check_gradient"):
        check_function(np.sin, (np.ones(3),))
    with pytest.raises(ArgumentError, match="tuple or list"):
        check_function(mg.exp, np.ones(3))


def test_no_framework_is_imported_for_others():
    """The checker runs where NumPy alone is installed."""
    code = ("import sys; sys.modules['torch'] = sys.modules['jax'] = None; import numpy as np; "
            "from minigrad import check; check.check_gradient(np.sin, np.cos, [1.0, 2.0]); "
            "import minigrad as mg; check.check_function(mg.exp, ([1.0, 2.0],))")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)
