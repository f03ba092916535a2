"""A table of vectors to look up."""

from __future__ import annotations

from typing import Any

from minigrad import creation
from minigrad import functional as F
from minigrad.core.mode import no_grad
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter


class Embedding(Module):
    """A learned vector for each index: integers … to vectors …×embedding_dim.

    The vectors start normal with mean 0 and deviation 1, as PyTorch's do.

    Parameters
    ----------
    num_embeddings : number of indices, 0 … num_embeddings − 1.
    embedding_dim : the length of their vectors.
    padding_idx : an index whose vector starts as zeros and is never learned.
    device, dtype : of the table.

    Attributes
    ----------
    weight : Parameter, num_embeddings×embedding_dim

    Raises
    ------
    ArgumentError : the table is empty, or `padding_idx` is outside it.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None,
                 device: str | None = None, dtype: Any = None) -> None:
        if min(num_embeddings, embedding_dim) < 1:
            raise ArgumentError(f"Embedding needs at least one vector of length 1, not "
                                f"{num_embeddings} of {embedding_dim}")
        if padding_idx is not None and not 0 <= padding_idx < num_embeddings:
            raise ArgumentError(f"Embedding: padding_idx must lie in 0 … {num_embeddings - 1}, not "
                                f"{padding_idx}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = padding_idx
        self.weight = Parameter(creation.zeros(num_embeddings, embedding_dim, dtype=dtype,
                                               device=device))
        init.normal_(self.weight)
        if padding_idx is not None:
            with no_grad():
                self.weight[padding_idx] = 0

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"
