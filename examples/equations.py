"""Equations 1 to 7 of backpropagation, each number by hand and by the engine.

Follows "Deep Learning Review", section 3.2: a network of three layers, z = W·a + b, a = f(z) in
each, and E = ½(ŷ − t)² with ŷ = a³. Equations 4 to 7 expand ∂E/∂W², by one more link in each:

    (4)  ∂E/∂a³ · ∂a³/∂W²
    (5)  ∂E/∂a³ · ∂a³/∂z³ · ∂z³/∂W²
    (6)  ∂E/∂a³ · ∂a³/∂z³ · ∂z³/∂a² · ∂a²/∂W²
    (7)  ∂E/∂a³ · ∂a³/∂z³ · ∂z³/∂a² · ∂a²/∂z² · ∂z²/∂W²

The document prints ∂a³/∂a² as the third factor of (7), but ∂z³/∂a², as in (6), is right. The
printed factor counts ∂a³/∂z³ twice; `as_printed` shows the size of the error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import minigrad as mg
from minigrad import functional as F
from minigrad import optim

SIZES, INPUT, TARGET, RATE = (2, 3, 2, 1), (0.6, -0.4), (1.0,), 0.5
LINKS = ("∂E/∂a³", "∂a³/∂z³", "∂z³/∂a²", "∂a²/∂z²", "∂z²/∂W²")


@dataclass(frozen=True)
class Activation:
    """A hidden layer's function: on tensors, on arrays, and its slope at z, with f(z) = a."""

    engine: Callable[[mg.Tensor], mg.Tensor]
    f: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


ACTIVATIONS = {
    "relu": Activation(F.relu, lambda z: np.maximum(z, 0), lambda z, a: (z > 0) * 1.0),
    "tanh": Activation(F.tanh, np.tanh, lambda z, a: 1 - a ** 2),
    "sigmoid": Activation(F.sigmoid, _sigmoid, lambda z, a: a * (1 - a)),
}


@dataclass
class Network:
    """Numbers of one forward pass through layers of sizes 2-3-2-1; lists begin with layer 1.

    Attributes
    ----------
    activation : of the hidden layers; the last layer has a sigmoid.
    weights, biases : W¹, W², W³ (out×in) and b¹, b², b³.
    z, a : each layer's total input and output; `a[0]` is the input x, so a² is `a[2]`.
    """

    activation: Activation
    weights: list[np.ndarray]
    biases: list[np.ndarray]
    z: list[np.ndarray]
    a: list[np.ndarray]

    @classmethod
    def draw(cls, name: str, rng: np.random.Generator, spread: float) -> Network:
        """Draw weights and biases from N(0, spread), and compute the forward pass by hand."""
        weights = [rng.normal(0, spread, (o, i)) for i, o in pairwise(SIZES)]
        biases = [rng.normal(0, spread, o) for o in SIZES[1:]]
        z, a = [], [np.array(INPUT)]
        for layer, (w, b) in enumerate(zip(weights, biases)):
            z.append(w @ a[-1] + b)
            a.append((_sigmoid if layer == 2 else ACTIVATIONS[name].f)(z[-1]))
        return cls(ACTIVATIONS[name], weights, biases, z, a)


def links_by_hand(net: Network) -> dict[str, np.ndarray]:
    """Return the five factors of equation 7, by their formulae.

    Shapes: n₃, n₃×n₃, n₃×n₂, n₂×n₂, n₂×(n₂×n₁), where layer l has nₗ units.
    """
    return {
        "∂E/∂a³": net.a[3] - np.array(TARGET),
        "∂a³/∂z³": np.diag(net.a[3] * (1 - net.a[3])),
        "∂z³/∂a²": net.weights[2],
        "∂a²/∂z²": np.diag(net.activation.slope(net.z[1], net.a[2])),
        "∂z²/∂W²": np.einsum("ij,k->ijk", np.eye(SIZES[2]), net.a[1]),
    }


def links_by_engine(net: Network, device: str = "cpu") -> dict[str, np.ndarray]:
    """Return the same as Jacobians of the five steps from W² to E, by `minigrad.jacobian`."""
    def tensor(array: np.ndarray) -> mg.Tensor:
        return mg.tensor(array, dtype=np.float64, device=device)

    w3, b3, b2, a1 = (tensor(v) for v in (net.weights[2], net.biases[2], net.biases[1], net.a[1]))
    steps = {
        "∂E/∂a³": (lambda a: error(a, tensor(np.array(TARGET))), net.a[3]),
        "∂a³/∂z³": (F.sigmoid, net.z[2]),
        "∂z³/∂a²": (lambda a: w3 @ a + b3, net.a[2]),
        "∂a²/∂z²": (net.activation.engine, net.z[1]),
        "∂z²/∂W²": (lambda w: w @ a1 + b2, net.weights[1]),
    }
    return {name: mg.jacobian(step, tensor(at)).numpy() for name, (step, at) in steps.items()}


