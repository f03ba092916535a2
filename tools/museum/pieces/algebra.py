"""Matrices with a structure, complex numbers, and second derivatives."""

import numpy as np
from scipy.linalg import solve_triangular

from tools.museum.piece import Piece, piece
from tools.wrong_rules.rule import complex_normal, normal


def raised(x):
    """A positive definite matrix from the symmetric part of any matrix."""
    return (x + x.T) / 2 + 5 * np.eye(len(x))


def from_upper(x):
    upper = np.triu(x)
    return upper + upper.T - np.diag(np.diag(x)) + 5 * np.eye(len(x))


def cholesky_gradient(g, a):
    """With respect to a symmetric matrix a, as a symmetric matrix."""
    factor = np.linalg.cholesky(a)
    phi = np.tril(factor.T @ np.tril(g))
    phi[np.diag_indices_from(phi)] /= 2
    inverse = np.linalg.inv(factor)
    s = inverse.T @ phi @ inverse
    return (s + s.T) / 2


def eigenvalues_of_lower(x):
    lower = np.tril(x)
    return np.linalg.eigvalsh(lower + lower.T)


def eigenvalues_whole_gradient(g, x):
    lower = np.tril(x)
    vectors = np.linalg.eigh(lower + lower.T)[1]
    return 2 * (vectors * g) @ vectors.T                # also above the diagonal


def triangular_solve(a, b):
    return solve_triangular(a + 5 * np.eye(len(a)), b, lower=False)


def triangular_solve_vjp(g, a, b):
    x = triangular_solve(a, b)
    gb = solve_triangular(a + 5 * np.eye(len(a)), g, lower=False, trans=1)
    return -np.outer(gb, x), gb                         # also below the diagonal


def spectrum(x):
    return np.fft.fft(x)


def modulus_squared(z):
    return (z * z.conj()).real


def direction(z):
    return z / np.abs(z)


def saved_intermediate():
    """PyTorch: the doubled input is kept in the context and is a constant in the next order."""
    import torch

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            doubled = 2 * x
            ctx.doubled = doubled
            return doubled**2

        @staticmethod
        def backward(ctx, g):
            return 4 * ctx.doubled * g
    return Square.apply


def ratio_of_saved():
    """PyTorch: a first derivative that is right because two wrong dependences cancel."""
    import torch

    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.temp, ctx.x = 2 * x, x
            ctx.save_for_backward(x)
            return ctx.temp * 3

        @staticmethod
        def backward(ctx, g):
            x, = ctx.saved_tensors
            return g * 3 * ctx.temp / x
    return Scale.apply


PIECES = [
    piece("jax-ml/jax#40421", "Incorrect gradient for linalg.cholesky", "mask_missing",
          "the forward ignores one triangle; the gradient was compared for symmetric matrices",
          lambda x: np.linalg.cholesky(from_upper(x)),
          lambda g, x: cholesky_gradient(g, from_upper(x)), normal((3, 3))),
    piece("jax-ml/jax#12795", "gradient of eigh does not respect `symmetrize_input`",
          "mask_missing", "the default makes the input symmetric, and the default was tested",
          eigenvalues_of_lower, eigenvalues_whole_gradient, normal((3, 3))),
    piece("jax-ml/jax#1458", "JVP of jax.scipy.linalg.solve with sym_pos=True fails check_grads",
          "mask_missing", "the culprit is the triangular solve, which has an input that it ignores",
          triangular_solve, triangular_solve_vjp, normal((3, 3), (3,))),
    piece("pytorch/pytorch#18825",
          "Wrong derivative backpropagating through Cholesky factorization?",
          "symmetric_part_missing", "gradcheck agrees with a triangular gradient, because cholesky "
          "reads one triangle only", lambda x: np.linalg.cholesky(raised(x)),
          lambda g, x: np.tril(2 * cholesky_gradient(g, raised(x)))
          - np.diag(np.diag(cholesky_gradient(g, raised(x)))), normal((3, 3))),
    piece("HIPS/autograd#185", "Potentially Wrong FFT gradients.", "conjugate_missing",
          "“the problem doesn't show up” where transforms come in pairs",
          spectrum, lambda g, x: np.fft.fft(g), complex_normal((5,))),
    piece("tensorflow/tensorflow#4859", "incorrect gradient for complex matmul",
          "conjugate_missing", "“there is no test for a complex-valued MatMul gradient”",
          lambda x, y: x @ y, lambda g, x, y: (g @ y.T, x.T @ g), complex_normal((3, 2), (2, 4))),
    piece("FluxML/Zygote.jl#151", "Complex number AD error by a conjugate for `TensorOperations`",
          "conjugate_missing", "real numbers give the correct result “without any effort”",
          lambda a, b: np.einsum("ij,jk->k", a, b),
          lambda g, a, b: (np.einsum("k,jk->j", g, b) * np.ones_like(a),
                           np.einsum("k,ij->jk", g, a)), complex_normal((2, 3), (3, 2))),
    piece("ml-explore/mlx#3433", "Fix mx.prod vjp for complex types", "conjugate_missing",
          "multiply and matmul have the conjugate; prod was forgotten, and tested with floats",
          np.prod, lambda g, x: g * np.prod(x) / x, complex_normal((4,))),
    piece("JuliaDiff/ChainRules.jl#195", "Incorrect chain rule for `abs2`", "conjugate_missing",
          "a rule for real numbers whose type said all numbers",
          modulus_squared, lambda g, z: 2 * g * z.conj(), complex_normal((4,))),
    piece("JuliaDiff/ChainRules.jl#211", "Fix rules for sign with complex input", "zero_gradient",
          "the sign of a real number is constant; z/|z| is not",
          direction, lambda g, z: 0 * g, complex_normal((4,))),
    Piece("pytorch/pytorch#58509",
          "custom Function intermediary results are dangerous for double backward", "second_order",
          "“Gradcheck is correct”, says the example, “Double grad is silently wrong”",
          lambda: (lambda x: (2 * x)**2, lambda g, x: 8 * g * x), normal((3,)),
          saved_intermediate),
    Piece("pytorch/pytorch#76185", "Ensure custom Function are correct in double backward setting",
          "second_order", "gradcheck passes; the double backward is not asked for",
          lambda: (lambda x: 6 * x, lambda g, x: 6 * g * np.ones_like(x)),
          lambda rng: (rng.uniform(0.5, 2, 4),), ratio_of_saved),
]
