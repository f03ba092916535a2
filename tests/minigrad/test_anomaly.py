"""detect_anomaly(): the operation and the line behind a NaN or an infinity."""



import numpy as np
import pytest
from inspected import small_network

import minigrad as mg
from minigrad.errors import (
    AnomalyError,
)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_anomaly_in_the_forward_pass_names_operation_and_line():
    with mg.detect_anomaly(), pytest.raises(
            AnomalyError, match=r"^log gave NaN at index \(1,\) \(1 of 3 .*although its operands "
                                r"hold none, at .*test_anomaly\.py:\d+ \(x\.log\(\)  # here\)$"):
        x = mg.tensor([1.0, -1.0, 2.0])
        x.log()  # here
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match="divide gave −inf"):
        mg.tensor(-1.0) / mg.tensor(0.0)
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match="add gave NaN, which an operand"):
        mg.tensor(float("nan")) + 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_anomaly_in_the_backward_pass_names_the_forward_line():
    x = mg.tensor([4.0, 0.0], requires_grad=True)
    with mg.detect_anomaly():
        y = x.sqrt()  # the culprit
        loss = y.sum()
        with pytest.raises(AnomalyError, match=r"derivative of sqrt with respect to x gave inf at "
                           r"index \(1,\).*test_anomaly\.py:\d+ \(y = .* # the culprit\)"):
            loss.backward()
    loss = x.sqrt().sum()
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match="outside detect_anomaly"):
        loss.backward()


def test_healthy_computations_and_deliberate_infinities_pass(rng):
    with mg.detect_anomaly():
        net, loss = small_network(rng)
        loss.backward()
        scores = mg.where(mg.tensor([True, False]), mg.tensor([1.0, 2.0], requires_grad=True),
                          -float("inf"))
        mg.softmax(scores, 0)[0].backward()
    assert all(np.isfinite(p.grad.numpy()).all() for p in net.parameters())
    assert issubclass(AnomalyError, mg.MinigradError)
