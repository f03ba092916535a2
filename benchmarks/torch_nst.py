"""Style transfer in plain PyTorch: the reference for the other benchmarks, and a program itself.

    python benchmarks/torch_nst.py CONTENT STYLE -o OUT.png --weights FILE --size 320

does the same as `python -m nst.run` with the same options: VGG19 with frozen weights, the loss of
eq. 8-12 (Gatys), L-BFGS with a strong-Wolfe line search from the content picture; one iteration
is one evaluation. It is idiomatic, fast PyTorch: ReLU in place, sums in float32, all cores, and
the memory format of your choice.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))      # (filters, convolutions)
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")      # after their ReLU
CONTENT_LAYER = "conv4_2"
CONTENT_WEIGHT, STYLE_WEIGHT = 1.0, 1000.0
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
MEAN = (103.939, 116.779, 123.68)       # of ImageNet, BGR, as Oxford's weights expect


def layers() -> list[str]:
    """Yield conv1_1, conv1_2, pool, conv2_1 … conv5_1, in the order of the forward pass."""
    names: list[str] = []
    for block, (_, count) in enumerate(BLOCKS, start=1):
        names += [f"conv{block}_{number}" for number in range(1, count + 1)] + ["pool"]
    return names[:-1]


class Network:
    """Frozen weights and their preprocessing, from a converted file or a seed."""

    def __init__(self, source: str) -> None:
        arrays = _drawn(int(source[7:])) if source.startswith("random:") else self._read(source)
        self.parameters = {name: (torch.from_numpy(weight), torch.from_numpy(bias))
                           for name, (weight, bias) in arrays.items()}

    order, mean, scale = slice(None, None, -1), MEAN, (1.0, 1.0, 1.0)

    def _read(self, source: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        import h5py

        with h5py.File(source) as file:
            about = file.attrs
            low, high = about["input_range"]
            self.order = slice(None, None, -1 if "BGR" in str(about["color_order"]) else 1)
            self.mean = tuple(255 * (mean - low) / (high - low) for mean in about["mean"])
            self.scale = tuple((high - low) / (255 * std) for std in about["std"])
            return {name: (file[name]["weight"][:], file[name]["bias"][:])
                    for name in layers() if name != "pool"}

    def to(self, memory_format: torch.memory_format) -> None:
        """Convert the weights to this memory format."""
        self.parameters = {name: (weight.contiguous(memory_format=memory_format), bias)
                           for name, (weight, bias) in self.parameters.items()}

    def features(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the layers that the losses use: layer -> features after the ReLU."""
        result = {}
        if self.scale != (1.0, 1.0, 1.0):
            x = x * torch.tensor(self.scale, device=x.device).view(1, 3, 1, 1)
        for name in layers():
            if name == "pool":
                x = F.max_pool2d(x, 2)
                continue
            weight, bias = self.parameters[name]
            x = F.conv2d(x, weight, bias, padding=1).relu_()
            if name in STYLE_LAYERS or name == CONTENT_LAYER:
                result[name] = x
        return result

    def to_tensor(self, image: Image.Image) -> torch.Tensor:
        """Convert a picture to 1×3×H×W, minus the mean."""
        pixels = np.asarray(image, np.float32)[..., self.order] - np.array(self.mean, np.float32)
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))

    def to_image(self, picture: torch.Tensor) -> Image.Image:
        """Convert back to a picture; values outside 0-255 are clipped."""
        pixels = picture.detach()[0].permute(1, 2, 0).numpy() + np.array(self.mean, np.float32)
        return Image.fromarray(pixels[..., self.order].clip(0, 255).round().astype(np.uint8))


def _drawn(seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Draw weights with He initialisation, the same numbers as nst's random:SEED."""
    generator = np.random.default_rng(seed)
    drawn, channels = {}, 3
    for name in layers():
        if name != "pool":
            filters = BLOCKS[int(name[4]) - 1][0]
            weight = generator.standard_normal((filters, channels, 3, 3), np.float32)
            drawn[name] = (weight * np.float32(np.sqrt(2 / (9 * channels))),
                           np.zeros(filters, np.float32))
            channels = filters
    return drawn


def gram(features: torch.Tensor) -> torch.Tensor:
    """Return F·Fᵀ, summed over positions, N×N."""
    flat = features.flatten(2)[0]
    return flat @ flat.T


class Loss:
    """α·C + β·E of eq. 8-12, with its targets computed once."""

    def __init__(self, network: Network, content: torch.Tensor, style: torch.Tensor) -> None:
        self.network = network
        with torch.no_grad():
            self.content_target = network.features(content)[CONTENT_LAYER]
            of_style = network.features(style)
            self.style_targets = {layer: (gram(of_style[layer]), of_style[layer][0, 0].numel())
                                  for layer in STYLE_LAYERS}

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        features = self.network.features(picture)
        content = 0.5 * F.mse_loss(features[CONTENT_LAYER], self.content_target, reduction="sum")
        style = 0
        for layer in STYLE_LAYERS:
            target, positions = self.style_targets[layer]
            n, m = features[layer].shape[1], features[layer][0, 0].numel()
            squares = F.mse_loss(gram(features[layer]), target * (m / positions), reduction="sum")
            style = style + squares / (4 * n**2 * m**2) / len(STYLE_LAYERS)
        return CONTENT_WEIGHT * content + STYLE_WEIGHT * style


class _LimitReachedError(Exception):
    """The requested number of evaluations is done."""


def minimise(loss: Loss, picture: torch.Tensor, evaluations: int) -> list[float]:
    """Run L-BFGS for a fixed number of evaluations, restarting it if it ends early.

    Returns the losses.
    """
    losses: list[float] = []

    def closure() -> torch.Tensor:
        if len(losses) == evaluations:
            raise _LimitReachedError
        picture.grad = None
        value = loss(picture)
        value.backward()
        losses.append(value.item())
        return value

    try:
        while True:
            torch.optim.LBFGS([picture], max_iter=evaluations, max_eval=evaluations,
                              history_size=10, tolerance_grad=0, tolerance_change=0,
                              line_search_fn="strong_wolfe").step(closure)
    except _LimitReachedError:
        return losses


def _scaled(path: str, long_side: int) -> Image.Image:
    image = Image.open(path).convert("RGB")
    factor = long_side / max(image.size)
    return image.resize(tuple(max(1, round(side * factor)) for side in image.size),
                        Image.Resampling.LANCZOS)


def main(arguments: Sequence[str] | None = None) -> int:
    import argparse

    parser = argparse.ArgumentParser(prog="torch_nst", description=__doc__.partition("\n")[0])
    parser.add_argument("content")
    parser.add_argument("style")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--weights", default="random:0", metavar="FILE")
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--memory-format", choices=FORMATS, default="channels_last")
    parser.add_argument("--threads", type=int, default=0,
                        help="number of threads (default: PyTorch's choice)")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    memory_format = FORMATS[given.memory_format]
    network = Network(given.weights)
    network.to(memory_format)
    content, style = (network.to_tensor(_scaled(path, given.size))
                      .contiguous(memory_format=memory_format)
                      for path in (given.content, given.style))
    loss = Loss(network, content, style)
    # PyTorch's L-BFGS needs a contiguous parameter; the format of the weights determines the rest.
    picture = content.clone(memory_format=torch.contiguous_format).requires_grad_()
    # The initial picture is iteration 0, as in nst.run.
    losses = minimise(loss, picture, given.iterations + 1)
    network.to_image(picture).save(given.output)
    report = {"evaluations": len(losses), "first_total": losses[0], "best_total": min(losses)}
    given.output.with_suffix(".json").write_text(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
