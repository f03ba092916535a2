"""Functions of PyTorch through the checker of plain arrays."""

import numpy as np
import pytest

from minigrad.check import GradcheckError, UndecidedError, check_function

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracle


def square(backward=2.0, jvp=2.0):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(inputs[0])
            ctx.save_for_forward(inputs[0])

        @staticmethod
        def backward(ctx, g):
            return backward * g * ctx.saved_tensors[0]

        @staticmethod
        def jvp(ctx, tangent):
            return jvp * tangent * ctx.saved_tensors[0]

    return Square


def test_an_autograd_function_with_both_rules(rng):
    x = rng.standard_normal((3, 4))
    assert check_function(square(), (x,))
    with pytest.raises(GradcheckError, match="claimed by the rule"):
        check_function(square(backward=1.0), (x,))
    with pytest.raises(GradcheckError, match="claimed by the jvp"):
        check_function(square(jvp=1.0), (x,))


def test_a_backward_that_ignores_the_strides_of_its_gradient(rng):
    """The class of pytorch #194719: right for a row-major gradient, so torch's own check passes."""
    class Kernel(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 3 * x

        @staticmethod
        def backward(ctx, g):
            count = min(g.numel(), g.untyped_storage().nbytes() // g.element_size())
            memory = g.as_strided((count,), (1,), 0)
            return 3 * memory.repeat(-(-g.numel() // count))[:g.numel()].reshape(g.shape)

    x = torch.tensor(rng.standard_normal((3, 4)), requires_grad=True)
    assert torch.autograd.gradcheck(Kernel.apply, (x,))
    with pytest.raises(GradcheckError, match="an upstream gradient that is"):
        check_function(Kernel, (x,))


def test_a_right_gradient_whose_own_derivative_is_wrong(rng):
    """The kind of pytorch #58509: what is saved for the backward is cut from the graph."""
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.x = x.detach()
            return x * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g * ctx.x

    x = torch.tensor(rng.standard_normal(4))
    assert check_function(Square, (x,), orders=(1,))
    with pytest.raises(GradcheckError, match="gradgradcheck of Square failed"):
        check_function(Square, (x,))
    assert check_function(lambda x: torch.tanh(x) ** 2, (x,))


def test_a_module_with_its_parameters(rng):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5), torch.nn.Tanh())
    before = {name: value.clone() for name, value in net.state_dict().items()}
    report = check_function(net, (torch.tensor(rng.standard_normal((3, 4)), dtype=torch.float32),))
    assert report.labels == ["0.weight", "0.bias", "1.weight", "1.bias", "input 0 (input)"]
    assert "float32" in report.message()
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_complex_functions(rng):
    z = torch.randn(3, dtype=torch.complex128)
    assert check_function(lambda z: z * z.conj() + z ** 2, (z,))


def test_a_random_function(rng):
    with pytest.raises(UndecidedError):
        check_function(torch.nn.Dropout(), (torch.tensor(rng.standard_normal((3, 4))),))


def test_only_tensors_that_require_a_gradient_if_there_are_any(rng):
    x = torch.tensor(rng.standard_normal(3), requires_grad=True)
    report = check_function(lambda x, y: x * y.detach(), (x, torch.ones(3)))
    assert report.labels == ["input 0 (x)"]


def test_of_functions_of_a_thousand_elements_no_check_takes_twice_as_long_as_torch(rng):
    """The median of ten; each is timed in turns with torch's slow mode."""
    x = torch.tensor(rng.uniform(0.5, 1.5, 1000), requires_grad=True)
    ratios = sorted(_ratio(function, x) for function in (
        torch.sin, torch.exp, torch.tanh, torch.log, torch.sigmoid, torch.sqrt,
        lambda x: torch.softmax(x, 0), lambda x: torch.cumsum(x, 0), lambda x: x.sum(),
        lambda x: torch.logsumexp(x, 0)))
    assert np.median(ratios) <= 2, ratios


def _ratio(function, x):
    from time import perf_counter

    def seconds(check):
        start = perf_counter()
        check()
        return perf_counter() - start

    ours = min(seconds(lambda: check_function(function, (x,))) for _ in range(2))
    theirs = min(seconds(lambda: torch.autograd.gradcheck(function, (x,))) for _ in range(2))
    return ours / theirs
