"""One evaluation of a style transfer, loss and pixel gradient, by nst and by PyTorch.

Both classes are instantiated in worker processes, see `turns`; each imports only its own library.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from typing import Any

import numpy as np
from common import ROOT, cores
from PIL import Image

WARMUP_EVALUATIONS = 2      # start threads, transform weights, allocate buffers


def pictures(size: int) -> tuple[Image.Image, Image.Image]:
    """Return the demonstration's content and style pictures, `size`×`size` pixels."""
    folder = ROOT / "nst" / "demo"
    content, style = (Image.open(folder / name).convert("RGB").resize(
        (size, size), Image.Resampling.LANCZOS) for name in ("scene.jpg", "painting.jpg"))
    return content, style


class Ours:
    """The evaluation by nst's own objective, with the preset gatys.

    Parameters
    ----------
    weights : str
        A converted file, or "random:SEED".
    """

    def __init__(self, weights: str) -> None:
        import minigrad
        from nst import Settings
        from nst.model import weights as nst_weights

        minigrad.set_num_threads(cores())
        self.settings = Settings.preset("gatys")
        self.network = nst_weights.load(weights, "relu5_1", "cpu")

    def prepare(self, size: int, whole_targets: bool = True) -> None:
        """Compute targets, and a picture halfway between content and style.

        Without `whole_targets`, which is for measuring memory, nothing of that size is computed:
        the style target comes from a small picture, and the content target is noise.
        """
        from minigrad import Tensor
        from nst.loss.objective import Objective
        from nst.pictures import tensors

        content, style = (tensors.to_tensor(picture, self.network, "cpu")
                          for picture in pictures(size))
        if whole_targets:
            self.objective = Objective(self.network, self.settings, content, style)
        else:
            small = [tensors.to_tensor(picture, self.network, "cpu") for picture in pictures(32)]
            self.objective = Objective(self.network, self.settings, *small)
            noise = np.random.default_rng(0).random((1, size // 8, size // 8, 512), np.float32)
            small_target = self.objective.content_targets["relu4_2"]
            self.objective.content_targets["relu4_2"] = dataclasses.replace(
                small_target, features=Tensor(noise.transpose(0, 3, 1, 2)))
        self.picture = (0.5 * (content + style)).detach().requires_grad_()

    def warm(self) -> None:
        """Evaluate a few times."""
        for _ in range(WARMUP_EVALUATIONS):
            self.evaluate()

    def evaluate(self) -> float:
        """Loss and gradient; returns the loss."""
        self.picture.grad = None
        total = self.objective(self.picture).total
        total.backward()
        return total.item()

    def result(self) -> tuple[float, np.ndarray]:
        """Loss and gradient 1×3×H×W of one evaluation."""
        return self.evaluate(), np.ascontiguousarray(self.picture.grad.numpy())

    def release(self) -> None:
        """Release the task and all memory that is kept for the next evaluation."""
        import minigrad
        from minigrad.kernels import memory

        self.objective = self.picture = None
        minigrad.set_num_threads(cores())       # new threads, without the old workspaces
        memory.release_unused()


class Torch:
    """The evaluation by PyTorch, with the same frozen weights and loss, on all cores."""

    def __init__(self, weights: str) -> None:
        import torch
        import torch_nst

        torch.set_num_threads(cores())
        self.torch_nst = torch_nst
        self.network = torch_nst.Network(weights)
        self.memory_format = "channels_last"

    def prepare(self, size: int, whole_targets: bool = True) -> None:
        """See `Ours.prepare`."""
        import torch

        nst = self.torch_nst
        memory_format = nst.FORMATS[self.memory_format]
        self.network.to(memory_format)
        content, style = (self.network.to_tensor(picture).contiguous(memory_format=memory_format)
                          for picture in pictures(size))
        if whole_targets:
            self.loss = nst.Loss(self.network, content, style)
        else:
            small = [self.network.to_tensor(picture) for picture in pictures(32)]
            self.loss = nst.Loss(self.network, *small)
            self.loss.content_target = torch.rand(1, 512, size // 8, size // 8).contiguous(
                memory_format=memory_format)
        self.picture = (0.5 * (content + style)).requires_grad_()

    def choose_format(self, size: int) -> str:
        """Prepare in the faster of the two memory formats, and return its name."""
        taken = {}
        for name in self.torch_nst.FORMATS:
            self.memory_format = name
            self.prepare(size)
            self.warm()
            taken[name] = statistics.median(self._seconds() for _ in range(3))
        self.memory_format = min(taken, key=taken.get)
        self.prepare(size)
        return self.memory_format

    def _seconds(self) -> float:
        start = time.perf_counter()
        self.evaluate()
        return time.perf_counter() - start

    warm = Ours.warm

    def evaluate(self) -> float:
        """Loss and gradient; returns the loss."""
        self.picture.grad = None
        loss = self.loss(self.picture)
        loss.backward()
        return loss.item()

    def result(self) -> tuple[float, np.ndarray]:
        """Loss and gradient 1×3×H×W of one evaluation."""
        return self.evaluate(), self.picture.grad.contiguous().numpy()

    def release(self) -> None:
        """Release the task; PyTorch keeps no memory on the CPU."""
        self.loss = self.picture = None


def agreement(ours: tuple[float, np.ndarray], theirs: tuple[float, np.ndarray]
              ) -> dict[str, Any]:
    """Return `loss_relative_difference` and `gradient_cosine` of two results."""
    one, other = (gradient.ravel().astype(np.float64) for _, gradient in (ours, theirs))
    return {
        "loss_relative_difference": abs(ours[0] - theirs[0]) / abs(theirs[0]),
        "gradient_cosine": float(one @ other / np.linalg.norm(one) / np.linalg.norm(other)),
    }
