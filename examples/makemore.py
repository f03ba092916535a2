"""A network learns how words are spelt and invents new ones, letter by letter.

The network sees the last three letters of a word and predicts the next one: an embedding, a hidden
layer with batch normalization and tanh, and scores for each letter. It follows Bengio, Ducharme,
Vincent and Jauvin, "A neural probabilistic language model" (2003), as parts 2 to 4 of A. Karpathy's
course "Neural networks: zero to hero" do. The words are those of Python's own manual.

It is there twice: written out, with every parameter a tensor and batch normalization by hand
(`--style written`), and by layers (`--style layers`). Both compute the same.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

if not __package__:         # run as a file: the repository is one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import minigrad as mg
from examples import common, manual_text
from minigrad import functional as F
from minigrad import nn

END = "."                   # stands before the first letter and after the last
CONTEXT, EMBEDDING, HIDDEN = 3, 10, 100
STEPS, BATCH, RATE, MOMENTUM, EPS = 6000, 64, 0.1, 0.1, 1e-5


def examples_of(words: Sequence[str], letters: str) -> tuple[np.ndarray, np.ndarray]:
    """Contexts N×3 and the letters that follow, N, as places in `letters`."""
    contexts, following = [], []
    for word in words:
        padded = manual_text.numbers(END * CONTEXT + word + END, letters)
        for i in range(CONTEXT, len(padded)):
            contexts.append(padded[i - CONTEXT:i])
            following.append(padded[i])
    return np.array(contexts), np.array(following)


class Written:
    """The network with every operation written out; `parameters` lists what is learned."""

    def __init__(self, letters: int, rng: np.random.Generator) -> None:
        def drawn(*shape: int, scale: float) -> mg.Tensor:
            return mg.tensor(scale * rng.standard_normal(shape), dtype="float32")

        fan_in = CONTEXT * EMBEDDING
        self.table = drawn(letters, EMBEDDING, scale=1.0)
        self.w1 = drawn(fan_in, HIDDEN, scale=5 / 3 / fan_in ** 0.5)
        self.gain, self.shift = mg.ones(HIDDEN), mg.zeros(HIDDEN)
        self.w2 = drawn(HIDDEN, letters, scale=0.1 / HIDDEN ** 0.5)
        self.b2 = mg.zeros(letters)
        self.parameters = [self.table, self.w1, self.gain, self.shift, self.w2, self.b2]
        for parameter in self.parameters:
            parameter.requires_grad = True
        self.mean, self.var = mg.zeros(HIDDEN), mg.ones(HIDDEN)     # of all batches, for sampling

    def __call__(self, contexts: mg.Tensor, training: bool = True) -> mg.Tensor:
        """Scores N×letters of the letters that may follow."""
        embedded = self.table[contexts].reshape(-1, CONTEXT * EMBEDDING)
        hidden = embedded @ self.w1
        if training:
            mean, var = hidden.mean(0), hidden.var(0, correction=0)
            with mg.no_grad():
                n = len(hidden)
                self.mean = (1 - MOMENTUM) * self.mean + MOMENTUM * mean
                self.var = (1 - MOMENTUM) * self.var + MOMENTUM * var * (n / (n - 1))
        else:
            mean, var = self.mean, self.var
        normal = (hidden - mean) / (var + EPS).sqrt() * self.gain + self.shift
        return normal.tanh() @ self.w2 + self.b2


class Layers(nn.Module):
    """The same network by layers."""

    def __init__(self, letters: int, rng: np.random.Generator) -> None:
        self.layers = nn.Sequential(
            nn.Embedding(letters, EMBEDDING), nn.Flatten(),
            nn.Linear(CONTEXT * EMBEDDING, HIDDEN, bias=False), nn.BatchNorm1d(HIDDEN), nn.Tanh(),
            nn.Linear(HIDDEN, letters))
        start = Written(letters, rng)
        values = dict(zip(("0.weight", "2.weight", "3.weight", "3.bias", "5.weight", "5.bias"),
                          start.parameters))
        for name, parameter in self.layers.named_parameters():
            value = values[name].detach()
            turned = name in ("2.weight", "5.weight")       # Linear has its matrix transposed
            with mg.no_grad():
                parameter.copy_(value.T if turned else value)
        self.parameters_list = list(self.layers.parameters())

    def forward(self, contexts: mg.Tensor, training: bool = True) -> mg.Tensor:
        self.layers.train(training)
        return self.layers(contexts)


def make(style: str, letters: int, seed: int) -> tuple[Written | Layers, list[mg.Tensor]]:
    """A network in one of the two styles, and its parameters."""
    rng = np.random.default_rng(seed)
    if style == "written":
        written = Written(letters, rng)
        return written, written.parameters
    layers = Layers(letters, rng)
    return layers, layers.parameters_list


def train(network: Written | Layers, parameters: list[mg.Tensor], data: tuple, steps: int,
          seed: int) -> list[float]:
    """Plain gradient descent on random batches; the loss of each step, in nats per letter."""
    contexts, following = data
    rng, losses = np.random.default_rng([seed, 1]), []
    for step in range(steps):
        batch = rng.integers(0, len(contexts), BATCH)
        loss = F.cross_entropy(network(mg.tensor(contexts[batch])), mg.tensor(following[batch]))
        for parameter in parameters:
            parameter.grad = None
        loss.backward()
        rate = RATE if step < 0.7 * steps else 0.1 * RATE
        with mg.no_grad():
            for parameter in parameters:
                parameter.add_(parameter.grad, alpha=-rate)
        losses.append(loss.item())
    return losses


def loss_of(network: Written | Layers, data: tuple) -> float:
    """The mean loss over all examples, in nats per letter."""
    with mg.no_grad():
        return F.cross_entropy(network(mg.tensor(data[0]), training=False),
                               mg.tensor(data[1])).item()


def invent(network: Written | Layers, letters: str, count: int, longest: int = 14) -> list[str]:
    """New words: each letter is drawn with the probability that the network gives it."""
    words = []
    for _ in range(count):
        word, context = "", [letters.index(END)] * CONTEXT
        while len(word) < longest:
            with mg.no_grad():
                scores = network(mg.tensor(np.array([context])), training=False)
            letter = mg.multinomial(F.softmax(scores, 1), 1).item()
            if letters[letter] == END:
                break
            word += letters[letter]
            context = [*context[1:], letter]
        words.append(word)
    return words


def program(arguments: Sequence[str] | None = None) -> None:
    parser = common.parser("makemore", __doc__)
    parser.add_argument("--style", choices=("written", "layers"), default="written",
                        help="every operation written out, or by layers (default: written)")
    parser.add_argument("--steps", type=common.counting_number, default=STEPS, metavar="N",
                        help=f"batches to train on (default: {STEPS})")
    given = parser.parse_args(arguments)
    common.check_plot(given.plot)
    mg.manual_seed(given.seed)
    words = manual_text.words()
    letters = manual_text.alphabet(END + "".join(words))
    rng = np.random.default_rng(given.seed)
    order = rng.permutation(len(words))
    held = len(words) // 10
    data, tests = (examples_of([words[i] for i in part], letters)
                   for part in (order[held:], order[:held]))
    print(f"{len(words)} words of Python's manual, {len(data[0])} examples to learn from")
    network, parameters = make(given.style, len(letters), given.seed)
    began = time.perf_counter()
    losses = train(network, parameters, data, given.steps, given.seed)
    print(f"{given.steps} steps in {time.perf_counter() - began:.0f} s; loss in nats per letter: "
          f"{np.log(len(letters)):.2f} by guessing, {loss_of(network, data):.2f} on the words "
          f"learned from, {loss_of(network, tests):.2f} on others")
    print("invented:", ", ".join(invent(network, letters, 20)))
    if given.plot:
        figure = common.blank(6, 4)
        every = max(1, given.steps // 100)
        means = [np.mean(losses[i:i + every]) for i in range(0, len(losses), every)]
        ax = figure.subplots()
        ax.plot(np.arange(len(means)) * every, means, color=common.BLUE)
        ax.set(xlabel="steps", ylabel="loss, nats per letter")
        common.save_plot(figure, given.plot)


if __name__ == "__main__":
    sys.exit(common.run("makemore", program))
