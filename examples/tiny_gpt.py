"""A small transformer learns to write like Python's manual, character by character.

One block of causal self-attention and a small network behind it, both with layer normalization in
front and a connection around, as in GPT-2: Vaswani et al., "Attention is all you need" (2017);
Radford et al., "Language models are unsupervised multitask learners" (2019). Part 7 of the course
"Neural networks: zero to hero" by A. Karpathy builds the same.
"""

from __future__ import annotations

import math
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
from minigrad import nn, optim

CONTEXT, WIDTH, HEADS, DROPOUT = 48, 64, 4, 0.1
STEPS, BATCH, RATE = 700, 16, 3e-3


class Attention(nn.Module):
    """Several heads of causal self-attention, N×T×C to N×T×C."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        self.heads = heads
        self.project = nn.Linear(width, 3 * width, bias=False)      # queries, keys and values
        self.join = nn.Linear(width, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        n, t, c = x.shape
        # N×T×C each, then N×heads×T×(C/heads)
        query, key, value = (part.reshape(n, t, self.heads, c // self.heads).transpose(1, 2)
                             for part in self.project(x).chunk(3, dim=2))
        scores = query @ key.mT / math.sqrt(c // self.heads)
        future = mg.triu(mg.ones(t, t), 1) > 0
        weights = self.drop(F.softmax(scores.masked_fill(future, -math.inf), -1))
        return self.join((weights @ value).transpose(1, 2).reshape(n, t, c))


class Block(nn.Module):
    """Attention, then a network of each position alone."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.network = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(),
                                     nn.Linear(4 * width, width), nn.Dropout(dropout))

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.network(self.norm2(x))


class GPT(nn.Module):
    """Characters N×T to scores N×T×characters of those that follow."""

    def __init__(self, characters: int, context: int = CONTEXT, width: int = WIDTH,
                 heads: int = HEADS, dropout: float = DROPOUT) -> None:
        self.context = context
        self.characters = nn.Embedding(characters, width)
        self.places = nn.Embedding(context, width)
        self.blocks = nn.ModuleList([Block(width, heads, dropout)])
        self.norm = nn.LayerNorm(width)
        self.scores = nn.Linear(width, characters)

    def forward(self, text: mg.Tensor) -> mg.Tensor:
        x = self.characters(text) + self.places(mg.arange(text.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.scores(self.norm(x))


def batch_of(text: np.ndarray, rng: np.random.Generator, context: int) -> tuple:
    """Random pieces of the text, N×T, and the characters that follow each of theirs."""
    starts = rng.integers(0, len(text) - context, BATCH)
    pieces = text[starts[:, None] + np.arange(context + 1)]
    return mg.tensor(pieces[:, :-1]), mg.tensor(pieces[:, 1:])


def loss_of(network: GPT, batch: tuple) -> mg.Tensor:
    """The mean loss of all characters, in nats."""
    scores = network(batch[0])
    return F.cross_entropy(scores.reshape(-1, scores.shape[-1]), batch[1].reshape(-1))


def train(network: GPT, text: np.ndarray, steps: int, seed: int) -> list[float]:
    """AdamW with one cycle of the learning rate; the loss of each step, in nats per character."""
    rng, losses = np.random.default_rng([seed, 1]), []
    optimizer = optim.AdamW(network.parameters(), lr=RATE)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1,
                                             cycle_momentum=False)
    network.train()
    for _ in range(steps):
        loss = loss_of(network, batch_of(text, rng, network.context))
        optimizer.zero_grad()
        loss.backward()
        optim.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def write(network: GPT, start: np.ndarray, length: int) -> list[int]:
    """Continue a text: each character is drawn with the probability that the network gives it."""
    network.eval()
    text = [int(number) for number in start]
    with mg.no_grad():
        for _ in range(length):
            scores = network(mg.tensor(np.array([text[-network.context:]])))
            text.append(mg.multinomial(F.softmax(scores[0, -1], -1), 1).item())
    return text


def program(arguments: Sequence[str] | None = None) -> None:
    parser = common.parser("tiny_gpt", __doc__)
    parser.add_argument("--steps", type=common.counting_number, default=STEPS, metavar="N",
                        help=f"batches to train on (default: {STEPS})")
    given = parser.parse_args(arguments)
    common.check_plot(given.plot)
    mg.manual_seed(given.seed)
    manual = manual_text.manual()
    characters = manual_text.alphabet(manual)
    text = manual_text.numbers(manual, characters)
    split = len(text) * 9 // 10
    network = GPT(len(characters))
    count = sum(parameter.numel() for parameter in network.parameters())
    print(f"{len(text)} characters of Python's manual; {count} parameters")
    began = time.perf_counter()
    losses = train(network, text[:split], given.steps, given.seed)
    network.eval()
    rng = np.random.default_rng([given.seed, 2])
    with mg.no_grad():
        tests = [loss_of(network, batch_of(text[split:], rng, CONTEXT)).item() for _ in range(10)]
    print(f"{given.steps} steps in {time.perf_counter() - began:.0f} s; loss in nats per "
          f"character: {np.log(len(characters)):.2f} by guessing, {np.mean(losses[-20:]):.2f} at "
          f"the end, {np.mean(tests):.2f} on the last tenth")
    start = manual_text.numbers("The ", characters)
    print("".join(characters[i] for i in write(network, start, 300)))
    if given.plot:
        figure = common.blank(6, 4)
        ax = figure.subplots()
        ax.plot(losses, color=common.BLUE)
        ax.set(xlabel="steps", ylabel="loss, nats per character")
        common.save_plot(figure, given.plot)


if __name__ == "__main__":
    sys.exit(common.run("tiny_gpt", program))
