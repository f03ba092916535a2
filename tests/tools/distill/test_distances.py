"""Distances between the statistics of features, against their definitions."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from nst.loss import style
from tools.distill.distances import NormalTarget, gram_error


def test_gram_error_of_known_matrices():
    gram, target = np.array([[[3.0, 0.0], [0.0, 4.0]]]), np.array([[[3.0, 0.0], [0.0, 0.0]]])
    error = gram_error(Tensor(gram), Tensor(target)).numpy()
    np.testing.assert_allclose(error, [16 / 9], rtol=1e-6)


@pytest.fixture(params=[(7, 5, 6), (12, 2, 3)], ids=["many positions", "few positions"])
def features(request):
    """Two pictures' features and their targets, N×C×H×W."""
    rng = np.random.default_rng(0)
    channels, *size = request.param
    return tuple(rng.standard_normal((2, channels, *size)).astype(np.float32) + shift
                 for shift in (0.5, 1.0))


def test_the_distance_is_that_of_the_style_loss(features):
    """Picture by picture, relative to tr C' + ‖μ'‖²."""
    found, wanted = features
    errors = NormalTarget(wanted).error(Tensor(found)).numpy()
    for number, error in enumerate(errors):
        one, other = (style.statistics(Tensor(x[number:number + 1]), [None], None, "w2")[0]
                      for x in (found, wanted))
        factor = 1 / style.statistics_size(other, "w2")
        target = style.style_target(other, None, factor, "w2")
        assert error == pytest.approx(style.distances([one], [target])[0].item(), rel=2e-3)


def test_no_distance_to_itself(features):
    found, _ = features
    assert NormalTarget(found).error(Tensor(found)).numpy() == pytest.approx([0, 0], abs=1e-4)


def test_the_gradient_is_that_of_differences(features):
    found, wanted = features
    target = NormalTarget(wanted)
    x = Tensor(found, requires_grad=True)
    target.error(x).sum().backward()
    direction = np.random.default_rng(1).standard_normal(found.shape).astype(np.float32)
    step = np.float32(0.02)
    with mg.no_grad():
        up, down = (target.error(Tensor(found + sign * step * direction)).sum().item()
                    for sign in (1, -1))
    slope = float((x.grad.numpy() * direction).sum())
    assert slope == pytest.approx((up - down) / (2 * float(step)), rel=0.02, abs=1e-3)


def test_a_constant_picture_has_no_covariance():
    grey = np.full((1, 4, 6, 5), 3.0, np.float32)
    other = Tensor(np.random.default_rng(2).standard_normal(grey.shape).astype(np.float32),
                   requires_grad=True)
    error = NormalTarget(grey).error(other)
    error.sum().backward()
    assert np.isfinite(error.numpy()).all() and np.isfinite(other.grad.numpy()).all()
