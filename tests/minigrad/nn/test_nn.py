"""Layers against PyTorch's, what a Module finds and saves, and the statistics of initialisers."""

import copy
import math

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad import nn, optim
from minigrad.errors import ArgumentError, DTypeError, MinigradError, ShapeError

IMAGE = (2, 4, 7, 6)

# name of the class in both libraries, its arguments, the shape of its input
LAYERS = [
    ("Linear", (5, 3), {}, (4, 5)),
    ("Linear", (5, 3), {"bias": False}, (2, 3, 5)),
    ("Conv2d", (4, 6, 3), {}, IMAGE),
    ("Conv2d", (4, 6, (3, 2)), {"stride": (2, 1), "padding": (1, 0), "groups": 2}, IMAGE),
    ("Conv2d", (4, 2, 3), {"padding": "same", "dilation": 2, "bias": False}, IMAGE),
    ("Conv2d", (4, 2, 3), {"padding": 1, "padding_mode": "reflect"}, IMAGE),
    ("Conv2d", (4, 2, 3), {"padding": (2, 1), "padding_mode": "replicate", "stride": 2}, IMAGE),
    ("Conv2d", (4, 2, (2, 4)), {"padding": "same", "padding_mode": "replicate"}, IMAGE),
    ("MaxPool2d", (2,), {}, IMAGE),
    ("MaxPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}, IMAGE),
    ("AvgPool2d", (2,), {"stride": 1}, IMAGE),
    ("AvgPool2d", ((3, 2),), {"padding": 1, "count_include_pad": False}, IMAGE),
    ("ReLU", (), {}, (3, 4)), ("LeakyReLU", (0.2,), {}, (3, 4)), ("Sigmoid", (), {}, (3, 4)),
    ("Tanh", (), {}, (3, 4)), ("Softmax", (), {"dim": 1}, (3, 4)), ("Flatten", (), {}, IMAGE),
    ("Flatten", (0, 2), {}, IMAGE),
    ("ConvTranspose2d", (4, 6, 3), {}, IMAGE),
    ("ConvTranspose2d", (4, 6, (3, 2)), {"stride": (2, 3), "padding": (1, 0), "groups": 2,
                                         "output_padding": (1, 2), "dilation": 2}, IMAGE),
    ("ConvTranspose2d", (4, 3, 4), {"stride": 2, "padding": 1, "bias": False}, IMAGE),
    ("BatchNorm2d", (4,), {}, IMAGE), ("BatchNorm2d", (4, 1e-2, 0.3, False), {}, IMAGE),
    ("BatchNorm2d", (4,), {"track_running_stats": False}, IMAGE),
    ("BatchNorm2d", (4,), {"momentum": None}, IMAGE),
    ("InstanceNorm2d", (4,), {}, IMAGE), ("InstanceNorm2d", (4, 1e-2, 0.3, True, True), {}, IMAGE),
    ("LayerNorm", (6,), {}, IMAGE), ("LayerNorm", ((7, 6), 1e-2), {"bias": False}, IMAGE),
    ("LayerNorm", (4,), {"elementwise_affine": False}, (3, 4)),
    ("ELU", (0.7,), {}, (3, 4)), ("Softplus", (), {}, (3, 4)), ("Dropout", (0.0,), {}, (3, 4)),
    ("Upsample", ((9, 5),), {}, IMAGE),
    ("Upsample", (), {"scale_factor": 2, "mode": "bilinear", "align_corners": True}, IMAGE),
]


@pytest.mark.oracle
@pytest.mark.parametrize("name, args, options, shape", LAYERS)
def test_layers_equal_pytorchs(name, args, options, shape, rng):
    torch = pytest.importorskip("torch")
    mine = getattr(nn, name)(*args, **options).to(np.float64)
    theirs = getattr(torch.nn, name)(*args, **options).double()
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    theirs.load_state_dict({n: torch.tensor(v.numpy()) for n, v in mine.state_dict().items()})
    x = mg.tensor(rng.standard_normal(shape), requires_grad=True)
    t = torch.tensor(x.numpy(), requires_grad=True)
    y, expected = mine(x), theirs(t)
    upstream = rng.standard_normal(tuple(expected.shape))
    y.backward(mg.tensor(upstream))
    expected.backward(torch.tensor(upstream))
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-10, atol=1e-12)
    for ours, other in zip(mine.parameters(), theirs.parameters()):
        np.testing.assert_allclose(ours.grad.numpy(), other.grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.oracle
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_equal_pytorchs(reduction, rng):
    torch = pytest.importorskip("torch")
    scores, targets = rng.standard_normal((5, 3)), rng.standard_normal((5, 3))
    chances, truth = rng.random((5, 3)), rng.integers(0, 2, (5, 3)).astype(float)
    for name, x, t in (("MSELoss", scores, targets), ("BCELoss", chances, truth),
                       ("CrossEntropyLoss", scores, rng.integers(0, 3, 5)),
                       ("NLLLoss", scores, rng.integers(0, 3, 5)), ("L1Loss", scores, targets),
                       ("HuberLoss", scores, targets), ("BCEWithLogitsLoss", scores, truth)):
        ours = getattr(nn, name)(reduction=reduction)(mg.tensor(x), mg.tensor(t))
        theirs = getattr(torch.nn, name)(reduction=reduction)(torch.tensor(x), torch.tensor(t))
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-10)


