"""One picture, bit for bit, whatever the number of threads and of processes."""

import os
import random

import numpy as np
import pytest

import minigrad
from nst import Settings, stylize

CONFIGURATIONS = int(os.environ.get("SAME_ROUNDS",
                                    2 if os.environ.get("SLOW_TESTS") == "reduced" else 20))
BASE = {"weights": "random:0", "device": "cpu", "iterations": 3, "margin": 0,
        "content_layers": "relu2_1"}


@pytest.fixture
def threads():
    """Set the number of threads, for this test."""
    before = minigrad.get_num_threads()
    yield minigrad.set_num_threads
    minigrad.set_num_threads(before)


def painted(settings, rng_seed):
    rng = np.random.default_rng(rng_seed)
    coarse = (rng.integers(0, 256, (9, 12, 3), dtype=np.uint8) for _ in range(2))
    content, style = (picture.repeat(10, axis=0).repeat(10, axis=1) for picture in coarse)
    return stylize(content, style, settings).picture.pixels.tobytes()


@pytest.mark.slow
def test_one_two_and_three_threads_and_processes(threads, whole_network):
    for number in range(CONFIGURATIONS):
        draw = random.Random(number)
        settings = Settings(
            **BASE, size=draw.choice([96, 120]), scales=draw.choice([1, 2]), seed=number,
            optimizer=draw.choice(["adam", "lbfgs", "sgd"]),
            variable=draw.choice(["pyramid", "pixels"]),
            style_layers=draw.choice(["relu1_1,relu2_1", "relu1_2,relu2_1"]),
            style_loss=draw.choice(["w2", "gram"]), pooling=draw.choice(["max", "avg"]),
            init=draw.choice(["content", "random"]))
        tiled = settings.replace(tile=48)
        pictures, by_tiles = set(), set()
        for count in (1, 2, 3):
            threads(count)
            pictures.add(painted(settings, number))
            by_tiles.add(painted(tiled.replace(processes=count), number))
        assert len(pictures) == len(by_tiles) == 1, settings
    print(f"{CONFIGURATIONS} configurations: 1, 2 and 3 threads, 1, 2 and 3 processes")


def test_the_number_of_threads_changes_no_bit(threads):
    settings = Settings(**BASE, size=96, scales=1, style_layers="relu1_1,relu2_1")
    pictures = set()
    for count in (1, 2, 3):
        threads(count)
        pictures.add(painted(settings, 7))
    assert len(pictures) == 1
