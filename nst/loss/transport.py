"""Style by relaxed optimal transport and content by self-similarity, for sampled hypercolumns.

Kolkin, Salavon and Shakhnarovich, "Style Transfer by Relaxed Optimal Transport and
Self-Similarity" (2019), sections 2.2 and 2.3. With hypercolumns A of the result (n×d) and B of the
style (m×d), and costs Cᵢⱼ between rows:

    l_r = max(1/n Σᵢ minⱼ Cᵢⱼ, 1/m Σⱼ minᵢ Cᵢⱼ)             C the cosine distance
    l_m = 1/d ‖μ_A − μ_B‖₁ + 1/d² ‖Σ_A − Σ_B‖₁
    l_p = l_r of colours,                                   C the Euclidean distance
    l_c = 1/n Σᵢⱼ |Dᵢⱼ/Σₖ Dₖⱼ − D'ᵢⱼ/Σₖ D'ₖⱼ|              D, D' cosine distances of A with A and
                                                            of the content with itself

The paper divides l_c by n², which makes it smaller the more positions there are; here it is a mean
over columns, between 0 and 2. The paper turns colours into a decorrelated space before l_p. Its
axes are orthogonal, so Euclidean distances are those of red, green and blue.

Each function takes and returns tensors; numbers are float64.
"""

from __future__ import annotations

import minigrad.functional as F
from minigrad import Tensor, maximum

TINY = 1e-12            # squared length added to that of vectors: the cosine of zeros is finite
NEAREST = 1e-6          # added to squared distances: the slope of their root at 0 is finite
SAME = 1e-5             # mean cosine distance of a picture of one colour, to divide by


def cosine_distances(x: Tensor, y: Tensor) -> Tensor:
    """1 − cos of the angles between rows of x (n×d) and of y (m×d), n×m; 1 for zeros."""
    return 1 - _unit(x) @ _unit(y).transpose(0, 1)


def _unit(x: Tensor) -> Tensor:
    return x / ((x * x).sum(dim=1, keepdim=True) + TINY).sqrt()


def euclidean_distances(x: Tensor, y: Tensor) -> Tensor:
    """Distances between rows of x (n×d) and of y (m×d), n×m."""
    squares = ((x * x).sum(dim=1, keepdim=True) + (y * y).sum(dim=1)
               - 2 * (x @ y.transpose(0, 1)))
    return (F.relu(squares) + NEAREST).sqrt()


def relaxed_distance(costs: Tensor) -> Tensor:
    """l_r, the relaxed earth mover's distance for costs n×m."""
    return maximum(costs.amin(dim=1).double().mean(), costs.amin(dim=0).double().mean())


def moment_distance(x: Tensor, y: Tensor) -> Tensor:
    """l_m, the distance of the means and covariances of rows."""
    (mean, covariance), (mean_of_y, covariance_of_y) = _moments(x), _moments(y)
    return (F.l1_loss(mean, mean_of_y).double()
            + F.l1_loss(covariance, covariance_of_y).double())


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    mean = x.mean(dim=0)
    return mean, _products((x - mean).transpose(0, 1)) / x.shape[0]


def _products(x: Tensor) -> Tensor:
    """The inner products of the rows of x (n×d) with each other, n×n."""
    return F.gram_matrix(x.unsqueeze(0).unsqueeze(2))[0]


def self_similarity(x: Tensor) -> Tensor:
    """Cosine distances of rows with each other, n×n, every column divided by its sum."""
    distances = F.relu(1 - _products(_unit(x)))         # rounding can make a 0 negative
    return distances / (distances.sum(dim=0, keepdim=True) + SAME * x.shape[0])


def self_similarity_distance(x: Tensor, similarity: Tensor) -> Tensor:
    """l_c, for the hypercolumns of the result and the `self_similarity` of the content."""
    return F.l1_loss(self_similarity(x), similarity).double() * x.shape[0]