@pytest.mark.oracle
@pytest.mark.parametrize("name, args", [("Linear", (50, 60)), ("Conv2d", (20, 30, (3, 4))),
                                        ("ConvTranspose2d", (30, 20, (3, 4)))])
def test_default_values_are_drawn_as_pytorchs(name, args):
    """Uniform in ±1/√fan_in, weight and bias: the same bound, variance and fourth moment."""
    torch = pytest.importorskip("torch")
    mg.manual_seed(1)
    torch.manual_seed(1)
    mine, theirs = getattr(nn, name)(*args), getattr(torch.nn, name)(*args)
    for ours, other in zip(mine.parameters(), theirs.parameters()):
        assert ours.shape == tuple(other.shape) and ours.dtype == np.float32
    a, b = mine.weight.numpy(), theirs.weight.detach().numpy()
    bound = 1 / math.sqrt(math.prod(a.shape[1:]))
    for values in (a, b):
        assert 0.99 * bound < np.abs(values).max() <= bound * (1 + 1e-6)
        assert np.var(values) == pytest.approx(bound ** 2 / 3, rel=0.06)
        assert np.mean(values ** 4) == pytest.approx(bound ** 4 / 5, rel=0.08)
    bias = mine.bias.numpy()
    assert 0.8 * bound < np.abs(bias).max() <= bound and np.unique(bias).size == bias.size


# ---------------------------------------------------------------------- what a Module finds


class Net(nn.Module):
    """Two layers with one weight between them, a buffer, and attributes that are no parameters."""

    def __init__(self):
        self.first = nn.Linear(3, 3)
        self.body = nn.Sequential(nn.Tanh(), nn.Linear(3, 2))
        self.tied = self.first
        self.scale = nn.Parameter([2.0, 3.0])
        self.register_buffer("mean", mg.tensor([1.0, 1.0]))
        self.name, self.constant = "net", mg.tensor([5.0])

    def forward(self, x):
        return self.body(self.tied(self.first(x))) * self.scale + self.mean


def test_names_and_order():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == [
        "scale", "first.weight", "first.bias", "body.1.weight", "body.1.bias"]
    assert [name for name, _ in net.named_modules()] == ["", "first", "body", "body.0", "body.1"]
    assert [name for name, _ in net.named_children()] == ["first", "body", "tied"]
    assert set(net.state_dict()) == {
        "scale", "mean", "first.weight", "first.bias", "body.1.weight", "body.1.bias",
        "tied.weight", "tied.bias"}
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in net.parameters())


def test_train_and_eval_reach_everything():
    net = Net()
    assert all(module.training for module in net.modules())
    assert net.eval() is net and not any(module.training for module in net.modules())
    assert nn.Linear(1, 1).training
    net.train()
    assert net.body[0].training