def error(prediction: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
    """Return E = ½(ŷ − t)² (equation 1), summed over the outputs."""
    return F.mse_loss(prediction, target, "half_sum")


def product(links: dict[str, np.ndarray]) -> np.ndarray:
    """Return the product of the links, ∂E/∂W² (equation 7), n₂×n₁."""
    return np.einsum("o,op,pj,jk,kab->ab", *(links[name] for name in LINKS))


def as_printed(links: dict[str, np.ndarray]) -> np.ndarray:
    """Return equation 7 with the document's third factor, ∂a³/∂a² instead of ∂z³/∂a²."""
    wrong = {**links, "∂z³/∂a²": links["∂a³/∂z³"] @ links["∂z³/∂a²"]}
    return product(wrong)


def gradients_by_hand(net: Network) -> dict[str, np.ndarray]:
    """Return ∂E/∂Wˡ = δˡ·(aˡ⁻¹)ᵀ and ∂E/∂bˡ = δˡ of all layers, δˡ = ∂E/∂zˡ, last layer first."""
    delta = (net.a[3] - np.array(TARGET)) * net.a[3] * (1 - net.a[3])
    found = {}
    for layer in (3, 2, 1):
        found[f"W{layer}"], found[f"b{layer}"] = np.outer(delta, net.a[layer - 1]), delta
        if layer > 1:
            slope = net.activation.slope(net.z[layer - 2], net.a[layer - 1])
            delta = (net.weights[layer - 1].T @ delta) * slope
    return found


def gradients_by_engine(net: Network, device: str = "cpu") -> tuple[float, dict[str, np.ndarray],
                                                                    np.ndarray]:
    """Return (E, all gradients by one backward pass, W² after a step of SGD: equation 2)."""
    parameters = {}
    for layer in (1, 2, 3):
        for name, values in ((f"W{layer}", net.weights), (f"b{layer}", net.biases)):
            parameters[name] = mg.tensor(values[layer - 1], dtype=np.float64, device=device,
                                         requires_grad=True)
    a = mg.tensor(INPUT, dtype=np.float64, device=device)
    for layer in (1, 2, 3):
        f = F.sigmoid if layer == 3 else net.activation.engine
        a = f(parameters[f"W{layer}"] @ a + parameters[f"b{layer}"])
    e = error(a, mg.tensor(TARGET, dtype=np.float64, device=device))
    e.backward()
    gradients = {name: p.grad.numpy() for name, p in parameters.items()}
    optim.SGD(list(parameters.values()), lr=RATE).step()
    return e.item(), gradients, parameters["W2"].numpy()


def report(net: Network, device: str = "cpu") -> None:
    """Print all equations, by hand and by the engine."""
    e, gradients, stepped = gradients_by_engine(net, device)
    by_hand, by_engine = links_by_hand(net), links_by_engine(net, device)
    print(f"(1)  E = ½(ŷ − t)²: ŷ = {net.a[3][0]:.6f}, t = {TARGET[0]:g}, "
          f"E = {0.5 * (net.a[3][0] - TARGET[0]) ** 2:.9f}, by the engine {e:.9f}")
    print("     link       by hand                                    largest difference "
          "from the engine's")
    for name in LINKS:
        print(f"     {name:<9}  {_numbers(by_hand[name]):<41}  "
              f"{np.abs(by_hand[name] - by_engine[name]).max():.1e}")
    print(f"(7)  their product  {_numbers(product(by_hand))}")
    print(f"     engine ∂E/∂W²  {_numbers(gradients['W2'])}")
    print(f"     as printed     {_numbers(as_printed(by_hand))}   (∂a³/∂a² for ∂z³/∂a²: wrong)")
    print("     the other gradients, by hand and by the engine, differ by at most")
    for name, value in gradients_by_hand(net).items():
        print(f"       ∂E/∂{name}  {np.abs(value - gradients[name]).max():.1e}", end="")
    by_rule = net.weights[1] - RATE * gradients["W2"]
    print(f"\n(2)  W² − α·∂E/∂W² with α = {RATE}: by hand and by SGD differ by "
          f"{np.abs(by_rule - stepped).max():.1e}  ((3) is the same for b)\n")


def _numbers(values: np.ndarray) -> str:
    """Format the first few numbers."""
    flat = values.ravel()
    return " ".join(f"{v:.6f}" for v in flat[:4]) + (" …" if flat.size > 4 else "")
