"""Functions with planted mistakes, and the message with which the checker rejects them."""

import numpy as np
import pytest

from minigrad import elementwise
from minigrad.check import GradcheckError, KinkError, gradcheck


def rejected(function, *inputs, check=gradcheck, **options):
    """The message with which a check fails (as a mistake, not as a kink)."""
    with pytest.raises(GradcheckError) as caught:
        check(function, inputs, **options)
    assert not isinstance(caught.value, KinkError), str(caught.value)
    return str(caught.value)


def wrong_tanh(rule):
    @elementwise
    def wrong(x):
        return np.tanh(x)

    return wrong.derivative(x=rule)