def test_freezing_and_zero_grad(device):
    net = Net().to(device)
    net.first.requires_grad_(False)
    net(mg.ones(1, 3, device=device)).sum().backward()
    assert net.first.weight.grad is None and net.scale.grad is not None
    net.zero_grad(set_to_none=False)
    assert net.scale.grad.tolist() == [0.0, 0.0] and net.first.weight.grad is None
    net.zero_grad()
    assert net.scale.grad is None


def test_a_tensor_cannot_take_a_parameters_place_unnoticed():
    layer = nn.Linear(2, 2)
    with pytest.raises(ArgumentError, match="weight of Linear is a Parameter"):
        layer.weight = mg.zeros(2, 2)
    with pytest.raises(ArgumentError, match="weight of Linear is a Parameter"):
        layer.weight = np.zeros((2, 2))
    layer.weight = nn.Parameter(mg.zeros(2, 2))
    assert sum(p.numel() for p in layer.parameters()) == 6


def test_a_buffer_is_a_tensor_or_none():
    layer = nn.BatchNorm1d(2)
    layer.register_buffer("missing", None)
    layer.running_mean = None
    assert list(layer.state_dict()) == ["weight", "bias", "running_var", "num_batches_tracked"]
    layer.load_state_dict(layer.state_dict())
    layer.to("float64").missing = mg.ones(1)
    assert "missing" in layer.state_dict()
    for name, value in (("b", np.ones(1)), (5, mg.ones(1)), ("", None), ("a.b", None)):
        with pytest.raises(ArgumentError, match="buffer"):
            layer.register_buffer(name, value)
    with pytest.raises(ArgumentError, match="running_var of BatchNorm1d is a buffer"):
        layer.running_var = 5


def test_a_module_may_contain_itself():
    net = nn.Sequential(nn.Linear(1, 1))
    net.again, net[0].above = net, net
    visited = []
    assert len(list(net.parameters())) == 2 and list(net.state_dict()) == ["0.weight", "0.bias"]
    assert net.apply(visited.append).eval() is net and visited == [net[0], net]
    assert len(list(net.modules())) == 2 and "(again): ..." in repr(net)
    assert copy.deepcopy(net)[0].above is not net


def test_types_that_a_module_cannot_have():
    layer = nn.Linear(1, 1)
    assert layer.to(None) is layer and layer.weight.dtype == np.float32
    deep = []
    for _ in range(3000):
        deep = [deep]
    for wrong in ("float33", "", 5, object(), deep, "f4,f4", "int64", mg.Tensor):
        with pytest.raises(DTypeError):
            layer.to(wrong)


def test_a_deep_copy_is_another_network():
    net = Net()
    twin = copy.deepcopy(net)
    assert type(twin.scale) is nn.Parameter and twin.first is twin.tied
    with mg.no_grad():
        twin.scale.zero_()
    assert net.scale.tolist() == [2.0, 3.0]
    assert len(list(twin.parameters())) == len(list(net.parameters()))


def test_moving_keeps_the_parameters_objects(device):
    net = Net()
    params = list(net.parameters())
    optimizer = optim.SGD(params, lr=0.1)
    assert net.to(device) is net and net.to(np.float64) is net
    assert all(a is b for a, b in zip(params, net.parameters()))
    assert {p.dtype for p in params} == {np.dtype(np.float64)} and net.mean.dtype == np.float64
    assert {p.device for p in params} == {device}
    net(mg.ones(1, 3, dtype=np.float64, device=device)).sum().backward()
    before = net.scale.numpy()
    optimizer.step()
    assert (net.scale.numpy() != before).all()
    net.to(np.float32)
    assert net.scale.grad.dtype == np.float32
    with pytest.raises(DTypeError, match="not to int32"):
        net.to(np.int32)


def test_a_graph_of_before_a_move_is_still_right():
    layer = nn.Linear(2, 1, dtype=np.float64)
    x = mg.tensor([[1.0, 2.0]], dtype=np.float64, requires_grad=True)
    y = layer(x)
    weight = layer.weight.numpy()
    layer.to(np.float32)
    with mg.no_grad():
        layer.weight.zero_()
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), weight)


