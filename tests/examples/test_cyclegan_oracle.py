"""CycleGAN's networks and one step of its training, with the same weights in PyTorch."""

import os

import numpy as np
import pytest

import minigrad as mg
from examples.cyclegan import networks
from examples.cyclegan.train import Settings, Trainer

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


class TorchResidual(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = torch.nn.Sequential(*convolution(channels, channels, 3), torch.nn.ReLU(),
                                        *convolution(channels, channels, 3))

    def forward(self, x):
        return x + self.body(x)


def convolution(inputs, outputs, kernel):
    return (torch.nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect"),
            torch.nn.InstanceNorm2d(outputs))


def torch_generator(filters, blocks):
    nn, f = torch.nn, filters
    down = [layer for i, o in ((f, 2 * f), (2 * f, 4 * f))
            for layer in (nn.Conv2d(i, o, 3, 2, 1), nn.InstanceNorm2d(o), nn.ReLU())]
    up = [layer for i, o in ((4 * f, 2 * f), (2 * f, f))
          for layer in (nn.ConvTranspose2d(i, o, 3, 2, 1, 1), nn.InstanceNorm2d(o), nn.ReLU())]
    return nn.Sequential(*convolution(3, f, 7), nn.ReLU(), *down,
                         *(TorchResidual(4 * f) for _ in range(blocks)), *up,
                         nn.Conv2d(f, 3, 7, padding=3, padding_mode="reflect"), nn.Tanh())


def torch_discriminator(kind):
    patches, made, inputs = networks.DISCRIMINATORS[kind], [], 3
    for position, layer in enumerate(patches.layers):
        made.append(torch.nn.Conv2d(inputs, *layer))
        if position < len(patches.layers) - 1:
            made += [torch.nn.InstanceNorm2d(layer.filters)] if position else []
            made.append(torch.nn.LeakyReLU(patches.slope))
        inputs = layer.filters
    return torch.nn.Sequential(*made)


def same_weights(ours, theirs):
    """Copy our weights over; both list them in the order of the layers."""
    pairs = list(zip(ours.parameters(), theirs.parameters(), strict=True))
    with torch.no_grad():
        for one, other in pairs:
            other.copy_(torch.tensor(one.numpy()))
    return pairs


def compare_step(filters, blocks, kind, side, rng):
    """One step of all four networks in float64: losses, gradients, and weights afterwards.

    In float32 this cannot be compared: a bias in front of an instance normalisation has the
    gradient 0, rounding makes something of it, and Adam's first step is its sign.
    """
    trainer = Trainer(Settings(side, filters, blocks, kind, steps=10))
    names = ("to_b", "to_a", "judge_a", "judge_b")
    twins = {name: (torch_discriminator(kind) if "judge" in name else
                    torch_generator(filters, blocks)).double() for name in names}
    pairs = {name: same_weights(getattr(trainer, name).to(np.float64), twins[name])
             for name in names}
    a, b = rng.uniform(-1, 1, (2, 1, 3, side, side))
    measured = trainer.learn(mg.tensor(a), mg.tensor(b))
    theirs = torch_step(twins, torch.tensor(a), torch.tensor(b))
    for name, value in measured.items():
        assert value == pytest.approx(theirs[name], rel=1e-9), name
    for name in names:
        largest = max(np.abs(other.grad.numpy()).max() for _, other in pairs[name])
        for one, other in pairs[name]:
            np.testing.assert_allclose(one.grad.numpy(), other.grad.numpy(), rtol=0,
                                       atol=1e-9 * largest, err_msg=name)
            np.testing.assert_allclose(one.numpy(), other.detach().numpy(), rtol=0, atol=1e-8,
                                       err_msg=name)


def torch_step(nets, a, b):
    """The same step, written with PyTorch; the first translations are in the pools as they are."""
    half = lambda real, fake: 0.5 * (((real - 1) ** 2).mean() + (fake ** 2).mean())
    l1 = torch.nn.functional.l1_loss
    groups = [[p for n in pair for p in nets[n].parameters()]
              for pair in (("to_b", "to_a"), ("judge_a", "judge_b"))]
    optimizers = [torch.optim.Adam(group, 2e-4, (0.5, 0.999)) for group in groups]
    fake_b, fake_a = nets["to_b"](a), nets["to_a"](b)
    parts = {"adversarial_ab": ((nets["judge_b"](fake_b) - 1) ** 2).mean(),
             "adversarial_ba": ((nets["judge_a"](fake_a) - 1) ** 2).mean(),
             "cycle_a": l1(nets["to_a"](fake_b), a), "cycle_b": l1(nets["to_b"](fake_a), b),
             "identity": l1(nets["to_b"](b), b) + l1(nets["to_a"](a), a)}
    total = (parts["adversarial_ab"] + parts["adversarial_ba"]
             + 10 * (parts["cycle_a"] + parts["cycle_b"]) + 5 * parts["identity"])
    total.backward()
    optimizers[0].step()
    optimizers[1].zero_grad()
    for name, real, fake in (("a", a, fake_a), ("b", b, fake_b)):
        judge = nets[f"judge_{name}"]
        parts[f"d_{name}"] = half(judge(real), judge(fake.detach()))
        parts[f"d_{name}"].backward()
    optimizers[1].step()
    return {name: part.item() for name, part in parts.items()}


@pytest.mark.parametrize("kind", ["patch34", "experiment1"])
def test_a_step_as_in_pytorch(kind, rng):
    compare_step(4, 2, kind, 32, rng)


@pytest.mark.parametrize("kind", networks.DISCRIMINATORS)
def test_verdicts_as_in_pytorch(kind, rng):
    ours, theirs = networks.Discriminator(kind), torch_discriminator(kind)
    same_weights(ours, theirs)
    x = rng.uniform(-1, 1, (2, 3, 96, 96)).astype(np.float32)
    np.testing.assert_allclose(ours(mg.tensor(x)).numpy(), theirs(torch.tensor(x)).detach().numpy(),
                               atol=1e-4)


@pytest.mark.slow
def test_a_step_at_full_size_as_in_pytorch(rng):
    """64 filters (16 if reduced), nine blocks, the discriminator of 70×70."""
    filters = 16 if os.environ.get("SLOW_TESTS") == "reduced" else 64
    compare_step(filters, 9, "patch70", 64, rng)
