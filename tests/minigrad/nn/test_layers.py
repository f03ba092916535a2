"""Layers that remember, drop or look up: normalisations over time, dropout, embedding, padding."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad import nn, optim
from minigrad.errors import ArgumentError, MinigradError, ShapeError


@pytest.mark.oracle
@pytest.mark.parametrize("name, options", [
    ("BatchNorm2d", {}), ("BatchNorm2d", {"momentum": None}), ("BatchNorm2d", {"affine": False}),
    ("InstanceNorm2d", {"track_running_stats": True, "affine": True, "momentum": 0.4})])
def test_norms_over_several_batches_then_evaluation(name, options, rng):
    torch = pytest.importorskip("torch")
    mine = getattr(nn, name)(3, **options).to(np.float64)
    theirs = getattr(torch.nn, name)(3, **options).double()
    for step in range(4):
        if step == 3:
            mine.eval(), theirs.eval()
        x = (1 + step) * rng.standard_normal((4, 3, 2, 5)) + step
        np.testing.assert_allclose(mine(mg.tensor(x)).numpy(),
                                   theirs(torch.tensor(x)).detach().numpy(), rtol=1e-9, atol=1e-12)
    ours, expected = mine.state_dict(), theirs.state_dict()
    assert list(ours) == list(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(ours[key].numpy(), value.numpy(), rtol=1e-12)
        assert str(ours[key].dtype) == str(value.dtype).removeprefix("torch.")


def test_running_statistics_are_saved_and_moved_but_not_learned(device):
    layer = nn.BatchNorm2d(2, device=device)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    layer(mg.randn(3, 2, 4, 4, device=device))
    other = nn.BatchNorm2d(2, device=device)
    other.load_state_dict(layer.state_dict())
    assert other.num_batches_tracked.item() == 1
    x = mg.randn(1, 2, 2, 2, device=device)
    np.testing.assert_array_equal(other.eval()(x).numpy(), layer.eval()(x).numpy())


def test_batch_norm_in_evaluation_leaves_its_statistics_alone(device):
    layer = nn.BatchNorm2d(2, device=device).eval()
    before = layer.running_var.numpy()
    layer(mg.randn(3, 2, 4, 4, device=device))
    np.testing.assert_array_equal(layer.running_var.numpy(), before)
    assert layer.num_batches_tracked.item() == 0


def test_dropout_only_in_training():
    layer, x = nn.Dropout(0.5), mg.ones(100)
    assert 0 < (layer(x).numpy() == 0).sum() < 100
    assert layer.eval()(x) is x


@pytest.mark.oracle
def test_embedding_against_pytorch(rng):
    torch = pytest.importorskip("torch")
    mine, theirs = nn.Embedding(5, 3, padding_idx=1), torch.nn.Embedding(5, 3, padding_idx=1)
    np.testing.assert_array_equal(mine.weight.numpy()[1], 0)
    mine.to(np.float64), theirs.double()
    theirs.load_state_dict({"weight": torch.tensor(mine.weight.numpy())})
    index, upstream = rng.integers(0, 5, (4, 6)), rng.standard_normal((4, 6, 3))
    y, z = mine(mg.tensor(index)), theirs(torch.tensor(index))
    np.testing.assert_array_equal(y.numpy(), z.detach().numpy())
    y.backward(upstream)
    z.backward(torch.tensor(upstream))
    np.testing.assert_allclose(mine.weight.grad.numpy(), theirs.weight.grad.numpy())


def test_an_embedding_starts_normal():
    mg.manual_seed(2)
    w = nn.Embedding(200, 100).weight.numpy()
    assert abs(w.mean()) < 0.03 and abs(w.std() - 1) < 0.03


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1, "output_padding": 1},
                                     {"stride": (3, 2), "dilation": (2, 1), "padding": (0, 2)}])
def test_padding_modes_of_a_transposed_convolution(mode, options, rng):
    """The middle of what a much larger, likewise continued image gives."""
    layer = nn.ConvTranspose2d(2, 3, (3, 4), padding_mode=mode, **options).to(np.float64)
    x = mg.tensor(rng.standard_normal((1, 2, 6, 7)), requires_grad=True)
    y = layer(x)
    plain = F.conv_transpose2d(x, layer.weight, layer.bias, layer.stride, layer.padding,
                               layer.output_padding, 1, layer.dilation)
    assert y.shape == plain.shape
    wide = F.conv_transpose2d(F.pad(x, 5, mode), layer.weight, layer.bias, layer.stride,
                              dilation=layer.dilation).numpy()
    top, left = (5 * s + p for s, p in zip(layer.stride, layer.padding))
    expected = wide[:, :, top:top + y.shape[2], left:left + y.shape[3]]
    np.testing.assert_allclose(y.numpy(), expected, atol=1e-12)
    assert np.abs(y.numpy() - plain.numpy()).max() > 0.01       # the border does differ
    y.sum().backward()
    assert x.grad.shape == x.shape


def test_a_constant_image_stays_constant_up_to_the_border():
    """What replicated edges are for: every pixel sees full kernels."""
    layer = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, padding_mode="replicate", bias=False)
    with mg.no_grad():
        layer.weight.copy_(1.0)
    np.testing.assert_allclose(layer(mg.ones(1, 1, 3, 3)).numpy(), 4.0)


def test_a_network_of_new_layers_learns(device):
    """Down and up again: reproduce blurred pictures."""
    mg.manual_seed(5)
    net = nn.Sequential(nn.Conv2d(1, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.ELU(),
                        nn.Dropout(0.05), nn.ConvTranspose2d(6, 1, 4, stride=2, padding=1))
    net.to(device)
    x = F.interpolate(mg.randn(8, 1, 4, 4, device=device), 8, mode="bilinear")
    optimizer = optim.Adam(net.parameters(), lr=0.02)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = F.mse_loss(net(x), x)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-10:]) < 0.15 * losses[0]


MISTAKES = [
    (lambda: nn.BatchNorm2d(0), ArgumentError, "at least one channel"),
    (lambda: nn.BatchNorm2d(3)(mg.ones(2, 4, 2, 2)), ShapeError, "N×3×H×W"),
    (lambda: nn.InstanceNorm2d(3)(mg.ones(3, 2)), ShapeError, "InstanceNorm2d"),
    (lambda: nn.LayerNorm(0), ArgumentError, "at least 1"),
    (lambda: nn.Embedding(0, 3), ArgumentError, "at least one vector"),
    (lambda: nn.Embedding(4, 3, padding_idx=4), ArgumentError, "0 … 3"),
    (lambda: nn.Embedding(4, 3)(mg.tensor([4])), ArgumentError, "0 … 3"),
    (lambda: nn.Dropout(-0.1), ArgumentError, "between 0 and 1"),
    (lambda: nn.ConvTranspose2d(3, 4, 3, groups=2), ArgumentError, "multiples of groups"),
    (lambda: nn.ConvTranspose2d(3, 4, 3, padding_mode="circular"), ArgumentError, "replicate"),
]


@pytest.mark.parametrize("call, error, words", MISTAKES)
def test_mistakes_get_one_sentence(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert isinstance(caught.value, MinigradError) and "\n" not in str(caught.value)


def test_as_text():
    assert repr(nn.BatchNorm2d(4)) == ("BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, "
                                       "track_running_stats=True)")
    assert repr(nn.Upsample(scale_factor=2)) == "Upsample(scale_factor=2, mode='nearest')"
    assert repr(nn.ConvTranspose2d(1, 2, 3, stride=2)) == \
        "ConvTranspose2d(1, 2, kernel_size=(3, 3), stride=(2, 2))"
    assert repr(nn.Embedding(4, 3)) == "Embedding(4, 3)"
    assert repr(nn.LayerNorm(3)) == "LayerNorm((3,), eps=1e-05, elementwise_affine=True)"
    assert repr(nn.HuberLoss()) == "HuberLoss(reduction='mean', delta=1.0)"