def test_sequential_is_a_list_of_layers():
    layers = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    assert len(layers) == 3 and layers[-1] is list(layers)[2]
    part = layers[:2]
    assert isinstance(part, nn.Sequential) and part[0].weight is layers[0].weight
    with pytest.raises(ArgumentError, match="Sequential takes modules, not function"):
        nn.Sequential(lambda x: x)
    with pytest.raises(NotImplementedError, match=r"Module does not define forward"):
        nn.Module()(1)


def test_as_text():
    text = repr(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.LeakyReLU(0.1)))
    assert text == ("Sequential(\n  (0): Conv2d(1, 2, kernel_size=(3, 3), padding=1, bias=False)\n"
                    "  (1): LeakyReLU(negative_slope=0.1)\n)")


# -------------------------------------------------------------------------- state dicts


def test_a_state_dict_makes_two_networks_equal(device, rng):
    one, two = Net().to(device), Net()
    state = one.state_dict()
    with mg.no_grad():
        one.scale.zero_()                       # the snapshot does not change any more
    assert two.load_state_dict(state) == ([], [])
    assert two.scale.tolist() == [2.0, 3.0] and two.scale.device == "cpu"
    one.load_state_dict({name: value.numpy() for name, value in state.items()})
    x = rng.standard_normal((4, 3)).astype(np.float32)
    np.testing.assert_allclose(one(mg.tensor(x, device=device)).numpy(), two(mg.tensor(x)).numpy(),
                               rtol=1e-5)


def test_of_two_values_for_a_shared_parameter_the_last_counts():
    shared = nn.Linear(1, 1, bias=False)
    many = nn.Sequential(*[shared] * 9)
    many.load_state_dict({f"{k}.weight": [[float(k)]] for k in reversed(range(9))})
    assert shared.weight.item() == 8        # in the module's order, as in PyTorch


def test_state_dicts_that_do_not_fit_change_nothing():
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before, state = net.state_dict(), nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)).state_dict()
    lacking = {name: value for name, value in state.items() if name != "1.bias"}
    with pytest.raises(ArgumentError, match=r"for Sequential lacks 1\.bias$"):
        net.load_state_dict(lacking)
    with pytest.raises(ArgumentError, match=r"lacks 1\.bias and has 1\.biass that the module"):
        net.load_state_dict({**lacking, "1.biass": state["1.bias"]})
    with pytest.raises(ShapeError, match=r"1\.weight of shape \(3, 1\), .* needs \(1, 3\)"):
        net.load_state_dict({**state, "1.weight": np.zeros((3, 1))})
    with pytest.raises(ShapeError):
        net.load_state_dict({"0.bias": np.zeros(3), "1.weight": np.zeros(3)}, strict=False)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name].numpy())
    differences = net.load_state_dict({"0.bias": np.full(3, 7.0), "x": 1}, strict=False)
    assert differences.missing_keys == ["0.weight", "1.weight", "1.bias"]
    assert differences.unexpected_keys == ["x"]
    assert net[0].bias.tolist() == [7.0] * 3


# ------------------------------------------------------------------------- initialisers

SHAPES = [(400, 300), (64, 32, 3, 3)]


def spread(name, shape, **options):
    """The expected standard deviation."""
    fan_in, fan_out = math.prod(shape[1:]), shape[0] * math.prod(shape[2:])
    if name.startswith("xavier"):
        return options.get("gain", 1) * math.sqrt(2 / (fan_in + fan_out))
    gain = math.sqrt(2 / (1 + options.get("a", 0) ** 2))
    return gain / math.sqrt(fan_out if options.get("mode") == "fan_out" else fan_in)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name, options", [
    ("xavier_uniform_", {}), ("xavier_normal_", {"gain": 2.5}), ("kaiming_uniform_", {"a": 1.0}),
    ("kaiming_normal_", {}), ("kaiming_normal_", {"mode": "fan_out"}), ("he_uniform_", {})])
def test_variances_are_the_papers(name, options, shape, device):
    mg.manual_seed(7)
    weight = mg.zeros(shape, dtype=np.float64, device=device)
    assert getattr(nn.init, name)(weight, **options) is weight
    values, sigma = weight.numpy(), spread(name, shape, **options)
    assert values.std() == pytest.approx(sigma, rel=0.02)
    assert abs(values.mean()) < 5 * sigma / math.sqrt(values.size)
    kurtosis = np.mean(values ** 4) / sigma ** 4        # 9/5 uniform, 3 normal
    assert kurtosis == pytest.approx(1.8 if "uniform" in name else 3.0, rel=0.05)


def test_plain_distributions(device):
    mg.manual_seed(7)
    x = mg.zeros(50_000, dtype=np.float64, device=device)
    assert nn.init.normal_(x, 1.0, 0.1).numpy().std() == pytest.approx(0.1, rel=0.02)
    assert x.numpy().mean() == pytest.approx(1.0, abs=0.003)
    values = nn.init.uniform_(x, 2.0, 4.0).numpy()
    assert 2 <= values.min() < 2.001 and 3.999 < values.max() < 4
    assert set(nn.init.zeros_(x).tolist()) == {0.0} and set(nn.init.ones_(x).tolist()) == {1.0}


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 2, 3, 3)])
def test_orthogonal(shape, device):
    weight = mg.zeros(shape, dtype=np.float64, device=device)
    matrix = nn.init.orthogonal_(weight, gain=2.0).numpy().reshape(shape[0], -1)
    small = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(small @ small.T, 4 * np.eye(len(small)), atol=1e-12)


def test_orthogonal_matrices_are_drawn_evenly():
    """Of 1×1 matrices both signs are as likely; QR without its signs would give one only."""
    mg.manual_seed(0)
    x = mg.zeros(1, 1)
    signs = [nn.init.orthogonal_(x).item() for _ in range(200)]
    assert 70 < signs.count(1.0) < 130 and set(signs) == {1.0, -1.0}


def test_a_seed_means_the_same_network_everywhere(device):
    networks = []
    for place in ("cpu", device):
        mg.manual_seed(11)
        networks.append(nn.Conv2d(3, 4, 3, device=place))
    for a, b in zip(networks[0].parameters(), networks[1].parameters()):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


# -------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize("build, message", [
    (lambda: nn.Linear(0, 3), "at least one feature"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), r"multiples of groups \(2\), not 3 and 4"),
    (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), "not 'mirror'"),
    (lambda: nn.Conv2d(3, 4, 3, stride=2, padding="same"), "needs stride 1"),
    (lambda: nn.Conv2d(3, 4, (3, 0)), "kernel_size"),
    (lambda: nn.MaxPool2d(2, padding=2), "at most half"),
    (lambda: nn.init.kaiming_normal_(mg.zeros(3)), "need a weight"),
    (lambda: nn.init.orthogonal_(mg.zeros(3)), "two dimensions"),
    (lambda: nn.init.kaiming_normal_(mg.zeros(3, 3), mode="fan"), "'fan_in' or 'fan_out'"),
    (lambda: nn.init.kaiming_normal_(mg.zeros(3, 3), nonlinearity="gelu"), "'gelu'"),
    (lambda: nn.Parameter([1, 2]), "only floating-point"),
    (lambda: nn.MSELoss("median")(mg.zeros(2), mg.zeros(2)), "'median'"),
])
def test_mistakes_get_one_sentence(build, message):
    with pytest.raises(MinigradError, match=message) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_a_network_learns_xor(device):
    """Layers, loss and optimiser together: no straight line separates this."""
    mg.manual_seed(5)
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid()).to(device)
    x = mg.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], device=device)
    t = mg.tensor([[0.0], [1.0], [1.0], [0.0]], device=device)
    optimizer = optim.Adam(net.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        loss = nn.BCELoss()(net(x), t)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    np.testing.assert_array_equal(net(x).numpy() > 0.5, t.numpy() == 1)
    assert F.mse_loss(net(x), t).item() < 0.01
